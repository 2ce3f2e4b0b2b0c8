"""Whoever waits or leads may be interrupted, anywhere: all others are answered, and whoever asks next."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.deciding.line import TIMEOUT, Line, ThreadTicket, Ticket, ask
from huissier.domain.rule_set import Options
from tests.hospital import NOW, hospital, message
from tests.line.answering import RECORDED, answering
from tests.stores import KEY


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
    subprocess.run(
        [sys.executable, "-m", "tests.line.interrupts", *asked], check=True, timeout=100, env=os.environ | KEY
    )
