"""`huissier bench`: what it prints, what it computes, and that it leaves nothing behind and touches nobody's store."""

import gc
import json
import os
import pty
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from multiprocessing import Pipe
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url

import huissier
from huissier.adapters import child_process
from huissier.adapters.bench.callers import Callers
from huissier.adapters.bench.measuring import QUICK, measure
from huissier.adapters.bench.processes import _decide
from huissier.adapters.bench.replay import fold
from huissier.adapters.bench.scratch import NewStore, scratch_stores
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Figure, Lap, each, rate, take_turns, within
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import StoreError
from huissier.adapters.vault import KEY_VARIABLE
from huissier.domain.vocabulary.address import MailboxAddress
from tests.command_line import PROGRAM, Done
from tests.command_line import huissier as run
from tests.waiting import eventually

pytestmark = pytest.mark.long

KEY = {KEY_VARIABLE: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
RESULTS = [
    ("raw", "commits/s"),
    ("one_caller", "decisions/s"),
    ("threads_8", "decisions/s"),
    ("async_64", "decisions/s"),
    ("async_256", "decisions/s"),
    ("two_processes", "decisions/s"),
    ("async_64_p50", "ms"),
    ("async_64_p99", "ms"),
    ("threads_8_p50", "ms"),
    ("threads_8_p99", "ms"),
    ("cursor", "events/s"),
    ("replay", "events/s"),
]


def check_report(done: Done) -> None:
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert list(report) == ["results", "ratios"]
    assert [(result["name"], result["unit"]) for result in report["results"]] == RESULTS
    for result in report["results"]:
        assert list(result) == ["name", "unit", "min", "median", "max"]
        assert 0 < result["min"] <= result["median"] <= result["max"]
    assert list(report["ratios"]) == ["one_caller", "async_64", "async_256", "two_processes", "replay"]
    assert all(ratio > 0 for ratio in report["ratios"].values())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def settled(url: str) -> None:
    with Engine(url, environment=KEY) as engine:
        Town(3).settle(engine)


def rows(url: str) -> dict[str, dict[str, int]]:
    """Count the rows of each table of each schema but the database's own."""
    with psycopg.connect(_plain(make_url(url))) as connection:
        found: dict[str, dict[str, int]] = {
            schema: {}
            for (schema,) in connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' AND nspname <> 'information_schema'"
            )
        }
        for schema, table in connection.execute("SELECT schemaname, tablename FROM pg_tables").fetchall():
            if schema in found:
                name = sql.Identifier(schema, table)
                (counted,) = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name))
                found[schema][table] = counted[0]
        return found


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_on_sqlite_it_prints_the_promised_json_and_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    settled(f"sqlite:///{tmp_path / 'huissier.db'}")
    before = contents(tmp_path)
    check_report(run("bench", "--quick", "--json", cwd=tmp_path))
    assert contents(tmp_path) == before


