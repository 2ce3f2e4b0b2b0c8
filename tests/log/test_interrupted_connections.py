"""Interrupts while a connection is given away or replaced: whoever asks next is answered all the same."""

import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import Connection

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log.place import Place
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store, _Kept
from tests.hospital import hospital, message
from tests.stores import KEY


class Interrupts:
    """Interrupts the first call of what is named."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.awaited = 0

    def the_first(self, where: type, name: str, statement: str | None = None) -> None:
        plain = getattr(where, name)

        def interrupted(*arguments: Any) -> Any:
            if statement is not None and arguments[1] != statement:
                return plain(*arguments)
            self._monkeypatch.setattr(where, name, plain)
            self.awaited -= 1
            raise KeyboardInterrupt

        self._monkeypatch.setattr(where, name, interrupted)
        self.awaited += 1


@pytest.fixture(name="interrupts")
def _interrupts(monkeypatch: pytest.MonkeyPatch) -> Interrupts:
    return Interrupts(monkeypatch)


@pytest.fixture(name="url", params=["sqlite", "postgres"])
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/huissier.db"
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return new_database()


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (_Kept, "drop"),
        (Connection, "invalidate"),
        (Connection, "close"),
        (Store, "_note_log"),
        (Place, "note_write_ahead_log"),
    ],
)
def test_wherever_replacing_the_writer_is_interrupted_the_next_turn_is_answered(
    url: str, where: type, name: str, interrupts: Interrupts
) -> None:
    with hospital(url, environment=KEY) as engine:
        interrupts.the_first(Session, "append")
        interrupts.the_first(Session, "run", "ROLLBACK")
        interrupts.the_first(where, name)
        for _ in range(2):
            with suppress(KeyboardInterrupt):
                engine.handle_many([message(1)])
        assert interrupts.awaited == 0
        head = engine.head
        assert engine.handle_many([message(2)])[0].position == head + 1
        assert engine.handle(message(1)).position in (head, head + 2)  # recorded once, before or only now


def test_a_lost_connection_whose_replacement_is_interrupted_is_replaced_by_the_next_turn(
    url: str, interrupts: Interrupts
) -> None:
    with hospital(url, environment=KEY) as engine:
        writer = engine.recorder._store._writer
        assert writer is not None
        writer.drivers.close()
        interrupts.the_first(_Kept, "drop")
        with pytest.raises(KeyboardInterrupt):
            engine.handle_many([message(1)])
        assert engine.handle_many([message(1)])[0].position == engine.head


def test_a_glance_goes_on_after_one_that_was_interrupted_twice(tmp_path: Path, interrupts: Interrupts) -> None:
    with hospital(f"sqlite:///{tmp_path}/huissier.db") as engine:
        interrupts.the_first(Connection, "invalidate")
        with pytest.raises(KeyboardInterrupt), engine.recorder.glancing():
            raise KeyError
        assert engine.check_at_once(message(1)).outcome == "accepted"


def test_an_alarm_that_goes_off_as_a_turn_ends_frees_the_pen(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with hospital(url) as engine, Engine(url) as other:
        went_off: list[bool] = []

        def alarm(frame: FrameType, event: str, _: object) -> None:
            is_end = event == "call" and frame.f_code.co_name == "__exit__"  # and its variables are left alone
            if is_end and not went_off and frame.f_back is not None and frame.f_back.f_code.co_name == "_with_pen":
                went_off.append(True)
                raise TimeoutError("alarm")

        before = sys.gettrace()
        gc.disable()
        try:
            sys.settrace(alarm)
            with pytest.raises(TimeoutError):
                engine.handle(message(1))
            sys.settrace(before)
            assert went_off
            assert other.handle(message(2), timeout=5).outcome == "accepted"
            with ThreadPoolExecutor(1) as thread:
                assert thread.submit(engine.handle, message(3)).result(5).outcome == "accepted"
        finally:
            sys.settrace(before)
            gc.enable()
