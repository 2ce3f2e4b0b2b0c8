"""Messages under way in the process, by instance: a server may ask about one of them on any of its connections."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from huissier.adapters.gateway.transaction import Transaction
from huissier.adapters.gateway.watching import UNWATCHED, Watch

MOST: Final = 200_000  # recipients of all messages; a message without any counts as one
SECONDS: Final = 4 * 3600.0  # long enough for a large message over a slow line; after it the sender must try again


class Underway:
    """Remembers messages, up to a number of recipients, for some time since they were last asked about.

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
        self._messages: OrderedDict[str, tuple[float, Transaction, int]] = OrderedDict()
        self._recipients = 0

    def __len__(self) -> int:
        return len(self._messages)

    def find(self, instance: str) -> Transaction | None:
        """Return the message of an instance, and keep it for longer."""
        self._forget_old()
        found = self._messages.get(instance)
        if found is None:
            return None
        self.keep(instance, found[1])
        return found[1]

    def keep(self, instance: str, message: Transaction) -> None:
        """Remember a message; without room, those that were asked about longest ago are forgotten."""
        recipients = max(1, len(message.let_through))
        self._recipients += recipients - (self._messages[instance][2] if instance in self._messages else 0)
        self._messages[instance] = (self._clock() + self._seconds, message, recipients)
        self._messages.move_to_end(instance)
        while self._recipients > self._most and len(self._messages) > 1:
            self.drop(next(iter(self._messages)))

    def drop(self, instance: str) -> None:
        """Forget a message that nobody will ask about any more."""
        found = self._messages.pop(instance, None)
        if found is not None:
            _, message, recipients = found
            self._recipients -= recipients
            if message.let_through and not message.came_to_its_end:
                self._watch.abandoned()

    def _forget_old(self) -> None:
        now = self._clock()
        while self._messages and next(iter(self._messages.values()))[0] <= now:
            self.drop(next(iter(self._messages)))
