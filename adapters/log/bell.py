"""Rings when this process appended something, for those who follow the log; other processes are not heard."""

import threading


class Bell:
    """Counts its rings, so that a ring between reading the log and waiting for more is not missed."""

    def __init__(self) -> None:
        """Hang a bell that has not rung."""
        self._lock = threading.Lock()  # taken directly: an interrupt while entering a condition would leave it locked
        self._rung = threading.Condition(self._lock)
        self._rings = 0

    @property
    def rings(self) -> int:
        """How often it has rung."""
        return self._rings

    def ring(self) -> None:
        """Wake whoever waits."""
        with self._lock:
            self._rings += 1
            self._rung.notify_all()

    def wait(self, heard: int, seconds: float) -> None:
        """Wait until it has rung more often than was `heard`, but not longer than `seconds`."""
        with self._lock:
            self._rung.wait_for(lambda: self._rings != heard, seconds)
