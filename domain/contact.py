"""`Contact`: the right of one usager to write to one professional address (rules 1, 2, 4 and 5)."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from huissier.domain.events import MessageDecided, MessageDelivered, Positions
from huissier.domain.timeline import Fact


class Sent(NamedTuple):
    """When a message was submitted; its position in the log tells messages of one instant apart."""

    at: datetime
    position: int


class Contact(Struct, frozen=True):
    """A contact as of a time.

    `opened`: the latest submission among the messages the usager received. `ended`: the latest submission that
    ended the contact; it ends what was sent before it, whenever that arrives. `unanswerable`: digests of the
    messages that may not be answered, and where they stand.
    """

    opened: Sent | None = None
    opened_by: int | None = None
    ended: Sent | None = None
    unanswerable: tuple[tuple[str, int], ...] = ()

    def is_open(self, *, reopening: bool) -> bool:
        """Say whether the usager may write."""
        if self.opened is None:
            return False
        return self.ended is None or (reopening and self.opened > self.ended)

    def is_ended(self, *, reopening: bool) -> bool:
        """Say whether the professionnel ended it and nothing opened it again."""
        return self.ended is not None and not self.is_open(reopening=reopening)

    def forbids_answer_to(self, message_ids: tuple[str, ...]) -> Positions:
        """Return the positions of those among these messages that may not be answered."""
        return tuple(position for digest, position in self.unanswerable if digest in message_ids)


UNKNOWN = Contact()


def evolve(state: Contact, fact: Fact, professionnel: str) -> Contact:
    """Fold one fact that carries the contact's tag."""
    event = fact.event
    match event:
        case MessageDelivered():
            return _opened(state, Sent(event.sent_at, event.sent), fact.position)
        case MessageDecided():
            sent = Sent(event.at, fact.position)
            if professionnel in event.unanswerable and event.message_id is not None:
                state = replace(state, unanswerable=(*state.unanswerable, (event.message_id, fact.position)))
            if professionnel in event.ends and (state.ended is None or sent > state.ended):
                state = replace(state, ended=sent)
            if professionnel in event.opens and event.final_hop:
                state = _opened(state, sent, fact.position)
            return state
        case _:
            return state


def _opened(state: Contact, sent: Sent, position: int) -> Contact:
    if state.opened is not None and state.opened >= sent:
        return state
    return replace(state, opened=sent, opened_by=position)
