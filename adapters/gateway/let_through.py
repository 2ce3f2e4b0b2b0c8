"""For whom of a message's recipients the way is free, as its mail server counts them."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

_MOST: Final = 10_000


class LetThrough:
    """Recipients in the one text that stands for all spellings of theirs, each with how often it was named."""

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

        Who hears nothing asks again on another one, and has not named the recipient twice.
        """
        if whom not in self._times or self._asked_on[whom] is on:
            self._times[whom] += 1
        self._asked_on[whom] = on

    def are(self, count: int) -> bool:
        """Say whether a mail server that counts so many can mean these: one that was named twice it counts as two."""
        return count == self._times.total()
