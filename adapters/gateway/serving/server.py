"""Connections: each runs its session alone, none can hold up the others or have them buffered for without bound."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from huissier.adapters.gateway.serving.session import NewSession, Session

_LOG: Final = logging.getLogger(__name__)
_CHUNK: Final = 16 * 1024
_LOOP_TURNS: Final = 3  # bytes in the kernel, bytes in the process, the session's own turn


class Limits(Struct, frozen=True, kw_only=True):
    """How long a peer may be silent or not read what it is told, in seconds, and how many may be connected."""

    idle: float = 3600.0
    connections: int = 10_000


class Server:
    """Runs one session a connection on sockets that listen."""

    def __init__(self, new_session: NewSession, limits: Limits) -> None:
        """Take the sessions from a factory; `limits` may be replaced at any time."""
        self.limits = limits
        self._new_session = new_session
        self._open: set[_Connection] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()
        self._listening: list[asyncio.Server] = []
        self._draining = False

    def __len__(self) -> int:
        return len(self._open)

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections from now on."""
        for each in sockets:
            self._listening.append(await asyncio.start_server(self._connected, sock=each, limit=_CHUNK, backlog=1024))

    async def drain(self, seconds: float) -> None:
        """Stop listening, answer what was asked, and close; whoever is not at rest by then is cut off."""
        self._draining = True
        for server in self._listening:
            server.close()
        for _ in range(_LOOP_TURNS):  # what has been sent already has been asked
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

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._draining or len(self._open) >= self.limits.connections:
            _LOG.warning("connection-refused", extra={"connections": len(self._open)})
            writer.transport.abort()
            return
        connection = _Connection(self, self._new_session(), reader, writer)
        self._open.add(connection)
        self._none_open.clear()
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            if not self._open:
                self._none_open.set()

    @property
    def is_draining(self) -> bool:
        """Whether connections are closed as soon as they are at rest."""
        return self._draining


class _Connection:
    """One peer and its session."""

    def __init__(
        self, server: Server, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._session = session
        self._reader = reader
        self._writer = writer
        self._waits = False

    async def run(self) -> None:
        """Answer until either side ends it; whatever goes wrong ends it, and only this one."""
        try:
            while received := await self._received():
                async for answer in self._session.answers(received):
                    await self._write(answer)
                if self._session.is_over or (self._server.is_draining and self._session.at_rest):
                    break
        except (OSError, TimeoutError):
            pass  # the peer is gone, or silent for too long: the session it leaves records nothing more
        except Exception as problem:
            _LOG.error("session-failed", extra={"problem": type(problem).__name__})  # its text may quote the peer
        finally:
            self._writer.close()

    async def _received(self) -> bytes:
        self._waits = True
        try:
            async with asyncio.timeout(self._server.limits.idle):
                return await self._reader.read(_CHUNK)
        finally:
            self._waits = False

    async def _write(self, answer: bytes) -> None:
        self._writer.write(answer)
        async with asyncio.timeout(self._server.limits.idle):
            await self._writer.drain()

    def close_at_rest(self) -> None:
        """Close now if nothing is under way."""
        if self._waits and self._session.at_rest:
            self._writer.close()

    def cut_off(self) -> None:
        """Close now, whatever is under way."""
        self._writer.transport.abort()
