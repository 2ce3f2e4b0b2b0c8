"""Whether a rejection in the log is explained: some command of its kind is rejected so on the facts before it.

A rejection keeps what kind of command was refused and whom it was about, not the whole command. So one command of that
kind is tried for each way in which it can be rejected; the rejection is explained where one of them leads to it.
"""

from collections.abc import Iterator
from typing import Final, get_args

from msgspec.structs import replace

from huissier.domain.asked import Other
from huissier.domain.commands import (
    AdmitDomain,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    DeliveryStatus,
    EraseUsager,
    OpenEns,
    OperatorKind,
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
from huissier.domain.decide import decide
from huissier.domain.decision import Rejected
from huissier.domain.events import CommandRejected, ReasonGiven
from huissier.domain.facts import Facts
from huissier.domain.identities import Identities
from huissier.domain.vocabulary.address import MailboxAddress

_NOBODY: Final = "?"  # no operator, version, address or name is written so
_ABOUT_USAGERS: Final = {"open-ens": OpenEns, "close-ens": CloseEns, "erase-usager": EraseUsager}
_STATUSES: Final[tuple[DeliveryStatus, ...]] = get_args(DeliveryStatus)


def is_explained(event: CommandRejected, facts: Facts) -> bool:
    """Say whether some command of its kind is rejected for the same reasons on these facts."""
    return any(_reasons(command, who, event, facts) == event.reasons for command, who in _commands(event, facts))


def _reasons(
    command: OtherCommand, who: Identities, event: CommandRejected, facts: Facts
) -> tuple[ReasonGiven, ...] | None:
    outcome = decide(command, who, event.at, facts)
    return (ReasonGiven(outcome.code, outcome.facts),) if isinstance(outcome, Rejected) else None


def _commands(event: CommandRejected, facts: Facts) -> Iterator[Other]:
    """Yield a command for each way in which commands of the kind can be rejected."""
    subject = event.subject
    match event.command:
        case "report-delivery":
            yield from _reports(event, facts)
        case "register-operator":
            for kind in get_args(OperatorKind):
                yield RegisterOperator(operator=subject, kind=kind), Identities()
        case "sign-instrument":
            yield SignInstrument(operator=subject, instrument="contrat"), Identities()
        case "publish-cgu":
            yield PublishCgu(operator=subject, version=_NOBODY), Identities()
        case "admit-domain":
            yield AdmitDomain(domain=subject, operator=_NOBODY), Identities()
        case "withdraw-domain":
            for operator in (None, _NOBODY):
                yield WithdrawDomain(domain=subject, operator=operator), Identities()
        case "open-ens" | "close-ens" | "erase-usager" as kind:
            usager = MailboxAddress.of_fact(subject) if subject else None
            yield _ABOUT_USAGERS[kind](ins=""), Identities(usager=usager)
        case _:
            address = MailboxAddress.of_fact(subject) if subject else None
            who = Identities(addresses={subject: address})
            yield from ((command, who) for command in _about_mailbox(event.command, subject, address, facts))


def _about_mailbox(kind: str, subject: str, address: MailboxAddress | None, facts: Facts) -> Iterator[OtherCommand]:
    match kind:
        case "create-mailbox":
            other = CreateMailbox(address=subject, kind="PER", name=_NOBODY)
            yield other
            known = None if address is None else facts.mailbox(address).latest.created
            if known is not None:  # the same mailbox again, which may have been deleted
                yield replace(other, **{name: getattr(known, name) for name in _TRAITS})
        case "suspend-mailbox":
            yield SuspendMailbox(address=subject)
        case "resume-mailbox":
            yield ResumeMailbox(address=subject)
        case "delete-mailbox":
            yield DeleteMailbox(address=subject)
        case "set-liste-rouge":
            yield SetListeRouge(address=subject, liste_rouge=True)
        case "sign-cgu":
            yield SignCgu(mailbox=subject, version=_NOBODY)
        case _:
            return


_TRAITS: Final = ("kind", "rpps", "adeli", "finess", "name", "service", "secteur", "liste_rouge")


def _reports(event: CommandRejected, facts: Facts) -> Iterator[Other]:
    """Yield the report or, for an older fact that did not keep it, one about everybody it may have named."""
    statuses = _STATUSES if event.status is None else (event.status,)
    if event.status is not None and event.recipient is not None:
        recipients: tuple[str | None, ...] = (event.recipient,)
    elif event.status is not None:
        recipients = (None,)
    else:
        decided = facts.submission(event.subject).latest.decided
        known = () if decided is None else tuple(v.recipient for v in decided.verdicts if v.recipient)
        recipients = (None, _NOBODY, *known)
    for recipient in recipients:
        for status in statuses:
            yield report(event, recipient, status)


def report(event: CommandRejected, recipient: str | None, status: str) -> Other:
    """Return the delivery report that was rejected; `recipient` is None where it could not be read."""
    text = recipient or ""
    address = None if recipient is None else MailboxAddress.of_fact(text)
    command = ReportDelivery(at=event.at, id=event.subject, recipient=text, status=status)  # type: ignore[arg-type]
    return command, Identities(addresses={text: address}, submission=event.subject)
