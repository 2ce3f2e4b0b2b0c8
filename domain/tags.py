"""Tags: whose state a fact changes, and so which facts a decision must see."""

from huissier.domain.events import (
    AnyEvent,
    CguPublished,
    CguSigned,
    CommandRejected,
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
    StatisticsProduced,
    UsagerErased,
    WhiteListLoaded,
)

AboutMessage = MessageDecided | MessageDelivered | MessageUndelivered

TRUST_SPACE = "trust-space"


def operator_tag(operator: str) -> str:
    """Tag of an operator's facts."""
    return f"operator:{operator}"


def domain_tag(domain: str) -> str:
    """Tag of a domain's facts."""
    return f"domain:{domain}"


def mailbox_tag(address: str) -> str:
    """Tag of a mailbox's facts."""
    return f"mailbox:{address}"


def contact_tag(usager: str, professionnel: str) -> str:
    """Tag of the facts between one usager and one professional address."""
    return f"contact:{usager}|{professionnel}"


def submission_tag(submission: str) -> str:
    """Tag of what became of one submission."""
    return f"submission:{submission}"


def tags_of(event: AnyEvent) -> list[str]:
    """Name whose state the fact changes."""
    if isinstance(event, AboutMessage):
        return [submission_tag(event.id), *contacts_of(event)]
    match event:
        case MailboxCreated() | MailboxSuspended() | MailboxResumed() | MailboxDeleted() | ListeRougeSet():
            return [mailbox_tag(event.address)]
        case EnsOpened() | EnsClosed():
            return [mailbox_tag(event.address)]
        case CguSigned():
            return [mailbox_tag(event.mailbox)]
        case OperatorRegistered() | InstrumentSigned() | CguPublished():
            return [operator_tag(event.operator)]
        case DomainAdmitted() | DomainWithdrawn():
            return [domain_tag(event.domain), TRUST_SPACE]
        case WhiteListLoaded():
            return [TRUST_SPACE]
        case CommandRejected() | UsagerErased() | StatisticsProduced():  # pragma: no branch
            return []


def contacts_of(event: AboutMessage) -> list[str]:
    """Name the contacts that a fact about a message changes; mostly there are none."""
    if isinstance(event, MessageDecided):
        opened = event.opens if event.final_hop else ()
        return _contacts_of_decision(event, opened) if opened or event.ends or event.unanswerable else []
    if isinstance(event, MessageDelivered) and event.usager:
        return [contact_tag(event.recipient, address) for address in event.opens]
    return []


def _contacts_of_decision(event: MessageDecided, opened: tuple[str, ...]) -> list[str]:
    addresses = dict.fromkeys((*opened, *event.ends, *event.unanswerable))
    usagers = dict.fromkeys(v.recipient for v in event.verdicts if v.accepted and v.usager)
    return [contact_tag(usager, address) for usager in usagers for address in addresses]
