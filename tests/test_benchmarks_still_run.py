"""The benchmarks run, on tiny sizes; what they measure is in `benchmarks/README.md`."""

from pathlib import Path

import msgspec
import pytest
from benchmarks import history, idle, library, profiling, rules
from sqlalchemy import URL

pytestmark = pytest.mark.long


def test_rules_are_judged_alike_in_every_way(capsys: pytest.CaptureFixture[str]) -> None:
    rules.main(["--quick"])
    shown = capsys.readouterr().out
    assert "all agree" in shown
    assert "Cedar agrees on every probe" in shown


def test_history_runs_and_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history.main(["--quick", "--json", "--dir", str(tmp_path)])
    assert len(_ratios(capsys)) == 4
    assert list(tmp_path.iterdir()) == []


def test_the_library_is_asked_the_same_and_nothing_is_left_behind(
    postgres_server: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = postgres_server.render_as_string(hide_password=False)
    library.main(["--quick", "--json", "--dir", str(tmp_path), "--postgres", server])
    assert len(_ratios(capsys)) == 10
    assert list(tmp_path.iterdir()) == []


def test_idle_connections_are_opened_and_closed_again(capsys: pytest.CaptureFixture[str]) -> None:
    idle.main(["--quick", "--json"])
    assert len(_ratios(capsys)) == 1


def test_profiling_says_what_a_decision_takes_and_in_which_functions(capsys: pytest.CaptureFixture[str]) -> None:
    profiling.main(["--quick", "--json"])
    assert len(_ratios(capsys)) == 2
    profiling.main(["--quick", "--functions"])
    assert "decide_message" in capsys.readouterr().out


def _ratios(capsys: pytest.CaptureFixture[str]) -> list[float]:
    ratios = [ratio["median"] for ratio in msgspec.json.decode(capsys.readouterr().out)["ratios"]]
    assert all(ratio > 0 for ratio in ratios)
    return ratios
