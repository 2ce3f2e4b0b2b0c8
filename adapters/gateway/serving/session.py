"""What the server asks of a protocol: one session per connection."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol


class Session(Protocol):
    """One connection of a mail server, without the connection."""

    @property
    def is_over(self) -> bool:
        """Whether the connection is to be closed once everything yielded is written."""
        ...

    @property
    def at_rest(self) -> bool:
        """Whether closing now would interrupt nothing: no half request, no message under way.

        A server that is told to end waits for that, for as long as it may.
        """
        ...

    def closed(self) -> None:
        """Hear that the connection is gone, whoever ended it."""
        ...

    def answers(self, received: bytes) -> AsyncIterator[bytes]:
        """Take bytes, cut anywhere, and yield each answer as soon as it is known.

        The next bytes come when all answers are written. What it raises closes the connection, which a mail server
        takes for "try again later"; it never is an acceptance.
        """
        ...


NewSession = Callable[[], Session]
