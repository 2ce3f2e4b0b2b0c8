"""A store's file that is opened more than once in a process, or in one forked from it, keeps its locks."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import StoreError
from huissier.adapters.integrity import check_store
from huissier.adapters.log.held_files import look_at
from tests.command_line import as_process
from tests.forking import fork
from tests.hospital import hospital, message
from tests.log.descriptors import descriptors_of


@pytest.mark.parametrize("opens", [lambda url: Engine(url).close(), check_store], ids=["opened", "checked"])
def test_a_file_that_is_opened_again_in_its_process_keeps_its_locks(
    opens: Callable[[str], object], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    (tmp_path / "commands").write_text('{"type":"register-operator","operator":"other","kind":"usager"}\n')
    with hospital(url) as engine:
        head = engine.handle(message(1)).position or 0
        opens(url)
        assert as_process("apply", "commands", "--store", url, cwd=tmp_path).returncode == 0
        assert engine.handle(message(2)).position == head + 2
    with Engine(url) as engine:
        assert engine.head == head + 2


def test_a_file_that_is_opened_again_and_again_takes_one_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "huissier.db"
    with hospital(f"sqlite:///{path}"):
        Engine(f"sqlite:///{path}").close()
        before = descriptors_of(path)
        for _ in range(3):
            Engine(f"sqlite:///{path}").close()
        assert descriptors_of(path) == before > 0


def test_a_fork_made_while_a_thread_looks_at_a_file_looks_at_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "file").write_bytes(b"SQLite")
    looking, forked, pread = threading.Event(), threading.Event(), os.pread

    def slowly(descriptor: int, length: int, offset: int) -> bytes:
        looking.set()
        forked.wait(0.2)  # the fork waits for it, not the other way round
        return pread(descriptor, length, offset)

    monkeypatch.setattr("os.pread", slowly)
    thread = threading.Thread(target=look_at, args=(file, 1))
    thread.start()
    looking.wait()
    if (child := fork()) == 0:
        os._exit(look_at(file, 1).size)
    forked.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == len(b"SQLite")


def test_a_fork_opens_no_file_that_its_parent_has_open(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with hospital(url):
        reader, writer = os.pipe()
        if (child := fork()) == 0:
            try:
                Engine(url)
            except StoreError as problem:
                os.write(writer, str(problem).encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        assert b"was open when this process was forked" in os.read(reader, 1_000)
    if (child := fork()) == 0:
        Engine(url).close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
