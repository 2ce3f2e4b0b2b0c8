"""Who waits for a pen that others hold is told so in time, and nothing is lost by asking again."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from huissier.adapters.engine import Engine
from huissier.adapters.errors import TemporarilyUnavailableError
from huissier.adapters.line import Ticket
from tests.test_engine import hospital, message


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/huissier.db"
    monkeypatch.setenv("HUISSIER_VAULT_KEY", "A" * 43 + "=")
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return new_database()


def test_a_thread_is_answered_in_its_time_while_another_process_holds_the_pen(url: str) -> None:
    with hospital(url) as engine, Engine(url) as other:
        head = engine.head
        with other.recorder.pen():
            began = time.monotonic()
            with pytest.raises(TemporarilyUnavailableError, match="same id"):
                engine.handle(message(1), timeout=0.2)
            assert time.monotonic() - began < 5
        assert engine.handle(message(1)).position == head + 1
        assert engine.handle(message(1)).position == head + 1


def test_callers_with_little_and_with_much_time_are_answered_in_one_line(url: str) -> None:
    with hospital(url) as engine, ThreadPoolExecutor(8) as callers:
        before = engine.head
        answers = callers.map(lambda n: engine.handle(message(n), timeout=5 if n % 2 else 60), range(200))
        assert sorted(answer.position or 0 for answer in answers) == list(range(before + 1, before + 201))


def test_on_a_server_no_caller_leads_whatever_time_it_has(new_database: Callable[[], str]) -> None:
    with hospital(new_database(), environment={"HUISSIER_VAULT_KEY": "A" * 43 + "="}) as engine:
        served_by: list[str] = []
        serve = engine._serve

        def watched(tickets: Sequence[Ticket]) -> None:
            served_by.append(threading.current_thread().name)
            serve(tickets)

        engine.line._serve = watched
        assert engine.handle(message(1)).outcome == "accepted"
        assert [name.startswith("huissier-pen") for name in served_by] == [True]
