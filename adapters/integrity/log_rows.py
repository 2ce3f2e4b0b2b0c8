"""The log's rows in order, page by page; what a damaged file does not give up is named and passed over."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from huissier.adapters.log.session import Session

_PAGE: Final = 1000
_MOST_BLIND: Final = 10
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1

_ROWS: Final = "SELECT position, type, data, tags FROM events WHERE position BETWEEN ? AND ? ORDER BY position"
# The condition stands twice, once such that no index serves it: one in disorder gives earlier rows again and again.
_NEXT: Final = "SELECT min(position) FROM events WHERE position > ? AND position + 0 > ?"
_HEAD: Final = "SELECT max(position) FROM events"


class Row(NamedTuple):
    """What stands at a position, as the driver gives it."""

    position: int
    type: Any
    data: Any
    tags: Any


class LogRows:
    """The rows of one snapshot."""

    def __init__(self, session: Session) -> None:
        """Read through a session; `head` is the position of the last row, 0 without one."""
        self._session = session
        self.head: int = session.scalar(_HEAD) or 0

    def pages(self) -> Iterator[list[Row]]:
        """Yield the rows by position, some at a time; it ends after too many pages in a row that cannot be read."""
        first, blind = self._after(_LOWEST), 0
        while first is not None and blind < _MOST_BLIND:
            last = first + _PAGE - 1
            page = self.between(first, last)
            blind = 0 if any(row.data is not None for row in page) else blind + 1
            yield page
            first = self._after(last)
        if first is not None:
            yield [Row(first, None, None, None)]

    def _after(self, position: int) -> int | None:
        try:
            behind = min(position, _HIGHEST)
            found: int | None = self._session.scalar(_NEXT, (behind, behind))
        except sqlite3.DatabaseError:
            return max(position + 1, 0) if position < self.head else None
        return found

    def between(self, first: int, last: int) -> list[Row]:
        """Return the rows of some positions; where SQLite fails, halve the range until the bad ones are known."""
        first, last = max(first, _LOWEST), min(last, _HIGHEST)
        try:
            return [Row(*row) for row in self._session.rows(_ROWS, (first, last))]
        except sqlite3.DatabaseError:
            if first == last:
                return [Row(first, None, None, None)]
            middle = (first + last) // 2
            return self.between(first, middle) + self.between(middle + 1, last)
