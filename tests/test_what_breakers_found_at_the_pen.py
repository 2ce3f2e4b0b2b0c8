"""What newcomers sent to break the pen came upon: forks, interrupts, time-outs, and what a database has by default."""

import asyncio
import gc
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from huissier.adapters.async_engine import AsyncEngine
from huissier.adapters.engine import Engine
from huissier.adapters.errors import EngineClosedError, TemporarilyUnavailableError
from huissier.adapters.line import TIMEOUT, Line, ThreadTicket, Ticket, ask
from huissier.domain.answers import Answer
from huissier.domain.commands import AnyCommand
from tests.hospital import hospital, message

KEY = {"HUISSIER_VAULT_KEY": "A" * 43 + "="}
RECORDED = Answer(type="submit-message", outcome="recorded", position=1)


def answering(tickets: Sequence[Ticket]) -> None:
    for ticket in tickets:
        ticket.answer = RECORDED


def test_whoever_leads_may_be_interrupted_and_the_others_are_told() -> None:
    begun, others = threading.Event(), threading.Event()

    def interrupted(tickets: Sequence[Ticket]) -> None:
        if not begun.is_set():
            begun.set()
            others.wait(5)
            answering(tickets)
        elif len(tickets) > 1:
            raise KeyboardInterrupt
        else:
            answering(tickets)

    line = Line(interrupted, capacity=10, pen=threading.RLock())
    outcomes: list[str] = []

    def caller() -> None:
        try:
            outcomes.append(ask(line, message(1), 30).outcome)
        except BaseException as problem:
            outcomes.append(type(problem).__name__)

    first = threading.Thread(target=caller)
    first.start()
    begun.wait(5)
    threads = [threading.Thread(target=caller) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(line) < 3:
        time.sleep(0.001)
    others.set()
    for thread in (first, *threads):
        thread.join(5)
    assert sorted(outcomes) == ["KeyboardInterrupt", *["TemporarilyUnavailableError"] * 2, "recorded"]
    line.close()


def test_a_caller_that_is_interrupted_while_it_waits_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(tickets: Sequence[Ticket]) -> None:
        go_on.wait(5)
        answering(tickets)

    line = Line(slow, capacity=10, pen=threading.RLock())
    leader = threading.Thread(target=lambda: ask(line, message(1), 30))
    leader.start()
    while line._leads is None:
        time.sleep(0.001)
    with monkeypatch.context() as interrupting:

        def interrupt(*_: object) -> bool:
            raise KeyboardInterrupt

        interrupting.setattr(ThreadTicket, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ask(line, message(2), 30)
    go_on.set()
    leader.join(5)
    assert ask(line, message(3), 5) == RECORDED
    line.close()


def test_a_task_that_leaves_when_it_was_called_does_not_have_two_lead() -> None:
    class Task:
        leads_when_woken = False
        command: AnyCommand = message(1)
        deadline = math.inf
        answer: Answer | None = None
        problem: BaseException | None = None
        calls = 0

        def tell(self, _: Sequence[Ticket]) -> None:
            pass

        def call_to_lead(self) -> None:
            self.calls += 1

    waiting = [Task(), Task()]

    def serve(tickets: Sequence[Ticket]) -> None:
        answering(tickets)
        if not isinstance(tickets[0], Task):
            for task in waiting:
                line.enter_now(task)

    line = Line(serve, capacity=10, pen=threading.RLock())
    ask(line, message(1), 30)
    assert [task.calls for task in waiting] == [1, 0]
    line.leave(waiting[0])
    assert waiting[1].calls == 0  # the first one's call leads for it
    line.lead()
    assert waiting[1].answer == RECORDED
    line.close()


def test_a_line_that_nobody_holds_any_more_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    line = Line(answering, capacity=10, pen=None)
    assert ask(line, message(1), 1) == RECORDED
    (its_own,) = set(threading.enumerate()) - before
    del line
    gc.collect()
    its_own.join(10)
    assert not its_own.is_alive()


@pytest.mark.parametrize(
    ("call", "timeout", "times", "place"),
    [
        pytest.param("handle", TIMEOUT, 400, "memory", id="who leads"),
        pytest.param("handle", 5.0, 400, "memory", id="who has it led"),
        pytest.param("check", 1.0, 3000, "file", id="who checks in a file"),
        pytest.param("head", TIMEOUT, 3000, "file", id="who reads a file"),
        pytest.param("check", 1.0, 1500, "postgres", id="who checks on a server"),
        pytest.param("handle_many", TIMEOUT, 1000, "postgres", id="who has the pen on a server"),
    ],
)
def test_wherever_a_caller_is_interrupted_the_next_is_answered(
    call: str, timeout: float, times: int, place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = "sqlite://" if place == "memory" else f"sqlite:///{tmp_path / 'huissier.db'}"
    if place == "postgres":
        url = request.getfixturevalue("new_database")()
    asked = (call, str(timeout), str(times), url)
    subprocess.run([sys.executable, "-m", "tests.interrupts", *asked], check=True, timeout=100, env=os.environ | KEY)


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


def test_a_check_that_is_not_answered_in_time_says_so(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with hospital(new_database(), environment=KEY) as engine:
        thawed = threading.Event()
        reading = engine.log.reading

        def frozen() -> object:
            thawed.wait(10)
            return reading()

        with monkeypatch.context() as freezing:
            freezing.setattr(engine.log, "reading", frozen)
            with pytest.raises(TemporarilyUnavailableError):
                engine.check(message(1), timeout=0.1)
            thawed.set()


def test_a_closed_engine_for_asyncio_says_that_it_is_closed(tmp_path: Path) -> None:
    async def story() -> None:
        awaited = AsyncEngine(hospital(f"sqlite:///{tmp_path / 'huissier.db'}"))
        running = [asyncio.create_task(awaited.handle(message(number))) for number in range(50)]
        await asyncio.sleep(0)
        await asyncio.gather(awaited.close(), awaited.close())
        assert all(task.done() for task in running)
        for ask_for in (awaited.check(message(1)), awaited.handle(message(1))):
            with pytest.raises(EngineClosedError):
                await ask_for
        await awaited.close()

    asyncio.run(story())
