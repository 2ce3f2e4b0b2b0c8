"""A server that says nothing is hung up on, whoever asked it; one that answers, however long the work, is not."""

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import TemporarilyUnavailableError
from huissier.adapters.log.dialects import Postgresql, Watched
from huissier.adapters.log.silence import Silence
from tests.hospital import hospital, message
from tests.log.servers import administrator, hang_up
from tests.stores import KEY
from tests.wire import Wire, wire_to

SECONDS = 0.6


@pytest.fixture(name="connection")
def _connection(new_database: Callable[[], str]) -> Iterator[Watched]:
    server = Postgresql()
    silence = Silence(server, SECONDS)
    with server.connect(new_database().replace("+psycopg", ""), autocommit=True) as connection:
        yield connection
    silence.end()


def test_who_waits_for_a_silent_server_is_freed(connection: Watched) -> None:
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT pg_sleep(60)")
    assert time.monotonic() - began < 30


def test_long_work_of_many_statements_and_idle_connections_are_left_alone(connection: Watched) -> None:
    for _ in range(10):
        connection.execute("SELECT pg_sleep(%s)", (SECONDS / 5,))
    time.sleep(2 * SECONDS)
    assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture(name="wire")
def _wire(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    monkeypatch.setattr("huissier.adapters.deciding.engine.PATIENCE", 1.0)
    with wire_to(new_database()) as wire:
        yield wire


# The first word after the greeting is a library's own, the others set the connection up, look and make tables.
@pytest.mark.parametrize("words", [1, 2, 4, 8, 16, 24, 32])
def test_a_server_that_falls_silent_while_a_store_is_opened_is_hung_up_on(wire: Wire, words: int) -> None:
    wire.cut_after(words, "silent")
    with pytest.raises(TemporarilyUnavailableError):
        Engine(wire.url, environment=KEY)
    assert wire.was_cut
    wire.mend()  # the server hears that it was hung up on
    Engine(wire.url, environment=KEY).close()


@pytest.mark.parametrize("words", [1, 2, 6])
def test_a_server_that_falls_silent_while_a_lost_connection_is_replaced_is_hung_up_on(wire: Wire, words: int) -> None:
    with hospital(wire.url, environment=KEY) as engine, administrator(wire.url) as connection:
        engine.handle(message(1))
        hang_up(connection)
        wire.cut_after(words, "silent")
        with pytest.raises(TemporarilyUnavailableError):
            engine.handle(message(2))
        assert wire.was_cut
        assert engine.handle(message(2)).position == engine.head
