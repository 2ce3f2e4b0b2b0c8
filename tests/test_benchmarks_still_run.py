"""The benchmarks run, on tiny sizes and without cedarpy; what they measure is in `benchmarks/README.md`."""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from benchmarks import durable, opening, rules


def test_rules_says_that_cedarpy_was_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cedarpy", None)
    rules.main(["--quick"])
    shown = capsys.readouterr().out
    assert "all agree" in shown
    assert "cedarpy not installed: left out" in shown


@pytest.mark.parametrize("benchmark", [durable.main, opening.main])
def test_benchmarks_of_the_store_run_and_leave_nothing_behind(
    benchmark: Callable[[list[str]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark(["--quick", "--json", "--dir", str(tmp_path)])
    report = msgspec.json.decode(capsys.readouterr().out)
    assert all(ratio["median"] > 0 for ratio in report["ratios"])
    assert list(tmp_path.iterdir()) == []
