"""Which facts decisions need: tags, stage by stage, for many commands at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence

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
    stages: tuple[Callable[[Sequence[Meant], Facts], Iterable[str]], ...] = (_subjects, _operators, _contacts)
    for stage in stages:
        if missing := facts.not_recalled(dict.fromkeys(stage(commands, facts))):
            yield missing


def changes_needs(event: AnyEvent) -> bool:
    """Say whether commands need more than they did before a fact."""
    return isinstance(event, (DomainAdmitted, OperatorRegistered))


def _subjects(commands: Sequence[Meant], _: Facts) -> Iterator[str]:
    domains: set[str] = set()
    for command, identities in commands:
        match command:
            case SubmitMessage():
                yield submission_tag(identities.submission)
            case ReportDelivery():
                yield submission_tag(identities.submission)
                continue
            case RegisterOperator() | SignInstrument() | PublishCgu():
                yield operator_tag(command.operator)
            case AdmitDomain():
                domains.add(command.domain)
                if command.operator is not None:
                    yield operator_tag(command.operator)
            case WithdrawDomain():
                domains.add(command.domain)
            case _:
                pass
        for address in _mailboxes(identities):
            yield mailbox_tag(address.text)
            domains.add(address.domain)
    yield from map(domain_tag, domains)


def _operators(commands: Sequence[Meant], facts: Facts) -> Iterator[str]:
    domains = {
        address.domain
        for command, identities in commands
        if not isinstance(command, ReportDelivery)
        for address in _mailboxes(identities)
    }
    return (operator_tag(name) for domain in domains for name in facts.operators_of(domain))


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


def _mailboxes(identities: Identities) -> list[MailboxAddress]:
    return [address for address in (*identities.addresses.values(), identities.usager) if address is not None]
