"""Which facts decisions need: tags, stage by stage, for many commands at once."""

from collections.abc import Iterator, Sequence

from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    SignInstrument,
    SubmitMessage,
    WithdrawDomain,
)
from huissier.domain.events import AnyEvent, DomainAdmitted, OperatorRegistered
from huissier.domain.facts import Facts
from huissier.domain.identities import Identities
from huissier.domain.tags import contact_tag, domain_tag, mailbox_tag, operator_tag, submission_tag
from huissier.domain.vocabulary.address import MailboxAddress

Meant = tuple[AnyCommand, Identities]


def needs(commands: Sequence[Meant], facts: Facts) -> Iterator[list[str]]:
    """Yield the tags these commands need that are not known yet; learn each list before taking the next.

    Operators are only known once their domains are, and a usager's contacts once the operators are.
    """
    mailboxes = dict.fromkeys(_mailboxes(commands))
    domains = {mailbox.domain for mailbox in mailboxes}
    yield facts.not_recalled(
        [*_subjects(commands), *[mailbox_tag(mailbox.text) for mailbox in mailboxes], *map(domain_tag, domains)]
    )
    yield facts.not_recalled([operator_tag(name) for domain in domains for name in facts.operators_of(domain)])
    yield facts.not_recalled(_contacts(commands, facts))


def changes_needs(event: AnyEvent) -> bool:
    """Say whether commands may need more after a fact than before it."""
    return isinstance(event, (DomainAdmitted, OperatorRegistered))


def _subjects(commands: Sequence[Meant]) -> Iterator[str]:
    for command, identities in commands:
        if identities.submission:
            yield submission_tag(identities.submission)
        if identities.addresses:
            continue
        match command:
            case RegisterOperator() | SignInstrument() | PublishCgu():
                yield operator_tag(command.operator)
            case AdmitDomain():
                yield domain_tag(command.domain)
                if command.operator is not None:
                    yield operator_tag(command.operator)
            case WithdrawDomain():
                yield domain_tag(command.domain)
            case _:
                pass


def _contacts(commands: Sequence[Meant], facts: Facts) -> Iterator[str]:
    usagers: dict[str, bool] = {}
    for command, identities in commands:
        if not isinstance(command, SubmitMessage):
            continue
        sender = identities.addresses[command.sender]
        if sender is None:
            continue
        if sender.domain not in usagers:
            usagers[sender.domain] = facts.may_be_usagers(sender.domain)
        if usagers[sender.domain]:
            for recipient in command.recipients:
                if (address := identities.addresses[recipient]) is not None:
                    yield contact_tag(sender.text, address.text)


def _mailboxes(commands: Sequence[Meant]) -> Iterator[MailboxAddress]:
    """Yield the mailboxes whose state decisions look at; for a report only its submission counts."""
    for command, identities in commands:
        if isinstance(command, ReportDelivery):
            continue
        for address in identities.addresses.values():
            if address is not None:
                yield address
        if identities.usager is not None:
            yield identities.usager
