"""Who might write to whom, and which facts made it so: the domain's answers with the facts as an auditor reads them."""

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct

from huissier.adapters.audit.lines import Line, line_of
from huissier.adapters.audit.telling import Language
from huissier.adapters.log.port import Look
from huissier.adapters.views.entries import entry_of
from huissier.domain.answers import Verdict, explained_verdict
from huissier.domain.as_of import Answer, History, Question, Told, answers
from huissier.domain.events import VerdictGiven
from huissier.domain.facts import Facts
from huissier.domain.needs import needs
from huissier.domain.rule_set import RuleBook
from huissier.domain.timeline import Fact
from huissier.projections.projection import Entry

Known = Callable[[Entry], bool]


class Stand(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer from a moment on, the facts it rests on, and what made it so: a fact, or what time brought."""

    at: datetime
    verdict: Verdict
    rules: str
    facts: tuple[Line, ...] = ()
    because_of: Line | None = None
    because: str | None = None


def stands(
    look: Look, question: Question, book: RuleBook, since: datetime, language: Language, known: Known = lambda _: True
) -> Iterator[Stand]:
    """Yield the answer at a moment and each later one that differs; `known`: which facts of the log count.

    Raises `StoreError` where one of the facts, or the end of the log, is damaged.
    """
    look.facts_after(look.head, 1)  # raises where the log goes on behind what it takes for its end
    found: dict[int, tuple[Entry, set[str]]] = {}
    tags = list(_read(look, question, found))
    entries = {position: entry for position, (entry, _) in found.items() if known(entry)}
    told = [Told(_fact(entry), frozenset(found[position][1])) for position, entry in entries.items()]

    def stand(answer: Answer) -> Stand:
        cause, positions = answer.cause, _positions(answer.verdict)
        return Stand(
            at=answer.at,
            verdict=explained_verdict(answer.verdict.recipient, answer.verdict),
            rules=answer.rules,
            facts=tuple(line_of(entries[position], language) for position in positions),
            because_of=line_of(entries[cause.position], language) if isinstance(cause, Fact) else None,
            because=cause if isinstance(cause, str) else None,
        )

    return map(stand, answers(question, History(tags, told), book, since))


def _read(look: Look, question: Question, found: dict[int, tuple[Entry, set[str]]]) -> Iterator[str]:
    """Read all facts that the question needs, and yield their tags."""
    facts = Facts()
    for tags in needs([(question.command, question.identities)], facts):
        facts.learn(tags)
        for tag, position, data in look.by_tag(tags):
            entry, its_tags = found.setdefault(position, (entry_of(position, data), set()))
            its_tags.add(tag)
            facts.add((tag,), _fact(entry))
        yield from tags


def _fact(entry: Entry) -> Fact:
    return Fact(entry.event.at, entry.position, entry.event)


def _positions(verdict: VerdictGiven) -> list[int]:
    return sorted({position for reason in verdict.reasons for position in reason.facts})
