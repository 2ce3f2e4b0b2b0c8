"""The benchmark of auditing runs, on tiny sizes; what it measures is in `docs/performance.md`."""

from pathlib import Path

import msgspec
import pytest
from benchmarks import auditing


@pytest.mark.long
def test_it_goes_through_an_honest_log_and_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    auditing.main(["--quick", "--json", "--dir", str(tmp_path)])
    report = msgspec.json.decode(capsys.readouterr().out)
    assert len(report["ratios"]) == 7
    assert all(ratio["median"] > 0 for ratio in report["ratios"])
    assert list(tmp_path.iterdir()) == []
