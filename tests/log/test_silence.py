"""A server that says nothing is hung up on; one that answers, however long the work, is not."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from huissier.adapters.log.dialects import Postgresql
from huissier.adapters.log.silence import Silence

SECONDS = 0.6


class Connection:
    """Answers when it is told to, and hears when it is hung up on."""

    def __init__(self) -> None:
        self.answers = threading.Event()

    def execute(self, _text: str, *, prepare: bool) -> None:
        assert not prepare
        assert self.answers.wait(20)


class Server(Postgresql):
    """A dialect that tells when it hangs up, and how often."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = threading.Event()

    def hang_up_after(self, seconds: float) -> None:
        if any(time.monotonic() - since >= seconds for since in self._waiting.values()):
            self.lost.set()


@pytest.fixture(name="server")
def _server() -> Iterator[Server]:
    server = Server()
    silence = Silence(server, SECONDS)
    yield server
    silence.end()


def asked(server: Server, connection: Any) -> threading.Thread:
    thread = threading.Thread(target=server.execute, args=(connection, "SELECT 1", ()))
    thread.start()
    return thread


def test_who_waits_for_a_silent_server_is_freed(server: Server) -> None:
    connection = Connection()
    waiting = asked(server, connection)
    assert server.lost.wait(10)
    connection.answers.set()
    waiting.join()


def test_long_work_of_many_statements_and_idle_connections_are_left_alone(server: Server) -> None:
    for _ in range(10):
        connection = Connection()
        waiting = asked(server, connection)
        time.sleep(SECONDS / 5)
        connection.answers.set()
        waiting.join()
    assert not server.lost.wait(2 * SECONDS)
