"""Hangs up on a server that does not answer a statement any more, so that nobody waits for it for ever."""

import threading

from huissier.adapters.log.dialects import Dialect


class Silence:
    """Watches, on a thread of its own, for how long statements have been waiting."""

    def __init__(self, dialect: Dialect, seconds: float) -> None:
        """Hang up on a connection once one statement has waited this long; many short statements are left alone."""
        self._dialect = dialect
        self._seconds = seconds
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="huissier-silence", daemon=True).start()

    def end(self) -> None:
        """Watch no longer."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds / 6):
            self._dialect.hang_up_after(self._seconds)
