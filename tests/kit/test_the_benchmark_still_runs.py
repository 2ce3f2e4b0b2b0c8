"""The benchmark of the policy machine runs, on tiny sizes; what it measures is in `docs/performance.md`."""

import msgspec
import pytest
from benchmarks import machine

pytestmark = pytest.mark.long


def test_the_machine_the_trial_and_the_twin_take_turns(capsys: pytest.CaptureFixture[str]) -> None:
    machine.main(["--quick", "--json"])
    report = msgspec.json.decode(capsys.readouterr().out)
    assert [ratio["median"] > 0 for ratio in report["ratios"]] == [True, True]
