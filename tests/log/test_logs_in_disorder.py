"""A log whose index gives rows twice, none, or in another order: whoever reads on is told where, and always ends."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from huissier import Options
from huissier.adapters.audit.as_of import Stand, stands
from huissier.adapters.audit.replay.replaying import replay
from huissier.adapters.audit.replay.sources import StoreSource
from huissier.adapters.audit.report.subject import Subject, facts_meant
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.evidence.nodes import all_leaves
from huissier.adapters.integrity import check_store, log_rows
from huissier.adapters.log.pen import HopefulPen, Reading, decode_tags
from huissier.adapters.log.port import Look, OvertakenError
from huissier.adapters.log.read_only import ReadOnlyLog
from huissier.adapters.testing.hospital import ins
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import ProjectionError, Runner
from huissier.domain.as_of import Question
from huissier.domain.rule_set import RuleBook
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.projections.trail import Trail
from tests.hospital import DOCTOR, NOW, SECRETARY, hospital, message
from tests.log.by_hand import ByHand, overwrite_leaf
from tests.replay.told import RowsSource, differences
from tests.stores import KEY

PAGES: dict[str, Callable[[Look, int, int], list[tuple[int, ...]]]] = {
    "after": lambda look, position, limit: [row[:1] for row in look.after(position, limit)],
    "facts_after": lambda look, position, limit: [row[:1] for row in look.facts_after(position, limit)],
    "whole_after": lambda look, position, limit: [row[:1] for row in look.whole_after(position, limit)],
}


@pytest.fixture
def healthy(tmp_path: Path) -> str:
    """A store of 207 facts on some two dozen leaves."""
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with hospital(url) as engine:
        engine.handle_many([message(number) for number in range(200)])
    return url


@pytest.fixture(params=[(3, -1), (3, 12), (12, 3), (0, 1)], ids=str)
def disordered(request: pytest.FixtureRequest, healthy: str) -> str:
    """The same store, after one leaf of its log was written over another."""
    overwrite_leaf(ByHand(healthy).path, *request.param)
    return healthy


@pytest.fixture(params=["file", "postgres"])
def with_gap(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store whose third fact is gone."""
    is_file = request.param == "file"
    url: str = f"sqlite:///{tmp_path / 'gap.db'}" if is_file else request.getfixturevalue("new_database")()
    with hospital(url, environment=KEY) as engine:
        engine.handle_many([message(number) for number in range(20)])
    ByHand(url).run("DELETE FROM events WHERE position = 3")
    return url


@contextmanager
def looking(url: str) -> Iterator[Reading]:
    with ReadOnlyLog(url) as log, log.reading() as look:
        yield look


