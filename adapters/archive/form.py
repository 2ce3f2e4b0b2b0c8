"""How a part is laid out in its file, compared with the rows it really holds.

A query skips rows where a count, a bound or an offset in the footer tells it to, and `SHA256SUMS` reveals accidental
changes only: whoever changes a footer can compute the sum anew. So a part must be written as an export writes it, with
nothing else in it: every bound, count and size is derived again from the rows and compared, and the file is
dictionaries, pages and the footer without a gap, so that all readers begin at the same places.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any, Final, NamedTuple

from huissier.adapters.archive.columns import BOUNDED, SCHEMA
from huissier.adapters.archive.groups import MANNER, Rows
from huissier.adapters.archive.parquet import pq
from huissier.adapters.archive.thrift import MalformedError, Struct, read_struct

_MAGIC: Final = b"PAR1"
_TRAILER: Final = 8
_WRITER: Final = b"parquet-cpp-arrow version "
_ZSTD: Final = 6
_RLE: Final = 3
_DATA_PAGE: Final = 0
_DICTIONARY: Final = 2


class OddFormError(Exception):
    """The file is not laid out as an export does it; `column` and `rows` where it is a bound that is wrong."""

    def __init__(self, column: str | None = None, rows: Rows | None = None) -> None:
        """Say which column's bounds are wrong, of which rows."""
        super().__init__(column, rows)
        self.column = column
        self.rows = rows


class _Page(NamedTuple):
    at: int
    kind: int
    header: Struct  # of a data page or of a dictionary
    uncompressed: int  # with the header, as a footer counts it


class Form:
    """Takes in the rows of each group in their order, and keeps none of them."""

    def __init__(self, raw: Any) -> None:
        """Look at a whole file, as a buffer."""
        self._raw = raw
        self._at = len(_MAGIC)
        self._groups = self._count = 0
        self._odd: OddFormError | None = None
        self._footer: Struct = {}
        self._end = 0
        self._look(self._begin)

    def take_in(self, rows: Rows) -> None:
        """Compare the next group with its rows."""
        self._look(lambda: self._check_next(rows))

    def end(self) -> None:
        """Raise `OddFormError` for the first thing that is not laid out as an export does it."""
        self._look(self._check_end)
        if self._odd is not None:
            raise self._odd

    def _look(self, check: Callable[[], None]) -> None:
        if self._odd is None:
            try:
                check()
            except OddFormError as odd:
                self._odd = odd
            except (MalformedError, LookupError, TypeError, AttributeError):
                self._odd = OddFormError()

    def _begin(self) -> None:
        footer, self._end = _footer_of(self._raw)
        _must(footer.keys() <= {1, 2, 3, 4, 5, 6, 7} and footer[6].startswith(_WRITER))
        _must([one[1] for one in footer.get(5, ())] in ([], [b"ARROW:schema"]))
        _must(all(footer.get(field) == _EMPTY.get(field) for field in (1, 2, 7)))
        self._footer = footer

    def _check_next(self, rows: Rows) -> None:
        self._at = _check_group(self._raw, self._footer[4][self._groups], self._groups, rows, self._at)
        self._groups += 1
        self._count += rows.count

    def _check_end(self) -> None:
        _must(self._footer[3] == self._count and len(self._footer[4]) == self._groups and self._at == self._end)


def _footer_of(raw: Any) -> tuple[Struct, int]:
    """Return a file's footer, and where it begins."""
    behind = len(raw) - _TRAILER
    begin = behind - int.from_bytes(raw[behind : behind + 4], "little")
    _must(raw[:4] == raw[-4:] == _MAGIC and begin >= len(_MAGIC))
    footer, end = read_struct(raw, begin)
    _must(end == behind)
    return footer, begin


def _check_group(raw: Any, group: Struct, number: int, rows: Rows, begin: int) -> int:
    """Check a group that begins at a place, and return where it ends."""
    columns, at, uncompressed = group.pop(1), begin, 0
    _must(len(columns) == len(SCHEMA) and rows.count > 0)
    for name, column in zip(SCHEMA.names, columns, strict=True):
        _must(column.keys() == {2, 3} and column[2] == 0)
        uncompressed += column[3][6]
        at = _check_column(raw, name, column[3], rows, at)
    _must(group.pop(7, number) == number)
    _must(group == {2: uncompressed, 3: rows.count, 5: begin, 6: at - begin})
    return at


def _check_column(raw: Any, name: str, said: Struct, rows: Rows, begin: int) -> int:
    """Check what the footer says of a column that begins at a place, and return where it ends."""
    end: int = begin + said[7]
    pages = list(_pages(raw, begin, end))
    _check_pages(name, pages, rows)
    _check_bounds(name, said.pop(12, {}), rows, 0, rows.count)
    _must(said.pop(16, {}).items() <= rows.sizes(name).items())
    uses = Counter((page.kind, page.header[2]) for page in pages)
    _must(set(said.pop(2)) == {_RLE, *(encoding for _, encoding in uses)})
    counts = [(one[1], one[2], one[3]) for one in said.pop(13, ())]
    _must(sorted(counts) in ([], sorted((*use, count) for use, count in uses.items())))
    data = [page.at for page in pages if page.kind == _DATA_PAGE]
    expected = _KINDS[name] | {4: _ZSTD, 5: rows.values(name), 6: sum(page.uncompressed for page in pages)}
    expected |= {7: end - begin, 9: data[0]} | ({11: begin} if data[0] > begin else {})
    _must(said == expected)
    return end


def _pages(raw: Any, at: int, end: int) -> Iterator[_Page]:
    """Yield the pages that fill a place without a gap; a dictionary stands only before all others."""
    begin = at
    while at < end:
        said, body = read_struct(raw, at)
        kind = said[1]
        _must(said.keys() == {1, 2, 3, 7 if kind == _DICTIONARY else 5} and said[3] >= 0)
        _must(kind == _DATA_PAGE or (kind == _DICTIONARY and at == begin))
        yield _Page(at, kind, said[7 if kind == _DICTIONARY else 5], body - at + said[2])
        at = body + said[3]
    _must(at == end)


def _check_pages(name: str, pages: Sequence[_Page], rows: Rows) -> None:
    start = 0
    for page in pages:
        header = page.header
        if page.kind == _DICTIONARY:
            _must(header.keys() <= {1, 2, 3} and header[1] == rows.distinct(name) and not header.get(3, False))
            continue
        _must({1, 2, 3, 4} <= header.keys() <= {1, 2, 3, 4, 5} and header[3] == header[4] == _RLE and header[1] > 0)
        _check_bounds(name, header.get(5, {}), rows, start, start + header[1])
        start += header[1]
    _must(start == rows.values(name))


def _check_bounds(name: str, said: Struct, rows: Rows, start: int, stop: int) -> None:
    bounds = rows.bounds(name, start, stop) if name in BOUNDED else {}
    if not said.items() <= bounds.items():
        raise OddFormError(name, rows)


def _must(is_so: bool) -> None:
    if not is_so:
        raise OddFormError


def _of_nothing() -> Struct:
    """Return the footer of a part without rows: columns, and how they are compared, are the same in every part."""
    file = BytesIO()
    with pq.ParquetWriter(file, SCHEMA, **MANNER) as writer:
        writer.write_table(SCHEMA.empty_table())
    return _footer_of(file.getvalue())[0]


_EMPTY: Final = _of_nothing()
_KINDS: Final = {
    name: {1: column[3][1], 3: column[3][3]} for name, column in zip(SCHEMA.names, _EMPTY[4][0][1], strict=True)
}
