"""A server that hangs up, lets only read for a while, or has a table locked: then it goes on, and nothing is lost."""

import gc
import threading
import time
from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import StoreError, TemporarilyUnavailableError
from huissier.adapters.log.session import Session
from huissier.domain.commands import RegisterOperator
from tests.hospital import hospital, message
from tests.log.servers import administrator, hang_up, settle
from tests.stores import KEY
from tests.waiting import eventually


@pytest.fixture(name="url")
def _url(new_database: Callable[[], str]) -> str:
    return new_database()


def disturbed(url: str) -> None:
    """Have somebody else write, so that the next turn has a transaction."""
    with Engine(url, environment=KEY) as other:
        other.handle(message(1_000))


@pytest.mark.parametrize("is_disturbed", [False, True], ids=["one trip", "a transaction"])
def test_a_connection_that_was_hung_up_on_is_replaced_before_anything_is_said(url: str, is_disturbed: bool) -> None:
    with hospital(url, environment=KEY) as engine, administrator(url) as connection:
        engine.handle(message(0))
        for number in range(1, 4):
            engine.check(message(number))
            if is_disturbed:
                disturbed(url)
            hang_up(connection)
            assert engine.head
            assert engine.check(message(number)).outcome == "accepted"
            assert engine.handle(message(number)).position == engine.head


def test_an_idle_engine_is_not_hung_up_on(url: str) -> None:
    with administrator(url) as connection:
        settle(connection, "idle_session_timeout = '200ms'")
    with hospital(url, environment=KEY) as engine:
        for number in range(3):
            time.sleep(0.4)
            assert engine.handle(message(number)).outcome == "accepted"


def test_a_server_that_lets_only_read_for_a_while_is_written_to_afterwards(url: str) -> None:
    with hospital(url, environment=KEY) as engine, administrator(url) as connection:
        settle(connection, "default_transaction_read_only = on")
        hang_up(connection)
        for number in range(3):
            with pytest.raises(TemporarilyUnavailableError, match="read-only"):
                engine.handle(message(number))
            engine.check(message(number))
        connection.execute("SET default_transaction_read_only = off")
        settle(connection, "default_transaction_read_only = off")
        with pytest.raises(TemporarilyUnavailableError, match="read-only"):
            engine.handle(message(3))  # on the connection that it has from then
        assert engine.handle(message(3)).position == engine.head


@pytest.mark.parametrize("key", ["A", "B"], ids=["the same key", "another key"])
def test_a_store_that_another_took_the_place_of_is_not_written_to_nor_read(url: str, key: str) -> None:
    with administrator(url) as connection:
        connection.execute("CREATE SCHEMA here; CREATE SCHEMA there")
        settle(connection, "search_path = there")
        with Engine(url, environment={"HUISSIER_VAULT_KEY": key * 43 + "="}) as other:
            other.handle(RegisterOperator(operator="another", kind="usager"))
        settle(connection, "search_path = here")
        hospital(url, environment=KEY).close()
        with Engine(url, environment=KEY) as engine:
            engine.handle(message(1))
            settle(connection, "search_path = there")
            hang_up(connection)
            for _ in range(2):
                for asks in (engine.handle, engine.check):
                    with pytest.raises(StoreError, match=r"replaced while it was in use|not the one this store"):
                        asks(message(2))
            assert connection.execute("SELECT count(*) FROM there.events").fetchone() == (1,)
            settle(connection, "search_path = here")
            assert engine.handle(message(2)).position == engine.head == 9


def test_who_began_a_log_knows_it_again(url: str) -> None:
    with administrator(url) as connection:
        connection.execute("CREATE SCHEMA here; CREATE SCHEMA there")
        settle(connection, "search_path = there")
        with Engine(url, environment=KEY) as other:
            other.handle(RegisterOperator(operator="another", kind="usager"))
        settle(connection, "search_path = here")
        with hospital(url, environment=KEY) as engine:  # and has asked nothing since
            settle(connection, "search_path = there")
            hang_up(connection)
            with pytest.raises(StoreError, match="replaced while it was in use"):
                engine.handle(message(1))
        assert connection.execute("SELECT count(*) FROM there.events").fetchone() == (1,)


