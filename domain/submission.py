"""`Submission`: what became of one submitted message, by its id (idempotency) and recipient by recipient (rule 1)."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from huissier.domain.commands import ReportDelivery
from huissier.domain.decision import UNCHANGED, Outcome, Recorded, Rejected
from huissier.domain.events import (
    MessageDecided,
    MessageDelivered,
    MessageUndelivered,
    Positions,
    VerdictGiven,
)
from huissier.domain.reasons import Code
from huissier.domain.timeline import Fact, Timeline
from huissier.domain.vocabulary.address import MailboxAddress


class Arrival(Struct, frozen=True):
    """The last report about one recipient."""

    delivered: bool
    position: int


class Submission(Struct, frozen=True):
    """A submission as of a time; `decided` is None where it was never answered."""

    decided: MessageDecided | None = None
    position: int = 0
    arrivals: dict[str, Arrival] = {}

    def verdict_for(self, recipient: str) -> VerdictGiven | None:
        """Return what was decided for a recipient."""
        verdicts = () if self.decided is None else self.decided.verdicts
        return next((verdict for verdict in verdicts if verdict.recipient == recipient), None)

    def arrival_at(self, recipient: str) -> Arrival | None:
        """Return the last report about a recipient; at the final hop acceptance is delivery."""
        if self.decided is not None and self.decided.final_hop:
            return Arrival(delivered=True, position=self.position)
        return self.arrivals.get(recipient)

    def was_delivered_to(self, recipient: str) -> bool:
        """Say whether a recipient received it: what was received stays received."""
        arrival = self.arrival_at(recipient)
        return arrival is not None and arrival.delivered

    def positions(self) -> Positions:
        """Return where it was decided in the log."""
        return () if self.decided is None else (self.position,)


UNKNOWN = Submission()


def evolve(state: Submission, fact: Fact) -> Submission:
    """Fold one fact."""
    event = fact.event
    match event:
        case MessageDecided() if state.decided is None:
            return replace(state, decided=event, position=fact.position)
        case MessageDelivered():
            return _arrived(state, event.recipient, Arrival(True, fact.position))
        case MessageUndelivered() if not state.was_delivered_to(event.recipient):
            return _arrived(state, event.recipient, Arrival(False, fact.position))
        case _:
            return state


def _arrived(state: Submission, recipient: str, arrival: Arrival) -> Submission:
    return replace(state, arrivals={**state.arrivals, recipient: arrival})


def report(
    command: ReportDelivery,
    id_: str,
    recipient: MailboxAddress,
    at: datetime,
    submission: Timeline[Submission],
) -> Outcome:
    """Decide whether a delivery report is recorded: what was received stays received.

    A delivery reported for an earlier time counts, for the right begins with it; a second loss, at any time, does not.
    """
    before = submission.as_of(at)
    verdict = before.verdict_for(str(recipient))
    if before.decided is None or verdict is None:
        return Rejected(Code.NOT_FOUND, before.positions())
    if not verdict.accepted:
        return Rejected(Code.NOT_ALLOWED_IN_STATE, before.positions())
    delivered = command.status == "delivered"
    if (arrival := before.arrival_at(str(recipient))) is not None:
        if arrival.delivered == delivered:
            return UNCHANGED
        if arrival.delivered:
            return Rejected(Code.NOT_ALLOWED_IN_STATE, (arrival.position,))
    if not delivered:
        if any(_is_loss(fact, str(recipient)) for fact in submission.facts):
            return UNCHANGED
        return Recorded(MessageUndelivered(at=at, id=id_, recipient=str(recipient), cause=command.cause))
    return Recorded(
        MessageDelivered(
            at=at,
            id=id_,
            recipient=str(recipient),
            sent=before.position,
            sent_at=before.decided.at,
            usager=verdict.usager,
            opens=before.decided.opens if verdict.usager else (),
        )
    )


def _is_loss(fact: Fact, recipient: str) -> bool:
    return isinstance(fact.event, MessageUndelivered) and fact.event.recipient == recipient


def give_up(
    id_: str, at: datetime, cause: str | None, submission: Timeline[Submission]
) -> tuple[MessageUndelivered, ...] | None:
    """Return the losses for those of whom nothing was heard; None where the submission was not decided at that time."""
    decided, known = submission.as_of(at).decided, submission.latest
    if decided is None:
        return None
    return tuple(
        MessageUndelivered(at=at, id=id_, recipient=verdict.recipient, cause=cause)
        for verdict in decided.verdicts
        if verdict.accepted and known.arrival_at(verdict.recipient) is None
    )
