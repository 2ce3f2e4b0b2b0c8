"""Where the bytes of a log come from: any source that can be read from its beginning, as often as there are readers."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.integrity.log_rows import LogRows
from huissier.adapters.integrity.tag_index import read_tags
from huissier.adapters.log.pen import check_follows
from huissier.adapters.log.read_only import ReadOnlyLog


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
        """Yield the facts up to a position, also behind a gap or beside one that cannot be read.

        Raises `StoreError`, also where they do not stand in order, and where a file was written to while it was read.
        """
        with ReadOnlyLog(self.url) as log, log.reading() as look:
            last = 0
            for page in LogRows(look.session).pages():
                for position, _, data, tags in page:
                    check_follows(last, position)
                    if position > look.head:
                        raise CorruptStoreError(f"the event at position {position} stands behind the last one")
                    if position > until:
                        return
                    yield Row(position, data, read_tags(tags) or [])
                    last = position
