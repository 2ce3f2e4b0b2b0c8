"""Waiting for what another thread or process is about to do, and for whom others wait."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep

_LONGEST = 300.0  # seconds: a machine may be busy with other things


def eventually(holds: Callable[[], bool], is_over: Callable[[], bool] = lambda: False) -> None:
    """Wait until something holds, unless it cannot any more.

    The time it may take is only there so that a bug does not hang the tests.
    """
    give_up = monotonic() + _LONGEST
    while not holds():
        assert not is_over(), "the process ended"
        assert monotonic() < give_up, "it took too long"
        sleep(0.01)


@contextmanager
def held_elsewhere(lock: "threading.RLock") -> Iterator[None]:
    """Have another thread hold a lock."""
    with ThreadPoolExecutor(1) as other:
        other.submit(lock.acquire).result()
        yield
        other.submit(lock.release).result()
