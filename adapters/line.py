"""The line before the pen: whoever finds the pen free takes it and answers everybody who waits.

A lone caller decides its own command without a change of thread. Whoever arrives while the pen is held waits in
line and is answered together with all others in the next turn, by one commit. When a turn ends, the first in
line is called to lead the next, so nobody serves strangers for ever.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Protocol

from huissier.adapters.errors import EngineClosedError, TemporarilyUnavailableError
from huissier.domain.answers import Answer
from huissier.domain.commands import AnyCommand

TIMEOUT: Final = 30.0  # as long as the databases themselves wait for the pen
MOST_AT_ONCE: Final = 512
_LATE: Final = 1.0  # seconds by which a caller that leads may be late
_YEAR: Final = 365 * 86_400.0
_TELL: Final = attrgetter("tell")
UNAVAILABLE: Final = "temporarily unavailable: the store did not answer in time; asking again with the same id is safe"


class Ticket(Protocol):
    """One command in line, and how its caller hears of it.

    `deadline` (monotonic seconds): from then on nobody waits for the answer.
    """

    command: AnyCommand
    deadline: float
    answer: Answer | None
    problem: BaseException | None

    @property
    def leads_when_woken(self) -> bool:
        """Whether a call to lead only wakes the caller, who may have left; else the call itself leads."""
        ...

    @property
    def tell(self) -> Callable[[Sequence[Any]], None]:
        """What tells callers that their tickets are done: called once for all who wait in the same way."""
        ...

    def call_to_lead(self) -> None:
        """Have somebody call `Line.lead`."""


class Line:
    """Tickets in order of arrival. `serve` answers a batch: it sets answer or problem of each and never raises."""

    def __init__(self, serve: Callable[[list[Ticket]], None], *, capacity: int, callers_lead: bool) -> None:
        """Hold `capacity` tickets at the most; more callers wait for room.

        `callers_lead`: whether a thread that has time may lead, which is quickest but holds it for as long as a
        turn takes; where a turn may hang, as it may on a server that falls silent, the line's own thread leads.
        """
        self.observe: Callable[[int], None] | None = None  # is told the size of each batch, by whoever leads
        self._serve = serve
        self._callers_lead = callers_lead
        self._capacity = capacity
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._onlookers = 0
        self._waiting: deque[Ticket] = deque()
        self._led = False
        self._called: Ticket | None = None
        self._closed = False
        self._leader = ThreadPoolExecutor(1, "huissier-pen")
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, ticket: Ticket) -> bool:
        """Take a place in line and say whether the caller must lead now.

        Raises `TemporarilyUnavailableError` where there is no room before its deadline, and `EngineClosedError`.
        """
        self.check_process()
        with self._lock:
            while len(self._waiting) >= self._capacity and not self._closed:
                left = ticket.deadline - time.monotonic()
                if not self._wait(max(0.0, left)) and time.monotonic() >= ticket.deadline:
                    raise TemporarilyUnavailableError(UNAVAILABLE)
            return self._admit(ticket)

    def enter_now(self, ticket: Ticket) -> bool | None:
        """Do as `enter`, but return None at once where there is no room."""
        self.check_process()
        with self._lock:
            return None if len(self._waiting) >= self._capacity else self._admit(ticket)

    @property
    def is_inherited(self) -> bool:
        """Whether this process is a fork of the one that opened it, whose threads are not here."""
        return os.getpid() != self._process

    def check_process(self) -> None:
        """Refuse a process that inherited an open engine: connections, locks and threads belong to its parent.

        Raises `EngineClosedError`.
        """
        if self.is_inherited:
            raise EngineClosedError("the engine was opened before this process was forked; open one in each process")

    def check_open(self) -> None:
        """Refuse what comes after the end, or in another process. Raises `EngineClosedError`."""
        self.check_process()
        if self._closed:
            raise EngineClosedError("the engine was closed")

    def _admit(self, ticket: Ticket) -> bool:
        if self._closed:
            raise EngineClosedError("the engine was closed")
        self._waiting.append(ticket)
        lead, self._led = not self._led, True
        return lead

    def lead(self) -> None:
        """Answer whoever waits, once, and call the next to lead if more have come."""
        with self._lock:
            self._called = None
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
            self._announce()
        try:
            if batch:
                if self.observe is not None:
                    self.observe(len(batch))
                self._serve(batch)
        except BaseException:  # whoever leads is being interrupted: the others know no more than that
            for ticket in batch:
                ticket.problem = TemporarilyUnavailableError(UNAVAILABLE)
            raise
        finally:
            self._call_next()
            for tell, tickets in groupby(batch, _TELL):
                tell(list(tickets))

    def lead_elsewhere(self) -> None:
        """Have the line's own thread lead, for callers that must not be held up by a pen that others hold."""
        try:
            self._leader.submit(self.lead)
        except RuntimeError:  # the interpreter is ending: no thread begins anything any more
            self.lead()

    def lead_for(self, seconds: float) -> None:
        """Lead for a thread that has so many seconds left, or have it done."""
        if self._callers_lead and seconds > TIMEOUT - _LATE:
            self.lead()
        else:
            self.lead_elsewhere()

    def leave(self, ticket: Ticket) -> bool:
        """Give up a place; False where the ticket is being answered already."""
        with self._lock:
            try:
                self._waiting.remove(ticket)
            except ValueError:
                return False
            must_call_another = self._called is ticket and ticket.leads_when_woken
            self._announce()
        if must_call_another:
            self._call_next()
        return True

    def _call_next(self) -> None:
        with self._lock:
            called = self._called = self._waiting[0] if self._waiting else None
            self._led = called is not None
            if called is None:
                self._announce()
        if called is not None:
            called.call_to_lead()

    def _wait(self, seconds: float | None = None) -> bool:
        """Wait for a change; False if there was none in time."""
        self._onlookers += 1
        try:
            return self._changed.wait(seconds)
        finally:
            self._onlookers -= 1

    def _announce(self) -> None:
        """Wake those who wait for a change, who are few and seldom."""
        if self._onlookers:
            self._changed.notify_all()

    def close(self) -> None:
        """Admit nobody any more and wait until everybody in line has been answered."""
        with self._lock:
            self._closed = True
            self._announce()
            while self._led:
                self._wait()
        self._leader.shutdown(wait=False)


