"""A process that was forked uses no engine of its parent's, and takes nothing from it."""

import os
from collections.abc import Callable
from pathlib import Path

from huissier.adapters.errors import EngineClosedError
from huissier.adapters.log import codec
from huissier.domain.events import UsagerErased
from tests.forking import fork
from tests.hospital import NOW, hospital, message
from tests.stores import KEY


def test_a_process_that_inherited_an_engine_is_told_to_open_its_own(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path / 'huissier.db'}") as engine:
        asked: tuple[Callable[[], object], ...] = (
            lambda: engine.handle(message(1)),
            lambda: engine.handle_many([message(1)]),
            lambda: engine.check(message(1)),
            lambda: engine.head,
            lambda: engine.recorder.read(),
            lambda: engine.recorder.append([codec.encode(UsagerErased(at=NOW, usager="u"), NOW)]),
        )
        head = engine.head
        reader, writer = os.pipe()
        if (child := fork()) == 0:
            told = 0
            for ask_for in asked:
                try:
                    ask_for()
                except EngineClosedError:
                    told += 1
            os.write(writer, bytes([told]))
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reader, 1) == bytes([len(asked)])
        assert engine.head == head
        assert engine.handle(message(1)).position == head + 1


def test_a_fork_that_closes_what_it_inherited_takes_nothing_from_its_parent(new_database: Callable[[], str]) -> None:
    with hospital(new_database(), environment=KEY) as engine:
        head = engine.handle(message(1)).position or 0
        engine._line._leads = object()  # as if somebody led at the moment of the fork, who is not there afterwards
        if (child := fork()) == 0:
            engine.close()
            os._exit(0)
        engine._line._leads = None
        assert os.waitpid(child, 0)[1] == 0
        assert engine.handle(message(2)).position == head + 1
