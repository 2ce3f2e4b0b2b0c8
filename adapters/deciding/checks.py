"""Checks: what would be decided, looked up beside the pen and recorded nowhere (docs/adr/0040)."""

import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from queue import SimpleQueue

from huissier.adapters.deciding.desk import Desk
from huissier.adapters.deciding.line import UNAVAILABLE
from huissier.adapters.deciding.own_lock import within
from huissier.adapters.deciding.turn import Turn
from huissier.adapters.errors import EngineClosedError, TemporarilyUnavailableError
from huissier.adapters.log.port import Log, Look
from huissier.domain.answers import Verdicts
from huissier.domain.commands import SubmitMessage


class Check:
    """One check that another thread looks up: `tell` is called there when either verdicts or problem are known.

    Whoever no longer waits for it sets `is_given_up`.
    """

    __slots__ = ("command", "is_given_up", "problem", "tell", "verdicts")

    def __init__(self, command: SubmitMessage, tell: "Callable[[Check], object]") -> None:
        """Start without an answer."""
        self.command = command
        self.tell = tell
        self.is_given_up = False
        self.verdicts: Verdicts | None = None
        self.problem: BaseException | None = None

    def answer(self) -> Verdicts:
        """Return the verdicts, or raise the problem."""
        if self.problem is not None:
            raise self.problem
        assert self.verdicts is not None  # noqa: S101 it has been told, so there is one or the other
        return self.verdicts


class Checks:
    """Looks up valid submissions at a desk of its own. Safe to share between threads."""

    def __init__(self, desk: Desk, log: Log, clock: Callable[[], datetime], *, most: int) -> None:
        """`most`: how many checks may wait for the thread that serves callers who may give up."""
        self.desk = desk
        self._log = log
        self._clock = clock
        self._most = most
        self._closed = False
        self._asked: SimpleQueue[Check | None] = SimpleQueue()  # no executor, for the reason given in `Line`
        weakref.finalize(self, self._asked.put, None).atexit = False
        self._thread = threading.Thread(
            target=_look_up, args=(self._asked, weakref.ref(self)), name="huissier-check", daemon=True
        )
        self._thread.start()

    def here(self, command: SubmitMessage) -> Verdicts:
        """Look it up on the calling thread, once no other thread is looking up."""
        with self.desk.lock:
            return self._verdicts(command, self._log.reading())

    def within(self, command: SubmitMessage, seconds: float) -> Verdicts:
        """Look it up on another thread. Raises as `begin` does, also where `seconds` pass without an answer."""
        known = threading.Lock()
        known.acquire()
        check = Check(command, lambda _: known.release())
        try:
            self.begin(check)
            if not known.acquire(timeout=seconds):
                raise TemporarilyUnavailableError(UNAVAILABLE)
            return check.answer()
        finally:
            check.is_given_up = True  # nobody waits for it any more

    def begin(self, check: Check) -> None:
        """Begin to look it up on another thread.

        Raises `TemporarilyUnavailableError` where too many wait for it already, and `EngineClosedError`.
        """
        if self._asked.qsize() >= self._most:
            raise TemporarilyUnavailableError(UNAVAILABLE)
        self._asked.put(check)
        if self._closed:  # the thread may have ended before it got this
            check.is_given_up = True
            raise EngineClosedError("the engine was closed")

    def at_once(self, command: SubmitMessage, glance: Callable[[], AbstractContextManager[Look]]) -> Verdicts:
        """Look it up in a glance at the log. Raises `TemporarilyUnavailableError` instead of waiting."""
        verdicts = within(0, self.desk.lock, lambda: self._verdicts(command, glance()))
        if verdicts is None:
            raise TemporarilyUnavailableError(UNAVAILABLE)
        return verdicts

    def _verdicts(self, command: SubmitMessage, looking: AbstractContextManager[Look]) -> Verdicts:
        with self.desk as desk, looking as look:
            turn = Turn(look, desk.memory, self._clock())
            verdicts = desk.clerk.verdicts(command, turn)
            desk.memory.keep_bounded(turn.done_with)
            return verdicts

    def look_up(self, check: Check) -> None:
        """Answer a check with its verdicts or its problem, unless it was given up."""
        if check.is_given_up:
            return
        try:
            check.verdicts = self.here(check.command)
        except BaseException as problem:
            check.problem = problem
        check.tell(check)

    def close(self) -> None:
        """Answer everybody who waits, and look nothing up any more on the other thread."""
        self._closed = True
        self._asked.put(None)
        self._thread.join()


def _look_up(asked: "SimpleQueue[Check | None]", reference: "weakref.ref[Checks]") -> None:
    """Look up one check after the other, until the `Checks` are closed or dropped."""
    while (check := asked.get()) is not None:
        checks = reference()
        if checks is None:
            return
        with suppress(BaseException):  # the caller may be gone, and the next one must still be told
            checks.look_up(check)
        del checks, check
