"""Clocks: what tells the engine the present."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time of the machine's clock, in UTC."""
    return datetime.now(UTC)


def in_utc(clock: Clock) -> Clock:
    """Return a clock in UTC that refuses a time without its zone: it would make facts nobody can decode."""

    def now() -> datetime:
        time = clock()
        if time.tzinfo is UTC:
            return time
        if time.utcoffset() is None:
            raise ValueError("the clock must tell times with their zone, as datetime.now(UTC) does")
        return time.astimezone(UTC)

    return now
