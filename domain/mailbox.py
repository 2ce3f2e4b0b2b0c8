"""`Mailbox` (BAL): kind, lifecycle and CGU of one address (rules 9, 10 and 12)."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from huissier.domain.commands import (
    CreateMailbox,
    DeleteMailbox,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SuspendMailbox,
)
from huissier.domain.decision import UNCHANGED, Outcome, Recorded, Rejected
from huissier.domain.events import (
    CguSigned,
    EnsClosed,
    EnsOpened,
    ListeRougeSet,
    MailboxCreated,
    MailboxDeleted,
    MailboxResumed,
    MailboxSuspended,
    Positions,
)
from huissier.domain.operator import Operator, PublishedCgu
from huissier.domain.reasons import Code
from huissier.domain.timeline import Fact, Timeline
from huissier.domain.trust_space import AdmittedDomain
from huissier.domain.vocabulary.address import MailboxAddress

ACTIVE, SUSPENDED, DELETED = "active", "suspended", "deleted"
USAGER = "USAGER"


class SignedCgu(Struct, frozen=True):
    """A version of an operator's CGU that the holder signed."""

    operator: str
    version: str
    position: int


class Mailbox(Struct, frozen=True, cache_hash=True):
    """A mailbox as of a time; `status` is None where it was never created.

    `since`: when it was created, a usager's when it was last opened.
    """

    status: str | None = None
    status_position: int | None = None
    since: datetime | None = None
    created: MailboxCreated | None = None
    kind: str | None = None
    liste_rouge: bool = False
    signed: tuple[SignedCgu, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether it was ever created."""
        return self.status is not None

    def positions(self) -> Positions:
        """Return where its status was last changed in the log."""
        return () if self.status_position is None else (self.status_position,)

    def is_published_org_in(self, secteurs: frozenset[str]) -> bool:
        """Say whether it is an ORG mailbox of one of these secteurs that the directory shows."""
        created = self.created
        return created is not None and self.kind == "ORG" and not self.liste_rouge and created.secteur in secteurs

    def has_signed_one_of(self, operator: str, versions: tuple[PublishedCgu, ...]) -> bool:
        """Say whether the holder signed one of these versions of an operator's CGU."""
        for signed in self.signed:
            if signed.operator == operator and any(signed.version == cgu.version for cgu in versions):
                return True
        return False


UNKNOWN = Mailbox()


def evolve(state: Mailbox, fact: Fact) -> Mailbox:
    """Fold one fact."""
    event, position = fact.event, fact.position
    match event:
        case MailboxCreated() if not state.exists:
            return replace(
                state,
                status=ACTIVE,
                status_position=position,
                since=fact.at,
                created=event,
                kind=event.kind,
                liste_rouge=event.liste_rouge,
            )
        case EnsOpened() if state.status in (None, DELETED):
            return replace(state, status=ACTIVE, status_position=position, since=fact.at, kind=USAGER)
        case MailboxSuspended() if state.status == ACTIVE:
            return replace(state, status=SUSPENDED, status_position=position)
        case MailboxResumed() if state.status == SUSPENDED:
            return replace(state, status=ACTIVE, status_position=position)
        case MailboxDeleted() | EnsClosed() if state.exists:
            return replace(state, status=DELETED, status_position=position)
        case ListeRougeSet():
            return replace(state, liste_rouge=event.liste_rouge)
        case CguSigned():
            return replace(state, signed=(*state.signed, SignedCgu(event.operator, event.version, position)))
        case _:
            return state


def create(
    command: CreateMailbox,
    address: MailboxAddress,
    at: datetime,
    mailbox: Timeline[Mailbox],
    domain: AdmittedDomain,
) -> Outcome:
    """Decide whether a mailbox is created: on a hosted domain, at an address that was never given."""
    if address.is_pseudonym:
        return Rejected(Code.INS_INVALID)
    if not (domain.admitted and domain.hosted):
        return Rejected(Code.DOMAIN_NOT_HOSTED, domain.positions())
    created = _created(command, address, at)
    known, before = mailbox.latest, mailbox.as_of(at)
    if known.exists and (known.created is None or replace(known.created, at=at) != created):
        return Rejected(Code.ALREADY_EXISTS, known.positions())
    if before.status == DELETED:
        return Rejected(Code.ALREADY_EXISTS, before.positions())
    return UNCHANGED if before.exists else Recorded(created)


def _created(command: CreateMailbox, address: MailboxAddress, at: datetime) -> MailboxCreated:
    return MailboxCreated(
        at=at,
        address=address.text,
        kind=command.kind,
        rpps=command.rpps,
        adeli=command.adeli,
        finess=command.finess,
        name=command.name,
        service=command.service,
        secteur=command.secteur,
        liste_rouge=command.liste_rouge,
    )


def suspend(command: SuspendMailbox, address: MailboxAddress, at: datetime, mailbox: Timeline[Mailbox]) -> Outcome:
    """Decide whether a mailbox is suspended."""
    before = mailbox.as_of(at)
    return _moved(before, {ACTIVE}, SUSPENDED, MailboxSuspended(at=at, address=address.text, motive=command.motive))


def resume(command: ResumeMailbox, address: MailboxAddress, at: datetime, mailbox: Timeline[Mailbox]) -> Outcome:
    """Decide whether a suspended mailbox works again."""
    before = mailbox.as_of(at)
    return _moved(before, {SUSPENDED}, ACTIVE, MailboxResumed(at=at, address=address.text, motive=command.motive))


def delete(command: DeleteMailbox, address: MailboxAddress, at: datetime, mailbox: Timeline[Mailbox]) -> Outcome:
    """Decide whether a mailbox is deleted."""
    before = mailbox.as_of(at)
    event = MailboxDeleted(at=at, address=address.text, motive=command.motive)
    return _moved(before, {ACTIVE, SUSPENDED}, DELETED, event)


def close_ens(address: MailboxAddress, at: datetime, mailbox: Timeline[Mailbox]) -> Outcome:
    """Decide whether the usager's mailbox closes with the espace numérique de santé."""
    return _moved(mailbox.as_of(at), {ACTIVE, SUSPENDED}, DELETED, EnsClosed(at=at, address=address.text))


def open_ens(
    oid: str | None, address: MailboxAddress, at: datetime, mailbox: Timeline[Mailbox], domain: AdmittedDomain
) -> Outcome:
    """Decide whether the usager's mailbox opens with the espace numérique de santé."""
    if not (domain.admitted and domain.hosted):
        return Rejected(Code.DOMAIN_NOT_HOSTED, domain.positions())
    if mailbox.as_of(at).status in (ACTIVE, SUSPENDED):
        return UNCHANGED
    return Recorded(EnsOpened(at=at, address=address.text, oid=oid))


def set_liste_rouge(
    command: SetListeRouge, address: MailboxAddress, at: datetime, mailbox: Timeline[Mailbox]
) -> Outcome:
    """Decide whether a mailbox is hidden from the directory or shown again."""
    before = mailbox.as_of(at)
    if not before.exists:
        return Rejected(Code.NOT_FOUND)
    if before.status == DELETED:
        return Rejected(Code.NOT_ALLOWED_IN_STATE, before.positions())
    if before.liste_rouge == command.liste_rouge:
        return UNCHANGED
    return Recorded(ListeRougeSet(at=at, address=address.text, liste_rouge=command.liste_rouge))


def sign_cgu(
    command: SignCgu,
    address: MailboxAddress,
    at: datetime,
    mailbox: Timeline[Mailbox],
    domain: AdmittedDomain,
    operator: Operator,
) -> Outcome:
    """Decide whether a holder's signature under a version its operator published is recorded."""
    before = mailbox.as_of(at)
    if not before.exists:
        return Rejected(Code.NOT_FOUND)
    if before.status == DELETED:
        return Rejected(Code.NOT_ALLOWED_IN_STATE, before.positions())
    published = operator.published(command.version)
    if published is None or domain.operator is None:
        return Rejected(Code.NOT_FOUND, before.positions())
    if before.has_signed_one_of(domain.operator, (published,)):
        return UNCHANGED
    return Recorded(CguSigned(at=at, mailbox=address.text, operator=domain.operator, version=command.version))


def _moved(
    before: Mailbox,
    allowed_from: set[str],
    to: str,
    event: MailboxSuspended | MailboxResumed | MailboxDeleted | EnsClosed,
) -> Outcome:
    """Decide one step of the lifecycle created → active ⇄ suspended → deleted (rule 12)."""
    if before.status is None:
        return Rejected(Code.NOT_FOUND)
    if before.status == to:
        return UNCHANGED
    if before.status not in allowed_from:
        return Rejected(Code.NOT_ALLOWED_IN_STATE, before.positions())
    return Recorded(event)
