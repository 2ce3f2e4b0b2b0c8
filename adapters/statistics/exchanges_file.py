"""The file `(AAAAMM)_EchangesMSSante_[Domaine].csv` of one month and one domain (EX_PSU_5020)."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from huissier.adapters.private_file import private_file
from huissier.adapters.spreadsheet import harmless
from huissier.adapters.statistics.gate import GateError, passed
from huissier.adapters.statistics.layout import FIELDS, Layout
from huissier.projections.exchanges import Exchange

_LINES: Final = 1_000  # written at once
_REMEMBERED: Final = 50_000  # cells that have passed the gate
_COUNTS: Final = range(6, len(FIELDS))


class Written(NamedTuple):
    """A file: its name, the digest of its bytes, and its rows without the header."""

    name: str
    sha256: str
    rows: int


@contextmanager
def exchanges_file(
    folder: Path, month: int, domain: str, layout: Layout, exchanges: Iterable[Exchange]
) -> Iterator[Written]:
    """Write the file of a domain's month (AAAAMM), as a whole or not at all, however many lines there are.

    It is on the disk when the block begins, and takes its name when it ends without an exception. Raises
    `UnwritableError`, and `GateError` where anything looks like an INS.
    """
    name = f"{month}_EchangesMSSante_{passed(domain, 'the domain')}.csv"
    lines = _lines(month, domain, layout, exchanges)
    rows = -int(layout.header)
    digest = sha256()
    with private_file(folder / name) as file:

        def write(content: bytes) -> None:
            digest.update(content)
            file.write(content)

        write("".encode(layout.encoding))  # the byte order mark, where the encoding has one
        while some := list(islice(lines, _LINES)):
            write(_as_text(some, layout).encode(layout.encoding.removesuffix("-sig")))
            rows += len(some)
        file.flush()
        os.fsync(file.fileno())
        yield Written(name, digest.hexdigest(), rows)


def _lines(month: int, domain: str, layout: Layout, exchanges: Iterable[Exchange]) -> Iterator[Sequence[str | int]]:
    if layout.header:
        yield [column.label for column in layout.columns]
    places = [FIELDS.index(column.field) for column in layout.columns]
    written_month, guard = layout.month(month), layout.formula_guard
    for number, exchange in enumerate(exchanges, 1):
        cells = (written_month, domain, *exchange)
        try:
            yield [cells[place] if place in _COUNTS else _safe(str(cells[place]), guard) for place in places]
        except GateError:
            for column, place in zip(layout.columns, places, strict=True):
                passed(str(cells[place]), f"{column.label} of line {number}")
            raise


@lru_cache(maxsize=_REMEMBERED)
def _safe(cell: str, guard: bool) -> str:
    """Let a cell pass the gate, with an apostrophe before what a spreadsheet would run."""
    passed(cell, "a cell")
    return harmless(cell) if guard else cell


def _as_text(lines: Iterable[Sequence[str | int]], layout: Layout) -> str:
    text = StringIO()
    csv.writer(text, delimiter=layout.separator, lineterminator=layout.line_end).writerows(lines)
    return text.getvalue()
