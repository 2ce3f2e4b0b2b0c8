"""Waiting for what another thread or process is about to do."""

from collections.abc import Callable
from time import monotonic, sleep

_LONGEST = 300.0  # seconds: a machine may be busy with other things


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; the time it may take is only there so that a bug does not hang the tests."""
    give_up = monotonic() + _LONGEST
    while not holds():
        assert monotonic() < give_up, "it took too long"
        sleep(0.01)
