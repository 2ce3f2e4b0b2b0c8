"""What stands before a fact, by tag, while a log is read from its beginning: bounded memory, whatever its length.

The store's own index of tags is not asked: it may have been changed, and an archive has none. Each fact is put aside
under its own tags in a private database of SQLite, which is in memory as long as it is small and in a file without a
name when it has grown, gone when it is closed.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, Self

from huissier.adapters.log import codec
from huissier.domain.facts import AnyTimeline, Facts, new_timeline
from huissier.domain.timeline import Fact

REMEMBERED: Final = 100_000  # subjects; each about a kilobyte
_WRITTEN_AT_ONCE: Final = 5_000
_SETTINGS: Final = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA cache_size = -65536",
    "CREATE TABLE past (tag TEXT, position INTEGER, data BLOB, PRIMARY KEY (tag, position)) WITHOUT ROWID",
    "CREATE TABLE met (name TEXT PRIMARY KEY) WITHOUT ROWID",
    "BEGIN",
)


class Past:
    """Facts put aside by tag, and `facts`, which reads the timelines of those that are asked for."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        """Start with nothing; so many subjects are remembered, others are read again."""
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in _SETTINGS:
            self._database.execute(statement)
        self._unwritten: dict[str, list[tuple[int, bytes]]] = {}
        self._waiting = 0
        self._timelines = _OnDemand(self, remembered)
        self.facts = Facts(self._timelines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def put(self, tags: Iterable[str], fact: Fact, data: bytes) -> None:
        """Put a fact aside under its tags; `data` is the fact as the log keeps it."""
        known = self._timelines
        for tag in tags:
            if (timeline := known.get(tag)) is not None:
                timeline.add(fact)
            self._unwritten.setdefault(tag, []).append((fact.position, data))
            self._waiting += 1
        if self._waiting >= _WRITTEN_AT_ONCE:
            self._write()

    def about(self, tag: str) -> AnyTimeline:
        """Return the timeline of all that was put aside under a tag."""
        timeline = new_timeline(tag)
        rows = self._database.execute("SELECT position, data FROM past WHERE tag = ? ORDER BY position", (tag,))
        for position, data in (*rows, *self._unwritten.get(tag, ())):
            timeline.add(codec.decode_fact(data, position))
        return timeline

    def meet(self, name: str) -> bool:
        """Note a name, and say whether it came for the first time."""
        return self._database.execute("INSERT OR IGNORE INTO met VALUES (?)", (name,)).rowcount == 1

    def _write(self) -> None:
        rows = [(tag, position, data) for tag, facts in self._unwritten.items() for position, data in facts]
        self._database.executemany("INSERT INTO past VALUES (?, ?, ?)", rows)
        self._unwritten.clear()
        self._waiting = 0


class _OnDemand(OrderedDict[str, AnyTimeline]):
    """Timelines by tag, read when they are asked for; those read first are dropped first."""

    def __init__(self, past: Past, size: int) -> None:
        super().__init__()
        self._past = past
        self._size = size

    def __missing__(self, tag: str) -> AnyTimeline:
        if len(self) >= self._size:
            self.popitem(last=False)
        timeline = self[tag] = self._past.about(tag)
        return timeline
