"""The engine for asyncio: callers that wait at the same time share one commit, made on a thread of its own."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from huissier.adapters.engine import TIMEOUT, Engine
from huissier.adapters.errors import TemporarilyUnavailableError
from huissier.adapters.line import UNAVAILABLE, Line
from huissier.adapters.validation import validated
from huissier.domain.answers import Answer, Verdicts
from huissier.domain.commands import AnyCommand, SubmitMessage

_LOOK_FOR_ROOM_SECONDS: Final = 0.005


class AsyncEngine:
    """An `Engine` whose `handle` and `check` are awaited, on the event loop that they are called from."""

    def __init__(self, engine: Engine) -> None:
        """Take over an open engine."""
        self._engine = engine
        self._leader = ThreadPoolExecutor(1, "huissier-pen")
        self._readers = ThreadPoolExecutor(1, "huissier-check")
        self._mail: _Mail | None = None
        self._closed = False

    @property
    def engine(self) -> Engine:
        """The engine behind it, for other threads."""
        return self._engine

    async def handle(self, command: AnyCommand, *, timeout: float = TIMEOUT) -> Answer:
        """Decide a command and record the answer; it is durable when this returns.

        Cancelling is safe: the command is then recorded as a whole or not at all, and asking again with the same
        id tells. Raises as `Engine.handle` does.
        """
        mail = self._mail_of(asyncio.get_running_loop())
        ticket = _Ticket(validated(command), mail, self._lead)
        line = self._engine.line
        deadline = time.monotonic() + timeout
        await _enter(line, ticket, deadline, self._lead)
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await ticket.future
        except TimeoutError:
            line.leave(ticket)
            raise TemporarilyUnavailableError(UNAVAILABLE) from None
        except asyncio.CancelledError:
            line.leave(ticket)
            raise

    async def check(self, command: SubmitMessage) -> Verdicts:
        """Return what `handle` would answer to a submission, and record nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._engine.check, command)

    async def close(self) -> None:
        """Answer everybody who waits, then let go of the store; closing twice does no harm."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._readers, self._engine.close)
        self._leader.shutdown(wait=False)
        self._readers.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _lead(self) -> None:
        self._leader.submit(self._engine.line.lead)

    def _mail_of(self, loop: asyncio.AbstractEventLoop) -> "_Mail":
        if self._mail is None or self._mail.loop is not loop:
            self._mail = _Mail(loop)
        return self._mail


async def _enter(line: Line, ticket: "_Ticket", deadline: float, lead: Callable[[], None]) -> None:
    """Take a place in line, waiting for room without blocking the event loop."""
    while (must_lead := line.enter_now(ticket)) is None:
        if time.monotonic() >= deadline:
            raise TemporarilyUnavailableError(UNAVAILABLE)
        await asyncio.sleep(_LOOK_FOR_ROOM_SECONDS)
    if must_lead:
        lead()


class _Mail:
    """Finished tickets on their way to an event loop, woken once for all that are there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._finished: deque[_Ticket] = deque()
        self._guard = threading.Lock()
        self._announced = False

    def send(self, ticket: "_Ticket") -> None:
        with self._guard:
            self._finished.append(ticket)
            announce, self._announced = not self._announced, True
        if announce:
            try:
                self.loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:  # the loop was closed: nobody waits any more
                self._finished.clear()

    def _deliver(self) -> None:
        with self._guard:
            tickets, self._finished = self._finished, deque()
            self._announced = False
        for ticket in tickets:
            ticket.settle()


class _Ticket:
    """A ticket whose caller awaits."""

    __slots__ = ("_lead", "_mail", "answer", "command", "future", "problem")

    def __init__(self, command: AnyCommand, mail: _Mail, lead: Callable[[], None]) -> None:
        self.command = command
        self.answer: Answer | None = None
        self.problem: BaseException | None = None
        self.future: asyncio.Future[Answer] = mail.loop.create_future()
        self._mail = mail
        self._lead = lead

    def finish(self) -> None:
        self._mail.send(self)

    def call_to_lead(self) -> None:
        self._lead()

    def settle(self) -> None:
        """Give the waiting coroutine its answer, on its own loop."""
        if self.future.done():
            return
        if self.problem is not None:
            self.future.set_exception(self.problem)
        elif self.answer is not None:
            self.future.set_result(self.answer)
