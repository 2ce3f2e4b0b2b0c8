"""Whether the store could record lately: on a full disk it answers questions as if nothing were wrong."""

import time
from collections.abc import Callable
from typing import Final

from huissier.adapters.errors import StoreError
from huissier.adapters.gateway.replies import Reply
from huissier.domain.commands import SubmitMessage

# A gateway that is not ready is not asked and so cannot learn that the store works again: a failure is forgotten after
# this long.
SECONDS: Final = 30.0


class Lately:
    """Remembers when the store last failed, until something is recorded again or some time has passed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds."""
        self._clock = clock
        self._failed_at: float | None = None

    @property
    def has_failed(self) -> bool:
        """Whether the last thing heard of the store is that it failed, less than `SECONDS` ago."""
        failed_at = self._failed_at
        return failed_at is not None and self._clock() - failed_at < SECONDS

    def decided(self, _command: SubmitMessage, reply: Reply, _seconds: float, _login: str | None) -> None:
        """Hear of an answer."""
        if reply.decision is not None:
            self._failed_at = None

    def failed(self, problem: Exception) -> None:
        """Hear of a problem."""
        if isinstance(problem, StoreError):
            self._failed_at = self._clock()

    def abandoned(self) -> None:
        """Do nothing: it says nothing about the store."""
