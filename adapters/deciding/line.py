"""The line before the pen: whoever finds the pen free takes it and answers everybody who waits.

A lone caller decides its own command without a change of thread. Whoever arrives while the pen is held waits in
line and is answered together with all others in the next turn, by one commit. When a turn ends, the first in
line is called to lead the next, so nobody serves strangers for ever.
"""

import math
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby, repeat, starmap
from operator import attrgetter, itemgetter
from queue import SimpleQueue
from typing import Any, Final, Protocol

from huissier.adapters.deciding.own_lock import within
from huissier.adapters.errors import EngineClosedError, TemporarilyUnavailableError
from huissier.adapters.own_process import OwnProcess
from huissier.domain.answers import Answer
from huissier.domain.commands import AnyCommand

TIMEOUT: Final = 30.0  # seconds; as long as the databases themselves wait for the pen
MOST_AT_ONCE: Final = 512
_LATE: Final = 1.0  # seconds by which a caller that leads may be late
_YEAR: Final = 365 * 86_400.0
_TELL: Final = attrgetter("tell")
_FIRST: Final = itemgetter(0)
_ELSEWHERE: Final = object()  # who leads where no caller does: the line's own thread
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
        """Whether a call to lead only wakes the caller, who may have left; otherwise the call itself leads."""
        ...

    @property
    def tell(self) -> Callable[[Sequence[Any]], None]:
        """What tells callers that their tickets are done: called once for all who wait in the same way."""
        ...

    def call_to_lead(self) -> None:
        """Have somebody call `Line.lead`."""


