"""The benchmark of folding runs, on tiny sizes; what it measures is in `benchmarks/README.md`."""

from pathlib import Path

import msgspec
import pytest
from benchmarks import folding

from huissier.projections.catalogue import ALL


def test_it_names_every_projection_and_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folding.main(["--quick", "--json", "--sqlite-only", "--dir", str(tmp_path)])
    report = msgspec.json.decode(capsys.readouterr().out)
    assert all(ratio["median"] > 0 for ratio in report["ratios"])
    assert len(report["ratios"]) == len(ALL) + 1
    assert list(tmp_path.iterdir()) == []
