"""An archive read in the order of the log, in constant memory; every row is checked before it is given away.

An error names the first bad position, as far as that can be told: for a changed row its own; for a page that cannot be
read the first in it; for a file with other bytes but the right rows the first of the file; for wrong bounds the first
of the rows that a query would skip by them.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from huissier.adapters.archive.columns import SCHEMA, Block, blocks_of, rows_of
from huissier.adapters.archive.form import Form, OddFormError
from huissier.adapters.archive.groups import Rows
from huissier.adapters.archive.layout import Layout, Part, sum_of
from huissier.adapters.archive.parquet import pa, pq
from huissier.adapters.audit.replay.sources import Row
from huissier.adapters.errors import CorruptStoreError, DamagedArchiveError
from huissier.adapters.log.port import Whole

PAGE: Final = 4_096
_DERIVED: Final = {
    "leaf": "is not the event that was exported",
    "tags": "its tags do not stand each once and in order",
    "recorded_at": "its column recorded_at is not what the event says",
    "at": "its column at is not what the event says",
}
_UNREADABLE: Final = (pa.ArrowException, OSError)


class Archive:
    """The log in an archive."""

    def __init__(self, folder: Path) -> None:
        """Look at an archive. Raises `ArchiveError`."""
        self.layout = Layout(folder)

    @property
    def head(self) -> int:
        """The last position, 0 where the archive is empty. Raises `DamagedArchiveError`."""
        if not self.layout.parts:
            return 0
        last = self.layout.parts[-1]
        with self._open(last) as file:
            return last.first - 1 + int(file.metadata.num_rows)

    def beginnings(self) -> Iterator[bytes]:
        """Yield what is kept of each leaf's hash, without reading the events. Raises `DamagedArchiveError`."""
        expected = 1
        for part in self.layout.parts:
            _check_follows(part, expected)
            with self._open(part) as file:
                try:
                    for batch in file.iter_batches(PAGE, columns=["leaf"], use_threads=False):
                        yield from batch["leaf"].to_pylist()
                        expected += len(batch)
                except _UNREADABLE:
                    raise DamagedArchiveError(f"{part.name}, which begins here, cannot be read", part.first) from None

    def pages(self) -> Iterator[list[Whole]]:
        """Yield the rows of the whole log, some at a time. Raises `DamagedArchiveError`."""
        expected = 1
        for part in self.layout.parts:
            _check_follows(part, expected)
            for rows in self._pages_of(part):
                yield rows
                expected += len(rows)

    def _pages_of(self, part: Part) -> Iterator[list[Whole]]:
        with self._open(part) as file, self.layout.path(part).open("rb") as stored, _mapped(stored) as raw:
            form = Form(raw)
            yield from self._checked(part, file, form)
            if sum_of(self.layout.path(part)) != part.sha256:
                what = f"{part.name}, which begins here, is not the file that was written"
                raise DamagedArchiveError(what, part.first)
            _check_form(part, form)

    def _checked(self, part: Part, file: pq.ParquetFile, form: Form) -> Iterator[list[Whole]]:
        """Yield the rows of a file, each checked by itself, and compare each group with what the file says of it."""
        expected = part.first
        for group in range(file.num_row_groups):
            held = Rows(expected)
            for batch in _batches(file, group, expected):
                rows = rows_of(batch)
                _check_positions(rows, expected)
                _check_derived(part.month, batch, rows)
                held.take_in(batch)
                expected += len(rows)
                yield rows
            form.take_in(held)

    def _open(self, part: Part) -> pq.ParquetFile:
        path = self.layout.path(part)
        if not path.is_file():
            raise DamagedArchiveError(f"is missing, with all of {part.name}", part.first)
        try:
            file = pq.ParquetFile(path)
        except _UNREADABLE:
            raise DamagedArchiveError(f"{part.name}, which begins here, cannot be read", part.first) from None
        if not file.schema_arrow.equals(SCHEMA):
            file.close()
            raise DamagedArchiveError(f"{part.name}, which begins here, has not an archive's columns", part.first)
        return file


class ArchiveSource(NamedTuple):
    """The log of an archive, to be replayed."""

    folder: Path
    head: int

    @classmethod
    def of(cls, folder: Path) -> "ArchiveSource":
        """Look at an archive. Raises `ArchiveError`."""
        return cls(folder, Archive(folder).head)

    def rows(self, until: int) -> Iterator[Row]:
        """Yield the facts up to a position. Raises `DamagedArchiveError`."""
        for page in Archive(self.folder).pages():
            for position, _, data, tags in page:
                if position > until:
                    return
                yield Row(position, data, tags)


def _mapped(file: BinaryIO) -> mmap:
    return mmap(file.fileno(), 0, access=ACCESS_READ)


def _batches(file: pq.ParquetFile, group: int, first: int) -> Iterator[pa.RecordBatch]:
    """Yield what stands in a group; where rows cannot be read together, one by one up to the first bad one."""
    position = first
    for size in (PAGE, 1):
        try:
            for batch in islice(file.iter_batches(size, [group], use_threads=False), position - first, None):
                yield batch
                position += len(batch)
        except _UNREADABLE:
            continue
        return
    raise DamagedArchiveError("the event cannot be read", position)


def _check_form(part: Part, form: Form) -> None:
    """Make sure that a file misleads no query about its rows."""
    try:
        form.end()
    except OddFormError as odd:
        if odd.rows is None:
            what = f"{part.name}, which begins here, is not laid out as an export does it"
            raise DamagedArchiveError(what, part.first) from None
        what = f"{part.name} gives wrong bounds for the column {odd.column} from here on"
        raise DamagedArchiveError(what, odd.rows.first) from None


def _check_follows(part: Part, expected: int) -> None:
    if part.first != expected:
        raise DamagedArchiveError(f"is missing: the next file is {part.name}", expected)


def _check_positions(rows: Sequence[Whole], expected: int) -> None:
    for expected_here, (position, *_) in enumerate(rows, expected):
        if position != expected_here:
            raise DamagedArchiveError(f"is missing: position {position} stands in its place", expected_here)


def _check_derived(month: str, batch: pa.RecordBatch, rows: Sequence[Whole]) -> None:
    """Make sure that columns and folder are what follows from the events."""
    try:
        is_right = [*blocks_of(rows)] == [Block(month, batch)]
    except CorruptStoreError:
        is_right = False
    if not is_right:
        for place, row in enumerate(rows):
            _check_row(month, batch.slice(place, 1), row)


def _check_row(month: str, batch: pa.RecordBatch, row: Whole) -> None:
    try:
        (block,) = blocks_of([row])
    except CorruptStoreError:
        raise DamagedArchiveError("the event cannot be read", row[0]) from None
    for name, what in _DERIVED.items():
        if not block.batch[name].equals(batch[name]):
            raise DamagedArchiveError(what, row[0])
    if block.month != month:
        raise DamagedArchiveError(f"was recorded in {block.month} and is kept under {month}", row[0])
