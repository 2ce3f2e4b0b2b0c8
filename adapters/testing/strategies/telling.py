"""How a history goes on: the time of each command, and ids that fit the messages before it."""

from datetime import datetime
from typing import Any, Final

from hypothesis import strategies as st
from msgspec.structs import replace

from huissier.adapters.testing.strategies.town import (
    DOCTOR,
    LAST,
    LAST_BUT_ONE,
    MOMENTS,
    NEW,
    PATIENTS_BOXES,
    USAGERS,
)
from huissier.adapters.testing.strategies.worlds import at_time
from huissier.domain.commands import AnyCommand, ReportDelivery, SubmitMessage

LATE: Final = -1
ANY_TIME: Final = -2
STEPS: Final = st.sampled_from((0, 0, 0, 0, 1, 1, 1, 2, LATE, LATE, ANY_TIME))
STARTS: Final = st.sampled_from((4, 4, 6, 6, 9, 9, 12, 12, 5, 7, 11, 2))


class Telling:
    """Where a history stands: at one of the town's moments, after a number of commands."""

    def __init__(self, told: int, start: int) -> None:
        """`told`: how many commands came before; `start`: the moment's number."""
        self._told = told
        self._now = start
        self._sent = [SubmitMessage(id="m-0", sender=DOCTOR, recipients=[PATIENTS_BOXES[0]])] * 2

    def next(self, body: Any, step: int, another_time: datetime) -> AnyCommand:
        """Give the next command its time and, where it has none of its own, its id.

        `step`: how many moments later; `LATE`: as of one moment earlier; `ANY_TIME`: at `another_time`.
        """
        self._now = min(len(MOMENTS) - 1, self._now + max(step, 0))
        moment = another_time if step == ANY_TIME else MOMENTS[self._now - 1 if step == LATE else self._now]
        command = at_time(self._identified(body), moment)
        self._told += 1
        return command

    def _identified(self, body: Any) -> Any:
        if isinstance(body, SubmitMessage):
            body = replace(body, id=f"m-{self._told}") if body.id == NEW else body
            self._sent += [body] if body.recipients[0] in USAGERS else []
        if isinstance(body, ReportDelivery) and body.id in (LAST, LAST_BUT_ONE):
            meant = self._sent[-1 if body.id == LAST else -2]
            body = replace(body, id=meant.id, recipient=meant.recipients[0])
        return body
