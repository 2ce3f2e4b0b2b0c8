"""What a report is about, and finding its facts in a log that is only read."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from msgspec import Struct

from huissier.adapters.log.port import Look, Progress
from huissier.adapters.views.entries import decision_under, entry_of
from huissier.domain.tags import submission_tag
from huissier.projections.projection import Entry
from huissier.projections.trail import Period, Question
from huissier.projections.words import Word

_PAGE: Final = 1_000


class Subject(Struct, frozen=True, kw_only=True):
    """Which facts are meant, with names as facts keep them: all that is given must hold for a fact.

    `mailboxes`: it must concern every one of them, so two of them are a contact.
    """

    happened: Period = Period()
    mailboxes: tuple[str, ...] = ()
    usager: str | None = None
    submission: str | None = None

    @property
    def question(self) -> Question:
        """The same as a question to the trail."""
        words = [frozenset((Word("mailbox", one),)) for one in self.mailboxes]
        if self.usager is not None:
            words.append(frozenset((Word("usager", self.usager),)))
        if self.submission is not None:
            words.append(frozenset((Word("submission", self.submission),)))
        return Question(words=tuple(words), happened=self.happened)


class Held:
    """A log held at one look, so that whoever looks again and again sees one state."""

    def __init__(self, look: Look) -> None:
        """Hold it as long as the look lasts."""
        self.look = look

    def reading(self) -> AbstractContextManager[Look]:
        """Lend the look."""
        return nullcontext(self.look)


def facts_meant(look: Look, subject: Subject, progress: Progress = lambda _done, _of: None) -> Iterator[Entry]:
    """Yield the facts a report is about, in the order of the log. Raises `CorruptStoreError`.

    The trail is not asked: whoever took a block out of it would take facts out of the report. So the log is read from
    its beginning, except for one message, whose facts its tag finds.
    """
    rows = _all(look, progress) if subject.submission is None else _about(look, subject.submission)
    question = subject.question
    return (entry for entry in (entry_of(*row) for row in rows) if question.means(entry))


def submitted_as(look: Look, ids: Iterable[str]) -> str | None:
    """Return which of some ids the log keeps a submission under; None where it keeps none."""
    found = decision_under(look, ids)
    return None if found is None else found[1].id


def _about(look: Look, submission: str) -> Iterator[tuple[int, bytes]]:
    return ((position, data) for _, position, data in look.by_tag([submission_tag(submission)]))


def _all(look: Look, progress: Progress) -> Iterator[tuple[int, bytes]]:
    position = 0
    while page := look.facts_after(position, _PAGE):
        yield from page
        position = page[-1][0]
        progress(position, look.head)