@contextmanager
def ends_within(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def positions(look: Look, page: str, limit: int) -> Iterator[int]:
    position = 0
    while rows := PAGES[page](look, position, limit):
        for (position,) in rows:
            yield position


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_a_healthy_log_is_read_to_its_head_in_pages_of_any_size(healthy: str, page: str, limit: int) -> None:
    with looking(healthy) as look:
        assert list(positions(look, page, limit)) == list(range(1, look.head + 1))
        assert PAGES[page](look, look.head + 5, limit) == PAGES[page](look, 0, 0) == []


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_whoever_reads_on_is_told_and_ends(disordered: str, page: str, limit: int) -> None:
    with looking(disordered) as look, pytest.raises(CorruptStoreError, match="the event at position"):
        list(islice(positions(look, page, limit), 1000))


@pytest.mark.parametrize("page", PAGES)
def test_a_gap_is_named_by_its_position(with_gap: str, page: str) -> None:
    with looking(with_gap) as look, pytest.raises(CorruptStoreError, match="the event at position 3 is missing"):
        list(positions(look, page, 7))


def test_a_replay_does_not_say_that_there_is_no_difference(disordered: str) -> None:
    with pytest.raises(CorruptStoreError, match="the event at position"):
        differences(StoreSource.of(disordered))


def test_a_replay_tells_a_gap_and_goes_on_behind_it(with_gap: str) -> None:
    found = differences(StoreSource.of(with_gap))
    assert (found[0].position, found[0].field, found[0].recomputed) == (4, "position", 3)
    crew = replay(StoreSource.of(with_gap), jobs=1)
    assert len(list(crew.findings())) == len(found)
    assert crew.tally["facts",] == StoreSource.of(with_gap).head - 1


def test_a_replay_names_tags_that_cannot_be_decoded_and_goes_on(healthy: str) -> None:
    ByHand(healthy).run("UPDATE events SET tags = 'none' WHERE position = 5")
    assert [(one.position, one.field) for one in differences(StoreSource.of(healthy))] == [(5, "tags")]


def test_a_replay_of_less_than_the_head_is_no_replay(healthy: str) -> None:
    source = StoreSource.of(healthy)
    short = RowsSource(list(source.rows(200)), source.head)
    with pytest.raises(CorruptStoreError, match="the event at position 201 is missing"):
        differences(short)
    assert differences(short, last=200) == []


def test_read_models_stop_where_the_log_is_in_disorder(disordered: str) -> None:
    with Engine(disordered) as engine, ViewsDatabase(engine.place) as database:
        runner = Runner(engine.log, database, Trail)
        with pytest.raises(ProjectionError, match="the event at position"):
            runner.catch_up()
        assert "the event at position" in (runner.standing().error or "")


def test_reports_and_trees_say_so_too(disordered: str) -> None:
    with looking(disordered) as look, pytest.raises(CorruptStoreError):
        list(facts_meant(look, Subject()))
    with Engine(disordered) as engine, pytest.raises(CorruptStoreError):
        list(all_leaves(engine.log))


def test_whoever_reads_through_the_librarys_interface_is_told_and_ends(healthy: str) -> None:
    overwrite_leaf(ByHand(healthy).path, 3, 12)
    with Engine(healthy) as engine, pytest.raises(CorruptStoreError, match="the event at position 34 stands where"):
        list(islice(engine.recorder.read(), 1000))


@pytest.mark.parametrize(
    "query",
    [None, DCBQuery([DCBQueryItem(tags=["operator:ght"])]), DCBQuery([DCBQueryItem(tags=["operator:ght"])] * 2)],
    ids=["all", "by tag", "by tags"],
)
def test_a_gap_is_named_through_the_librarys_interface(with_gap: str, query: DCBQuery | None) -> None:
    with (
        Engine(with_gap, environment=KEY) as engine,
        pytest.raises(CorruptStoreError, match="the event at position 3 is missing"),
    ):
        list(engine.recorder.read(query))


def test_a_limit_below_nothing_is_refused(healthy: str) -> None:
    with Engine(healthy) as engine, pytest.raises(ValueError, match="limit"):
        engine.recorder.read(limit=-1)


def test_an_answer_as_of_a_time_does_not_rest_on_an_end_that_is_none(healthy: str) -> None:
    doctor, secretary = map(MailboxAddress.parse, (DOCTOR, SECRETARY))

    def answers() -> list[Stand]:
        with looking(healthy) as look:
            return list(stands(look, Question(doctor, secretary), RuleBook(Options()), NOW, "en"))

    assert answers()
    overwrite_leaf(ByHand(healthy).path, 3, -1)
    with pytest.raises(CorruptStoreError, match="stands behind the last one"):
        answers()


def test_a_decision_is_not_taken_without_a_fact_that_the_index_knows(with_gap: str) -> None:
    with Engine(with_gap, environment=KEY) as engine, pytest.raises(CorruptStoreError, match="at position 3 cannot"):
        engine.check(message(1000))


def test_a_hopeful_pen_takes_what_stands_behind_its_head_for_somebody_elses(healthy: str) -> None:
    with looking(healthy) as look:
        pen = HopefulPen(look.session, look.head - 1)
        with pytest.raises(OvertakenError):
            pen.facts_after(look.head - 5, 10)
        assert len(HopefulPen(look.session, look.head).facts_after(look.head - 5, 10)) == 5


@pytest.mark.parametrize("tree", ["events", "tags", "vault", "vault_usager"])
@pytest.mark.parametrize(("source", "target"), [(0, -1), (1, -1), (0, 1), (-1, 0)])
def test_a_check_ends_and_finds_the_store_not_whole(tree: str, source: int, target: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with hospital(url, environment=KEY) as engine:
        engine.handle_many([message(n, to=f"{ins(n)}@patient.mssante.fr") for n in range(200)])
    overwrite_leaf(ByHand(url).path, source, target, tree)
    with ends_within(20):
        assert check_store(url, environment=KEY).problems


def test_a_check_ends_wherever_a_page_does(healthy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_rows, "_PAGE", 1)
    overwrite_leaf(ByHand(healthy).path, 3, 12)
    with looking(healthy) as look:
        rows = log_rows.LogRows(look.session)
        assert len(list(islice(rows.pages(), 1000))) < 1000


@pytest.mark.parametrize("column", [None, 7, "none", "[1]"])
def test_tags_that_are_none_are_named_by_their_position(column: object) -> None:
    with pytest.raises(CorruptStoreError, match="the tags of the event at position 9"):
        decode_tags(column, 9)  # type: ignore[arg-type]
