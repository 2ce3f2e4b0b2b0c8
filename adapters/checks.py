"""Checks: what would be decided, looked up beside the pen and recorded nowhere (docs/adr/0040)."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import AbstractContextManager
from datetime import datetime

from huissier.adapters.desk import Desk
from huissier.adapters.errors import EngineClosedError, TemporarilyUnavailableError
from huissier.adapters.line import UNAVAILABLE
from huissier.adapters.log.port import Log, Look
from huissier.adapters.own_lock import within
from huissier.adapters.turn import Turn
from huissier.domain.answers import Verdicts
from huissier.domain.commands import SubmitMessage


class Checks:
    """Looks submissions up, which are valid, at a desk of its own. Safe to share between threads."""

    def __init__(self, desk: Desk, log: Log, clock: Callable[[], datetime], *, most: int) -> None:
        """`most`: how many may wait for the thread that looks up for callers who may give up."""
        self.desk = desk
        self._log = log
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "huissier-check")
        self._room = threading.Semaphore(most)

    def here(self, command: SubmitMessage) -> Verdicts:
        """Look it up on the thread that calls, which waits for whoever does the same."""
        with self.desk.lock:
            return self._verdicts(command, self._log.reading())

    def within(self, command: SubmitMessage, seconds: float) -> Verdicts:
        """Look it up on another thread. Raises as `begin` does, and where there is no answer in so many seconds."""
        verdicts = self.begin(command)
        try:
            return verdicts.result(seconds)
        except FutureTimeoutError:
            verdicts.cancel()  # nobody waits for it any more
            raise TemporarilyUnavailableError(UNAVAILABLE) from None

    def begin(self, command: SubmitMessage) -> Future[Verdicts]:
        """Begin to look it up on another thread.

        Raises `TemporarilyUnavailableError` where too many wait for it already, and `EngineClosedError`.
        """
        if not self._room.acquire(blocking=False):
            raise TemporarilyUnavailableError(UNAVAILABLE)
        try:
            checking = self._thread.submit(self.here, command)
        except RuntimeError:
            self._room.release()
            raise EngineClosedError("the engine was closed") from None
        checking.add_done_callback(lambda _: self._room.release())
        return checking

    def at_once(self, command: SubmitMessage, glance: Callable[[], AbstractContextManager[Look]]) -> Verdicts:
        """Look it up in a glance at the log. Raises `TemporarilyUnavailableError` where that had to wait."""
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

    def close(self) -> None:
        """Answer everybody who waits, and look nothing up any more on the other thread."""
        self._thread.shutdown()
