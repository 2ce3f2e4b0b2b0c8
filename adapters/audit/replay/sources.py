"""Where the bytes of a log come from: any source that can be read from its beginning, as often as there are readers."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from huissier.adapters.log.read_only import ReadOnlyLog

_PAGE: Final = 1_000


class Row(NamedTuple):
    """A fact as a source has it: its position, its stored bytes, its tags."""

    position: int
    data: bytes
    tags: list[str]


class Source(Protocol):
    """A log to be read from its beginning; `head` is its last position. It goes to other processes by pickling."""

    @property
    def head(self) -> int:
        """The position of the last fact, 0 without one."""
        ...

    def rows(self, until: int) -> Iterator[Row]:
        """Yield the facts up to a position in the order of the log."""
        ...


class StoreSource(NamedTuple):
    """The log of a store, or of a copy of one, as it stood when this was made; neither vault nor key is needed."""

    url: str
    head: int

    @classmethod
    def of(cls, url: str) -> "StoreSource":
        """Look at a store without changing anything in or beside it. Raises `StoreError`."""
        with ReadOnlyLog(url) as log, log.reading() as look:
            return cls(url, look.head)

    def rows(self, until: int) -> Iterator[Row]:
        """Yield the facts up to a position. Raises `StoreError`, also where a file was written to while it was read."""
        with ReadOnlyLog(self.url) as log, log.reading() as look:
            position = 0
            while page := look.after(position, min(_PAGE, until - position)):
                for position, data, tags in page:
                    if position <= until:
                        yield Row(position, data, tags)


class RowsSource(NamedTuple):
    """Facts that are at hand, such as those of an archive."""

    facts: Iterable[Row]
    head: int

    def rows(self, until: int) -> Iterator[Row]:
        """Yield the facts up to a position."""
        return (row for row in self.facts if row.position <= until)