class Line:
    """Tickets in order of arrival. `serve` answers a batch: it sets answer or problem of each and never raises."""

    def __init__(self, serve: Callable[[list[Ticket]], None], *, capacity: int, pen: "threading.RLock | None") -> None:
        """Hold `capacity` tickets at the most; more callers wait for room.

        `pen`: the lock that serving takes. A caller's thread that gets it in time leads, which is quickest but occupies
        the thread for a whole turn. None where a turn may hang, as on a server that stops answering: there the line's
        own thread leads.
        """
        self.observe: Callable[[int], None] | None = None  # is told the size of each batch, by whoever leads
        self._serve = serve
        self._pen = pen
        self._capacity = capacity
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._onlookers = 0
        self._waiting: OrderedDict[Ticket, None] = OrderedDict()  # whoever leaves may stand anywhere
        self._leads: object = None  # the ticket whose caller leads or is called to lead, or `_ELSEWHERE`
        self._closed = False
        self._process = OwnProcess()
        self._calls: SimpleQueue[bool] = SimpleQueue()  # an interrupt of a caller would break an executor
        weakref.finalize(self, self._calls.put, False).atexit = False
        threading.Thread(
            target=_lead_when_called, args=(self._calls, weakref.ref(self)), name="huissier-pen", daemon=True
        ).start()

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
        """Whether this process is a fork of the one that opened it, and so has none of its threads."""
        return self._process.is_left

    def check_process(self) -> None:
        """Refuse a process that inherited it. Raises `EngineClosedError`."""
        self._process.check()

    def check_open(self) -> None:
        """Refuse a call after closing, or in a fork. Raises `EngineClosedError`."""
        self.check_process()
        if self._closed:
            raise EngineClosedError("the engine was closed")

    def _admit(self, ticket: Ticket) -> bool:
        if self._closed:
            raise EngineClosedError("the engine was closed")
        self._waiting[ticket] = None
        if self._leads is None:
            self._leads = ticket
        return self._leads is ticket

    def lead(self, who: object = _ELSEWHERE) -> None:
        """Answer one batch of those who wait, and call the next to lead if more wait. `who`: the leader's ticket."""
        batch: list[Ticket] = []
        try:
            with self._lock:
                self._leads = who
                some = repeat((False,), min(len(self._waiting), MOST_AT_ONCE))
                batch.extend(map(_FIRST, starmap(self._waiting.popitem, some)))  # in one step: no interrupt loses one
                self._announce()
            if batch:
                if self.observe is not None:
                    self.observe(len(batch))
                self._serve(batch)
        except BaseException:  # the leader was interrupted: nothing else is known for the others
            for ticket in batch:
                if ticket.answer is None:
                    ticket.problem = TemporarilyUnavailableError(UNAVAILABLE)
            raise
        finally:
            try:
                self._call_next()
            finally:
                _tell(batch)

    def lead_elsewhere(self, ticket: Ticket | None = None) -> None:
        """Have the line's own thread lead, for callers that must not be held up by a pen that others hold.

        `ticket`: of the caller who was to lead and no longer is.
        """
        self._calls.put(True)
        with self._lock:
            if ticket is not None and self._leads is ticket:
                self._leads = _ELSEWHERE

    def lead_for(self, ticket: Ticket, seconds: float) -> None:
        """Lead for a thread that has so many seconds left, or call the line's own thread if it gets no pen in time."""

        def led() -> bool:
            self.lead(ticket)
            return True

        spare = seconds - TIMEOUT + _LATE  # another process may hold a file's pen as long again
        if self._pen is None or spare <= 0 or within(spare, self._pen, led) is None:
            self.lead_elsewhere(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Give up a place in line, and the lead, where the caller was called to lead or was interrupted leading."""
        with self._lock:
            self._waiting.pop(ticket, None)
            ticket.deadline = -math.inf  # nor is it decided if a leader who has it still waits for the pen
            must_call_another = self._leads is ticket
            self._announce()
        if must_call_another:
            self._call_next()

    def _call_next(self) -> None:
        with self._lock:
            called = next(iter(self._waiting), None)
            self._leads = called if called is None or called.leads_when_woken else _ELSEWHERE
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
        """Wake those who wait for a change; mostly there are none."""
        if self._onlookers:
            self._changed.notify_all()

    def close(self) -> None:
        """Admit nobody any more and wait until everybody in line has been answered."""
        with self._lock:
            self._closed = True
            self._announce()
            while self._leads is not None:
                if not self._wait(TIMEOUT):
                    self._calls.put(True)  # at the worst that one leads too, and finds nobody
        self._calls.put(False)


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
        """Wake the threads: their tickets are done."""
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


def _lead_when_called(calls: "SimpleQueue[bool]", reference: "weakref.ref[Line]") -> None:
    """Lead a line once per call, until it is closed or dropped."""
    while calls.get():
        line = reference()
        if line is None:
            return
        with suppress(BaseException):  # those in the batch were told, and the next call must be served
            line.lead()
        del line


def _tell(batch: list[Ticket]) -> None:
    """Tell all callers, even if that is interrupted: telling one of them twice does no harm."""
    try:
        for tell, tickets in groupby(batch, _TELL):
            tell(list(tickets))
    except BaseException:
        for ticket in batch:
            ticket.tell([ticket])
        raise


def seconds_in(timeout: float) -> float:
    """Return a time-out that can be waited for, a year at the most. Raises `ValueError`."""
    if not timeout >= 0:
        raise ValueError("timeout must be a number of seconds, 0 at least")
    return min(timeout, _YEAR)


def ask(line: Line, command: AnyCommand, seconds: float) -> Answer:
    """Stand in line with one command and return its answer; raise its problem.

    Raises `TemporarilyUnavailableError` when nothing was heard in `seconds`.
    """
    deadline = time.monotonic() + seconds
    ticket = ThreadTicket(command, deadline)
    try:
        must_lead = line.enter(ticket)
        while not ticket.done:
            if must_lead:
                must_lead = False
                line.lead_for(ticket, deadline - time.monotonic())
            elif ticket.wait(deadline - time.monotonic()):
                must_lead = not ticket.done
            elif time.monotonic() >= deadline and not ticket.done:
                raise TemporarilyUnavailableError(UNAVAILABLE)
    except BaseException:  # too late, or interrupted while waiting
        line.leave(ticket)
        raise
    if ticket.problem is not None:
        raise ticket.problem
    assert ticket.answer is not None  # noqa: S101 a ticket that is done has one or the other
    return ticket.answer
