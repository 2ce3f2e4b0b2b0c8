"""A clock that stands still until a test moves it."""

from datetime import datetime, timedelta

from huissier.adapters.testing.hospital import NOW


class Clock:
    """Tells the time that it was set to, in UTC; call it, or hand it to `huissier.open(…, clock=clock)`."""

    def __init__(self, now: datetime = NOW) -> None:
        """Begin at a time with its zone."""
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def go_on(self, days: float = 0, hours: float = 0, seconds: float = 0) -> datetime:
        """Move on, and return the time then."""
        self.now += timedelta(days=days, hours=hours, seconds=seconds)
        return self.now
