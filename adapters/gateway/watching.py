"""Who looks on while a gateway decides: logs and metrics, told what was answered and how long it took."""

from typing import Final, Protocol

from huissier.adapters.gateway.replies import OUT_OF_STEP, Reply
from huissier.domain.commands import SubmitMessage


class OutOfStepError(Exception):
    """Something was asked about a message whose beginning is unknown, or not the one known."""


class Watch(Protocol):
    """Is told of each decision and each failure. What it does must be quick, and it must never raise."""

    def decided(self, command: SubmitMessage, reply: Reply, seconds: float, login: str | None, /) -> None:
        """Hear what was answered to a command, after how many seconds, and who had logged in to ask it."""

    def failed(self, problem: Exception, /) -> None:
        """Hear that something was deferred because of a problem, whose text may name somebody."""

    def abandoned(self) -> None:
        """Hear that a message with recipients let through never came to its end."""


class Watches:
    """Several that look on; none by default."""

    def __init__(self, *watches: Watch) -> None:
        """Tell each of them in turn."""
        self._watches = watches

    def decided(self, command: SubmitMessage, reply: Reply, seconds: float, login: str | None) -> None:
        """Tell all of a decision."""
        for watch in self._watches:
            watch.decided(command, reply, seconds, login)

    def failed(self, problem: Exception) -> None:
        """Tell all of a failure."""
        for watch in self._watches:
            watch.failed(problem)

    def abandoned(self) -> None:
        """Tell all of a message that never came to its end."""
        for watch in self._watches:
            watch.abandoned()


UNWATCHED: Final[Watch] = Watches()


def in_sight_of(watch: Watch, reply: Reply) -> Reply:
    """Return a reply, and tell the watch of one without a decision, for a message that nobody knew."""
    if reply is OUT_OF_STEP:
        watch.failed(OutOfStepError())
    return reply
