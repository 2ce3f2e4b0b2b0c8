"""Keeps read models up with a log that grows: woken by writes of this process, polling for those of others."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from huissier.adapters.errors import HuissierError, StoreError, TemporarilyUnavailableError
from huissier.adapters.log.port import Log
from huissier.adapters.views.runner import ProjectionError, Runner

POLL_SECONDS: Final = 0.5  # other processes are not heard; a head that has not moved costs one query

Tell = Callable[[HuissierError], None]


class Follower:
    """Follows a log with some projections, in the thread that runs it, until another stops it."""

    def __init__(self, log: Log, runners: Sequence[Runner[Any]], poll_seconds: float = POLL_SECONDS) -> None:
        """Follow with these projections; nothing is read yet."""
        self._log = log
        self._runners = list(runners)
        self._poll_seconds = poll_seconds
        self._stopped = threading.Event()

    def run(self, tell: Tell) -> None:
        """Keep up until stopped, or until every projection has stopped by itself.

        `tell` is given what stopped a projection, which is left alone from then on while the others go on, and what
        made the store unavailable for a time, once each time. Raises `StoreError` where the log cannot be read.
        """
        folded, trouble = -1, ""
        while self._runners and not self._stopped.is_set():
            heard = self._log.appended.rings
            try:
                folded, trouble = self._fold_behind(folded, tell), ""
            except TemporarilyUnavailableError as problem:
                if str(problem) != trouble:
                    tell(problem)
                folded, trouble = -1, str(problem)
            self._log.appended.wait(heard, self._poll_seconds)

    def stop(self) -> None:
        """End `run` after the page it is at; safe in a signal handler and from any thread."""
        self._stopped.set()
        self._log.appended.ring()

    def _fold_behind(self, folded: int, tell: Tell) -> int:
        """Fold what stands behind a position, if anything does, and return the position up to which all is folded."""
        with self._log.reading() as look:
            head = look.head
        if head != folded:
            for runner in list(self._runners):
                self._catch_up(runner, tell)
        return head

    def _catch_up(self, runner: Runner[Any], tell: Tell) -> None:
        try:
            runner.catch_up(self._keep_on)
        except _StoppedError:
            return
        except TemporarilyUnavailableError:
            raise
        except (ProjectionError, StoreError) as problem:
            self._runners.remove(runner)
            tell(problem)

    def _keep_on(self, _: int, __: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError


class _StoppedError(Exception):
    """Somebody asked to end: a long catch-up stops after its page, which is kept."""
