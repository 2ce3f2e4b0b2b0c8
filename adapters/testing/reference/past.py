"""Questions to a past that is a plain list: each reads it from the first line to the last.

A past is what stands before a decision in the log and happened at its time or earlier, in the order of time and
then of the log. What was recorded is kept as it was said.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.vocabulary.times import parse_time

USAGERS_DOMAIN = "patient.mssante.fr"
PHARMACIES_SINCE = datetime(2023, 5, 22, tzinfo=UTC)  # rule 7
PHARMACIES = ("SA33", "SA38", "SA39", "SA65")


class Box(NamedTuple):
    """Whom an address means; a usager stands under their INS and the number of its erasures so far."""

    name: str
    domain: str
    ins: str | None = None

    @property
    def spelled(self) -> str:
        """How an answer names it where the command did not."""
        return f"usager@{self.domain}" if self.ins else self.name


class Decided(NamedTuple):
    """What was decided on a submission, and what it does to contacts once it is received."""

    codes: dict[Box | None, tuple[bool, tuple[str, ...]]]
    usagers: frozenset[Box] = frozenset()
    shadow: frozenset[Box | None] = frozenset()
    named: tuple["Box | str", ...] = ()  # recipients as the log names them: an unreadable one is "" or "usager"
    opens: tuple[Box, ...] = ()
    ends: tuple[Box, ...] = ()
    unanswerable: tuple[Box, ...] = ()


class Entry(NamedTuple):
    """One line of the log: when it happened, its place, what was said, and about whom."""

    at: datetime
    place: int
    command: AnyCommand
    box: Box | None = None
    decided: Decided | None = None
    rejected: bool = False


Past = Sequence[Entry]


class DomainThen(NamedTuple):
    """A domain as the past leaves it; `pairs`: each certificate and since when it is withdrawn."""

    ever: bool = False
    admitted: bool = False
    withdrawn_at: datetime | None = None
    operator: str | None = None
    hosted: bool = False
    pairs: dict[CertificateDn, datetime | None] = {}  # noqa: RUF012 - never changed

    @property
    def paired(self) -> list[CertificateDn]:
        """The certificates it has."""
        return [dn for dn, withdrawn_at in self.pairs.items() if withdrawn_at is None]


def domain_at(past: Past, name: str) -> DomainThen:
    """Rule 8: an admission adds; a withdrawal takes all, or the certificates it names, and with the last one all."""
    then = DomainThen()
    for entry in past:
        said = entry.command
        if isinstance(said, AdmitDomain) and said.domain == name:
            pairs = {**then.pairs, **dict.fromkeys(certificates(said))}
            operator = said.operator or then.operator
            hosted = then.hosted if said.hosted is None else said.hosted
            then = DomainThen(True, True, None, operator, hosted, pairs)
        if isinstance(said, WithdrawDomain) and said.domain == name and then.admitted:
            named = certificates(said) or then.paired
            gone = {dn: entry.at for dn in then.paired if dn in named}
            then = then._replace(pairs={**then.pairs, **gone})
            if not certificates(said) or (gone and not then.paired):
                then = then._replace(admitted=False, withdrawn_at=entry.at)
    return then


class MailboxThen(NamedTuple):
    """A mailbox as the past leaves it; `status` is None where it never existed."""

    status: str | None = None
    created: CreateMailbox | None = None
    liste_rouge: bool = False


def mailbox_at(past: Past, box: Box) -> MailboxThen:
    """Rule 12: created → active ⇄ suspended → deleted; a usager's mailbox opens again with the ENS."""
    then = MailboxThen()
    for entry in past:
        if entry.box != box:
            continue
        match entry.command:
            case CreateMailbox() as said if then.status is None:
                then = MailboxThen("active", said, said.liste_rouge)
            case OpenEns() if then.status in (None, "deleted"):
                then = then._replace(status="active")
            case SuspendMailbox() if then.status == "active":
                then = then._replace(status="suspended")
            case ResumeMailbox() if then.status == "suspended":
                then = then._replace(status="active")
            case DeleteMailbox() | CloseEns():
                then = then._replace(status="deleted")
            case SetListeRouge() as said:
                then = then._replace(liste_rouge=said.liste_rouge)
            case _:
                pass
    return then


def registration(past: Past, operator: str | None) -> RegisterOperator | None:
    """Return what an operator registered as."""
    for entry in past:
        if isinstance(entry.command, RegisterOperator) and entry.command.operator == operator:
            return entry.command
    return None


