"""Every path that a rule takes: where it reads a slot that is not settled yet, each value of that slot is tried."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from huissier.domain.home import Home
from huissier.domain.mailbox import Mailbox
from huissier.domain.rules import (
    BETWEEN_HOMES,
    OF_MESSAGE,
    OF_RECIPIENT,
    OF_SENDER,
    OF_USAGERS_MESSAGE,
    Exchange,
    Party,
    _for_professionnel,
    acceptances,
)
from tests.enumeration.facts import FACTS
from tests.enumeration.situations import built
from tests.enumeration.watching import watched
from tests.enumeration.words import Form

Judge = Callable[[Exchange], Any]


def _judges() -> Iterator[tuple[str, Judge]]:
    """Give each rule what it looks at, as `refusals` does."""
    yield from ((code, _of_end(rule, lambda x: x.sender)) for code, rule in OF_SENDER)
    yield from ((code, _of_end(rule, lambda x: x.recipient)) for code, rule in OF_RECIPIENT)
    yield from ((code, _of_homes(rule)) for code, rule in BETWEEN_HOMES)
    yield from OF_MESSAGE
    yield from ((code, _of_usagers_message(rule)) for code, rule in OF_USAGERS_MESSAGE)
    yield "acceptances", _for


def _of_end(rule: Callable[[Home, Mailbox], Any], end: Callable[[Exchange], Party]) -> Judge:
    return lambda x: rule(end(x).home, end(x).mailbox)


def _of_homes(rule: Callable[[Home, Home], Any]) -> Judge:
    return lambda x: rule(x.sender.home, x.recipient.home)


def _of_usagers_message(rule: Judge) -> Judge:
    return lambda x: rule(x) if x.needs_contact else None


def _for(x: Exchange) -> list[str]:
    """Return the codes that speak for an exchange; for a professionnel's without what is remembered of it."""
    judge = getattr(_for_professionnel, "__wrapped__")  # noqa: B009 typed as a cache
    found = acceptances(x) if x.sender.home.usager else judge(x.sender.home, x.recipient.home)
    return [reason.code for reason in found]


JUDGES: Final[dict[str, Judge]] = {str(code): judge for code, judge in _judges()}
# Read and not varied: where facts stand in the log, told with a reason, and what all forms are seen from (see `facts`).
TOLD: Final = {
    *(f"{role}.{slot}" for role in ("sender", "recipient") for slot in ("domain.position", "mailbox.status_position")),
    "at",
    "rules.options.withdrawal_grace_days",
    "rules.options.avenant_for_contracts_before",
    "rules.usagers_since_referentiel",
}
SLOTS: Final = {
    name: {slot for forms in fact.words.values() for form in forms for slot in form} for name, fact in FACTS.items()
}
_OWNER: Final = {slot: name for name, slots in SLOTS.items() for slot in slots}
_FORMS: Final = {
    name: [(word, form) for word, forms in fact.words.items() for form in forms] for name, fact in FACTS.items()
}
_USUAL: Final = {slot: value for fact in FACTS.values() for slot, value in fact.words[fact.otherwise][0].items()}

_Kept = dict[str, list[tuple[str, Form]]]


class Path(NamedTuple):
    """The words whose forms lead down it, by fact looked at; an exchange at its end, and what the rule says of it.

    `read`: the slots that were read, also those that no fact tells.
    """

    words: Mapping[str, set[str]]
    read: frozenset[str]
    x: Exchange
    answer: object


def says(judge: str, x: Exchange) -> tuple[object, list[str]]:
    """Return whether a rule has something against an exchange, or which codes speak for it, and what it read."""
    found, read = watched(JUDGES[judge], x)
    return (found if judge == "acceptances" else found is not None), read


@cache
def paths(judge: str) -> list[Path]:
    """Return all paths of a rule. Raises `AssertionError` where it reads what no situation tells."""
    return list(_followed(judge, {}, frozenset()))


def looked_at(judge: str) -> set[str]:
    """Return the facts that a rule looks at on some path."""
    return {name for path in paths(judge) for name in path.words}


def with_company(names: set[str]) -> set[str]:
    """Add the facts that say whether others matter."""
    wider = names | {other for name in names for company in FACTS[name].matters for other in company}
    return names if wider == names else with_company(wider)


def _followed(judge: str, kept: _Kept, settled: frozenset[str]) -> Iterator[Path]:
    slots = dict(_USUAL)
    for forms in kept.values():
        slots |= forms[0][1]
    x = built(slots)
    answer, read = says(judge, x)
    assert set(read) <= _OWNER.keys() | TOLD, (
        f"{judge} reads what no situation tells: {set(read) - _OWNER.keys() - TOLD}"
    )
    slot = next((slot for slot in read if slot in _OWNER and slot not in settled), None)
    if slot is None:
        yield Path({name: {word for word, _ in forms} for name, forms in kept.items()}, frozenset(read), x, answer)
        return
    name = _OWNER[slot]
    for same in _by_value(slot, kept.get(name, _FORMS[name])):
        yield from _followed(judge, {**kept, name: same}, settled | {slot})


def _by_value(slot: str, forms: list[tuple[str, Form]]) -> Iterator[list[tuple[str, Form]]]:
    """Put together the forms that have the same in a slot."""
    while forms:
        value = forms[0][1][slot]
        yield [each for each in forms if each[1][slot] == value]
        forms = [each for each in forms if each[1][slot] != value]
