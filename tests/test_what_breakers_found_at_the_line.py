"""What newcomers sent to break the pen came upon a second time: who waits together, who leaves, and who closes."""

import asyncio
import math
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue

import pytest

from huissier.adapters.async_engine import AsyncEngine
from huissier.adapters.checks import Check
from huissier.adapters.engine import Engine
from huissier.adapters.errors import CorruptStoreError, TemporarilyUnavailableError
from huissier.adapters.line import Line, ThreadTicket
from huissier.domain.rule_set import Options
from tests.hospital import DOCTOR, NOW, SECRETARY, hospital, message
from tests.log.by_hand import ByHand
from tests.waiting import eventually


def test_one_damaged_fact_fails_those_it_concerns_and_not_who_waits_beside_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    hospital(url).close()
    ByHand(url).rewrite(7, lambda _: b"{")  # the secretaries' mailbox

    async def story() -> None:
        async with AsyncEngine(Engine(url)) as awaited:
            asked = [awaited.handle(message(number, to=DOCTOR)) for number in range(3)]
            *heard, damaged = await asyncio.gather(
                *asked, awaited.handle(message(3, to=SECRETARY)), return_exceptions=True
            )
            assert [getattr(answer, "outcome", answer) for answer in heard] == ["accepted"] * 3
            assert isinstance(damaged, CorruptStoreError)

    asyncio.run(story())


def test_nobody_is_decided_about_who_left_while_the_pen_was_waited_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"

    async def story() -> None:
        async with AsyncEngine(hospital(url)) as awaited:
            with Engine(url) as other, other.recorder.pen():
                tasks = [asyncio.create_task(awaited.handle(message(number))) for number in range(20)]
                while len(awaited.engine.line):  # until all are in the batch of who waits for the pen
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
                head = other.head
                for task in tasks[1:]:
                    task.cancel()
                await asyncio.gather(*tasks[1:], return_exceptions=True)
            assert (await tasks[0]).outcome == "accepted"
            assert awaited.engine.head == head + 1

    asyncio.run(story())


def seconds_to_leave(many: int) -> float:
    """Return how long so many take to leave a line, the last first."""
    line = Line(lambda _: None, capacity=many, pen=None)
    tickets = [ThreadTicket(message(number), math.inf) for number in range(many)]
    for ticket in tickets:
        line.enter(ticket)
    began = time.process_time()
    for ticket in reversed(tickets):
        line.leave(ticket)
    took = time.process_time() - began
    line.close()
    return took


def test_who_leaves_is_found_without_asking_all_who_wait() -> None:
    few, many = (min(seconds_to_leave(number) for _ in range(3)) for number in (2_000, 16_000))
    assert many < 24 * few  # eight times as many; where each asks all who stand before, it is 64 times as long


CALLS: dict[str, Callable[[Engine], object]] = {
    "close": Engine.close,
    "follow": lambda engine: engine.follow(Options()),
    "handle": lambda engine: engine.handle(message(2), timeout=1),
    "handle_many": lambda engine: engine.handle_many([message(2)]),
    "check": lambda engine: engine.check(message(2), timeout=1),
    "begin_check": lambda engine: engine.begin_check(message(2), print),
    "check_at_once": lambda engine: engine.check_at_once(message(2)),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("where", "interrupted"),
    [("in line", "handle"), *(("deciding", name) for name in ("handle", "handle_many", "check", "check_at_once"))],
)
def test_a_signals_handler_that_interrupted_a_call_is_refused_another(
    call: str, interrupted: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def handler(*_: object) -> None:
        with pytest.raises(RuntimeError) as caught:
            CALLS[call](engine)
        heard.append(str(caught.value))

    def now() -> datetime:
        signal.raise_signal(signal.SIGUSR1)
        return NOW

    def announced(line: Line) -> None:  # which is done with the line's lock
        signal.raise_signal(signal.SIGUSR1)

    with hospital() as engine:
        before = signal.signal(signal.SIGUSR1, handler)
        try:
            with monkeypatch.context() as patch:
                if where == "deciding":
                    for one in (engine, engine._checks):
                        patch.setattr(one, "_clock", now)
                else:
                    patch.setattr(Line, "_announce", announced)
                CALLS[interrupted](engine)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert set(heard) == {
            "this thread is in the middle of a call: raise SystemExit here, and ask or close behind it"
        }
        assert engine.handle(message(3)).outcome == "accepted"


def test_an_engine_whose_closing_was_begun_on_a_loop_that_ended_is_closed_on_another() -> None:
    awaited = AsyncEngine(hospital())

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(awaited.close(), 0.05)

    with awaited.engine._checks.desk.lock:  # closing waits for who looks something up
        asyncio.run(give_up())
    for _ in range(2):
        asyncio.run(awaited.close())


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
