"""From a fact back to the command it came from, as far as the log keeps it, so that it can be decided again.

Whom the command meant is in the fact already, under pseudonyms: neither a vault nor its key is needed.
"""

from typing import Final

from huissier.domain.commands import (
    AdmitDomain,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    OpenEns,
    OtherCommand,
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
from huissier.domain.events import (
    CguPublished,
    CguSigned,
    DomainAdmitted,
    DomainWithdrawn,
    EnsClosed,
    EnsOpened,
    InstrumentSigned,
    ListeRougeSet,
    MailboxCreated,
    MailboxDeleted,
    MailboxResumed,
    MailboxSuspended,
    MessageDecided,
    MessageDelivered,
    MessageUndelivered,
    OperatorRegistered,
)
from huissier.domain.identities import UNREADABLE_USAGER, Identities
from huissier.domain.message import FIN_SUBJECT
from huissier.domain.reasons import Code
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.certificate_dn import COMMON_NAME
from huissier.domain.vocabulary.times import written

UNREADABLE: Final = "?"  # stands for every text that was not plainly one address; no address is written so
_NOBODYS: Final = (UNREADABLE, UNREADABLE_USAGER)

Other = tuple[OtherCommand, Identities]

_OfOperatorOrDomain = OperatorRegistered | InstrumentSigned | CguPublished | DomainAdmitted | DomainWithdrawn
_OfMailbox = MailboxCreated | MailboxSuspended | MailboxResumed | MailboxDeleted | ListeRougeSet
Commanded = MessageDelivered | MessageUndelivered | EnsOpened | EnsClosed | CguSigned | _OfOperatorOrDomain | _OfMailbox


def submission_behind(decided: MessageDecided) -> tuple[SubmitMessage, Identities]:
    """Return what a gateway asked.

    For a fact that is not `whole` this is what would explain the decision: a certificate that is not admitted where
    that was a reason, and `[FIN]` or the FIN header where the message had their effects.
    """
    sender = decided.sender or UNREADABLE
    recipients = [verdict.recipient or UNREADABLE for verdict in decided.verdicts]
    reply_to = None if decided.reply_to is None else decided.reply_to or UNREADABLE
    certificate = _certificate(decided)
    common_name = certificate is not None and certificate.startswith(COMMON_NAME)
    command = SubmitMessage(
        at=decided.at,
        id=decided.id,
        sender=sender,
        recipients=recipients,
        reply_to=reply_to,
        subject=FIN_SUBJECT if _has_fin_subject(decided) else None,
        mss_mes="FIN" if decided.fin_header or (not decided.whole and decided.unanswerable) else None,
        size=decided.size,
        certificate_dn=None if common_name else certificate,
        certificate_cn=certificate.removeprefix(COMMON_NAME) if certificate is not None and common_name else None,
        final_hop=decided.final_hop,
        stage=decided.stage,  # type: ignore[arg-type]  # what stands there is compared afterwards
    )
    named = (sender, *recipients) if reply_to is None else (sender, *recipients, reply_to)
    identities = Identities(
        addresses={text: None if text in _NOBODYS else MailboxAddress.of_fact(text) for text in named},
        submission=decided.id,
        message_id=decided.message_id,
        in_reply_to=decided.in_reply_to,
    )
    return command, identities


def _certificate(decided: MessageDecided) -> str | None:
    """Return the peer's name; an unreadable one where none was kept and a reason says it was not admitted."""
    if decided.whole or decided.certificate is not None:
        return decided.certificate
    codes = {reason.code for verdict in decided.verdicts for reason in verdict.reasons}
    return "" if Code.CERTIFICATE_NOT_ADMITTED in codes else None


def _has_fin_subject(decided: MessageDecided) -> bool:
    if decided.whole or decided.fin_subject:
        return decided.fin_subject
    by_header = decided.unanswerable and "fin_header=ends-contact" in decided.rules
    return bool(decided.ends) and not by_header


def report_behind(fact: MessageDelivered | MessageUndelivered) -> Other:
    """Return the report that a fact about a delivery came from."""
    command = ReportDelivery(
        at=fact.at,
        id=fact.id,
        recipient=fact.recipient,
        status="delivered" if isinstance(fact, MessageDelivered) else "undelivered",
        cause=fact.cause if isinstance(fact, MessageUndelivered) else None,
    )
    return command, Identities(addresses=_alone(fact.recipient), submission=fact.id)


def command_behind(event: Commanded) -> Other:
    """Return the command that a fact came from. Raises `VocabularyError`."""
    match event:
        case MessageDelivered() | MessageUndelivered():
            return report_behind(event)
        case OperatorRegistered() | InstrumentSigned() | CguPublished() | DomainAdmitted() | DomainWithdrawn():
            return _of_operator_or_domain(event), Identities()
        case EnsOpened():
            return OpenEns(at=event.at, ins="", oid=event.oid), _usager(event.address)
        case EnsClosed():
            return CloseEns(at=event.at, ins=""), _usager(event.address)
        case CguSigned():
            return SignCgu(at=event.at, mailbox=event.mailbox, version=event.version), _named(event.mailbox)
        case _:
            return _of_mailbox(event), _named(event.address)


def _of_operator_or_domain(event: _OfOperatorOrDomain) -> OtherCommand:
    match event:
        case OperatorRegistered(at=at, operator=operator):
            return RegisterOperator(at=at, operator=operator, kind=event.kind, name=event.name)  # type: ignore[arg-type]
        case InstrumentSigned(at=at, operator=operator, referentiel=referentiel):
            return SignInstrument(at=at, operator=operator, instrument=event.instrument, referentiel=referentiel)  # type: ignore[arg-type]
        case CguPublished(at=at, operator=operator, version=version):
            deadline = None if event.deadline is None else written(event.deadline)
            return PublishCgu(at=at, operator=operator, version=version, deadline=deadline)
        case DomainAdmitted(at=at, domain=domain, hosted=hosted):
            names = list(event.certificate_dns)
            return AdmitDomain(at=at, domain=domain, operator=event.operator, certificate_dns=names, hosted=hosted)
        case _:
            return WithdrawDomain(at=event.at, domain=event.domain, certificate_dns=list(event.certificate_dns))


def _of_mailbox(event: _OfMailbox) -> OtherCommand:
    at, address = event.at, event.address
    match event:
        case MailboxCreated():
            return CreateMailbox(
                at=at,
                address=address,
                kind=event.kind,  # type: ignore[arg-type]
                rpps=event.rpps,
                adeli=event.adeli,
                finess=event.finess,
                name=event.name,
                service=event.service,
                secteur=event.secteur,
                liste_rouge=event.liste_rouge,
            )
        case MailboxSuspended():
            return SuspendMailbox(at=at, address=address, motive=event.motive)
        case MailboxResumed():
            return ResumeMailbox(at=at, address=address, motive=event.motive)
        case MailboxDeleted():
            return DeleteMailbox(at=at, address=address, motive=event.motive)
        case _:
            return SetListeRouge(at=at, address=address, liste_rouge=event.liste_rouge)


def _named(address: str) -> Identities:
    return Identities(addresses=_alone(address))


def _usager(address: str) -> Identities:
    return Identities(usager=MailboxAddress.of_fact(address))


def _alone(address: str) -> dict[str, MailboxAddress | None]:
    return {address: MailboxAddress.of_fact(address)}
