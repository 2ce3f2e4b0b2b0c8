"""Which of a message's recipients were let through, counted as its mail server counts them."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

_MOST: Final = 10_000


class LetThrough:
    """Recipients, each in the one text that stands for all its spellings, with how often it was named."""

    def __init__(self) -> None:
        """Start without any."""
        self._times: Counter[str] = Counter()
        self._asked_on: dict[str, object] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._times)

    def __len__(self) -> int:
        return len(self._times)

    def __contains__(self, whom: str) -> bool:
        return whom in self._times

    def has_room_for(self, whom: str) -> bool:
        """Say whether one more may be let through."""
        return whom in self._times or len(self._times) < _MOST

    def add(self, whom: str, on: object) -> None:
        """Let somebody through. `on`: the connection that asked.

        A server that gets no answer asks again on another one; that does not name the recipient twice.
        """
        if whom not in self._times or self._asked_on[whom] is on:
            self._times[whom] += 1
        self._asked_on[whom] = on

    def adds_up_to(self, count: int) -> bool:
        """Say whether a mail server that counts so many can mean these; it counts a recipient named twice as two."""
        return count == self._times.total()