def test_on_postgresql_it_prints_the_promised_json_and_leaves_the_database_as_it_was(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    settled(url)
    before = rows(url)
    assert before["public"]["events"] > 0
    check_report(run("bench", "--quick", "--json", "--store", url, cwd=tmp_path))
    assert rows(url) == before
    assert contents(tmp_path) == {}


def test_people_get_a_table_and_no_store_is_made_for_it(tmp_path: Path) -> None:
    done = run("bench", "--quick", cwd=tmp_path)
    assert done.returncode == 0
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["median", "min", "max", "to", "the", "limit"]
    assert len(lines) == len(RESULTS)
    assert sum(line.endswith("×") for line in lines) == 6
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("sqlite://", "no disk to measure"),
        ("sqlite:////no/such/folder/huissier.db", "No such file or directory"),
        ("mysql://host/huissier", "not supported"),
        ("postgresql+psycopg://nobody:secret@127.0.0.1:1/huissier", "Connection refused"),
    ],
)
def test_where_it_cannot_measure_it_says_why_in_one_line(store: str, said: str, tmp_path: Path) -> None:
    done = run("bench", "--quick", "--store", store, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


@pytest.fixture
def guest(new_database: Callable[[], str]) -> Iterator[str]:
    """The URL of a database for somebody who may only read and write there."""
    owner = make_url(new_database())
    name = f"guest_{owner.database}"
    role = sql.Identifier(name)
    with psycopg.connect(_plain(owner), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pass'").format(role))
        yield owner.set(username=name, password="pass").render_as_string(hide_password=False)
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_without_the_right_to_make_schemas_it_names_the_right(guest: str, tmp_path: Path) -> None:
    done = run("bench", "--quick", "--store", guest, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "permission denied" in done.stderr
    assert "the right CREATE on the database" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("kill", "number"), [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)])
def test_whoever_ends_it_early_finds_nothing_left_in_the_folder(
    kill: Callable[[int, int], None], number: signal.Signals, tmp_path: Path
) -> None:
    with started(f"sqlite:///{tmp_path / 'huissier.db'}") as process:
        eventually(lambda: len(list(tmp_path.glob(".huissier-bench-*/*.db-wal"))) == 3)
        kill(process.pid, number)
        printed, errors = process.communicate(timeout=120)
    assert process.returncode != 0
    assert printed == ""
    assert "Traceback" not in errors.partition("Exception ignored in")[0]  # Python's word, where it frees memory
    assert contents(tmp_path) == {}


def test_whoever_ends_it_early_finds_nothing_left_in_the_database(new_database: Callable[[], str]) -> None:
    url = new_database()
    with started(url) as process:
        eventually(lambda: sum(bool(tables) for tables in rows(url).values()) == 3)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "Traceback" not in errors.partition("Exception ignored in")[0]
    assert rows(url) == {"public": {}}


def test_a_process_that_takes_part_ends_quietly_when_nobody_listens(tmp_path: Path) -> None:
    here, there = Pipe()
    url = make_url(f"sqlite:///{tmp_path / 'huissier.db'}")
    with ThreadPoolExecutor(1) as taking_part:
        ended = taking_part.submit(child_process.run, there, _decide, url, KEY[KEY_VARIABLE], Town(2), 1, 1)
        assert here.poll(30)
        here.close()  # with what it said unread, which is told as a reset connection
        ended.result(30)


@contextmanager
def started(store: str) -> "Iterator[subprocess.Popen[str]]":
    """Begin a measurement in a process group of its own; nothing of it is left behind the block."""
    command: list[str | Path] = [PROGRAM, "bench", "--json", "--store", store]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_on_a_terminal_it_shows_how_far_it_is(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    command: list[str | Path] = [
        PROGRAM,
        "bench",
        "--quick",
        "--json",
        "--store",
        f"sqlite:///{tmp_path / 'huissier.db'}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave) as process:
        os.close(slave)
        shown = b"".join(iter(lambda: _read(master), b""))
        printed, _ = process.communicate(timeout=60)
    os.close(master)
    assert b"measuring" in shown
    assert json.loads(printed)["ratios"]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end was closed
        return b""


def test_a_refused_submission_ends_it_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def strangers(_: Town, __: int) -> Iterator[huissier.SubmitMessage]:
        while True:
            yield huissier.SubmitMessage(id="m", sender="nobody@nowhere.fr", recipients=["somebody@nowhere.fr"])

    monkeypatch.setattr(Town, "submissions", strangers)
    with pytest.raises(RuntimeError, match="was refused"):
        measure(f"sqlite:///{tmp_path / 'huissier.db'}", QUICK)
    assert contents(tmp_path) == {}


def test_what_was_made_is_removed_though_the_server_ended_the_connection(new_database: Callable[[], str]) -> None:
    url = new_database()
    with scratch_stores(url) as new_store:
        new_store()
        end_all_connections(url)
    assert rows(url) == {"public": {}}


def test_an_error_of_the_database_is_told_as_one_of_the_store(new_database: Callable[[], str]) -> None:
    url = new_database()

    def make_one_too_late(new_store: NewStore) -> None:
        end_all_connections(url)
        new_store()

    with pytest.raises(StoreError, match="terminating connection"):
        lend_stores(url, make_one_too_late)
    assert rows(url) == {"public": {}}


def test_what_could_not_be_removed_is_named(new_database: Callable[[], str]) -> None:
    url = new_database()

    def lose_one(new_store: NewStore) -> None:
        new_store()
        drop_database(url)

    with pytest.raises(StoreError, match=r"huissier_bench_[0-9a-f]{16} could not be removed"):
        lend_stores(url, lose_one)


def lend_stores(url: str, use: Callable[[NewStore], None]) -> None:
    with scratch_stores(url) as new_store:
        use(new_store)


def end_all_connections(url: str) -> None:
    """End the connections of everybody else."""
    with psycopg.connect(_plain(make_url(url)), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def drop_database(url: str) -> None:
    database = make_url(url).database or ""
    with psycopg.connect(_plain(make_url(url).set(database="postgres")), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))


def test_the_town_is_told_whole_by_a_fold_of_its_log() -> None:
    town = Town(3)
    with Engine("sqlite://", environment=KEY) as engine:
        town.settle(engine)
        facts = fold(engine.recorder)
        opened = [event.event for event in engine.recorder.read() if event.event.type == "message-decided.v1"]
    assert [facts.mailbox(MailboxAddress.parse(address)).latest.status for address in town.professionnels] == [
        "active"
    ] * 3
    assert len(opened) == 3


def test_all_submissions_of_the_town_are_accepted_and_none_comes_twice() -> None:
    town = Town(5)
    with Engine("sqlite://", environment=KEY) as engine:
        town.settle(engine)
        asked = [*islice(town.submissions(1), 100), *islice(town.submissions(2), 100)]
        answers = engine.handle_many(asked)
        assert [answer.outcome for answer in answers] == ["accepted"] * 200
        assert len({answer.position for answer in answers}) == 200
        senders = Counter(submission.sender in town.usagers for submission in asked)
    assert senders == {False: 100, True: 100}


def test_contestants_take_turns_and_who_began_goes_last() -> None:
    order: list[str] = []

    def turn(name: str) -> Lap:
        order.append(name)
        return Lap(len(order), 2.0)

    found = take_turns({name: partial(turn, name) for name in "ab"}, 2, slices=2)
    assert order == list("abbaabba")
    assert [[lap.operations for lap in laps] for laps in found["a"]] == [[1, 4], [5, 8]]
    assert rate("a", "1/s", found["a"]) == Figure("a", "1/s", (5 / 4, 13 / 4))
    assert each("a", found["a"]) == Figure("a", "ms", (4000 / 5, 4000 / 13))


def test_a_ratio_is_taken_round_by_round_and_its_median_is_told() -> None:
    ours, limit = Figure("ours", "1/s", (10.0, 60.0, 40.0)), Figure("limit", "1/s", (20.0, 30.0, 40.0))
    assert ours.over(limit) == Figure("", "×", (0.5, 2.0, 1.0))
    assert ours.over(limit).median == 1.0


def test_waits_are_shared_out_over_a_whole_round() -> None:
    rounds = [[Lap(50, 1.0, [0.001] * 50), Lap(50, 1.0, [*[0.002] * 48, 0.5, 0.5])]]
    assert within("half", 0.5, rounds).values == (2.0,)
    assert within("most", 0.97, rounds).values == (2.0,)
    assert within("nearly all", 0.99, rounds).values == (500.0,)


def test_who_ends_a_measurement_hears_nothing_of_those_who_still_asked(caplog: pytest.LogCaptureFixture) -> None:
    def end() -> None:
        raise KeyboardInterrupt

    engine, town = huissier.open("sqlite://"), Town(10)
    town.settle(engine)
    with Callers(engine, town) as callers:
        callers.tasks(1, 0.0)
        callers._runner.get_loop().call_later(0.05, end)
        with pytest.raises(KeyboardInterrupt):
            callers.tasks(64, 10.0)
    gc.collect()
    assert caplog.messages == []
