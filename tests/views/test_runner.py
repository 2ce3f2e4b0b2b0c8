"""The runner folds every fact exactly once, whoever runs it, and stops where it cannot."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import ClassVar

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import StoreError
from huissier.adapters.log.place import Place
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.generations import Generations
from huissier.adapters.views.runner import ProjectionError, Runner
from huissier.domain.events import MessageDecided
from huissier.projections.projection import Entry, Projection
from tests.hospital import HOSPITAL, hospital, message
from tests.views.counted import Choosy, Counted, positions


class Passing(Counted):
    """Cannot fold the third message the first time."""

    name: ClassVar[str] = "passing"
    failed: ClassVar[Projection | None] = None
    pages: ClassVar[list[tuple[Projection, int]]] = []

    def fold(self, connection: Connection, page: Iterable[Entry]) -> None:
        facts = list(page)
        self.pages.append((self, len(facts)))
        super().fold(connection, facts)
        if self.failed is None and any(isinstance(e.event, MessageDecided) and e.event.id == "m-2" for e in facts):
            type(self).failed = self
            raise ValueError("not now")


class CountedAgain(Counted):
    """The same under another version."""

    version: ClassVar[int] = 2


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/huissier.db"
    if request.param == "memory":
        return "sqlite://"
    monkeypatch.setenv("HUISSIER_VAULT_KEY", "A" * 43 + "=")
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return new_database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with hospital(url) as engine:
        engine.handle_many(message(number) for number in range(10))
        yield engine


@pytest.fixture
def database(url: str) -> Iterator[ViewsDatabase]:
    with ViewsDatabase(Place(url)) as database:
        yield database


def tables(database: ViewsDatabase, kind: type[Projection]) -> list[str]:
    with database.reading() as connection:
        names = sa.inspect(connection).get_table_names()
    return sorted(name for name in names if name.startswith(f"{kind.name}_"))


def test_the_log_is_folded_once_however_often_it_is_caught_up(engine: Engine, database: ViewsDatabase) -> None:
    runner = Runner(engine.recorder, database, Counted, page=3)
    for _ in range(3):
        runner.catch_up()
    assert positions(runner) == list(range(1, engine.head + 1))
    engine.handle(message(100))
    assert runner.standing().lag == 1
    runner.catch_up()
    assert positions(runner) == list(range(1, engine.head + 1))
    assert runner.standing().lag == 0


def test_pages_do_not_matter(engine: Engine, database: ViewsDatabase) -> None:
    told: list[tuple[int, int]] = []
    for size in (1, 2, 7, 1000):
        runner = Runner(engine.recorder, database, Counted, page=size)
        runner.rebuild(lambda done, head: told.append((done, head)))
        assert positions(runner) == list(range(1, engine.head + 1))
        assert told[-1] == (engine.head, engine.head)


def test_a_fact_that_cannot_be_folded_stops_this_projection_only(
    engine: Engine, database: ViewsDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, other = Runner(engine.recorder, database, Choosy), Runner(engine.recorder, database, Counted)
    monkeypatch.setattr(Choosy, "bad", None)
    runner.catch_up()
    monkeypatch.setattr(Choosy, "bad", "m-11")
    engine.handle_many(message(number) for number in range(10, 14))
    where = engine.head - 2
    for _ in range(2):
        with pytest.raises(ProjectionError, match=f"choosy stopped at position {where}: ValueError$"):
            runner.catch_up()
    assert positions(runner) == list(range(1, where))
    assert runner.standing().error == f"the projection choosy stopped at position {where}: ValueError"
    assert runner.standing().lag == 3
    other.catch_up()
    assert positions(other) == list(range(1, engine.head + 1))
    monkeypatch.setattr(Choosy, "bad", None)
    runner.catch_up()
    assert positions(runner) == list(range(1, engine.head + 1))
    assert runner.standing().error is None


def test_after_an_error_that_passes_pages_are_as_large_as_before(
    engine: Engine, database: ViewsDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Passing, "failed", None)
    monkeypatch.setattr(Passing, "pages", [])
    runner = Runner(engine.recorder, database, Passing, page=4)
    runner.catch_up()
    assert positions(runner) == list(range(1, engine.head + 1))
    sizes = [size for _, size in Passing.pages]
    assert sizes[:-1].count(1) == 4
    assert set(sizes[sizes.index(1) + 4 : -1]) == {4}
    folded: list[Projection | None] = [projection for projection, _ in Passing.pages]
    last = len(folded) - 1 - folded[::-1].index(Passing.failed)
    assert sizes[last + 1] == 1, "what failed has folded again"


def test_a_rebuild_that_fails_leaves_no_tables_and_is_told(
    engine: Engine, database: ViewsDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(engine.recorder, database, Choosy)
    monkeypatch.setattr(Choosy, "bad", None)
    runner.catch_up()
    monkeypatch.setattr(Choosy, "bad", "m-2")
    for _ in range(3):
        with pytest.raises(ProjectionError, match="stopped at position"):
            runner.rebuild()
    assert tables(database, Choosy) == ["choosy_seen_1"]
    standing = runner.standing()
    assert (standing.generation, standing.lag) == (1, 0)
    assert str(standing.error).startswith("its last rebuild failed: the projection choosy stopped at position")
    assert positions(runner) == list(range(1, engine.head + 1))
    monkeypatch.setattr(Choosy, "bad", None)
    runner.rebuild()
    assert runner.standing().error is None
    assert positions(runner) == list(range(1, engine.head + 1))


def broken_off(engine: Engine, database: ViewsDatabase, *, times: int) -> Runner[Counted]:
    """Return a runner whose tables are live, and whose rebuilds were interrupted."""
    runner = Runner(engine.recorder, database, Counted, page=4)
    runner.catch_up()
    for _ in range(times):
        with pytest.raises(KeyboardInterrupt):
            runner.rebuild(killed)
    return runner


def test_a_rebuild_that_is_told_to_end_leaves_no_tables(engine: Engine, database: ViewsDatabase) -> None:
    runner = broken_off(engine, database, times=2)
    assert tables(database, Counted) == ["counted_seen_1"]
    standing = runner.standing()
    assert (standing.generation, standing.lag, standing.error) == (1, 0, None)
    runner.rebuild()
    assert positions(runner) == list(range(1, engine.head + 1))


@pytest.fixture
def nobody_tidies_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is interrupted is killed outright."""
    monkeypatch.setattr(Generations, "give_up", lambda *_: None)


