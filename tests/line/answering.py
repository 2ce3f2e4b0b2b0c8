"""A line that is served without an engine: every ticket has the same answer."""

from collections.abc import Sequence

from huissier.adapters.deciding.line import Ticket
from huissier.domain.answers import Answer

RECORDED = Answer(type="submit-message", outcome="recorded", position=1)


def answering(tickets: Sequence[Ticket]) -> None:
    for ticket in tickets:
        ticket.answer = RECORDED
