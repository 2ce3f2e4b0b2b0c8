"""The words a fact can be found by: what it is, what it came to, and whom and what it concerns.

A usager is found under the opaque id, whatever the domain of the mailbox.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

from huissier.domain.events import (
    AnyEvent,
    CguPublished,
    CguSigned,
    CommandRejected,
    DomainAdmitted,
    DomainWithdrawn,
    InstrumentSigned,
    MessageDecided,
    MessageDelivered,
    MessageUndelivered,
    OperatorRegistered,
    StatisticsProduced,
    UsagerErased,
    WhiteListLoaded,
)
from huissier.domain.identities import UNREADABLE_USAGER
from huissier.domain.vocabulary.address import MailboxAddress

Outcome = Literal["accepted", "refused", "mixed", "delivered", "undelivered", "recorded", "rejected"]
Topic = Literal["kind", "outcome", "reason", "domain", "mailbox", "usager", "submission", "shadow"]

_KINDS: Final[dict[type, str]] = {
    kind: str(kind.__struct_config__.tag).rpartition(".v")[0] for kind in get_args(AnyEvent)
}
KINDS: Final = tuple(_KINDS.values())
# What the subject of a rejected command is; of any other command it is a mailbox.
_TOPIC_REJECTED: Final[dict[str, Topic | None]] = {
    "register-operator": None,
    "sign-instrument": None,
    "publish-cgu": None,
    "admit-domain": "domain",
    "withdraw-domain": "domain",
    "report-delivery": "submission",
}
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


class Word(NamedTuple):
    """One word: an address, a usager's id and a submission's id as facts keep them, a kind without its version."""

    topic: Topic
    text: str


SHADOW: Final = Word("shadow", "passed")  # of a message that was let pass though it is refused


def kind_of(event: AnyEvent) -> str:
    """Return the stable name of a fact's kind, without its version."""
    return _KINDS[type(event)]


def outcome_of(event: AnyEvent) -> Outcome:
    """Return what a fact came to."""
    match event:
        case MessageDecided():
            return _outcome([verdict.accepted for verdict in event.verdicts])
        case MessageDelivered():
            return "delivered"
        case MessageUndelivered():
            return "undelivered"
        case CommandRejected():
            return "rejected"
        case _:
            return "recorded"


def _outcome(accepted: Sequence[bool]) -> Outcome:
    if all(accepted):
        return "accepted"
    return "mixed" if any(accepted) else "refused"


def words_of(event: AnyEvent) -> set[Word]:
    """Return every word a fact can be found by."""
    return {Word(topic, text) for topic, texts in words_of_all([event]).items() for text in texts}


def words_of_all(events: Sequence[AnyEvent]) -> dict[Topic, set[str]]:
    """Return the words that one or more of these facts can be found by.

    Facts are many and mostly messages, so each topic is gathered from all messages at once. The contacts that a message
    opens or ends add no words: their ends are its sender, its reply address and its recipients.
    """
    decided = [event for event in events if type(event) is MessageDecided]
    others = [event for event in events if type(event) is not MessageDecided]
    verdicts = [verdict for event in decided for verdict in event.verdicts]
    words: dict[Topic, set[str]] = {
        "kind": {_KINDS[kind] for kind in set(map(type, events))},
        "outcome": {_outcome(given) for given in {tuple([v.accepted for v in event.verdicts]) for event in decided}},
        "reason": {reason.code for verdict in verdicts for reason in verdict.reasons},
        "submission": {event.id for event in decided},
        "mailbox": {event.sender for event in decided}.union(
            [verdict.recipient for verdict in verdicts], [event.reply_to for event in decided if event.reply_to]
        ),
        "domain": set(),
        "usager": set(),
        "shadow": {SHADOW.text for verdict in verdicts if verdict.shadow},
    }
    for event in others:
        words["outcome"].add(outcome_of(event))
        _add_words(words, event)
    words["mailbox"] -= {"", UNREADABLE_USAGER}  # addresses that could not be read
    addresses = [MailboxAddress.of_fact(address) for address in words["mailbox"]]
    words["domain"].update([address.domain for address in addresses])
    words["usager"].update([address.usager_id for address in addresses if address.is_pseudonym])
    return words


def _add_words(words: dict[Topic, set[str]], event: AnyEvent) -> None:
    """Add what a fact that decides no message is about."""
    match event:
        case MessageDelivered() | MessageUndelivered():
            words["submission"].add(event.id)
            words["mailbox"].add(event.recipient)
            words["mailbox"].update(event.opens if isinstance(event, MessageDelivered) else ())
        case CommandRejected():
            words["reason"].update(reason.code for reason in event.reasons)
            if (topic := _TOPIC_REJECTED.get(event.command, "mailbox")) is not None:
                words[topic].add(event.subject)
            words["mailbox"].add(event.recipient or "")
        case DomainAdmitted() | DomainWithdrawn() | StatisticsProduced():
            words["domain"].add(event.domain)
        case CguSigned():
            words["mailbox"].add(event.mailbox)
        case UsagerErased():
            words["usager"].add(event.usager)
        case OperatorRegistered() | InstrumentSigned() | CguPublished() | WhiteListLoaded() | MessageDecided():
            pass
        case _:
            words["mailbox"].add(event.address)