@pytest.mark.usefixtures("nobody_tidies_up")
def test_what_a_killed_rebuild_left_is_dropped_by_the_next(engine: Engine, database: ViewsDatabase) -> None:
    runner = broken_off(engine, database, times=3)
    assert tables(database, Counted) == ["counted_seen_1", "counted_seen_4"]
    runner.rebuild()
    assert tables(database, Counted) == ["counted_seen_1", "counted_seen_5"]
    assert positions(runner) == list(range(1, engine.head + 1))


def killed(_: int, __: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("nobody_tidies_up")
def test_who_rebuilds_at_the_same_time_builds_together(engine: Engine, database: ViewsDatabase) -> None:
    first, second = (Runner(engine.recorder, database, Counted, page=4) for _ in range(2))
    first.catch_up()
    begun: list[int] = []

    def rebuild_too(_: int, __: int) -> None:
        if not begun:
            begun.append(2)
            with pytest.raises(KeyboardInterrupt):
                second.rebuild(killed)

    first.rebuild(rebuild_too)
    assert first.standing().generation == 3
    assert positions(first) == list(range(1, engine.head + 1))


def test_who_helps_another_rebuild_and_is_interrupted_takes_nothing_from_it(
    engine: Engine, database: ViewsDatabase
) -> None:
    first, second = (Runner(engine.recorder, database, Counted, page=4) for _ in range(2))
    first.catch_up()
    pages: list[int] = []
    half, over = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: second.rebuild(fold))

    def fold(position: int, _: int) -> None:
        pages.append(position)
        if len(pages) == 2:
            half.set()
            over.wait(20)

    def begin_then_be_interrupted(_: int, __: int) -> None:
        if half.is_set():  # the other's tables have taken the place of these, and it helped to fill them
            raise KeyboardInterrupt
        other.start()
        half.wait(20)

    with pytest.raises(KeyboardInterrupt):
        first.rebuild(begin_then_be_interrupted)
    over.set()
    other.join(20)
    assert pages == sorted(set(pages))
    assert second.standing().lag == 0


def test_a_projection_that_stopped_while_it_was_built_says_so(engine: Engine, database: ViewsDatabase) -> None:
    runner = Runner(engine.recorder, database, Choosy, page=4)
    with pytest.raises(ProjectionError, match="stopped at position"):
        runner.catch_up()
    assert runner.standing().error is not None
    with pytest.raises(StoreError, match="not built yet"), runner.reading():
        pass


