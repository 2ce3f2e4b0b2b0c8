"""Every situation in words, the exchange that a situation is, and what the rules say of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from huissier.domain.contact import Contact
from huissier.domain.home import Home
from huissier.domain.mailbox import Mailbox
from huissier.domain.operator import Operator
from huissier.domain.reasons import Code
from huissier.domain.rule_set import Options, RuleSet
from huissier.domain.rules import Exchange, Party, acceptances, refusals
from huissier.domain.trust_space import AdmittedDomain
from tests.enumeration.facts import FACTS
from tests.enumeration.words import GRACE, NOW

Codes = tuple[Code, ...]


class Situation(NamedTuple):
    """A word for each fact."""

    sender_address: str
    sender_domain: str
    sender_hosted: str
    sender_operator: str
    sender_is: str
    sender_mailbox: str
    certificate: str
    cgu: str
    recipient_address: str
    recipient_domain: str
    recipient_hosted: str
    recipient_operator: str
    recipient_is: str
    recipient_mailbox: str
    recipient_mailbox_is: str
    size: str
    contact: str
    an_answer: str
    kinds_of_recipients: str
    usagers: str
    the_uncommitted: str

    def but(self, **words: str) -> "Situation":
        """Return the situation with other words for some facts; what does not matter then has the word for that."""
        found: list[str] = []
        for place, word in enumerate(self._replace(**words)):
            found.append(word if _matters(place, found) else OTHERWISE[place])
        return Situation(*found)

    def __str__(self) -> str:
        told = (
            f"{name}: {word}" for name, word, usual in zip(self._fields, self, OTHERWISE, strict=True) if word != usual
        )
        return ", ".join(told).replace("_", " ") or "nothing is known"


_FACTS: Final = [FACTS[name] for name in Situation._fields]
_PLACE: Final = {name: place for place, name in enumerate(Situation._fields)}
_COMPANIES: Final = [[[(_PLACE[o], words) for o, words in each.items()] for each in fact.matters] for fact in _FACTS]
OTHERWISE: Final = Situation(*(fact.otherwise for fact in _FACTS))
BEST: Final = Situation(*(fact.best for fact in _FACTS))


def _matters(place: int, before: Sequence[str]) -> bool:
    return any(all(before[other] in words for other, words in company) for company in _COMPANIES[place])


def situations() -> Iterator[Situation]:
    """Yield every situation, at most one of the facts that stand alone not at its best."""
    alone = {name: (fact.best,) for name, fact in FACTS.items() if fact.alone}
    yield from combined(**alone)
    for name in alone:
        yield from combined(**{**alone, name: tuple(word for word in FACTS[name].words if word != FACTS[name].best)})


def combined(**held: tuple[str, ...]) -> Iterator[Situation]:
    """Yield every combination, some facts held at some of their words; what does not matter is not varied."""
    found: list[tuple[str, ...]] = [()]
    for place, (name, fact) in enumerate(zip(Situation._fields, _FACTS, strict=True)):
        words = held.get(name, tuple(fact.words))
        usual: tuple[str, ...] = (
            (fact.otherwise,) if fact.best in words or name not in held else ()
        )  # told only where it matters
        found = [(*one, word) for one in found for word in (words if _matters(place, one) else usual)]
    return map(Situation._make, found)


def judged(x: Exchange) -> Codes:
    """Return the codes of the verdict on an exchange, as the decision puts it together."""
    return tuple(Code(reason.code) for reason in refusals(x) or acceptances(x))


# --- the exchange that a situation is


def built(slots: Mapping[str, Any]) -> Exchange:
    """Build an exchange from the values of its slots; those not named are as for nobody and nothing."""
    return _assembled({part: build(slots) for part, build in _PARTS.items()})


def under(x: Exchange, rules: RuleSet) -> Exchange:
    """Return an exchange under another rule set."""

    def moved(party: Party) -> Party:
        return replace(party, home=replace(party.home, rules=rules))

    return replace(x, sender=moved(x.sender), recipient=moved(x.recipient))


def exchange(situation: Situation) -> Exchange:
    """Build a situation from the first form of each of its words."""
    return _assembled({part: _part(part, tuple([situation[place] for place in _TOUCHING[part]])) for part in _PARTS})


def _assembled(parts: dict[str, Any]) -> Exchange:
    """Put the parts together: both homes are under the rules of the message and at its moment."""
    message = parts[""]
    ends: dict[str, Any] = {}
    for role in ("sender", "recipient"):
        end = parts[role]
        home = Home(end["name"], end["domain"], end["operator"], end["usager"], parts["rules"], message["at"])
        ends[role] = Party(end["address"], home, end["mailbox"])
    return Exchange(**ends, contact=parts["contact"], **message)


@cache
def _part(part: str, words: tuple[str, ...]) -> Any:
    """Build a part of an exchange once for each of the words that it is made of; many situations share it."""
    slots: dict[str, Any] = {}
    for place, word in zip(_TOUCHING[part], words, strict=True):
        slots |= FACTS[Situation._fields[place]].words[word][0]
    return _PARTS[part](slots)


def _inside(part: str, slots: Mapping[str, Any]) -> dict[str, Any]:
    return {path.rpartition(".")[2]: value for path, value in slots.items() if path.rpartition(".")[0] == part}


def _party(role: str, slots: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": None,
        "name": None,
        "usager": False,
        **_inside(role, slots),
        "domain": AdmittedDomain(**_inside(f"{role}.domain", slots)),
        "operator": Operator(**_inside(f"{role}.operator", slots)),
        "mailbox": Mailbox(**_inside(f"{role}.mailbox", slots)),
    }


def _rules(slots: Mapping[str, Any]) -> RuleSet:
    options = Options(withdrawal_grace_days=GRACE.days, **_inside("rules.options", slots))
    return RuleSet(**{"name": "any", "since": NOW, "usagers": False, **_inside("rules", slots)}, options=options)


def _message(slots: Mapping[str, Any]) -> dict[str, Any]:
    nothing = {"certificate_known": False, "certificate": None, "in_reply_to": (), "size": None, "mixed": False}
    return {"at": NOW, **nothing, **_inside("", slots)}


_PARTS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "sender": lambda slots: _party("sender", slots),
    "recipient": lambda slots: _party("recipient", slots),
    "contact": lambda slots: Contact(**_inside("contact", slots)),
    "rules": _rules,
    "": _message,
}


def _touches(name: str, part: str) -> bool:
    slots = {slot for forms in FACTS[name].words.values() for form in forms for slot in form}
    return any((slot.partition(".")[0] if "." in slot else "") == part for slot in slots)


_TOUCHING: Final = {
    part: [place for place, name in enumerate(Situation._fields) if _touches(name, part)] for part in _PARTS
}
