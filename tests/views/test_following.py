"""Read models follow the log while it is written: in this process at once, from others soon after."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import HuissierError, StoreError, TemporarilyUnavailableError
from huissier.adapters.log.place import Place
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.follower import Follower
from huissier.adapters.views.generations import Generations
from huissier.adapters.views.runner import ProjectionError, Runner
from huissier.projections.catalogue import ALL
from tests.command_line import PROGRAM, huissier
from tests.hospital import hospital, message
from tests.views.counted import Choosy, Counted, positions
from tests.waiting import eventually

KEY = "A" * 43 + "="
NEVER = 3_600.0


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HUISSIER_VAULT_KEY", KEY)
    if request.param == "postgres":
        new_database: Callable[[], str] = request.getfixturevalue("new_database")
        return new_database()
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/huissier.db"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with hospital(url) as engine:
        yield engine


@pytest.fixture
def database(engine: Engine, url: str) -> Iterator[ViewsDatabase]:
    with ViewsDatabase(Place(url)) as database:
        yield database


@contextmanager
def following(follower: Follower, told: list[HuissierError]) -> Iterator[Future[None]]:
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(follower.run, told.append)
        try:
            yield running
        finally:
            follower.stop()
        running.result(timeout=60)


def test_what_is_recorded_in_this_process_wakes_who_follows(engine: Engine, database: ViewsDatabase) -> None:
    runner = Runner(engine.log, database, Counted)
    told: list[HuissierError] = []
    with following(Follower(engine.log, [runner], poll_seconds=NEVER), told):
        for number in range(20):
            engine.handle(message(number))
            eventually(lambda: runner.standing().lag == 0)
    assert positions(runner) == list(range(1, engine.head + 1))
    assert told == []


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)  # nobody else sees a store in memory
def test_what_another_engine_records_is_found_by_looking_again(
    engine: Engine, database: ViewsDatabase, url: str
) -> None:
    runner = Runner(engine.log, database, Counted)
    with Engine(url) as other, following(Follower(engine.log, [runner], poll_seconds=0.01), []):
        for number in range(20):
            other.handle(message(number))
        head = other.head
        eventually(lambda: runner.standing().position == head)
    assert positions(runner) == list(range(1, head + 1))


def test_one_that_stops_is_told_once_and_the_others_go_on(engine: Engine, database: ViewsDatabase) -> None:
    choosy, counted = Runner(engine.log, database, Choosy), Runner(engine.log, database, Counted)
    told: list[HuissierError] = []
    with following(Follower(engine.log, [choosy, counted], poll_seconds=NEVER), told):
        for number in range(6):
            engine.handle(message(number))
        eventually(lambda: counted.standing().position == engine.head and bool(told))
    assert len(told) == 1
    assert isinstance(told[0], ProjectionError)
    assert "choosy stopped at position" in str(told[0])


def test_nothing_is_left_to_do_when_all_have_stopped(engine: Engine, database: ViewsDatabase) -> None:
    engine.handle(message(2))
    told: list[HuissierError] = []
    Follower(engine.log, [Runner(engine.log, database, Choosy)], poll_seconds=0.01).run(told.append)
    assert len(told) == 1


def test_what_passes_by_itself_is_told_once_and_waited_for(
    engine: Engine, database: ViewsDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(engine.log, database, Counted)
    catch_up, tries = Runner.catch_up, iter(range(3))

    def busy(self: Runner[Counted], *arguments: object) -> None:
        if next(tries, None) is not None:
            raise TemporarilyUnavailableError("somebody else has it")
        catch_up(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Runner, "catch_up", busy)
    told: list[HuissierError] = []
    with following(Follower(engine.log, [runner], poll_seconds=0.01), told):
        eventually(lambda: runner.standing().lag == 0)
    assert [str(problem) for problem in told] == ["somebody else has it"]


def test_a_long_catching_up_is_left_after_a_page(engine: Engine, database: ViewsDatabase) -> None:
    engine.handle_many(message(number) for number in range(50))
    runner = Runner(engine.log, database, Counted, page=5)
    follower = Follower(engine.log, [runner])
    catch_up, told = runner.catch_up, threading.Event()

    def stop_soon(progress: Callable[[int, int], None]) -> None:
        def tell(done: int, head: int) -> None:
            follower.stop()
            told.set()
            progress(done, head)

        catch_up(tell)

    runner.catch_up = stop_soon  # type: ignore[method-assign,assignment]
    follower.run(lambda _: None)
    assert told.is_set()
    assert runner.standing().position == 5


# --- the program


def test_the_program_follows_another_process_and_ends_when_asked(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path}/huissier.db") as engine, ViewsDatabase(engine.place) as database:
        runners = [Runner(engine.log, database, kind) for kind in ALL]
        with subprocess.Popen([PROGRAM, "projections", "follow"], cwd=tmp_path, stderr=subprocess.PIPE) as program:
            try:
                for number in range(2):
                    engine.handle(message(number))
                    eventually(lambda: all(runner.standing().lag == 0 for runner in runners))
                os.kill(program.pid, signal.SIGTERM)
                assert program.wait(timeout=60) == 0
                assert program.stderr is not None
                assert program.stderr.read() == b""
            finally:
                program.kill()


def test_the_program_goes_on_with_the_others_and_says_what_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huissier.projections.catalogue.ALL", (Choosy, Counted))
    with hospital(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle_many(message(number) for number in range(4))
    done = huissier("projections", "rebuild", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "counted: rebuilt\ntree: rebuilt\n"
    assert done.stderr == "huissier: the projection choosy stopped at position 10: ValueError\n"
    alone = huissier("projections", "follow", "choosy", cwd=tmp_path)
    assert (alone.returncode, alone.stderr) == (done.returncode, done.stderr)
    assert huissier("projections", "status", "counted", cwd=tmp_path).stdout == "counted: at 11, 0 behind\n"
    status = huissier("projections", "status", cwd=tmp_path)
    assert status.returncode == 1
    assert "counted: at 11, 0 behind" in status.stdout


def test_a_rebuild_that_is_ended_by_a_signal_leaves_no_tables(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle_many(message(number) for number in range(10))
    program = """
