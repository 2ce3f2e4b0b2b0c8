"""The benchmarks of the read side run, on tiny sizes; what they measure is in `docs/performance.md`."""

from pathlib import Path

import msgspec
import pytest
from benchmarks import folding, month

from huissier.projections.catalogue import ALL

pytestmark = pytest.mark.long


def test_it_names_every_projection_and_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folding.main(["--quick", "--json", "--sqlite-only", "--dir", str(tmp_path)])
    report = msgspec.json.decode(capsys.readouterr().out)
    assert all(ratio["median"] > 0 for ratio in report["ratios"])
    others = 2  # reading without tags, and the library
    assert len(report["ratios"]) == len(ALL) + others
    assert list(tmp_path.iterdir()) == []


def test_the_month_has_the_lines_it_was_made_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    month.main(["--quick", "--json", "--dir", str(tmp_path)])
    report = msgspec.json.decode(capsys.readouterr().out)
    lines = [figure["median"] for figure in report["figures"] if figure["name"].endswith("lines")]
    assert lines == [2_000, 20_000]
    assert list(tmp_path.iterdir()) == []
