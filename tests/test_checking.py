"""A check waits for nobody's pen, and is answered in its time or says that it is not."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from queue import SimpleQueue

import pytest

from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.deciding.checks import Check
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import EngineClosedError, TemporarilyUnavailableError
from huissier.adapters.log.port import Look
from huissier.domain.commands import SuspendMailbox
from tests.hospital import NOW, SECRETARY, hospital, message
from tests.stores import KEY
from tests.waiting import eventually, held_elsewhere


class FrozenReading:
    """Has whoever looks at an engine's log wait until it thaws, and counts them."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.thawed = threading.Event()
        self.looks = 0
        self._reading = engine.log.reading
        monkeypatch.setattr(engine.log, "reading", self._frozen)

    def _frozen(self) -> AbstractContextManager[Look]:
        self.looks += 1
        self.thawed.wait(20)
        return self._reading()


@pytest.fixture
def afar(new_database: Callable[[], str]) -> Iterator[Engine]:
    """An engine on a server."""
    with hospital(new_database(), environment=KEY) as engine:
        yield engine


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_check_waits_for_nobodys_pen(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}" if kind == "sqlite" else request.getfixturevalue("new_database")()
    with hospital(url, environment=KEY) as engine, Engine(url, environment=KEY) as other, other.recorder.pen():
        waiting = threading.Thread(target=lambda: engine.handle(message(1)))
        waiting.start()
        began = time.monotonic()
        assert engine.check(message(2)).outcome == "accepted"
        assert time.monotonic() - began < 2
    waiting.join(5)


def test_a_check_that_is_not_answered_in_time_says_so(afar: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = FrozenReading(afar, monkeypatch)
    with pytest.raises(TemporarilyUnavailableError):
        afar.check(message(1), timeout=0.1)
    frozen.thawed.set()


def test_checks_nobody_waits_for_any_more_are_not_done(afar: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = FrozenReading(afar, monkeypatch)
    for number in range(5):
        with pytest.raises(TemporarilyUnavailableError):
            afar.check(message(number), timeout=0.01)
    frozen.thawed.set()
    assert afar.check(message(1)).outcome == "accepted"
    assert frozen.looks == 2


def test_a_check_with_little_time_does_not_wait_for_one_with_much(
    afar: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        awaited, frozen = AsyncEngine(afar), FrozenReading(afar, monkeypatch)
        patient = asyncio.create_task(awaited.check(message(1), timeout=math.inf))
        with pytest.raises(TemporarilyUnavailableError):
            await asyncio.wait_for(awaited.check(message(2), timeout=0.01), 10)
        assert not patient.done()
        frozen.thawed.set()
        assert (await patient).outcome == "accepted"

    asyncio.run(story())


def test_a_check_that_comes_while_the_engine_closes_says_so() -> None:
    with hospital() as engine:
        engine._checks.close()
        with pytest.raises(EngineClosedError):
            engine.begin_check(message(1), print)


def test_a_check_at_once_sees_what_others_made_durable_while_somebody_has_the_pen(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/huissier.db"
    with hospital(url) as engine, Engine(url) as other:
        assert engine.check_at_once(message(1)).outcome == "accepted"
        other.handle(SuspendMailbox(at=NOW, address=SECRETARY))
        with other.recorder.pen():
            assert engine.check_at_once(message(1)).outcome == "refused"


def test_a_check_at_once_goes_on_after_one_that_failed(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path}/huissier.db") as engine:
        with pytest.raises(KeyError), engine.recorder.glancing():
            raise KeyError
        assert engine.check_at_once(message(1)).outcome == "accepted"


def test_a_check_at_once_waits_for_no_thread_and_no_server(afar: Engine) -> None:
    with pytest.raises(TemporarilyUnavailableError):
        afar.check_at_once(message(1))
    with hospital() as engine, held_elsewhere(engine._checks.desk.lock), pytest.raises(TemporarilyUnavailableError):
        engine.check_at_once(message(1))


def test_more_checks_than_may_wait_are_not_taken_in() -> None:
    with hospital(queue=2) as engine:
        told: SimpleQueue[Check] = SimpleQueue()
        with engine._checks.desk.lock:
            engine.begin_check(message(0), told.put)
            eventually(lambda: not engine._checks._asked.qsize())  # it is being looked up
            for number in (1, 2):
                engine.begin_check(message(number), told.put)
            with pytest.raises(TemporarilyUnavailableError):
                engine.begin_check(message(3), told.put)
        assert [told.get(timeout=10).answer().outcome for _ in range(3)] == ["accepted"] * 3
        engine.begin_check(message(3), told.put)
        assert told.get(timeout=10).answer().outcome == "accepted"
