"""The engine for asyncio: callers that wait at the same time share one commit, made on a thread of its own."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from huissier.adapters.deciding.checks import Check
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.deciding.line import TIMEOUT, UNAVAILABLE, Line, seconds_in
from huissier.adapters.errors import TemporarilyUnavailableError
from huissier.adapters.validation import validated
from huissier.domain.answers import Answer, Verdicts
from huissier.domain.commands import AnyCommand, SubmitMessage

_LOOK_FOR_ROOM_SECONDS: Final = 0.005
_LOOK_FOR_LATE_SECONDS: Final = 0.05


class AsyncEngine:
    """An `Engine` whose `handle` and `check` are awaited, on the event loop that they are called from."""

    def __init__(self, engine: Engine) -> None:
        """Take over an open engine."""
        self._engine = engine
        self._mail: _Mail | None = None
        self._closing: Future[None] | None = None

    @property
    def engine(self) -> Engine:
        """The engine behind it, for other threads."""
        return self._engine

    async def handle(self, command: AnyCommand, *, timeout: float = TIMEOUT) -> Answer:
        """Decide a command and record the answer; it is durable when this returns.

        Cancelling is safe: the command is then recorded as a whole or not at all, and asking again with the same id
        tells which. Raises as `Engine.handle` does.
        """
        mail = self._mail_of(asyncio.get_running_loop())
        line = self._engine.line
        ticket = _Ticket(validated(command), mail, line.lead_elsewhere, time.monotonic() + seconds_in(timeout))
        try:
            must_lead = line.enter_now(ticket)
            if must_lead is None:
                must_lead = await _wait_for_room(line, ticket)
            if must_lead:
                line.lead_elsewhere(ticket)
            return await mail.expect(ticket)
        except BaseException:  # cancelled, too late, or answered with a problem
            line.leave(ticket)
            raise
        finally:
            mail.expected.pop(ticket, None)

    async def check(self, command: SubmitMessage, *, timeout: float = TIMEOUT) -> Verdicts:
        """Return what `handle` would answer to a submission, and record nothing. Raises as `Engine.check` does."""
        loop, seconds = asyncio.get_running_loop(), seconds_in(timeout)
        answered: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not answered.done():
                answered.set_result(None)

        def tell(_: Check) -> None:
            loop.call_soon_threadsafe(settle)

        check = self._engine.begin_check(command, tell)
        try:
            await asyncio.wait_for(answered, seconds)
            return check.answer()
        except TimeoutError:
            raise TemporarilyUnavailableError(UNAVAILABLE) from None
        finally:
            check.is_given_up = True

    async def close(self) -> None:
        """Answer everybody who waits, then let go of the store; closing twice waits for the same end."""
        if self._closing is None:
            closer = ThreadPoolExecutor(1, "huissier-close")
            self._closing = closer.submit(self._engine.close)
            closer.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(self._closing))  # callers may wait on different loops

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _mail_of(self, loop: asyncio.AbstractEventLoop) -> "_Mail":
        if self._mail is None or self._mail.loop is not loop:
            self._mail = _Mail(loop)
        return self._mail


async def _wait_for_room(line: Line, ticket: "_Ticket") -> bool:
    """Take a place in line without blocking the event loop, and say whether to lead."""
    while (must_lead := line.enter_now(ticket)) is None:
        if time.monotonic() >= ticket.deadline:
            raise TemporarilyUnavailableError(UNAVAILABLE)
        await asyncio.sleep(_LOOK_FOR_ROOM_SECONDS)
    return must_lead


class _Mail:
    """Tickets whose callers wait on one event loop: answers come in for many at once, and so do time-outs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.expected: dict[_Ticket, asyncio.Future[Answer]] = {}
        self._looks = False

    def expect(self, ticket: "_Ticket") -> "asyncio.Future[Answer]":
        """Return what to wait for; one timer that gives up on all who are late costs less than one for each."""
        future = self.expected[ticket] = self.loop.create_future()
        if not self._looks:
            self._looks = True
            self.loop.call_later(_LOOK_FOR_LATE_SECONDS, self._give_up_late)
        return future

    def _give_up_late(self) -> None:
        now = time.monotonic()
        for ticket, future in self.expected.items():
            if ticket.deadline <= now and not future.done():
                future.set_exception(TemporarilyUnavailableError(UNAVAILABLE))
        self._looks = bool(self.expected)
        if self._looks:
            self.loop.call_later(_LOOK_FOR_LATE_SECONDS, self._give_up_late)

    def send(self, tickets: "Sequence[_Ticket]") -> None:
        """Have the event loop deliver answers; waking it once for all costs less than once for each."""
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self.loop.call_soon_threadsafe(self._deliver, tickets)

    def _deliver(self, tickets: "Sequence[_Ticket]") -> None:
        for ticket in tickets:
            future = self.expected.get(ticket)
            if future is None or future.done():
                continue
            if ticket.problem is not None:
                future.set_exception(ticket.problem)
            elif ticket.answer is not None:
                future.set_result(ticket.answer)


class _Ticket:
    """A ticket whose caller awaits."""

    __slots__ = ("_lead", "_mail", "answer", "command", "deadline", "problem")
    leads_when_woken = False

    def __init__(self, command: AnyCommand, mail: _Mail, lead: Callable[[], None], deadline: float) -> None:
        self.command = command
        self.deadline = deadline
        self.answer: Answer | None = None
        self.problem: BaseException | None = None
        self._mail = mail
        self._lead = lead

    @property
    def tell(self) -> "Callable[[Sequence[_Ticket]], None]":
        return self._mail.send

    def call_to_lead(self) -> None:
        self._lead()
