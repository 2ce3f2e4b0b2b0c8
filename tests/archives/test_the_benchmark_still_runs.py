"""The benchmark of archives runs, on tiny logs; what it measures is in docs/performance.md."""

from pathlib import Path

import msgspec
import pytest
from benchmarks import archives


@pytest.mark.long
def test_it_measures_and_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archives.main(["--quick", "--json", "--dir", str(tmp_path)])
    report = msgspec.json.decode(capsys.readouterr().out)
    assert len(report["ratios"]) == 8
    assert len(report["figures"]) == 20
    assert all(figure["median"] > 0 for figure in [*report["ratios"], *report["figures"]])
    assert list(tmp_path.iterdir()) == []
