"""Who waits for a pen that others hold is told so in time, and nothing is lost by asking again."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest

from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.deciding.line import TIMEOUT, Line, Ticket, ask
from huissier.adapters.deciding.turn import Turn
from huissier.adapters.errors import TemporarilyUnavailableError
from huissier.domain.answers import Answer
from huissier.domain.commands import AnyCommand
from tests.hospital import hospital, message
from tests.line.answering import answering
from tests.stores import KEY
from tests.waiting import eventually, held_elsewhere
from tests.wire import Wire, wire_to


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


def test_who_was_told_that_it_took_too_long_is_not_decided_about_behind_their_back(url: str) -> None:
    async def story() -> None:
        with hospital(url) as engine, Engine(url) as other:
            awaited, head = AsyncEngine(engine), engine.head
            with other.recorder.pen():
                patient = asyncio.create_task(awaited.handle(message(1), timeout=60))
                late = [awaited.handle(message(number), timeout=0.1) for number in range(2, 5)]
                told = await asyncio.gather(*late, return_exceptions=True)
                assert [type(one) for one in told] == [TemporarilyUnavailableError] * 3
                with pytest.raises(TemporarilyUnavailableError):
                    await asyncio.to_thread(engine.handle, message(5), timeout=0.1)
            assert (await patient).position == head + 1
            assert (await awaited.handle(message(6))).position == head + 2

    asyncio.run(story())


def test_what_takes_longer_to_decide_than_its_caller_waits_is_decided_all_the_same(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hospital(url) as engine:
        head, clerk = engine.head, engine._pen_desk.clerk
        answer_all = clerk.answer_all

        def slowly(commands: Iterable[AnyCommand], turn: Turn) -> list[Answer]:
            time.sleep(0.2)
            return answer_all(commands, turn)

        monkeypatch.setattr(clerk, "answer_all", slowly)
        with pytest.raises(TemporarilyUnavailableError):
            engine.handle(message(1), timeout=0.05)
        eventually(lambda: engine.head == head + 1)
        assert engine.handle(message(1)).position == head + 1  # asked again: the first answer


def test_callers_with_little_and_with_much_time_are_answered_in_one_line(url: str) -> None:
    with hospital(url) as engine, ThreadPoolExecutor(8) as callers:
        before = engine.head
        answers = callers.map(lambda n: engine.handle(message(n), timeout=5 if n % 2 else 60), range(200))
        assert sorted(answer.position or 0 for answer in answers) == list(range(before + 1, before + 201))


def test_on_a_server_no_caller_leads_whatever_time_it_has(new_database: Callable[[], str]) -> None:
    with hospital(new_database(), environment=KEY) as engine:
        served_by: list[str] = []
        serve = engine._serve

        def watched(tickets: Sequence[Ticket]) -> None:
            served_by.append(threading.current_thread().name)
            serve(tickets)

        engine.line._serve = watched
        assert engine.handle(message(1)).outcome == "accepted"
        assert [name.startswith("huissier-pen") for name in served_by] == [True]


def test_a_caller_that_is_called_to_lead_late_has_it_done(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = SimpleNamespace(now=0.0)
    monkeypatch.setattr("huissier.adapters.deciding.line.time", SimpleNamespace(monotonic=lambda: hours.now))
    go_on = threading.Event()
    served_by: list[str] = []

    def slow(tickets: Sequence[Ticket]) -> None:
        served_by.append(threading.current_thread().name)
        go_on.wait(10)
        answering(tickets)

    line = Line(slow, capacity=10, pen=threading.RLock())
    with ThreadPoolExecutor(2, "caller") as callers:
        callers.submit(ask, line, message(1), TIMEOUT)
        while not served_by:
            time.sleep(0.001)
        late = callers.submit(ask, line, message(2), TIMEOUT)
        while not len(line):
            time.sleep(0.001)
        hours.now = TIMEOUT / 2  # the first turn took so long
        go_on.set()
        assert late.result(10).outcome == "recorded"
    assert [name.partition("_")[0] for name in served_by] == ["caller", "huissier-pen"]
    line.close()


def test_a_caller_that_is_to_lead_waits_for_the_pen_no_longer_than_it_has_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huissier.adapters.deciding.line.TIMEOUT", 2.0)
    with hospital() as engine:
        with held_elsewhere(engine._pen_desk.lock):
            began = time.monotonic()
            with pytest.raises(TemporarilyUnavailableError):
                engine.handle(message(1), timeout=2.0)
            assert time.monotonic() - began < 10
        assert engine.handle(message(1)).outcome == "accepted"


def test_where_a_caller_that_is_to_lead_gets_no_pen_the_line_itself_leads() -> None:
    pen, served_by = threading.RLock(), list[str]()

    def serve(tickets: Sequence[Ticket]) -> None:
        served_by.append(threading.current_thread().name)
        answering(tickets)

    line = Line(serve, capacity=10, pen=pen)
    with held_elsewhere(pen):
        ask(line, message(1), TIMEOUT)
    ask(line, message(2), TIMEOUT)
    line.close()
    assert served_by == ["huissier-pen", threading.current_thread().name]


def handles(engine: Engine) -> None:
    engine.handle(message(1), timeout=0.1)


def checks(engine: Engine) -> None:
    engine.check(message(1), timeout=0.1)


@pytest.fixture
def wire(new_database: Callable[[], str]) -> Iterator[Wire]:
    with wire_to(new_database()) as wire:
        yield wire


@pytest.mark.parametrize("asks", [handles, checks])
def test_an_engine_whose_server_says_nothing_can_be_closed(
    asks: Callable[[Engine], None], wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huissier.adapters.deciding.engine.PATIENCE", 2.0)
    engine = hospital(wire.url, environment=KEY)
    with suppress(TemporarilyUnavailableError):  # the first look opens a connection, which must not be the one cut
        engine.check(message(0))
    wire.cut_after(0, "silent")
    with pytest.raises(TemporarilyUnavailableError):
        asks(engine)
    closing = threading.Thread(target=engine.close)
    closing.start()
    closing.join(20)
    assert not closing.is_alive()


def test_one_may_wait_for_ever_but_not_for_no_number_of_seconds() -> None:
    with hospital() as engine:
        with engine.recorder.pen():
            waiting = threading.Thread(target=lambda: engine.handle(message(1), timeout=math.inf))
            waiting.start()
            time.sleep(0.05)
        waiting.join(5)
        assert engine.handle(message(1), timeout=math.inf).outcome == "accepted"
        for timeout in (math.nan, -1.0):
            with pytest.raises(ValueError, match="timeout"):
                engine.handle(message(2), timeout=timeout)
    for queue, memory in ((0, 10), (10, -1)):
        with pytest.raises(ValueError, match="queue must be 1 at least, memory 0"):
            Engine("sqlite://", queue=queue, memory=memory)
