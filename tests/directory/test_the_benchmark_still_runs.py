"""The made-up extraction is imported whole, and the benchmark leaves nothing behind."""

from pathlib import Path

import pytest
from benchmarks import extraction

from huissier.adapters.directory.reading import open_extraction, read_extraction

pytestmark = pytest.mark.long


def test_the_benchmark_runs_and_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extraction.main(["--rows", "300", "--domains", "3", "--dir", str(tmp_path)])
    shown = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in shown[::2]] == [
        "import",
        "the same again",
        "export",
        "export as FHIR",
        "search",
    ]
    assert "300 mailboxes created" in shown[1]
    assert "300 there already" in shown[3]
    assert list(tmp_path.iterdir()) == []


def test_every_row_that_is_made_up_is_a_command(tmp_path: Path) -> None:
    extraction.main(["--rows", "300", "--domains", "5", "--write", str(tmp_path / "e.zip")])
    with open_extraction(tmp_path / "e.zip") as (stream, _):
        rows = list(read_extraction(stream))
    assert len({row.command.address for row in rows if row.command is not None}) == 300
