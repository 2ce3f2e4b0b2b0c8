"""How a history splits: a usager's contacts stay in one share, and so does what became of one submission.

Operators, domains and mailboxes are few beside messages, and every share has them all.
"""

from huissier.adapters.audit.replay.crew import Share
from huissier.domain.events import (
    AnyEvent,
    CommandRejected,
    DomainAdmitted,
    MessageDecided,
    MessageDelivered,
    MessageUndelivered,
    OperatorRegistered,
)
from huissier.domain.facts import Facts


class Split:
    """Says which facts are checked in a share, and which are folded there, on the facts before them."""

    def __init__(self, share: Share, facts: Facts) -> None:
        """`facts` are asked which domains may be usagers'."""
        self._share = share
        self._facts = facts
        self._usagers: dict[str, bool] = {}

    def checks(self, position: int, event: AnyEvent) -> bool:
        """Say whether a fact is checked here: each is in exactly one share."""
        if self._share.of == 1:
            return True
        match event:
            case MessageDecided():
                return self.decides(event)
            case MessageDelivered() | MessageUndelivered():
                return self._share.has(event.id)
            case CommandRejected(command="report-delivery"):
                return self._share.has(event.subject)
            case _:
                return self._share.has_number(position)

    def folds(self, event: AnyEvent) -> bool:
        """Say whether something that is checked here may rest on a fact."""
        if self._share.of == 1:
            return True
        match event:
            case MessageDecided():
                return self._share.has(event.id) or self.has_contacts_of(event)
            case MessageDelivered():
                return self._share.has(event.id) or self._share.has(event.recipient)
            case MessageUndelivered():
                return self._share.has(event.id)
            case _:
                return True

    def decides(self, event: MessageDecided) -> bool:
        """Say whether a submission is decided here: with the contacts it is about, if it is about any."""
        if self.may_be_usager(event.sender):
            return self._share.has(event.sender)
        to = next((verdict.recipient for verdict in event.verdicts if verdict.usager), event.id)
        return self._share.has(to)

    def has_contacts_of(self, event: MessageDecided) -> bool:
        """Say whether one of the usagers a message goes to is in this share."""
        return any(verdict.usager and self._share.has(verdict.recipient) for verdict in event.verdicts)

    def has(self, address: str) -> bool:
        """Say whether the contacts of a usager are in this share."""
        return self._share.has(address)

    def passed(self, event: AnyEvent) -> None:
        """Take note of a fact that was folded: it may change which domains are usagers'."""
        if isinstance(event, DomainAdmitted | OperatorRegistered):
            self._usagers.clear()

    def may_be_usager(self, sender: str) -> bool:
        """Say whether an address was on a usagers' domain at any time up to here."""
        domain = sender.rpartition("@")[2]
        if (known := self._usagers.get(domain)) is None:
            known = self._usagers[domain] = self._facts.may_be_usagers(domain)
        return known
