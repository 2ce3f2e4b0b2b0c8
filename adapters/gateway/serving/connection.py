"""One peer and its session: bytes in, answers out in their order, and nothing buffered for a peer without bound."""

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Final, Protocol

from huissier.adapters.gateway.serving.session import Session

_LOG: Final = logging.getLogger(__name__)
_MOST_UNREAD: Final = 16 * 1024
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # where the system has it
_OVER_IP: Final = {socket.AF_INET, socket.AF_INET6}


class Host(Protocol):
    """What a connection asks of its server."""

    @property
    def is_draining(self) -> bool:
        """Whether connections are closed as soon as they are at rest."""
        ...

    def welcome(self, connection: "Connection") -> Session | None:
        """Take a connection in, with a session of its own; None where there is no room."""
        ...

    def farewell(self, connection: "Connection") -> None:
        """Hear that a connection has come to its end, whether it was taken in or not."""
        ...


class Connection(asyncio.Protocol):
    """Answers until either side ends it; whatever goes wrong ends it, and only this one.

    Not a pair of streams: at each request those cost about as much as the decision.
    """

    def __init__(self, host: Host) -> None:
        """Wait for the transport."""
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._session: Session | None = None
        self._unread = b""
        self._answering: asyncio.Task[None] | None = None
        self._until_read: asyncio.Future[None] | None = None
        self._is_last = False
        self.waits_since: float | None = None  # for the peer to say something, or to read

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session where there is room."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 the loop gives a stream's protocol nothing else
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._session = self._host.welcome(self)
        self.waits_since = self._loop.time()
        if self._session is None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer it after what came before; a peer that goes on meanwhile is held back."""
        self._unread += data
        if self._answering is not None:
            if len(self._unread) > _MOST_UNREAD:
                self._transport.pause_reading()
        elif self._session is not None:
            self._answering = self._loop.create_task(self._answer(self._session))

    def eof_received(self) -> bool:
        """Close once everything that was asked is answered."""
        self._is_last = True
        return self._answering is not None

    def pause_writing(self) -> None:
        """Have answers wait until the peer has read those before."""
        self._until_read = self._loop.create_future()

    def resume_writing(self) -> None:
        """Go on answering."""
        if self._until_read is not None and not self._until_read.done():
            self._until_read.set_result(None)
        self._until_read = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what nobody waits for any more; what is recorded is recorded as a whole or not at all."""
        if self._answering is not None:
            self._answering.cancel()
        if self._session is not None:
            self._session.closed()
        self._host.farewell(self)

    async def _answer(self, session: Session) -> None:
        self.waits_since = None
        try:
            while self._unread and not (session.is_over or self._transport.is_closing()):
                received, self._unread = self._unread, b""
                self._transport.resume_reading()
                await self._answer_to(received, session)
        except Exception as problem:
            _LOG.error("session-failed", extra={"problem": type(problem).__name__})  # its text may quote the peer
            self._is_last = True
        finally:
            self._answering = None
            self.waits_since = self._loop.time()
            if self._is_last or session.is_over or (self._host.is_draining and session.at_rest):
                self._transport.close()

    async def _answer_to(self, received: bytes, session: Session) -> None:
        has_answer = False
        async for answer in session.answers(received):
            has_answer = True
            self._transport.write(answer)
            if self._until_read is not None:
                await self._until_they_read(self._until_read)
        if not has_answer:
            self._acknowledge()

    async def _until_they_read(self, read: "asyncio.Future[None]") -> None:
        self.waits_since = self._loop.time()
        await read
        self.waits_since = None

    def _acknowledge(self) -> None:
        """Have the system acknowledge bytes at once where no answer of ours does.

        Mail servers send small packets one by one, each after the acknowledgement of the one before (Nagle), which the
        system by itself delays by forty milliseconds. It forgets the request, so it is made each time.
        """
        if _QUICKACK is not None and self._socket.family in _OVER_IP:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def close_at_rest(self) -> None:
        """Close now if nothing is under way."""
        if self._answering is None and self._session is not None and self._session.at_rest:
            self._transport.close()

    def cut_off(self) -> None:
        """Close now, whatever is under way."""
        self._transport.abort()