import os, signal, sys
from huissier.adapters.cli.main import app
from huissier.projections.obligations import Obligations
fold = Obligations.fold
def ended(*given):
    fold(*given)
    os.kill(os.getpid(), signal.SIGTERM)
app(["projections", "rebuild", "obligations"], standalone_mode=False)
Obligations.fold = ended
app(["projections", "rebuild", "obligations"])
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, b"obligations: rebuilt\n")
    with ViewsDatabase(Place(f"sqlite:///{tmp_path}/huissier.db")) as database, database.reading() as connection:
        names = sa.inspect(connection).get_table_names()
    assert [name for name in names if name.startswith("obligations")] == ["obligations_facts_1"]


def test_what_is_no_projection_is_named(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path}/huissier.db"):
        pass
    done = huissier("projections", "follow", "nonesuch", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no projection nonesuch" in done.stderr


# --- what could go wrong


def test_damaged_read_models_are_named_in_one_line(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path}/huissier.db"):
        pass
    (tmp_path / "huissier.db.views").write_bytes(b"no database at all" * 1_000)
    done = huissier("directory", "search", "martin", cwd=tmp_path)
    assert done.returncode == 3
    expected = "huissier: huissier.db.views: file is not a database; without it all is folded from the log again\n"
    assert (done.stdout, done.stderr) == ("", expected)


def test_read_models_whose_schema_is_no_text_are_named_in_one_line(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path}/huissier.db"):
        pass
    assert huissier("projections", "rebuild", cwd=tmp_path).returncode == 0
    views = tmp_path / "huissier.db.views"
    content = bytearray(views.read_bytes())
    content[content.index(b"CREATE TABLE projections") + 8] = 0xC6
    views.write_bytes(content)
    done = huissier("directory", "search", "martin", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "without it all is folded from the log again" in done.stderr


def test_read_models_that_were_removed_are_not_written_to_any_more(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/huissier.db"
    with hospital(url) as engine, ViewsDatabase(engine.place) as database:
        runner = Runner(engine.log, database, Counted)
        runner.catch_up()
        for file in tmp_path.glob("huissier.db.views*"):
            file.unlink()
        engine.handle(message(1))
        with ViewsDatabase(engine.place) as other:
            Runner(engine.log, other, Counted).catch_up()
        for again in (runner.catch_up, runner.rebuild, runner.standing):
            with pytest.raises(StoreError, match=r"huissier\.db\.views was removed or replaced while it was in use"):
                again()


# --- many at once


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_those_who_come_first_build_the_tables_together(engine: Engine, url: str) -> None:
    engine.handle_many(message(number) for number in range(60))
    start = threading.Barrier(6)

    def work() -> None:
        start.wait(timeout=60)
        with ViewsDatabase(Place(url)) as mine:
            runner = Runner(engine.log, mine, Counted, page=2)
            runner.catch_up()
            assert positions(runner) == list(range(1, engine.head + 1))

    with ThreadPoolExecutor(6) as workers:
        for future in [workers.submit(work) for _ in range(6)]:
            future.result(timeout=120)
    with ViewsDatabase(Place(url)) as database:
        assert Runner(engine.log, database, Counted).standing().generation == 1


def test_what_goes_wrong_with_who_reads_is_no_damage(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path / 'huissier.db'}") as engine, ViewsDatabase(engine.place) as mine:
        runner = Runner(engine.log, mine, Counted)
        runner.catch_up()
        with pytest.raises(UnicodeDecodeError), runner.reading():
            b"\xff".decode()


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_what_has_just_become_the_one_that_is_read_is_not_dropped(
    engine: Engine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.handle(message(1))
    with ViewsDatabase(Place(url)) as mine:
        generations = Generations(mine, Counted)
        first, changing = generations.begin(), mine.changing

        def changing_late(*patience: int) -> Any:
            if patience:  # to drop what was found to be older
                monkeypatch.setattr(mine, "changing", changing)
                assert generations.go_live(first, lambda: engine.head)
            return changing(*patience)

        monkeypatch.setattr(mine, "changing", changing_late)
        assert generations.begin() > first
        runner = Runner(engine.log, mine, Counted)
        runner.catch_up()
        assert positions(runner) == list(range(1, engine.head + 1))
        with mine.reading() as connection:
            assert generations.live(connection) == first


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_those_who_rebuild_at_once_leave_whole_tables(engine: Engine, url: str) -> None:
    engine.handle_many(message(number) for number in range(60))

    def work(turns: int) -> None:
        with ViewsDatabase(Place(url)) as mine:
            runner = Runner(engine.log, mine, Counted, page=7)
            for _ in range(turns):
                runner.rebuild()
                runner.catch_up()
                assert positions(runner) == list(range(1, engine.head + 1))

    with ThreadPoolExecutor(4) as workers:
        for future in [workers.submit(work, 4) for _ in range(4)]:
            future.result(timeout=120)


def test_what_another_version_left_is_dropped_as_it_is_there(engine: Engine, database: ViewsDatabase) -> None:
    Runner(engine.log, database, Counted).catch_up()
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE counted_forgotten_1 (it INTEGER)")
    for _ in range(2):
        Runner(engine.log, database, Counted).rebuild()
    with database.reading() as connection:
        assert "counted_forgotten_1" not in sa.inspect(connection).get_table_names()


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_whoever_reads_on_for_long_holds_up_no_rebuild(engine: Engine, database: ViewsDatabase) -> None:
    runner = Runner(engine.log, database, Counted)
    runner.catch_up()
    with runner.reading() as (connection, counted):
        rows = sa.select(sa.func.count()).select_from(counted.seen)
        assert connection.scalar(rows) == engine.head
        for _ in range(2):
            runner.rebuild()
        assert connection.scalar(rows) == engine.head
    assert runner.standing().generation == 3


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    "setting", ["default_transaction_isolation = 'serializable'", "default_transaction_read_only = on"]
)
def test_what_the_database_has_as_its_default_does_not_matter(url: str, setting: str) -> None:
    with hospital(url) as engine:
        engine.handle_many(message(number) for number in range(20))
        name = sa.make_url(url).database
        with ViewsDatabase(Place(url)) as database, database.writing() as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET {setting}')
        with ViewsDatabase(Place(url)) as one, ViewsDatabase(Place(url)) as two, ThreadPoolExecutor(2) as workers:
            running = [workers.submit(Runner(engine.log, each, Counted, page=1).catch_up) for each in (one, two)]
            for future in running:
                future.result(timeout=60)
            assert positions(Runner(engine.log, one, Counted)) == list(range(1, engine.head + 1))
