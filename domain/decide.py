"""One entrance for every command but a submission: the command, whom it means and the facts in; an outcome out.

A submission is never rejected: it always ends in verdicts, see `message`.
"""

from collections.abc import Callable
from datetime import datetime

from huissier.domain import mailbox, operator, submission, trust_space
from huissier.domain.commands import (
    AdmitDomain,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    OpenEns,
    OtherCommand,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.domain.decision import Outcome, Recorded, Rejected
from huissier.domain.events import CommandRejected, ReasonGiven, UsagerErased
from huissier.domain.facts import Facts
from huissier.domain.identities import Identities
from huissier.domain.operator import UNKNOWN as NO_OPERATOR
from huissier.domain.reasons import Code
from huissier.domain.vocabulary.address import MailboxAddress


def decide(command: OtherCommand, identities: Identities, at: datetime, facts: Facts) -> Outcome:
    """Decide one command at its time. `facts` must hold every tag that `needs` names."""
    match command:
        case ReportDelivery():
            return _addressed(
                identities.addresses[command.recipient],
                lambda a: submission.report(
                    command, identities.submission, a, at, facts.submission(identities.submission)
                ),
            )
        case CreateMailbox() | SuspendMailbox() | ResumeMailbox() | DeleteMailbox() | SetListeRouge():
            return _addressed(identities.addresses[command.address], lambda a: _about_mailbox(command, a, at, facts))
        case RegisterOperator():
            return operator.register(command, at, facts.operator(command.operator))
        case SignInstrument():
            return operator.sign(command, at, facts.operator(command.operator))
        case PublishCgu():
            return operator.publish(command, at, facts.operator(command.operator))
        case AdmitDomain():
            runs_it = None if command.operator is None else facts.operator(command.operator)
            return trust_space.admit(command, at, facts.domain(command.domain), runs_it)
        case WithdrawDomain():
            return trust_space.withdraw(command, at, facts.domain(command.domain))
        case OpenEns() | CloseEns() | EraseUsager():
            return _about_usager(command, identities, at, facts)
        case SignCgu():  # pragma: no branch
            return _addressed(identities.addresses[command.mailbox], lambda a: _sign_cgu(command, a, at, facts))


def _addressed(address: MailboxAddress | None, decided: Callable[[MailboxAddress], Outcome]) -> Outcome:
    return Rejected(Code.ADDRESS_INVALID) if address is None else decided(address)


def _about_mailbox(
    command: CreateMailbox | SuspendMailbox | ResumeMailbox | DeleteMailbox | SetListeRouge,
    address: MailboxAddress,
    at: datetime,
    facts: Facts,
) -> Outcome:
    timeline = facts.mailbox(address)
    match command:
        case CreateMailbox():
            return mailbox.create(command, address, at, timeline, facts.domain(address.domain).as_of(at))
        case SuspendMailbox():
            return mailbox.suspend(command, address, at, timeline)
        case ResumeMailbox():
            return mailbox.resume(command, address, at, timeline)
        case DeleteMailbox():
            return mailbox.delete(command, address, at, timeline)
        case SetListeRouge():  # pragma: no branch
            return mailbox.set_liste_rouge(command, address, at, timeline)


def _sign_cgu(command: SignCgu, address: MailboxAddress, at: datetime, facts: Facts) -> Outcome:
    domain = facts.domain(address.domain).as_of(at)
    runs_it = NO_OPERATOR if domain.operator is None else facts.operator(domain.operator).as_of(at)
    return mailbox.sign_cgu(command, address, at, facts.mailbox(address), domain, runs_it)


def _about_usager(
    command: OpenEns | CloseEns | EraseUsager, identities: Identities, at: datetime, facts: Facts
) -> Outcome:
    address = identities.usager
    if address is None:
        return Rejected(Code.INS_INVALID)
    match command:
        case EraseUsager():
            if not identities.usager_known:
                return Rejected(Code.NOT_FOUND)
            return Recorded(UsagerErased(at=at, usager=address.usager_id))
        case OpenEns():
            domain = facts.domain(address.domain).as_of(at)
            return mailbox.open_ens(command.oid, address, at, facts.mailbox(address), domain)
        case CloseEns():  # pragma: no branch
            return mailbox.close_ens(address, at, facts.mailbox(address))


def rejection(command: OtherCommand, identities: Identities, at: datetime, rejected: Rejected) -> CommandRejected:
    """Return the fact that a command was refused; a mailbox stands in it as facts keep it, or as an empty text.

    A delivery report is kept whole: under other rules its message might have been accepted, and then it would count.
    """
    report = command if isinstance(command, ReportDelivery) else None
    recipient = None if report is None else identities.addresses[report.recipient]
    return CommandRejected(
        at=at,
        command=str(command.__struct_config__.tag),
        subject=_subject(command, identities),
        recipient=None if recipient is None else recipient.text,
        status=None if report is None else report.status,
        reasons=(ReasonGiven(rejected.code, rejected.facts),),
    )


def _subject(command: OtherCommand, identities: Identities) -> str:
    match command:
        case ReportDelivery():
            return identities.submission
        case RegisterOperator() | SignInstrument() | PublishCgu():
            return command.operator
        case AdmitDomain() | WithdrawDomain():
            return command.domain
        case _:
            addresses = (*identities.addresses.values(), identities.usager)
            return next((address.text for address in addresses if address is not None), "")
