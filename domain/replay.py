"""Replay: every fact decided again on the facts before it, under the rules of its time, and held against the log.

A fact is folded as the log has it, whatever is found: the facts after it were decided on it. What differs is named
field by field. What no decider can tell from the log alone is named too, and never counts as equal.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from huissier.domain.asked import Commanded, command_behind, submission_behind
from huissier.domain.decide import decide
from huissier.domain.decision import Outcome, Recorded, Rejected
from huissier.domain.events import (
    AnyEvent,
    CommandRejected,
    DomainAdmitted,
    DomainWithdrawn,
    MessageDecided,
    StatisticsProduced,
    UsagerErased,
    WhiteListLoaded,
)
from huissier.domain.facts import Facts
from huissier.domain.message import decide_message, leaves_a_fact
from huissier.domain.rejections import is_explained
from huissier.domain.rule_set import SHIPPED, RuleBook, RuleSet, read_label
from huissier.domain.timeline import Fact
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.white_list import pairs_withdrawn

RULES_UNKNOWN: Final = "decisions under rules that this huissier does not know"
NOT_WHOLE: Final = "certificate and FIN of decisions written before they were kept"
_NOT_DECIDED: Final[dict[type, str]] = {
    WhiteListLoaded: "what a white list said, but for how many pairs it changed",
    UsagerErased: "erasures: whether the vault knew the usager",
    StatisticsProduced: "files of statistics",
}
_HEARD: Final = ("fin_subject", "fin_header", "certificate", "whole")  # what a fact that is not whole may lack


class Differs(Struct, frozen=True):
    """A field as the log has it and as it should be; `recorded` is the fact as a whole, which should not be there."""

    field: str
    recorded: Any
    recomputed: Any


class Checked(Struct, frozen=True):
    """What deciding a fact again came to; `unchecked` says what of it the log does not tell."""

    differs: tuple[Differs, ...] = ()
    unchecked: str | None = None


@lru_cache(maxsize=256)  # labels are few, unless somebody made them up
def rules_named(label: str) -> RuleBook | None:
    """Return the shipped rule sets under the options that a decision's label names; None where it cannot be read."""
    try:
        name, options = read_label(label)
    except VocabularyError:
        return None
    return RuleBook(options) if any(rules.name == name for rules in SHIPPED) else None


class Replay:
    """Decides facts again in the order of the log; `facts` must hold what stands before each."""

    def __init__(self, facts: Facts) -> None:
        """Start at the log's beginning."""
        self._facts = facts
        self._load = _Load(facts)

    def check(self, fact: Fact) -> Checked:
        """Decide a fact again. It is not folded."""
        event = fact.event
        match event:
            case MessageDecided():
                return self._check_decision(event)
            case CommandRejected():
                return Checked(_rejection_differs(event, self._facts))
            case WhiteListLoaded():
                return Checked(self._load.differs(event), _NOT_DECIDED[WhiteListLoaded])
            case UsagerErased() | StatisticsProduced():
                return Checked(unchecked=_NOT_DECIDED[type(event)])
            case _:
                return Checked(tuple(_held_against(event, self._outcome(event))))

    def passed(self, event: AnyEvent) -> None:
        """Take note of a fact that is about to be folded, whoever checks it."""
        self._load.take(event)

    def _check_decision(self, event: MessageDecided) -> Checked:
        book = rules_named(event.rules)
        if book is None:
            return Checked(unchecked=RULES_UNKNOWN)
        if self._facts.submission(event.id).latest.decided is not None:
            return Checked((Differs("recorded", True, "the same id was answered before"),))
        again = decision(event, self._facts, book.at(event.at))
        if not leaves_a_fact(again):
            return Checked((Differs("recorded", True, "a permission at RCPT leaves no fact"),))
        unchecked = None if event.whole else NOT_WHOLE
        if not event.whole:
            again = structs.replace(again, **{name: getattr(event, name) for name in _HEARD})
        return Checked(() if again == event else tuple(_fields(event, again)), unchecked)

    def _outcome(self, event: Commanded) -> Outcome | str:
        try:
            command, who = command_behind(event)
            return decide(_as_asked(command), who, event.at, self._facts)
        except (VocabularyError, msgspec.ValidationError) as problem:
            return f"no command says this: {problem}"


def decision(event: MessageDecided, facts: Facts, rules: RuleSet) -> MessageDecided:
    """Take a decision again under a rule set."""
    command, who = submission_behind(event)
    return decide_message(command, who, event.at, facts, rules)


def _as_asked(command: Any) -> Any:
    """Return the command with every field of its type."""
    return msgspec.convert(structs.asdict(command), type(command))


def _held_against(event: AnyEvent, outcome: Outcome | str) -> Iterator[Differs]:
    match outcome:
        case Recorded(again):
            yield from () if again == event else _fields(event, again)
        case Rejected(code, positions):
            yield Differs("recorded", True, f"rejected: {code}, resting on {list(positions)}")
        case str():
            yield Differs("recorded", True, outcome)
        case _:
            yield Differs("recorded", True, "unchanged: it was so already")


def _fields(event: AnyEvent, again: AnyEvent) -> Iterator[Differs]:
    """Yield what differs; verdicts are told recipient by recipient."""
    before, after = msgspec.to_builtins(event), msgspec.to_builtins(again)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        if name == "verdicts":
            yield from _verdicts(before[name], after[name])
        else:
            yield Differs(name, before.get(name), after.get(name))


def _verdicts(before: list[Any], after: list[Any]) -> Iterator[Differs]:
    for one, other in zip(before, after, strict=False):
        if one != other:
            yield Differs(f"verdict for {one['recipient'] or 'an unreadable address'}", one, other)
    if len(before) != len(after):
        yield Differs("verdicts", len(before), len(after))


def _rejection_differs(event: CommandRejected, facts: Facts) -> tuple[Differs, ...]:
    try:
        explained = is_explained(event, facts)
    except VocabularyError:
        explained = False
    return () if explained else (Differs("reasons", msgspec.to_builtins(event.reasons), "no command is rejected so"),)


class _Load:
    """How many pairs the last changes of the trust space admitted and withdrew; a load stands behind its changes."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._changes: list[tuple[int, int]] = []

    def take(self, event: AnyEvent) -> None:
        match event:
            case DomainAdmitted():
                self._changes.append((len(event.certificate_dns), 0))
            case DomainWithdrawn():
                before = self._facts.domain(event.domain).as_of(event.at)
                self._changes.append((0, pairs_withdrawn(event, before)))
            case _:
                self._changes.clear()

    def differs(self, load: WhiteListLoaded) -> tuple[Differs, ...]:
        """Return what differs; changes by hand just before a load look like its own: any number of the last may fit."""
        admitted = withdrawn = 0
        if (load.admitted, load.withdrawn) == (0, 0):
            return ()
        for more, fewer in reversed(self._changes):
            admitted, withdrawn = admitted + more, withdrawn + fewer
            if (admitted, withdrawn) == (load.admitted, load.withdrawn):
                return ()
        return (Differs("admitted, withdrawn", [load.admitted, load.withdrawn], [admitted, withdrawn]),)
