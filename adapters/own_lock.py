"""A lock that is tried for a while, and freed wherever an interrupt comes."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, lock: "threading.RLock", work: Callable[[], T]) -> T | None:
    """Do some work with a lock, or nothing where it cannot be had in so many seconds."""
    try:
        return work() if lock.acquire(timeout=seconds) else None
    finally:
        try:  # noqa: SIM105 in one step; an interrupt just behind the taking leaves no trace of it but the lock itself
            lock.release()
        except RuntimeError:
            pass  # it is not ours
