"""What lies beside the rows and would have a query pass over some is found, though every sum was made again."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huissier.adapters.archive import writing
from huissier.adapters.archive.columns import SCHEMA
from huissier.adapters.archive.form import Form, OddFormError
from huissier.adapters.archive.groups import MANNER, Rows
from huissier.adapters.archive.thrift import read_struct
from huissier.adapters.archive.verifying import verify_archive
from huissier.adapters.archive.writing import export
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.testing.hospital import NOW, world
from tests.archives.at_hand import ByHand
from tests.evidence.at_hand import found
from tests.evidence.signed_stores import story

EVENTS = 60
NAME = "month=2026-10/000000000001.parquet"
LAID_OUT = (1, f"{NAME}, which begins here, is not laid out as an export does it")
CREATED_BY = b"parquet-cpp-arrow version "


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with one part of three groups of rows."""
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch, Engine("sqlite://", clock=lambda: NOW) as engine:
        for name in ("ROWS_A_GROUP", "PAGE"):
            patch.setattr(writing, name, EVENTS // 3)
        engine.handle_many([*world(), *story(15, EVENTS)])
        export(engine.log, folder / "archive", None, None)
    return folder / "archive"


@pytest.fixture
def archive(built: Path, tmp_path: Path) -> ByHand:
    return ByHand(Path(shutil.copytree(built, tmp_path / "archive")))


def problems(archive: ByHand) -> list[tuple[int | None, str]]:
    return found(verify_archive(archive.folder, []))


def check_form(raw: bytes | bytearray, groups: Sequence[Rows]) -> None:
    form = Form(raw)
    for rows in groups:
        form.take_in(rows)
    form.end()


def table_of(archive: ByHand) -> pa.Table:
    return pq.read_table(archive.part()).select(SCHEMA.names)


def begin_of_footer(raw: bytes | bytearray) -> int:
    return len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")


def replace_in_footer(archive: ByHand, before: bytes, after: bytes, times: int = -1) -> None:
    raw = archive.part().read_bytes()
    begin = begin_of_footer(raw)
    assert before in raw[begin:]
    archive.part().write_bytes(raw[:begin] + raw[begin:].replace(before, after, times))
    archive.sum_again()


def decisions(archive: ByHand) -> int:
    with duckdb.connect() as connection:
        query = f"SELECT count(*) FROM '{archive.folder}/*/*.parquet' WHERE type = 'message-decided.v1'"  # noqa: S608
        (count,) = connection.execute(query).fetchall()[0]
    return int(count)


def test_a_bound_by_which_a_query_passes_over_rows_is_held_against_them(archive: ByHand) -> None:
    assert (problems(archive), decisions(archive)) == ([], EVENTS - 14)
    replace_in_footer(archive, b"message-decided.v1", b"zessage-decided.v1")
    assert decisions(archive) < EVENTS - 14
    assert problems(archive) == [(EVENTS // 3 + 1, f"{NAME} gives wrong bounds for the column type from here on")]


@pytest.mark.parametrize("column", ["position", "at", "recorded_at"])
def test_every_bound_is_held_against_the_rows(column: str, archive: ByHand) -> None:
    group = pq.read_metadata(archive.part()).row_group(0)
    place = SCHEMA.names.index(column)
    highest = group.column(place).statistics.max_raw
    if not isinstance(highest, int):  # pyarrow gives times as they are written
        highest = int(pa.scalar(highest, SCHEMA.field(column).type).value)
    replace_in_footer(archive, highest.to_bytes(8, "little"), (highest - 1).to_bytes(8, "little"))
    assert "gives wrong bounds for the column" in problems(archive)[0][1]


@pytest.mark.long
def test_no_byte_of_a_footer_or_of_a_page_s_header_can_be_flipped(archive: ByHand) -> None:
    """But for what no query reads: the version of the program, and its own form of the same columns."""
    raw, rows = bytearray(archive.part().read_bytes()), rows_of_groups(archive)
    harmless = set(harmless_in(raw))
    places = [place for first, behind in described(raw) for place in range(first, behind) if place not in harmless]
    check_form(raw, rows)
    for place in places:
        raw[place] ^= 0x10
        with pytest.raises(OddFormError):
            check_form(raw, rows)
        raw[place] ^= 0x10
    assert len(places) > 2000


def rows_of_groups(archive: ByHand) -> list[Rows]:
    groups = []
    with pq.ParquetFile(archive.part()) as file:
        for number in range(file.num_row_groups):
            groups.append(Rows(1))
            for batch in file.read_row_group(number).to_batches():
                groups[-1].take_in(batch)
    return groups


def described(raw: bytearray) -> Iterator[tuple[int, int]]:
    """Yield where the footer is, and the header of each column's first page."""
    begin = begin_of_footer(raw)
    yield begin, len(raw)
    for group in read_struct(raw, begin)[0][4]:
        for column in group[1]:
            first = column[3].get(11, column[3][9])
            yield first, read_struct(raw, first)[1]


def harmless_in(raw: bytearray) -> Iterator[int]:
    begin = begin_of_footer(raw)
    footer, _ = read_struct(raw, begin)
    for text, before in ((footer[6], len(CREATED_BY)), (footer[5][0][2], 0)):
        first = raw.index(text, begin)
        yield from range(first + before, first + len(text))


MANNERS: dict[str, dict[str, Any]] = {
    "bounds of columns that have none": {"write_statistics": True},
    "an index of pages": {"write_page_index": True},
    "a bloom filter": {"bloom_filter_options": {"type": True}},
    "an order of the rows": {"sorting_columns": [pq.SortingColumn(0)]},
    "sums of pages": {"write_page_checksum": True},
    "another form of pages": {"data_page_version": "2.0"},
    "another compression": {"compression": "gzip"},
    "no columns of its own": {"store_schema": False, "version": "1.0"},
}


@pytest.mark.parametrize("name", MANNERS)
def test_a_part_has_nothing_that_an_export_does_not_write(name: str, archive: ByHand) -> None:
    archive.write_table(table_of(archive), **MANNERS[name])
    (problem,) = problems(archive)
    assert problem == LAID_OUT or "gives wrong bounds for the column" in problem[1] or "columns" in problem[1]


Parts = tuple[bytes, bytes, bytes]  # what stands before the footer, the footer, and the mark behind its length


def put_something_between(rows: bytes, footer: bytes, mark: bytes) -> Parts:
    return rows + b"rows for another reader", footer, mark


def point_elsewhere(rows: bytes, footer: bytes, mark: bytes) -> Parts:
    """Give the first column a dictionary behind its rows, where some readers begin and others do not look."""
    place, bounds = b"\x26\x08", b"\x3c"  # field 9 is 4; field 12, three on, is a struct
    assert place + bounds in footer
    return rows, footer.replace(place + bounds, place + b"\x26\x80\x08" + b"\x1c", 1), mark


CHANGES: dict[str, Callable[[bytes, bytes, bytes], Parts]] = {
    "something else in the file": put_something_between,
    "a place where some readers begin": point_elsewhere,
    "something behind the footer": lambda rows, footer, mark: (rows, footer + b"more", mark),
    "another end": lambda rows, footer, mark: (rows, footer, b"PARE"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_is_rows_without_a_gap(name: str, archive: ByHand) -> None:
    raw, groups = archive.part().read_bytes(), rows_of_groups(archive)
    begin = begin_of_footer(raw)
    rows, footer, mark = CHANGES[name](raw[:begin], raw[begin:-8], raw[-4:])
    changed = rows + footer + len(footer).to_bytes(4, "little") + mark
    archive.part().write_bytes(changed)
    archive.sum_again()
    assert len(problems(archive)) == 1
    with pytest.raises(OddFormError):  # whatever pyarrow makes of it
        check_form(changed, groups)


def test_an_export_of_many_pages_is_as_it_should_be(tmp_path: Path, archive: ByHand) -> None:
    """A column has a page more from some twenty thousand rows on, and bounds for each."""
    table = table_of(archive)
    many = pa.concat_tables([table] * 700)
    columns = {name: many[name] for name in SCHEMA.names} | {"position": pa.array(range(1, len(many) + 1))}
    part = tmp_path / "part.parquet"
    with pq.ParquetWriter(part, SCHEMA, **MANNER) as writer:
        writer.write_table(pa.table(columns, SCHEMA))
    rows = Rows(1)
    for batch in pa.table(columns, SCHEMA).to_batches(4096):
        rows.take_in(batch)
    raw = part.read_bytes()
    footer, _ = read_struct(raw, begin_of_footer(raw))
    first = footer[4][0][1][0][3]
    assert first[13][0][3] > 1
    check_form(raw, [rows])
