"""The forms of facts as people would tell them, cut where two rule sets may differ: sizes at their limits, and so on.

Of each fact the last is what stands against nothing. Times are told from the message's own.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise, product
from typing import Any, Final, NamedTuple

from huissier.domain.contact import Sent
from huissier.domain.events import MailboxCreated
from huissier.domain.mailbox import SignedCgu
from huissier.domain.operator import PublishedCgu
from huissier.domain.rule_set import RuleSet
from huissier.domain.trust_space import Pair
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.vocabulary.identifiers import version_key
from tests.enumeration.parties import AVENANT_CAME, having_signed, named, operators, state
from tests.enumeration.words import DAY, DOMAIN, INSTANT, Form

Told = Mapping[str, Form]
_PAIRED: Final = CertificateDn.parse("CN=mail.here.fr")


class Both(NamedTuple):
    """Two rule sets, and the moment of the message."""

    one: RuleSet
    other: RuleSet
    at: datetime

    def values(self, of: Callable[[RuleSet], Any]) -> list[Any]:
        """Return what the two have somewhere, sorted, each once and if at all."""
        return sorted({value for rules in self[:2] if (value := of(rules)) is not None})

    def ages(self) -> list[tuple[str, timedelta]]:
        """Return how long ago a withdrawal may be, cut at each grace."""
        graces = [days for days in self.values(lambda rules: rules.options.withdrawal_grace_days) if days]
        younger = [(f"withdrawn less than {graces[0]} days ago", timedelta())] if graces else []
        older = [
            (f"withdrawn {days} days ago or longer{_unless(' and less than {} days', longer)}", days * DAY)
            for days, longer in pairwise((*(graces or [0]), None))
            if days is not None
        ]
        return [*reversed(older), *younger]


def moments(one: RuleSet, other: RuleSet) -> dict[str, datetime]:
    """Return when the message may be sent, cut at each deadline to commit."""
    deadlines = sorted({rules.commitment_deadline for rules in (one, other)})
    return _before_and_from(deadlines)


def domain(role: str, both: Both) -> Told:
    """Admitted, withdrawn for so long, or never admitted."""
    slots = (f"{role}.domain.admitted", f"{role}.domain.withdrawn_at")
    gone = {label: (False, both.at - age) for label, age in both.ages()}
    return _told(slots, {"never admitted": (False, None), **gone, "admitted": (True, None)})


def certificate(both: Both) -> Told:
    """Presented or not, paired with the sender's domain or no longer."""
    slots = ("certificate_known", "certificate", "sender.domain.pairs")
    gone = {f"its pair {label}": (True, _PAIRED, (Pair(_PAIRED, 1, both.at - age),)) for label, age in both.ages()}
    paired = (True, _PAIRED, (Pair(_PAIRED, 1),))
    return _told(slots, {"not paired": (True, None, ()), **gone, "paired": paired, "not known": (False, None, ())})


def operator(role: str, both: Both) -> Told:
    """When it signed the contrat, the avenant or not, Annexe 2 for which version; in words where that is as usual."""
    if all(_is_usual(rules) for rules in both[:2]):
        return {word: found[0] for word, found in operators(role).items()}
    came = both.values(lambda rules: rules.options.avenant_for_contracts_before)
    contrats = {f"contrat {when}": signed for when, signed in _before_and_from(came).items()}
    versions = sorted(both.values(lambda rules: rules.usagers_since_referentiel), key=version_key)
    annexes = {f"no Annexe 2 for {versions[0]} or later": None} | {
        f"Annexe 2 for {version} or later{_unless(' but before {}', later)}": version
        for version, later in pairwise((*versions, None))
    }
    found: dict[str, Form] = {
        "none": {f"{role}.domain.operator": None, **state(role, having_signed(None, False, None))}
    }
    found["no contrat"] = {f"{role}.domain.operator": "op", **state(role, having_signed(None, True, versions[-1]))}
    for (label, contrat), avenant, (annexe, version) in product(contrats.items(), (False, True), annexes.items()):
        words = [label, "avenant" if avenant else "no avenant", annexe]
        slots = state(role, having_signed(contrat, avenant, version))
        found[", ".join(words)] = {f"{role}.domain.operator": "op", **slots}
    return found


def _is_usual(rules: RuleSet) -> bool:
    return rules.usagers_since_referentiel == "1.4" and rules.options.avenant_for_contracts_before == AVENANT_CAME