def test_a_store_that_is_gone_when_a_connection_is_replaced_is_told(url: str) -> None:
    with hospital(url, environment=KEY) as engine, administrator(url) as connection:
        connection.execute("DROP TABLE events, tags, vault, settings")
        hang_up(connection)
        with pytest.raises(StoreError, match="is not there any more"):
            engine.handle(message(1))


def test_a_table_that_was_altered_is_used_again_after_one_failure(url: str) -> None:
    with (
        hospital(url, environment=KEY) as engine,
        Engine(url, environment=KEY) as other,
        administrator(url) as connection,
    ):
        failed: list[Engine] = []
        for number in range(20):
            if number == 12:  # by then the driver has prepared what it says
                connection.execute("ALTER TABLE events ALTER COLUMN tags TYPE varchar(20000)")
            for one, asked in ((engine, number), (other, 100 + number), (engine, 3)):
                try:
                    assert one.handle(message(asked)).outcome == "accepted"
                except StoreError:
                    failed.append(one)
        assert len(failed) == len(set(failed))


@pytest.mark.parametrize("lock", ["events IN SHARE", "tags IN ACCESS EXCLUSIVE"])
@pytest.mark.parametrize("is_disturbed", [False, True], ids=["one trip", "a transaction"])
def test_who_was_told_while_somebody_had_a_table_is_not_decided_about(
    lock: LiteralString, is_disturbed: bool, url: str
) -> None:
    with hospital(url, environment=KEY) as engine:
        engine.handle(message(1))
        engine.handle(message(2))
        if is_disturbed:
            disturbed(url)
        head = engine.head
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute(sql.SQL("LOCK TABLE {} MODE").format(sql.SQL(lock)))
            for timeout in (0.5, 30.0):
                with pytest.raises(TemporarilyUnavailableError):
                    engine.handle(message(3), timeout=timeout)
        time.sleep(0.5)
        assert engine.head == head
        assert engine.handle(message(3)).position == head + 1


def test_what_was_interrupted_twice_is_not_recorded_with_the_next_turn(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hospital(url, environment=KEY) as engine:
        disturbed(url)
        head = engine.head
        append, run = Session.append, Session.run

        def interrupted(session: Session, *arguments: Any) -> int | None:
            append(session, *arguments)
            monkeypatch.setattr(Session, "append", append)
            monkeypatch.setattr(Session, "run", interrupted_again)
            raise KeyboardInterrupt

        def interrupted_again(session: Session, statement: str, *arguments: Any) -> Any:
            if statement == "ROLLBACK":
                monkeypatch.setattr(Session, "run", run)
                raise KeyboardInterrupt
            return run(session, statement, *arguments)

        monkeypatch.setattr(Session, "append", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.handle_many([message(1), message(2)])
        disturbed_by = Engine(url, environment=KEY)  # whom a pen that is still held would keep waiting
        assert disturbed_by.handle(message(3)).position == head + 1
        disturbed_by.close()
        assert engine.handle(message(4)).position == head + 2


def test_a_statement_that_is_never_answered_is_given_up_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huissier.adapters.deciding.engine.PATIENCE", 2.0)
    with hospital(url, environment=KEY) as engine, administrator(url) as connection:
        disturbed(url)
        monkeypatch.setattr("huissier.adapters.log.dialects._BEGIN_WRITING", "BEGIN; SELECT pg_sleep(60)")
        began = time.monotonic()
        with pytest.raises(TemporarilyUnavailableError):
            engine.handle_many([message(1)])
        assert time.monotonic() - began < 30
        monkeypatch.undo()
        connection.execute("SELECT 1")
        assert engine.handle(message(1)).position == engine.head


def test_an_engine_that_is_dropped_leaves_nobody_who_watches(url: str) -> None:
    before = sum(thread.name == "huissier-silence" for thread in threading.enumerate())
    store = hospital(url, environment=KEY).recorder._store
    store._give_writer_away()  # of a connection that is not closed its driver complains
    store._engine.dispose()
    del store
    gc.collect()
    eventually(lambda: sum(thread.name == "huissier-silence" for thread in threading.enumerate()) == before)
