"""The facts about one end of an exchange: its address, domain, operator and mailbox, its certificate and its CGU."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Final

from huissier.domain.events import InstrumentSigned, MailboxCreated, OperatorRegistered
from huissier.domain.mailbox import SignedCgu
from huissier.domain.operator import ANNEXE_2, AVENANT, CONTRAT, Operator, PublishedCgu, evolve
from huissier.domain.rule_set import PHARMACIES
from huissier.domain.timeline import Fact as Told
from huissier.domain.trust_space import Pair
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName
from tests.enumeration.words import DAY, DOMAIN, GRACE, INSTANT, NOW, Fact, Form, forms, sort


def party(role: str) -> dict[str, Fact]:
    readable = {f"{role}_address": ("readable",)}
    here = {**readable, f"{role}_hosted": ("here",)}
    statuses = (None, "deleted", "suspended", "active")
    return {
        f"{role}_address": Fact({"unreadable": [named(role, None)], "readable": [named(role, DOMAIN[role])]}),
        f"{role}_domain": Fact(
            {"not admitted": _left(role), "admitted": _admitted(role)}, (readable,), alone=True, nobodys="not admitted"
        ),
        f"{role}_hosted": Fact(
            {"here": [{f"{role}.domain.hosted": True}], "elsewhere": [{f"{role}.domain.hosted": False}]}, (readable,)
        ),
        f"{role}_operator": Fact(operators(role), (here,), nobodys="none"),
        f"{role}_is": Fact(
            {"usager": [{f"{role}.usager": True}], "professionnel": [{f"{role}.usager": False}]}, (readable,)
        ),
        f"{role}_mailbox": Fact(
            {status or "none": [{f"{role}.mailbox.status": status}] for status in statuses}, (readable,), nobodys="none"
        ),
    }


def named(role: str, domain: str | None) -> Form:
    """Return an address on a domain, or one that cannot be read."""
    address = None if domain is None else MailboxAddress.of_fact(f"x@{domain}")
    return {f"{role}.address": address, f"{role}.name": domain}


def _left(role: str) -> list[Form]:
    return _domain(role, (False, None), (False, NOW - GRACE), (False, NOW - 400 * DAY))


def _admitted(role: str) -> list[Form]:
    return _domain(role, (True, None), (False, NOW), (False, NOW - GRACE + INSTANT))


def _domain(role: str, *values: tuple[bool, datetime | None]) -> list[Form]:
    return forms((f"{role}.domain.admitted", f"{role}.domain.withdrawn_at"), values)


AVENANT_CAME: Final = datetime(2020, 2, 1, tzinfo=UTC)
_SIGNED: Final = tuple(f"operator.{slot}" for slot in ("registered", "kind", "signatures", "contrat", "annexe_2"))


def operators(role: str) -> dict[str, list[Form]]:
    """Sort by what was signed: the contrat before or after the avenant came, the avenant, Annexe 2 for a version."""
    found: dict[str, list[Form]] = {
        "none": [{f"{role}.domain.operator": None, **state(role, Operator())}],
        **{word: [] for word in ("no contrat", "not committed", "committed")},
    }
    contrats = (None, AVENANT_CAME - INSTANT, AVENANT_CAME)
    for contrat, avenant, annexe in product(contrats, (False, True), (None, "1.3.1", "1.4", "1.10")):
        in_order = annexe in ("1.4", "1.10") and (avenant or contrat == AVENANT_CAME)
        word = "no contrat" if contrat is None else "committed" if in_order else "not committed"
        found[word].append({f"{role}.domain.operator": "op", **state(role, having_signed(contrat, avenant, annexe))})
    return found


def having_signed(contrat: datetime | None, avenant: bool, annexe: str | None) -> Operator:
    events: list[OperatorRegistered | InstrumentSigned]
    events = [OperatorRegistered(at=AVENANT_CAME, operator="op", kind="professionnel")]
    if contrat is not None:
        events.append(InstrumentSigned(at=contrat, operator="op", instrument=CONTRAT))
    if avenant:
        events.append(InstrumentSigned(at=NOW, operator="op", instrument=AVENANT))
    if annexe is not None:
        events.append(InstrumentSigned(at=NOW, operator="op", instrument=ANNEXE_2, referentiel=annexe))
    state = Operator()
    for position, event in enumerate(events, 1):
        state = evolve(state, Told(event.at, position, event))
    return state


def state(role: str, operator: Operator) -> Form:
    return {f"{role}.{slot}": getattr(operator, slot.removeprefix("operator.")) for slot in _SIGNED}


def certificates() -> dict[str, list[Form]]:
    """A peer's certificate, or only its common name, beside what the sender's domain is paired with."""
    dn, other = CertificateDn.parse("CN=mail.here.fr,O=Here"), CertificateDn.parse("CN=mail.else.fr,O=Else")
    ours, theirs, late, gone = Pair(dn, 1), Pair(other, 1), Pair(dn, 1, NOW - GRACE + INSTANT), Pair(dn, 1, NOW - GRACE)
    name = CommonName.parse("mail.here.fr")
    paired = [(True, peer, pairs) for peer in (dn, name) for pairs in ((ours,), (theirs, ours), (late,), (gone, ours))]
    unpaired = [(True, peer, pairs) for peer in (dn, name) for pairs in ((), (theirs,), (gone,))]
    slots = ("certificate_known", "certificate", "sender.domain.pairs")
    return {
        "not paired": forms(slots, [(True, None, (ours,)), *unpaired]),
        "in order": forms(slots, [(False, None, ()), (False, None, (ours,)), *paired]),
    }


_CGU_SLOTS: Final = ("sender.operator.cgu", "sender.mailbox.signed", "rules.options.cgu_signature")
_DEADLINES: Final = {"at once": None, "over": NOW - INSTANT, "not over": NOW}


def cgu() -> Mapping[str, list[Form]]:
    """Sort up to two versions, the time to sign each over or not, by what was signed of them."""
    deadlines = [(), *product(_DEADLINES), *product(_DEADLINES, _DEADLINES)]
    one, two, another = SignedCgu("op", "one", 1), SignedCgu("op", "two", 1), SignedCgu("another", "one", 1)
    signed = ((), (one,), (two,), (one, two), (another,))
    found = [
        (_published(each), signatures, option)
        for each, signatures, option in product(deadlines, signed, ("each-version", "any-version"))
    ]
    return sort(_cgu_word, ("not signed", "in order"), forms(_CGU_SLOTS, found))


def _published(deadlines: Iterable[str]) -> tuple[PublishedCgu, ...]:
    named = zip(("one", "two"), deadlines, strict=False)
    return tuple(PublishedCgu(version, _DEADLINES[each], NOW - DAY, 1) for version, each in named)


def _cgu_word(form: Form) -> str:
    """Rule 10: what is asked is the newest version whose time is over; a newer one will do as well."""
    published, signed, option = (form[slot] for slot in _CGU_SLOTS)
    over = [cgu.version for cgu in published if cgu.deadline is None or cgu.deadline < NOW]
    if not over:
        return "in order"
    enough = ("one", "two") if option == "any-version" or over[-1] == "one" else ("two",)
    known = {cgu.version for cgu in published}
    return "in order" if any(s.operator == "op" and s.version in known & {*enough} for s in signed) else "not signed"


def pharmacies() -> Mapping[str, list[Form]]:
    """Rule 7: the ORG mailbox of a pharmacy, not on the liste rouge, under rules that know pharmacies."""
    slots = tuple(f"recipient.mailbox.{slot}" for slot in ("created", "kind", "liste_rouge"))
    seen: list[Form] = [{**dict.fromkeys(slots), slots[2]: False, "rules.pharmacy_secteurs": PHARMACIES}]
    for kind, secteur, hidden, known in product(
        ("ORG", "PER"), ("SA33", "SA01", None), (False, True), (PHARMACIES, frozenset[str]())
    ):
        created = MailboxCreated(at=NOW, address="x", kind=kind, secteur=secteur)
        seen.append({**dict(zip(slots, (created, kind, hidden), strict=True)), "rules.pharmacy_secteurs": known})

    def word(form: Form) -> str:
        created, kind, hidden, known = form.values()
        open_to = known and kind == "ORG" and not hidden and created is not None and created.secteur == "SA33"
        return "an open pharmacy's" if open_to else "no pharmacy's"

    return sort(word, ("no pharmacy's", "an open pharmacy's"), seen)