def cgu(both: Both) -> Told:
    """Two versions that must be signed, and what was signed of them."""
    slots = ("sender.operator.cgu", "sender.mailbox.signed")
    published = tuple(PublishedCgu(version, None, both.at, 1) for version in ("old", "new"))
    signed = {"none signed": (), "an older version signed": ("old",), "the version in force signed": ("new",)}
    return _told(
        slots, {word: (published, tuple(SignedCgu("op", v, 1) for v in versions)) for word, versions in signed.items()}
    )


def mailbox_is(both: Both) -> Told:
    """What its creation says of the recipient's mailbox."""
    slots = ("recipient.mailbox.created", "recipient.mailbox.kind", "recipient.mailbox.liste_rouge")
    secteurs = sorted(both.one.pharmacy_secteurs | both.other.pharmacy_secteurs) or ["SA33"]
    another = next(name for number in range(100) if (name := f"SA{number:02}") not in secteurs)

    def made(kind: str, secteur: str, hidden: bool) -> tuple[MailboxCreated, str, bool]:
        return MailboxCreated(at=both.at, address="x", kind=kind, secteur=secteur), kind, hidden

    return _told(
        slots,
        {
            "created elsewhere": (None, None, False),
            "PER": made("PER", secteurs[0], False),
            "ORG of another secteur": made("ORG", another, False),
            "ORG on the liste rouge": made("ORG", secteurs[0], True),
            **{f"ORG of secteur {secteur}": made("ORG", secteur, False) for secteur in secteurs},
        },
    )


def size(both: Both) -> Told:
    """The size, cut at each limit."""
    limits = both.values(lambda rules: rules.usagers_size_limit)
    limits = sorted({*limits, *both.one.size_limits.values(), *both.other.size_limits.values()})
    cuts = [(limit, larger) for limit, larger in pairwise((*limits, None)) if limit is not None]
    over = {f"over {limit:,} bytes{_unless(' and up to {:,}', larger)}": limit + 1 for limit, larger in reversed(cuts)}
    smallest = {f"up to {limits[0]:,} bytes": limits[0]} if limits else {}
    return _told(("size",), {label: (each,) for label, each in {**over, **smallest, "not told": None}.items()})


def address(role: str, both: Both) -> Told:
    """An address on a domain of which a rule set says something, or on any other."""
    listed = sorted({*both.one.size_limits, *both.other.size_limits}) if role == "recipient" else []
    places = {**{f"at {name}": name for name in listed}, "readable": DOMAIN[role]}
    return {label: named(role, name) for label, name in places.items()}


def contact(both: Both) -> Told:
    """What was received and what ended the contact, in which order."""
    first, later = Sent(both.at - DAY, 1), Sent(both.at, 2)
    slots = ("contact.opened", "contact.opened_by", "contact.ended")
    return _told(
        slots,
        {
            "nothing received": (None, None, None),
            "ended, nothing received": (None, None, first),
            "received, then ended": (first, 3, later),
            "ended, then received": (later, 3, first),
            "received": (first, 3, None),
        },
    )


def kinds(both: Both) -> Told:
    """Whom the message goes to."""
    return _told(("mixed",), {"professionnels and usagers": (True,), "of one kind": (False,)})


def _before_and_from(dates: list[datetime]) -> dict[str, datetime]:
    """Cut time at dates: one moment of each part, by its words."""
    found = {f"before {dates[0]:%Y-%m-%d}": dates[0] - INSTANT}
    for date, next_date in pairwise((*dates, None)):
        if date is not None:
            found[f"from {date:%Y-%m-%d} on{_unless(' and before {:%Y-%m-%d}', next_date)}"] = date
    return found


def _unless(words: str, bound: Any) -> str:
    """Say up to where it goes, unless there is no bound."""
    return "" if bound is None else words.format(bound)


def _told(slots: tuple[str, ...], forms: Mapping[str, Iterable[Any]]) -> Told:
    return {label: dict(zip(slots, values, strict=True)) for label, values in forms.items()}


CONCRETE: Final[Mapping[str, Callable[[Both], Told]]] = {
    "sender_address": lambda both: address("sender", both),
    "sender_domain": lambda both: domain("sender", both),
    "sender_operator": lambda both: operator("sender", both),
    "certificate": certificate,
    "cgu": cgu,
    "recipient_address": lambda both: address("recipient", both),
    "recipient_domain": lambda both: domain("recipient", both),
    "recipient_operator": lambda both: operator("recipient", both),
    "recipient_mailbox_is": mailbox_is,
    "size": size,
    "contact": contact,
    "kinds_of_recipients": kinds,
}
