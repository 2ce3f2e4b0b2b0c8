"""A log written to an archive and read back is the same log, whatever it says and wherever it is kept."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import huissier as library
from huissier.adapters.archive.columns import blocks_of
from huissier.adapters.archive.importing import import_archive
from huissier.adapters.archive.layout import Layout
from huissier.adapters.archive.reading import ArchiveSource
from huissier.adapters.archive.verifying import verify_archive
from huissier.adapters.archive.writing import export
from huissier.adapters.audit.replay.replaying import replay
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.evidence.store_leaves import verify_store
from huissier.adapters.log.read_only import ReadOnlyLog
from huissier.adapters.testing import hospital as w
from huissier.adapters.testing.strategies import histories
from huissier.domain.commands import AnyCommand
from tests.archives.at_hand import exported, rows_in, rows_of_log
from tests.evidence.at_hand import checkpoint
from tests.log.by_hand import ByHand
from tests.properties import histories_looked_at
from tests.stores import KEY

TABLES = ("events", "tags")


def through_the_months(days: int) -> Callable[[], datetime]:
    """Return a clock that goes so many days with every look, and is set back by a few now and then."""
    times = cycle([days, days, -3])
    now = datetime(2026, 1, 20, tzinfo=UTC)

    def clock() -> datetime:
        nonlocal now
        now += timedelta(days=next(times), microseconds=1)
        return now

    return clock


@histories_looked_at(8)
@given(history=histories(), cut=st.integers(0, 30), days=st.sampled_from([0, 2, 9]))
def test_any_history_comes_back_as_it_was(history: list[AnyCommand], cut: int, days: int) -> None:
    with tempfile.TemporaryDirectory() as scratch, library.open("sqlite://", clock=through_the_months(days)) as engine:
        folder, url = Path(scratch) / "archive", f"sqlite:///{scratch}/new.db"
        for command in history[:cut]:
            engine.handle(command)
        export(engine.log, folder, None, None)
        for command in history[cut:]:
            engine.handle(command)
        done = export(engine.log, folder, None, None)
        rows = rows_of_log(engine.log)
        assert (done.events, rows_in(folder)) == (len(rows), [(*row, sorted(tags)) for *row, tags in rows])
        assert verify_archive(folder, []).problems == ()
        assert list(replay(ArchiveSource.of(folder), jobs=1).findings()) == []
        import_archive(folder, url, environment={})
        with ReadOnlyLog(url) as log:
            assert rows_of_log(log) == rows


def test_parts_are_by_the_month_of_recording_and_each_is_in_one(tmp_path: Path) -> None:
    times = iter(
        [datetime(2026, month, day, tzinfo=UTC) for month, day in [(1, 30), (1, 31), (2, 1), (1, 31), (2, 1), (3, 1)]]
    )
    with library.open("sqlite://", clock=lambda: next(times)) as engine:
        for number in range(6):
            engine.handle(library.RegisterOperator(operator=f"o-{number}", kind="professionnel", at=w.NOW))
        export(engine.log, tmp_path / "archive", None, None)
    parts = [(part.month, part.first) for part in Layout(tmp_path / "archive").parts]
    assert parts == [("2026-01", 1), ("2026-02", 3), ("2026-01", 4), ("2026-02", 5), ("2026-03", 6)]
    assert verify_archive(tmp_path / "archive", []).problems == ()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return new_store(request, tmp_path, "one")


@pytest.fixture(params=["sqlite", "postgres"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return new_store(request, tmp_path, "other")


def new_store(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/{name}.db"
    made: str = request.getfixturevalue("new_database")()
    return made


def test_stores_of_either_kind_have_the_same_rows_and_root(url: str, other_url: str, tmp_path: Path) -> None:
    with Engine(url, environment=KEY) as engine:
        engine.handle_many([*w.world(), w.reach(w.DOCTOR, w.USAGER, w.SURGEON, message_id="<é>", subject="é")])
        engine.handle_many([w.write(w.USAGER, w.DOCTOR, in_reply_to="<é>"), library.EraseUsager(ins=w.ins(2))])
        exported(engine, tmp_path / "archive", tmp_path)
        head = checkpoint(engine, tmp_path).head
    done = import_archive(tmp_path / "archive", other_url, environment=KEY)
    assert (done.events, done.before) == (head.size, 0)
    for table in TABLES:
        query = f"SELECT * FROM {table}"  # noqa: S608
        assert set(ByHand(other_url).run(query)) == set(ByHand(url).run(query))
    verified = verify_store(other_url, [head])
    assert (verified.signed, verified.problems) == (head.size, ())


def test_an_event_that_cannot_be_read_is_not_exported(tmp_path: Path) -> None:
    for number, (column, value) in enumerate(
        [("data", b"\xff"), ("data", b"{}"), ("data", b'{"recorded_at":"2026-10-31T09:00:00Z"'), ("data", 5)]
    ):
        url = f"sqlite:///{tmp_path}/{number}.db"
        with Engine(url) as engine:
            engine.handle_many(w.world())
            ByHand(url).run(f"UPDATE events SET {column} = ? WHERE position = 3", value)  # noqa: S608
            with pytest.raises(CorruptStoreError, match="the event at position 3 cannot be read"):
                export(engine.log, tmp_path / f"{number}", None, None)
            assert rows_in(tmp_path / f"{number}") == []


def test_an_event_that_is_missing_ends_an_export(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/huissier.db"
    with Engine(url) as engine:
        engine.handle_many(w.world())
        ByHand(url).run("DELETE FROM events WHERE position = 3")
        with pytest.raises(CorruptStoreError, match="the event at position 3 is missing"):
            export(engine.log, tmp_path / "archive", None, None)


def test_text_that_is_none_is_named_by_its_position_among_others() -> None:
    good = b'{"recorded_at":"2026-10-31T09:00:00Z","event":{"type":"x","at":"2026-10-31T09:00:00Z","x":"y"}}'
    rows = [(1, "x", good, ["a"]), (2, "x", good.replace(b"y", b"\xff"), ["b"]), (3, "x", good, [])]
    with pytest.raises(CorruptStoreError, match="the event at position 2 cannot be read"):
        list(blocks_of(rows))
