"""Why a submission was answered as it was: the decision, its rules, what it rested on, and what became of it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final

from msgspec import Struct, structs

from huissier.adapters.audit.lines import Line, line_of
from huissier.adapters.audit.search import read, read_one
from huissier.adapters.audit.telling import Language
from huissier.adapters.log.port import Readable
from huissier.adapters.views.entries import decision_under, entry_of
from huissier.domain.answers import Verdict, explained_verdict
from huissier.domain.events import DomainAdmitted, DomainWithdrawn, MessageDecided, MessageDelivered, WhiteListLoaded
from huissier.domain.rule_set import SHIPPED, Options, values_in
from huissier.domain.tags import submission_tag
from huissier.domain.vocabulary.times import written
from huissier.projections.projection import Entry

_PAGE: Final = 500
_GROUNDS_REMEMBERED: Final = 2_000
_LABELS_REMEMBERED: Final = 100


class RulesInForce(Struct, frozen=True):
    """A rule set by its name, since when it holds (None where this huissier does not ship it), and every option.

    `chosen` names the options that were not at their default.
    """

    name: str
    since: str | None
    options: dict[str, str]
    chosen: tuple[str, ...]


class Ground(Struct, frozen=True, omit_defaults=True):
    """A fact that a decision rested on, and the one that brought it about; None where it came by a command."""

    line: Line
    brought_by: Line | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """A decision, recipient by recipient; `later` are the reports about the same submission."""

    decision: Line
    rules: RulesInForce
    verdicts: tuple[Verdict, ...]
    grounds: tuple[Ground, ...]
    later: tuple[Line, ...]


class Explainer:
    """Explains the decisions of one log, one after the other.

    Decisions rest on the same facts again and again, and the white list behind one may stand thousands of facts away:
    what was found for those used last is remembered.
    """

    def __init__(self, log: Readable, language: Language) -> None:
        """Explain in a language."""
        self._log = log
        self._language: Language = language
        self._ground = lru_cache(_GROUNDS_REMEMBERED)(lambda position: _ground(log, position, language))

    def explain(self, ids: Iterable[str]) -> Explanation | None:
        """Explain the decision on a submission, by its id as facts keep it; None where there is none."""
        with self._log.reading() as look:
            found = decision_under(look, ids)
        return None if found is None else self.decision(*found)

    def decision(self, entry: Entry, decided: MessageDecided) -> Explanation:
        """Explain a decision that is at hand: what it says, and what was reported about its submission afterwards."""
        later = [one for one in self._about(decided.id) if one.position > entry.position]
        positions = {position for given in decided.verdicts for reason in given.reasons for position in reason.facts}
        return Explanation(
            decision=line_of(entry, self._language),
            rules=_rules(decided.rules),
            verdicts=tuple(explained_verdict(given.recipient, given) for given in decided.verdicts),
            grounds=tuple(map(self._ground, sorted(positions))),
            later=tuple(line_of(one, self._language) for one in later),
        )

    def _about(self, id_: str) -> list[Entry]:
        with self._log.reading() as look:
            return [entry_of(position, data) for _, position, data in look.by_tag([submission_tag(id_)])]


def explain(log: Readable, ids: Iterable[str], language: Language) -> Explanation | None:
    """Explain the decision on one submission, by its id as facts keep it; None where there is none."""
    return Explainer(log, language).explain(ids)


@lru_cache(_LABELS_REMEMBERED)
def _rules(label: str) -> RulesInForce:
    """Read the label of `RuleSet.under`."""
    name, *words = label.split(" ")
    chosen = {option: _text(value) for option, value in values_in(words).items()}
    defaults = {item.name: _text(item.default) for item in structs.fields(Options)}
    since = next((written(rules.since) for rules in SHIPPED if rules.name == name), None)
    return RulesInForce(name, since, {**defaults, **chosen}, tuple(chosen))


def _text(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(value) or "none"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _ground(log: Readable, position: int, language: Language) -> Ground:
    entry = read_one(log, position)
    cause = _cause(log, entry)
    return Ground(line_of(entry, language), None if cause is None else line_of(cause, language))


def _cause(log: Readable, entry: Entry) -> Entry | None:
    """Find the submission behind a delivery, or the white list behind a change of the trust space."""
    match entry.event:
        case MessageDelivered(sent=sent):
            return read_one(log, sent)
        case DomainAdmitted(operator=None, hosted=None) | DomainWithdrawn():
            return _white_list(log, entry)
        case _:
            return None


def _white_list(log: Readable, change: Entry) -> Entry | None:
    """Find the white list whose load recorded a change: its own fact stands behind all its changes."""
    for entry in _behind(log, change.position):
        if (entry.recorded_at, entry.event.at) != (change.recorded_at, change.event.at):
            return None
        if isinstance(entry.event, WhiteListLoaded):
            return entry
        if not isinstance(entry.event, DomainAdmitted | DomainWithdrawn):
            return None
    return None


def _behind(log: Readable, position: int) -> Iterator[Entry]:
    while entries := read(log, position + 1, position + _PAGE):
        yield from entries
        position = entries[-1].position
