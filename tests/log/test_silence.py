"""A server that says nothing is hung up on; one that answers, however long the work, is not."""

import threading
import time

import pytest

from huissier.adapters.log.dialects import Postgresql
from huissier.adapters.log.silence import hanging_up_on_silence

SECONDS = 0.2


@pytest.fixture(name="server")
def _server(monkeypatch: pytest.MonkeyPatch) -> "Server":
    server = Server()
    monkeypatch.setattr(server, "hang_up", server.lost.set)
    return server


class Server(Postgresql):
    """A dialect that tells when it hangs up."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = threading.Event()


def test_who_waits_for_a_silent_server_is_freed(server: Server) -> None:
    with hanging_up_on_silence(server, SECONDS):
        assert server.lost.wait(10)


def test_long_work_of_many_statements_is_left_alone(server: Server) -> None:
    with hanging_up_on_silence(server, SECONDS):
        for _ in range(20):
            time.sleep(SECONDS / 4)
            server.answers += 1
        assert not server.lost.is_set()
        assert server.lost.wait(10)  # and then it falls silent


def test_nobody_is_hung_up_on_afterwards(server: Server) -> None:
    with hanging_up_on_silence(server, SECONDS):
        pass
    assert not server.lost.wait(2 * SECONDS)
