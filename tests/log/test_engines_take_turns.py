"""Engines that write to one log in turns answer as one engine would, whatever each had to find out about the other."""

import base64
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis.strategies import randoms
from sqlalchemy import URL

from huissier import AnyCommand, OpenEns, Options, RegisterOperator
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log.session import Session
from huissier.adapters.testing.hospital import DOCTOR, NOW, USAGER, ins, reach, world, write
from huissier.adapters.testing.postgres import drop_database, new_database
from huissier.adapters.testing.properties import answered
from huissier.adapters.testing.strategies import histories, options
from tests.properties import histories_looked_at, told_shortly

KEY = {"HUISSIER_VAULT_KEY": base64.b64encode(b"A" * 32).decode()}
LATER: Final = datetime(2026, 12, 1, tzinfo=UTC)


@contextmanager
def _engines(url: str, options: Options | None = None, number: int = 2) -> Iterator[list[Engine]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(Engine(url, options=options, clock=lambda: LATER, environment=KEY))
            for _ in range(number)
        ]


def _batches(history: Sequence[AnyCommand], chance: Random) -> Iterator[list[AnyCommand]]:
    """Cut a history into batches, and say some commands again somewhere behind."""
    waiting: list[AnyCommand] = []
    for command in history:
        waiting.append(command)
        if chance.random() < 0.2:
            waiting.append(chance.choice(history[: history.index(command) + 1]))
        if chance.random() < 0.4:
            yield waiting
            waiting = []
    yield waiting


@histories_looked_at(12)
@given(history=histories(), options=options(), chance=randoms(use_true_random=False))
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@told_shortly
def test_two_engines_answer_as_one(
    history: list[AnyCommand], options: Options, chance: Random, database: str, postgres_server: URL
) -> None:
    with (
        _new_store(database, postgres_server) as url,
        _engines(url, options) as both,
        _engines("sqlite://", options, 1) as [alone],
    ):
        for batch in _batches(history, chance):
            one = chance.choice(both)
            assert list(map(answered, one.handle_many(batch))) == list(map(answered, alone.handle_many(batch)))
        assert [engine.head for engine in both] == [alone.head] * 2


@contextmanager
def _new_store(database: str, server: URL) -> Iterator[str]:
    if database == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/huissier.db"
        return
    url = new_database(server.render_as_string(hide_password=False))
    try:
        yield url
    finally:
        drop_database(server.render_as_string(hide_password=False), url)


@pytest.fixture(name="busy")
def _busy(new_database: Callable[[], str]) -> Iterator[Callable[[], Engine]]:
    """Lend the engine of a log that is never left alone: whenever it is asked for, somebody else has just written."""
    with _engines(new_database()) as (engine, other):
        engine.handle_many([*world(), reach(DOCTOR, USAGER, at=NOW)])

        def disturbed() -> Engine:
            other.handle(RegisterOperator(operator=f"o-{other.head}", kind="professionnel"))
            return engine

        disturbed().handle(write(DOCTOR, USAGER, id="before", at=NOW))
        yield disturbed


def test_under_the_lock_too_what_is_new_is_not_looked_up(
    busy: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    by_tag = Session.rows

    def counted(session: Session, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        looked_up.append(statement)
        return by_tag(session, statement, parameters)

    engine = busy()
    monkeypatch.setattr(Session, "rows", counted)
    assert engine.handle(write(DOCTOR, USAGER, id="new", at=NOW)).outcome == "accepted"
    assert not looked_up


def test_under_the_lock_too_what_was_answered_is_answered_the_same(busy: Callable[[], Engine]) -> None:
    engine = busy()
    first = engine.handle(write(DOCTOR, USAGER, id="asked", at=NOW))
    again, other = busy().handle_many([write(DOCTOR, USAGER, id=id_, at=NOW) for id_ in ("asked", "other")])
    assert again == first
    assert other.position == engine.head


def test_under_the_lock_too_newcomers_are_kept_once(busy: Callable[[], Engine]) -> None:
    before = _kept_in_vault(busy())
    assert busy().handle(OpenEns(ins=ins(8), at=NOW)).outcome == "recorded"
    assert busy().handle(OpenEns(ins=ins(8), at=NOW)).outcome == "unchanged"
    assert _kept_in_vault(busy()) == before + 1


def _kept_in_vault(engine: Engine) -> int:
    with engine.log.reading() as look:
        return int(look.session.scalar("SELECT count(*) FROM vault"))