def instruments(past: Past, operator: str | None) -> list[tuple[datetime, SignInstrument]]:
    """Return what an operator signed, and when."""
    said = [(entry.at, entry.command) for entry in past]
    return [(at, c) for at, c in said if isinstance(c, SignInstrument) and c.operator == operator]


def has_contract(past: Past, domain: str) -> bool:
    """Rule 11: the operator of the domain has signed the contrat."""
    return any(said.instrument == "contrat" for _, said in instruments(past, domain_at(past, domain).operator))


def is_committed(past: Past, domain: str, avenant_for_contracts_before: datetime) -> bool:
    """Rule 11: contrat, Annexe 2 for 1.4 or later and, where already in the space, the avenant."""
    signed = instruments(past, domain_at(past, domain).operator)
    contracts = [at for at, said in signed if said.instrument == "contrat"]
    annexes = [_version(said.referentiel) for _, said in signed if said.instrument == "annexe-2"]
    if not contracts or not any(version >= [1, 4] for version in annexes):
        return False
    was_in_the_space = min(contracts) < avenant_for_contracts_before
    return not was_in_the_space or any(said.instrument == "avenant-1-02-2020" for _, said in signed)


def is_usager(past: Past, box: Box | None) -> bool:
    """A usagers' domain is `patient.mssante.fr` or one whose operator is of kind `usager`."""
    if box is None:
        return False
    operator = registration(past, domain_at(past, box.domain).operator)
    return box.domain == USAGERS_DOMAIN or (operator is not None and operator.kind == "usager")


def is_open_pharmacy(past: Past, box: Box | None, at: datetime) -> bool:
    """Rule 7."""
    if box is None or at < PHARMACIES_SINCE:
        return False
    mailbox = mailbox_at(past, box)
    return (
        mailbox.created is not None
        and mailbox.created.kind == "ORG"
        and mailbox.created.secteur in PHARMACIES
        and not mailbox.liste_rouge
    )


def submission(past: Past, id_: str) -> Entry | None:
    """Return the first message of an id."""
    for entry in past:
        if isinstance(entry.command, SubmitMessage) and entry.command.id == id_:
            return entry
    return None


def reports(past: Past, message: SubmitMessage, box: Box | None) -> list[str]:
    """Return what was reported of a message and a recipient."""
    said = [entry.command for entry in past if entry.box == box]
    return [c.status for c in said if isinstance(c, ReportDelivery) and c.id == message.id]


def received(past: Past, message: AnyCommand, box: Box | None) -> bool:
    """Rule 1: at the final hop acceptance is delivery; elsewhere it takes a report; what was received stays so."""
    return isinstance(message, SubmitMessage) and (message.final_hop or "delivered" in reports(past, message, box))


def published_cgu(past: Past, operator: str | None) -> list[tuple[str, datetime | None]]:
    """Return an operator's versions and deadlines in the order they first came; a deadline may have moved."""
    found: dict[str, datetime | None] = {}
    for entry in past:
        if isinstance(entry.command, PublishCgu) and entry.command.operator == operator:
            found[entry.command.version] = moment(entry.command.deadline)
    return list(found.items())


def signed_cgu(past: Past, box: Box) -> set[tuple[str | None, str]]:
    """Return the (operator, version) pairs a holder signed; the operator is the domain's at that time."""
    found = set()
    for index, entry in enumerate(past):
        if isinstance(entry.command, SignCgu) and entry.box == box:
            known_then = [e for e in past[:index] if e.place < entry.place]
            found.add((domain_at(known_then, box.domain).operator, entry.command.version))
    return found


def has_signed_cgu_in_force(past: Past, sender: Box, at: datetime, *, any_version: bool) -> bool:
    """Rule 10: the newest version whose deadline has passed, or a newer one; or by an option any at all."""
    operator = domain_at(past, sender.domain).operator
    if operator is None or mailbox_at(past, sender).status is None:
        return True
    versions = published_cgu(past, operator)
    passed = [place for place, (_, deadline) in enumerate(versions) if deadline is None or deadline < at]
    if not passed:
        return True
    signed = signed_cgu(past, sender)
    enough = versions if any_version else versions[passed[-1] :]
    return any((operator, version) in signed for version, _ in enough)


def certificates(said: AdmitDomain | WithdrawDomain) -> list[CertificateDn]:
    """Return the certificates a command names."""
    return [CertificateDn.parse(text) for text in said.certificate_dns]


def moment(deadline: str | None) -> datetime | None:
    """Return the last moment at which a version need not be signed yet."""
    return None if deadline is None else parse_time(deadline)


def _version(text: str | None) -> list[int]:
    return [int(part) for part in (text or "0").split(".")]
