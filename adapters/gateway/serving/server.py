"""Connections of a server: how many there may be, how long they may be silent, and how they end together."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from huissier.adapters.gateway.serving.connection import Connection
from huissier.adapters.gateway.serving.listening import BACKLOG
from huissier.adapters.gateway.serving.session import NewSession, Session

_LOG: Final = logging.getLogger(__name__)
_LOOP_TURNS: Final = 3  # bytes in the kernel, bytes in the process, the session's own turn
_LOOKS: Final = 4  # per time that a peer may be silent: one timer for all costs less than one for each
_LONGEST_BETWEEN_LOOKS: Final = 10.0  # seconds, within which a shorter idle time takes effect


class Limits(Struct, frozen=True, kw_only=True):
    """How long a peer may be silent or not read what it is told, in seconds, and how many may be connected."""

    idle: float = 3600.0
    connections: int = 10_000


class Server:
    """Runs one session per connection on sockets that listen."""

    def __init__(self, new_session: NewSession, limits: Limits) -> None:
        """Take the sessions from a factory; `limits` may be replaced at any time."""
        self.limits = limits
        self._new_session = new_session
        self._open: set[Connection] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()
        self._listening: list[asyncio.Server] = []
        self._draining = False
        self._next_look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    @property
    def is_draining(self) -> bool:
        """Whether connections are closed as soon as they are at rest."""
        return self._draining

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections from now on."""
        loop = asyncio.get_running_loop()
        for each in sockets:
            self._listening.append(await loop.create_server(lambda: Connection(self), sock=each, backlog=BACKLOG))
        self._look_for_silent(loop)

    async def drain(self, seconds: float) -> None:
        """Stop listening, answer what was asked, and close; whoever is not at rest by then is cut off."""
        self._draining = True
        for server in self._listening:
            server.close()
        for _ in range(_LOOP_TURNS):  # what has been sent already counts as asked
            await asyncio.sleep(0)
        for connection in list(self._open):
            connection.close_at_rest()
        try:
            await asyncio.wait_for(self._none_open.wait(), seconds)
        except TimeoutError:
            _LOG.warning("cut-off", extra={"connections": len(self._open)})
            for connection in list(self._open):
                connection.cut_off()
            await self._none_open.wait()
        if self._next_look is not None:
            self._next_look.cancel()

    def welcome(self, connection: Connection) -> Session | None:
        """Take a connection in, with a session of its own; None where there is no room."""
        if self._draining or len(self._open) >= self.limits.connections:
            _LOG.warning("connection-refused", extra={"connections": len(self._open)})
            return None
        session = self._new_session()
        self._open.add(connection)
        self._none_open.clear()
        return session

    def farewell(self, connection: Connection) -> None:
        """Hear that a connection has come to its end, whether it was taken in or not."""
        self._open.discard(connection)
        if not self._open:
            self._none_open.set()

    def _look_for_silent(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cut off whoever is silent for too long, and look again later."""
        since = loop.time() - self.limits.idle
        for connection in list(self._open):
            if connection.waits_since is not None and connection.waits_since <= since:
                connection.cut_off()
        pause = min(self.limits.idle / _LOOKS, _LONGEST_BETWEEN_LOOKS)
        self._next_look = loop.call_later(pause, self._look_for_silent, loop)
