"""The usagers a log speaks of, gathered on disk: there may be more of them than memory should hold."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Self

_TABLE: Final = """
CREATE TABLE usagers (usager TEXT PRIMARY KEY, named INTEGER, erased INTEGER, kept INTEGER NOT NULL DEFAULT 0)
WITHOUT ROWID
"""
_NAMED: Final = """
INSERT INTO usagers (usager, named) VALUES (?, ?) ON CONFLICT DO UPDATE SET named = coalesce(named, excluded.named)
"""
_ERASED: Final = "INSERT INTO usagers (usager, erased) VALUES (?, ?) ON CONFLICT DO UPDATE SET erased = excluded.erased"
_FIND: Final = "SELECT named, erased FROM usagers WHERE usager = ?"
_KEPT: Final = "UPDATE usagers SET kept = 1 WHERE usager = ?"
_LOST: Final = "SELECT named FROM usagers WHERE named IS NOT NULL AND erased IS NULL AND NOT kept ORDER BY named"


class Usager(NamedTuple):
    """Where the log first names a usager, and where it says that they were erased."""

    named: int | None
    erased: int | None


class Usagers:
    """A scratch database without a name, gone with its connection."""

    def __init__(self) -> None:
        """Start knowing nobody."""
        self._scratch = sqlite3.connect("")
        self._scratch.execute(_TABLE)

    def name(self, usagers: Iterable[str], position: int) -> None:
        """Take in ids that a position names."""
        self._scratch.executemany(_NAMED, [(usager, position) for usager in usagers])

    def erase(self, usager: str, position: int) -> None:
        """Take in where the log says that a usager was erased."""
        self._scratch.execute(_ERASED, (usager, position))

    def keep(self, usager: str) -> Usager | None:
        """Take in that the vault knows a usager, and return what the log says of them."""
        self._scratch.execute(_KEPT, (usager,))
        row: Sequence[int | None] | None = self._scratch.execute(_FIND, (usager,)).fetchone()
        return None if row is None else Usager(*row)

    def lost(self) -> Iterator[int]:
        """Yield the first positions that name usagers whom neither the vault knows nor the log erased."""
        for (position,) in self._scratch.execute(_LOST):
            yield position

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._scratch.close()
