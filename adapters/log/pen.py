"""Looks at a SQL store's log, and the pens that write behind them.

Statements are plain cached texts: building SQL expressions for each call costs more than running them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any, Final, NoReturn

import msgspec
from eventsourcing.dcb.api import DCBEvent

from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.log.port import OvertakenError, Whole
from huissier.adapters.log.session import Session

_TAGS_A_QUERY: Final = 200

HEAD: Final = "SELECT max(position) FROM events"
_AFTER = "SELECT position, data, tags FROM events WHERE position > ? ORDER BY position LIMIT ?"
_FACTS_AFTER = "SELECT position, data FROM events WHERE position > ? ORDER BY position LIMIT ?"
_WHOLE_AFTER = "SELECT position, type, data, tags FROM events WHERE position > ? ORDER BY position LIMIT ?"
# A missing event must not be passed over: without its bytes decoding fails, and the error names it.
_BY_TAG = (
    "SELECT t.tag, t.position, e.data FROM tags t LEFT JOIN events e ON e.position = t.position"
    " WHERE t.tag IN ({}) AND t.position <= ? ORDER BY t.position"
)
_tags_decoder = msgspec.json.Decoder(list[str])


class Reading:
    """A `Look` through a session: one consistent snapshot where the session is in a transaction."""

    def __init__(self, session: Session, head: int | None = None, *, goes_on: bool = False) -> None:
        """Look up to the head given, or the current one; `goes_on`: later events may appear, and are left out."""
        self.session = session
        self._goes_on = goes_on
        self.head: int = (session.scalar(HEAD) or 0) if head is None else head

    def after(self, position: int, limit: int) -> list[tuple[int, bytes, list[str]]]:
        """Return positions, bytes and tags of what stands after a position. Raises `CorruptStoreError`."""
        rows = self._page(_AFTER, position, limit)
        return [(position, data, decode_tags(tags, position)) for position, data, tags in rows]

    def facts_after(self, position: int, limit: int) -> list[tuple[int, bytes]]:
        """Return positions and bytes of what stands after a position. Raises `CorruptStoreError`."""
        return self._page(_FACTS_AFTER, position, limit)

    def whole_after(self, position: int, limit: int) -> list[Whole]:
        """Return positions, types, bytes and tags of what stands after a position. Raises `CorruptStoreError`."""
        rows = self._page(_WHOLE_AFTER, position, limit)
        return [(position, kind, data, decode_tags(tags, position)) for position, kind, data, tags in rows]

    def _page(self, statement: str, after: int, limit: int) -> list[Any]:
        """Return the next rows; refuse them unless there is one at each position: a damaged index may omit some."""
        rows: list[Any] = self.session.run(statement, (after, limit)).fetchall()
        if self._goes_on:
            rows = [row for row in rows if row[0] <= self.head]
        found, expected = [row[0] for row in rows], range(after + 1, min(after + limit, self.head) + 1)
        if found != list(expected):
            self._refuse(found, expected)
        return rows

    def _refuse(self, found: list[int], expected: range) -> NoReturn:
        """Say what is wrong with a page, at the first position where it is."""
        position, there = next(pair for pair in zip_longest(expected, found) if pair[0] != pair[1])
        if position is None:
            raise CorruptStoreError(f"the event at position {there} stands behind the last one")
        if there is None or there > position:
            raise CorruptStoreError(f"the event at position {position} is missing")
        raise CorruptStoreError(f"the event at position {there} stands where the one at {position} should")

    def by_tag(self, tags: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
        """Yield (tag, position, bytes) of every fact that carries one of the tags, by position within a query."""
        for chunk in _chunks(tags):
            marks = ",".join("?" * len(chunk))
            yield from self.session.rows(_BY_TAG.format(marks), (*chunk, self.head))

    def presume_new(self, tags: Iterable[str]) -> None:
        """Read them all the same."""

    def change_vault(self) -> Session:
        """Leave the vault to a pen with a transaction. Raises `OvertakenError`."""
        raise OvertakenError


class SqlPen(Reading):
    """The pen inside a write transaction: a `Reading` whose head nobody else can move."""

    def change_vault(self) -> Session:
        """Return the session: the vault is written in the same transaction."""
        return self.session

    def append(self, events: Sequence[DCBEvent]) -> int:
        """Write events behind the head and return the position of the last; without events, of the head."""
        if events:
            self.head = self.session.append(self.head, (), events) or self.head
        return self.head


class HopefulPen(Reading):
    """A pen that does not read tags presumed new: the database checks them before it appends anything.

    The database checks the head too, so a log that nobody else writes to needs no transaction: all that is appended
    goes in one round trip.
    """

    def __init__(self, session: Session, head: int) -> None:
        """Write behind the head that has been read up to."""
        super().__init__(session, head)
        self._presumed: set[str] = set()

    def _refuse(self, found: list[int], expected: range) -> NoReturn:
        """Assume that somebody wrote meanwhile: the next pen looks again. Raises `OvertakenError`."""
        raise OvertakenError

    def presume_new(self, tags: Iterable[str]) -> None:
        """Assume that no fact carries these tags; `append` has it checked."""
        self._presumed.update(tags)

    def by_tag(self, tags: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
        """Yield (tag, position, bytes) of every fact that carries one of the tags, but for those presumed new."""
        return super().by_tag([tag for tag in tags if tag not in self._presumed])

    def append(self, events: Sequence[DCBEvent]) -> int:
        """Write events behind the head and return the position of the last. Raises `OvertakenError`."""
        appended = self.session.append(self.head, list(self._presumed), events)
        if appended is None:
            raise OvertakenError
        self.head = appended
        return self.head


def check_follows(before: int, position: int) -> None:
    """Make sure that one position follows another, where there may be gaps. Raises `CorruptStoreError`."""
    if position <= before:
        raise CorruptStoreError(f"the event at position {position} stands before or beside the one it should follow")


def decode_tags(text: str, position: int) -> list[str]:
    """Return the tags column's content. Raises `CorruptStoreError` naming the position."""
    try:
        return _tags_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):  # TypeError: NULL, or a number
        raise CorruptStoreError(f"the tags of the event at position {position} cannot be decoded") from None


def _chunks(tags: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(tags)
    while chunk := list(islice(rest, _TAGS_A_QUERY)):
        yield chunk