def test_an_event_that_cannot_be_read_is_named(engine: Engine, database: ViewsDatabase) -> None:
    with engine.recorder.pen() as pen:
        pen.session.run("UPDATE events SET data = ? WHERE position = 4", (b'{"no":"event"}',))
    runner = Runner(engine.recorder, database, Counted)
    with pytest.raises(ProjectionError, match="stopped at position 4: the event at position 4 cannot be decoded"):
        runner.rebuild()


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)  # in memory there is one connection
def test_readers_keep_reading_while_the_tables_are_rebuilt(engine: Engine, database: ViewsDatabase) -> None:
    runner = Runner(engine.recorder, database, Counted)
    runner.catch_up()
    with runner.reading() as (connection, counted):
        rows = sa.select(sa.func.count()).select_from(counted.seen)
        assert connection.scalar(rows) == engine.head
        with ThreadPoolExecutor(1) as worker:
            worker.submit(runner.rebuild).result(timeout=30)
        assert connection.scalar(rows) == engine.head
    assert runner.standing().generation == 2
    for _ in range(3):
        runner.rebuild()
    assert len(tables(database, Counted)) == 2


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)  # in memory there is one connection
def test_tables_that_were_looked_up_are_not_dropped_before_they_are_read(
    engine: Engine, database: ViewsDatabase, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(engine.recorder, database, Counted)
    runner.catch_up()
    looked_up: list[int | None] = []

    def live(self: Generations, connection: Connection) -> int | None:
        looked_up.append(found(self, connection))
        if len(looked_up) == 1:
            with ViewsDatabase(Place(url)) as other:
                for _ in range(2):
                    Runner(engine.recorder, other, Counted).rebuild()
        return looked_up[-1]

    found = Generations.live
    monkeypatch.setattr(Generations, "live", live)
    assert positions(runner) == list(range(1, engine.head + 1))
    assert looked_up == ([1] if url.startswith("sqlite") else [1, 3])


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_tables_that_are_missing_are_told(engine: Engine, database: ViewsDatabase) -> None:
    runner = Runner(engine.recorder, database, Counted)
    runner.catch_up()
    with database.changing() as connection:
        Counted(1).metadata.drop_all(connection)
    with pytest.raises(StoreError, match=r"tables of the projection counted are missing|no such table: counted_seen_1"):
        positions(runner)


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_missing_tables_are_not_taken_for_a_fact_that_cannot_be_folded(engine: Engine, database: ViewsDatabase) -> None:
    runner = Runner(engine.recorder, database, Counted)
    runner.catch_up()
    with database.changing() as connection:
        Counted(1).metadata.drop_all(connection)
    engine.handle(message(100))
    with pytest.raises(StoreError) as told:
        runner.catch_up()
    assert type(told.value) is StoreError
    assert str(told.value).startswith(f"{database.name}: ")
    assert "counted_seen_1" in str(told.value)
    assert runner.standing().error is None


def test_a_rebuild_that_was_overtaken_goes_on_before_it_is_read(
    engine: Engine, database: ViewsDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, follower = Runner(engine.recorder, database, Counted), Runner(engine.recorder, database, Counted)
    runner.catch_up()
    overtaken: list[int] = []

    def go_live(self: Generations, generation: int, head: Callable[[], int]) -> bool:
        if len(overtaken) < 2:
            overtaken.append(generation)
            engine.handle(message(100 + len(overtaken)))
            follower.catch_up()
        return switched(self, generation, head)

    switched = Generations.go_live
    monkeypatch.setattr(Generations, "go_live", go_live)
    runner.rebuild()
    assert len(overtaken) == 2
    assert positions(runner) == list(range(1, engine.head + 1))
    assert runner.standing().generation == overtaken[0]


def test_a_rebuild_that_was_dropped_just_before_it_is_read_takes_nothing_away(
    engine: Engine, database: ViewsDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(engine.recorder, database, Counted)
    runner.catch_up()
    begun: list[int] = []

    def go_live(self: Generations, generation: int, head: Callable[[], int]) -> bool:
        if not begun:
            begun.append(Generations(database, Counted).begin())
        return switched(self, generation, head)

    switched = Generations.go_live
    monkeypatch.setattr(Generations, "go_live", go_live)
    runner.rebuild()
    assert runner.standing().generation == begun[0]
    assert positions(runner) == list(range(1, engine.head + 1))


def test_another_version_is_built_beside_the_old_one(engine: Engine, database: ViewsDatabase) -> None:
    old, new = Runner(engine.recorder, database, Counted), Runner(engine.recorder, database, CountedAgain)
    old.catch_up()
    with pytest.raises(StoreError, match="not built yet"), new.reading():
        pass
    assert positions(old) == list(range(1, engine.head + 1))
    new.catch_up()
    assert positions(new) == list(range(1, engine.head + 1))


def test_several_workers_fold_each_fact_once_while_the_log_grows(
    engine: Engine, database: ViewsDatabase, url: str
) -> None:
    Runner(engine.recorder, database, Counted).catch_up()
    done = threading.Event()

    def work() -> None:
        with nullcontext(database) if url == "sqlite://" else ViewsDatabase(Place(url)) as mine:
            runner = Runner(engine.recorder, mine, Counted, page=5)
            while not done.is_set():
                runner.catch_up()
            runner.catch_up()

    with ThreadPoolExecutor(3) as workers:
        running = [workers.submit(work) for _ in range(3)]
        for number in range(1000, 1150):
            engine.handle(message(number))
        done.set()
        for future in running:
            future.result(timeout=60)
    assert positions(Runner(engine.recorder, database, Counted)) == list(range(1, engine.head + 1))


def test_tables_of_another_log_are_not_built_upon(engine: Engine, database: ViewsDatabase) -> None:
    Runner(engine.recorder, database, Counted).catch_up()
    with Engine("sqlite://") as other:
        other.handle_many(reversed(HOSPITAL))
        runner = Runner(other.recorder, database, Counted)
        with pytest.raises(StoreError, match="another log; rebuild it"):
            runner.catch_up()
        assert runner.standing().error == "the projection counted was built from another log; rebuild it"
        runner.rebuild()
        assert runner.standing().error is None
        assert positions(runner) == list(range(1, other.head + 1))
