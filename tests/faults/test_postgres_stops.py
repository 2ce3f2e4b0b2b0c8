"""PostgreSQL stopped hard and started again under load: callers hear of it, and are answered again afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from huissier.adapters.testing.postgres import Server, own_server
from tests.faults import LONGER
from tests.faults.at_work import assert_heard_of_it, at_work, end, wait_for_answers, wait_for_trouble
from tests.faults.verdict import judge

pytestmark = pytest.mark.faults


@pytest.fixture
def server() -> Iterator[Server]:
    with own_server() as server:
        yield server


@pytest.mark.parametrize("seed", [0, 1], ids=["tasks", "threads"])
@pytest.mark.parametrize("stop", [Server.stop_at_once, Server.kill])
def test_an_engine_outlives_its_server(
    stop: Callable[[Server], None], seed: int, server: Server, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    with at_work(server.url, journal, seed) as gateway:
        for _ in range(3 * LONGER):
            wait_for_answers(journal, gateway)
            stop(server)
            wait_for_trouble(journal, gateway)
            server.start()
        wait_for_answers(journal, gateway)
        end(gateway)
    assert_heard_of_it(journal)
    judge(server.url, journal)
