"""A long extraction is read in a process of its own; its rows are those that are read in place."""

from datetime import datetime
from multiprocessing import active_children
from pathlib import Path

import pytest

from huissier.adapters.directory import reading_ahead
from huissier.adapters.directory.reading import ExtractionError, Row, open_extraction, read_extraction
from huissier.adapters.directory.reading_ahead import rows_of
from huissier.adapters.errors import StoreError
from huissier.adapters.testing.hospital import DOCTOR, HOSPITAL, NOW
from tests.directory.made import extraction, row

pytestmark = pytest.mark.usefixtures("_of_its_own")

MANY = 20_000


@pytest.fixture
def _of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_ahead, "WORTH_A_PROCESS", 0)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})


def written(folder: Path, content: bytes) -> Path:
    path = folder / "e.txt"
    path.write_bytes(content)
    return path


def read(path: Path, at: datetime | None = None) -> tuple[list[Row], list[int]]:
    told: list[int] = []
    with open_extraction(path) as opened, rows_of(path, opened, at, told.append) as rows:
        return list(rows), told


@pytest.mark.parametrize("at", [None, NOW])
def test_the_rows_are_those_that_are_read_in_place(tmp_path: Path, at: datetime | None) -> None:
    content = extraction(
        *(row(f"dr.{number}@{HOSPITAL}", Nom_d_exercice="ÉLOÏSE 👩‍⚕️") for number in range(MANY)),
        row("no address"),
        row(DOCTOR),
    )
    path = written(tmp_path, content)
    rows, told = read(path, at)
    with path.open("rb") as file:
        assert rows == list(read_extraction(file, at))
    assert told == sorted(told)
    assert told[-1] == len(content)


def test_a_file_without_its_header_is_refused_to_who_reads(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="does not name the columns"):
        read(written(tmp_path, b"no|header\n"))


def test_a_process_that_ends_is_told_and_the_rows_before_it_stand(tmp_path: Path) -> None:
    path = written(tmp_path, extraction(*(row(f"dr.{number}@{HOSPITAL}") for number in range(MANY))))
    with open_extraction(path) as opened, rows_of(path, opened, None, lambda _: None) as rows:
        assert next(rows).line == 2
        (process,) = active_children()
        process.kill()
        process.join()
        with pytest.raises(StoreError, match="a process that took part in the work ended"):
            list(rows)


def test_who_reads_no_further_leaves_no_process(tmp_path: Path) -> None:
    path = written(tmp_path, extraction(*(row(f"dr.{number}@{HOSPITAL}") for number in range(MANY))))
    with open_extraction(path) as opened, rows_of(path, opened, None, lambda _: None) as rows:
        next(rows)
    assert not active_children()


def test_a_short_one_is_read_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_ahead, "WORTH_A_PROCESS", 1_000_000)
    path = written(tmp_path, extraction(row(DOCTOR)))
    with open_extraction(path) as opened, rows_of(path, opened, None, lambda _: None) as rows:
        assert not active_children()
        assert len(list(rows)) == 1


def test_a_file_that_is_no_longer_at_its_path_is_read_where_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, extraction(row(DOCTOR)))
    with path.open("rb") as held:
        path.unlink()
        rows, _ = read(Path(f"/dev/fd/{held.fileno()}"))
    assert [one.command is not None for one in rows] == [True]


def test_another_file_at_its_path_is_not_read_for_it(tmp_path: Path) -> None:
    path = written(tmp_path, extraction(row(DOCTOR)))
    with open_extraction(path) as opened, rows_of(path, opened, None, lambda _: None) as rows:
        path.rename(tmp_path / "other")
        written(tmp_path, extraction())
        with pytest.raises(ExtractionError, match="another file took its place"):
            list(rows)
