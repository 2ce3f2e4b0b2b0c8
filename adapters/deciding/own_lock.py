"""A lock that is waited for only so long, and freed wherever an interrupt comes."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, lock: "threading.RLock", work: Callable[[], T]) -> T | None:
    """Do some work with a lock; None, and no work, where the lock cannot be had in so many seconds."""
    try:
        return work() if lock.acquire(timeout=seconds) else None
    finally:
        try:  # noqa: SIM105 in one step; after an interrupt in `acquire` only the lock knows whether it is ours
            lock.release()
        except RuntimeError:
            pass  # it is not ours