class ThreadTicket:
    """A ticket whose caller is a thread that waits."""

    __slots__ = ("_signal", "answer", "command", "deadline", "done", "problem")
    leads_when_woken = True

    def __init__(self, command: AnyCommand, deadline: float) -> None:
        """Start without an answer."""
        self.command = command
        self.deadline = deadline
        self.answer: Answer | None = None
        self.problem: BaseException | None = None
        self.done = False
        self._signal = threading.Lock()
        self._signal.acquire()

    @staticmethod
    def tell(tickets: "Sequence[ThreadTicket]") -> None:
        """Wake the threads for good."""
        for ticket in tickets:
            ticket.done = True
            ticket._wake()

    def call_to_lead(self) -> None:
        """Wake the thread to lead."""
        self._wake()

    def _wake(self) -> None:
        if self._signal.locked():
            self._signal.release()

    def wait(self, seconds: float) -> bool:
        """Wait to be woken; False if nobody did in time."""
        return self._signal.acquire(timeout=max(0.0, seconds))


def seconds_in(timeout: float) -> float:
    """Return a time-out that can be waited for; for ever is a year. Raises `ValueError`."""
    if not timeout >= 0:
        raise ValueError("timeout must be a number of seconds, 0 at least")
    return min(timeout, _YEAR)


def ask(line: Line, command: AnyCommand, seconds: float) -> Answer:
    """Stand in line with one command and return its answer; raise its problem.

    Raises `TemporarilyUnavailableError` when nothing was heard in `seconds`.
    """
    deadline = time.monotonic() + seconds
    ticket = ThreadTicket(command, deadline)
    must_lead = line.enter(ticket)
    try:
        while not ticket.done:
            if must_lead:
                must_lead = False
                line.lead_for(deadline - time.monotonic())
            elif ticket.wait(deadline - time.monotonic()):
                must_lead = not ticket.done
            elif time.monotonic() >= deadline and not ticket.done:
                raise TemporarilyUnavailableError(UNAVAILABLE)
    except BaseException:  # too late, or interrupted while waiting
        line.leave(ticket)
        if must_lead:
            line.lead_elsewhere()
        raise
    if ticket.problem is not None:
        raise ticket.problem
    assert ticket.answer is not None  # noqa: S101 a ticket that is done has one or the other
    return ticket.answer
