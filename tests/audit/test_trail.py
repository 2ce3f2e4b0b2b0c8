"""The trail finds exactly the facts that are meant, however it was folded."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

import huissier
from huissier import AnyCommand
from huissier.adapters.audit.search import find, read
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log import codec
from huissier.adapters.log.place import Place
from huissier.adapters.testing.strategies import histories
from huissier.adapters.testing.strategies.town import DOMAINS, IDS, MOMENTS, PROFESSIONNELS
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.domain.events import AnyEvent
from huissier.domain.reasons import Code
from huissier.projections import trail
from huissier.projections.projection import Entry
from huissier.projections.trail import Period, Question, Trail
from huissier.projections.words import KINDS, OUTCOMES, SHADOW, Word, outcome_of, words_of, words_of_all
from tests.hospital import hospital, message
from tests.log.events import EVENTS
from tests.properties import histories_looked_at

LAST = datetime.fromisoformat("2026-12-01T00:00:00Z")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[ViewsDatabase]:
    url = f"sqlite:///{tmp_path}/huissier.db"
    if request.param == "postgres":
        new_database: Callable[[], str] = request.getfixturevalue("new_database")
        url = new_database()
    with ViewsDatabase(Place(url)) as database:
        yield database


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "BLOCK", 4)


def rows(runner: Runner[Trail]) -> list[Any]:
    with runner.reading() as (connection, view):
        return [tuple(row) for row in connection.execute(sa.select(view.blocks).order_by(view.blocks.c.block))]


def found(engine: Engine, runner: Runner[Trail], question: Question, after: int = 0) -> list[Entry]:
    with runner.reading() as (connection, view):
        return list(find(engine.log, connection, view, question, after))


def test_a_rebuild_equals_keeping_up_whatever_the_pages(database: ViewsDatabase) -> None:
    @histories_looked_at(8)
    @given(history=histories(min_size=2), cut=st.integers(0, 20), page=st.integers(1, 9))
    def equal(history: list[AnyCommand], cut: int, page: int) -> None:
        with huissier.open("sqlite://", clock=lambda: LAST) as engine:
            kept_up = Runner(engine.log, database, Trail, page)
            engine.handle_many(history[:cut])
            kept_up.rebuild()
            for command in history[cut:]:
                engine.handle(command)
                kept_up.catch_up()
            kept = rows(kept_up)
            Runner(engine.log, database, Trail).rebuild()
            assert rows(kept_up) == kept
            assert [row[1] for row in kept][-1:] == ([engine.head] if engine.head else [])

    equal()


WORDS = st.one_of(
    st.builds(Word, st.just("kind"), st.sampled_from(KINDS)),
    st.builds(Word, st.just("outcome"), st.sampled_from(OUTCOMES)),
    st.builds(Word, st.just("reason"), st.sampled_from([str(code) for code in Code])),
    st.builds(Word, st.just("domain"), st.sampled_from(DOMAINS)),
    st.builds(Word, st.just("mailbox"), st.sampled_from(PROFESSIONNELS)),
    st.builds(Word, st.just("submission"), st.sampled_from(IDS)),
    st.just(SHADOW),
)
PERIODS = st.builds(Period, st.none() | st.sampled_from(MOMENTS), st.none() | st.sampled_from(MOMENTS))
QUESTIONS = st.builds(
    Question,
    words=st.lists(st.frozensets(WORDS, min_size=1, max_size=2), max_size=2).map(tuple),
    happened=PERIODS,
    recorded=st.just(Period()),
)


def speaks_of(word: Word, entry: Entry) -> bool:
    """Say whether a fact's bytes speak of a word: another way to the same answer."""
    data = codec.encode(entry.event, entry.recorded_at).data.decode()
    text = re.escape(word.text)
    match word.topic:
        case "kind":
            return f'"type":"{word.text}.v1"' in data
        case "shadow":
            return '"shadow":true' in data
        case "outcome":
            return outcome_of(entry.event) == word.text
        case "domain":
            return re.search(rf'[@"]{text}"', data) is not None
        case "submission":
            return re.search(rf'"(id|subject)":"{text}"', data) is not None
        case _:
            return f'"{word.text}"' in data


def test_exactly_the_facts_that_are_meant_are_found(database: ViewsDatabase) -> None:
    @histories_looked_at(12)
    @given(
        history=histories(min_size=2), questions=st.lists(QUESTIONS, min_size=5, max_size=5), after=st.integers(0, 9)
    )
    def agree(history: list[AnyCommand], questions: list[Question], after: int) -> None:
        with huissier.open("sqlite://", clock=lambda: LAST) as engine:
            engine.handle_many(history)
            runner = Runner(engine.log, database, Trail)
            runner.rebuild()
            log = read(engine.log, after + 1, engine.head)
            for question in questions:
                meant = [
                    entry
                    for entry in log
                    if question.happened.holds(entry.event.at)
                    and all(any(speaks_of(word, entry) for word in words) for words in question.words)
                ]
                assert found(engine, runner, question, after) == meant

    agree()


@histories_looked_at(20)
@given(history=histories(min_size=2))
def test_the_words_of_many_facts_are_those_of_each(history: list[AnyCommand]) -> None:
    with huissier.open("sqlite://", clock=lambda: LAST) as engine:
        engine.handle_many(history)
        events = [entry.event for entry in read(engine.log, 1, engine.head)]
    together = {Word(topic, text) for topic, texts in words_of_all(events).items() for text in texts}
    assert together == {word for event in events for word in words_of(event)}
    usagers = {word.text for word in together if word.topic == "usager"}
    assert all(re.fullmatch("[a-z2-7]{26}", usager) for usager in usagers)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_kind_of_fact_is_found_by_its_kind(event: AnyEvent) -> None:
    (kind,) = [word.text for word in words_of(event) if word.topic == "kind"]
    assert str(event.__struct_config__.tag).startswith(f"{kind}.v")


def test_blocks_that_cannot_hold_the_answer_are_not_read(database: ViewsDatabase) -> None:
    with hospital() as engine:
        engine.handle_many(message(number) for number in range(100))
        runner = Runner(engine.log, database, Trail)
        runner.rebuild()
        with runner.reading() as (connection, view):
            rare = Question(words=(frozenset({Word("submission", "m-50")}),))
            stretches = list(view.stretches(connection, rare))
            assert sum(last - first + 1 for first, last in stretches) <= 2 * trail.BLOCK
            never = Question(recorded=Period(since=LAST))
            assert list(view.stretches(connection, never)) == []
            everything = list(view.stretches(connection, Question(), after=5))
            assert everything[0].first == 6
            assert everything[-1].last == engine.head


def test_facts_that_share_a_mark_are_told_apart(database: ViewsDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "_marks", lambda _, texts: [1 for _ in texts])
    with hospital() as engine:
        engine.handle_many(message(number) for number in range(20))
        runner = Runner(engine.log, database, Trail)
        runner.rebuild()
        question = Question(words=(frozenset({Word("submission", "m-7")}),))
        assert [outcome_of(entry.event) for entry in found(engine, runner, question)] == ["accepted"]
