"""Messages under way in the process, by instance: a server may ask about one of them on any of its connections."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from huissier.adapters.gateway.transaction import Transaction
from huissier.adapters.gateway.watching import UNWATCHED, Watch

MOST: Final = 50_000
SECONDS: Final = 4 * 3600.0  # a large message over a slow line; then the sender is told to try again


class Underway:
    """Remembers a number of messages for some time since they were last asked about.

    A message that was forgotten is deferred at its end: nobody knows any more for whom it was let through.
    """

    def __init__(
        self,
        watch: Watch = UNWATCHED,
        *,
        most: int = MOST,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`watch` hears of those that never came to their end. `clock` returns seconds."""
        self._watch = watch
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._messages: OrderedDict[str, tuple[float, Transaction]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._messages)

    def find(self, instance: str) -> Transaction | None:
        """Return the message of an instance, which is kept longer for it."""
        self._forget_old()
        found = self._messages.get(instance)
        if found is None:
            return None
        self.keep(instance, found[1])
        return found[1]

    def keep(self, instance: str, message: Transaction) -> None:
        """Remember a message; where there is no more room, one that nobody has asked about for longest is forgotten."""
        self._messages[instance] = (self._clock() + self._seconds, message)
        self._messages.move_to_end(instance)
        while len(self._messages) > self._most:
            self.drop(next(iter(self._messages)))

    def drop(self, instance: str) -> None:
        """Forget a message that nobody will ask about any more."""
        _, message = self._messages.pop(instance, (0.0, None))
        if message is not None and message.let_through and not message.came_to_its_end:
            self._watch.abandoned()

    def _forget_old(self) -> None:
        now = self._clock()
        while self._messages and next(iter(self._messages.values()))[0] <= now:
            self.drop(next(iter(self._messages)))
