"""A report put together: what it is about, what is proved, and fact after fact with each decision explained."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from huissier.adapters.audit.explaining import Explainer, Explanation
from huissier.adapters.audit.lines import Line, line_of
from huissier.adapters.audit.report.evidence import Evidence
from huissier.adapters.audit.report.subject import Held, Subject, facts_meant
from huissier.adapters.audit.telling import Language
from huissier.adapters.log.port import Look, Progress
from huissier.domain.events import MessageDecided


class Told(Struct, frozen=True):
    """A fact, and where it is a decision, its explanation."""

    line: Line
    explanation: Explanation | None


class Report:
    """A report on a log held at one look; it counts what it has told."""

    def __init__(self, look: Look, subject: Subject, evidence: Evidence, language: Language, made: datetime) -> None:
        """Report in a language; `made` says when."""
        self.subject = subject
        self.evidence = evidence
        self.language: Language = language
        self.made = made
        self.head = look.head
        self.facts = 0
        self.decisions = 0
        self._look = look

    def timeline(self, progress: Progress = lambda _done, _of: None) -> Iterator[Told]:
        """Yield what is told, as the log is read. Raises `CorruptStoreError`."""
        explainer = Explainer(Held(self._look), self.language)
        for entry in facts_meant(self._look, self.subject, progress):
            explanation = explainer.decision(entry, entry.event) if isinstance(entry.event, MessageDecided) else None
            self.facts += 1
            self.decisions += explanation is not None
            yield Told(line_of(entry, self.language), explanation)
