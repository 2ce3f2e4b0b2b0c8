"""A store's file that somebody moves, links, empties or robs of its log takes no fact that would be lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import StoreError
from huissier.adapters.log.read_only import ReadOnlyLog
from tests.command_line import PROGRAM
from tests.forking import fork
from tests.hospital import hospital, message
from tests.log.descriptors import descriptors_of


def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "huissier.db"


def remove_log(path: Path) -> None:
    for beside in ("-wal", "-shm"):
        path.with_name(f"{path.name}{beside}").unlink()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def remove_index(path: Path) -> None:
    path.with_name(f"{path.name}-shm").unlink()


@pytest.mark.parametrize(
    ("meddle", "why"),
    [(remove_log, "the log beside"), (remove_index, "the log beside"), (empty, "removed or replaced")],
)
def test_what_would_be_lost_is_not_answered(meddle: Callable[[Path], None], why: str, path: Path) -> None:
    with hospital(url(path)) as engine:
        head = engine.handle(message(1)).position
        meddle(path)
        for _ in range(2):
            with pytest.raises(StoreError, match=why):
                engine.handle(message(2))
    if meddle is remove_log:
        with Engine(url(path)) as engine:
            assert engine.head <= (head or 0)


def test_a_store_with_two_names_is_opened_under_neither(path: Path) -> None:
    with hospital(url(path)) as engine:
        other = path.with_name("other.db")
        os.link(path, other)
        for name, create in product((path, other), (True, False)):
            with pytest.raises(StoreError, match=r"has several names \(hard links\)"):
                Engine(url(name), create=create)
        other.unlink()
        assert engine.handle(message(1)).position == engine.head
    Engine(url(path)).close()


def test_through_a_link_a_store_is_the_one_it_leads_to(path: Path) -> None:
    Engine(url(path)).close()
    path.with_name("link.db.key").write_bytes(path.with_name(f"{path.name}.key").read_bytes())
    link = path.with_name("link.db")
    link.symlink_to(path)
    with hospital(url(link)) as engine:
        head = engine.handle(message(1)).position
        for name in (path, link):
            with ReadOnlyLog(url(name)) as log, log.reading() as look:
                assert look.head == head
        remove_log(path)
        with pytest.raises(StoreError, match="the log beside"):
            engine.handle(message(2))


def test_a_link_that_is_led_elsewhere_is_told(path: Path) -> None:
    link, other = path.with_name("link.db"), path.with_name("other.db")
    for store in (path, other):
        Engine(url(store)).close()
    link.symlink_to(path)
    path.with_name("link.db.key").write_bytes(path.with_name(f"{path.name}.key").read_bytes())
    with hospital(url(link)) as engine:
        link.unlink()
        link.symlink_to(other)
        with pytest.raises(StoreError, match="removed or replaced"):
            engine.handle(message(1))


def test_a_store_that_was_moved_away_and_back_is_looked_at_again(path: Path) -> None:
    with hospital(url(path)) as engine:
        engine.check_at_once(message(1))
        path.rename(away := path.with_name("away.db"))
        for ask in (engine.check, engine.check_at_once):
            with pytest.raises(StoreError, match="removed or replaced"):
                ask(message(1))
        assert not path.exists()
        away.rename(path)
        for ask in (engine.check, engine.check_at_once):
            assert ask(message(1)).outcome == "accepted"
        assert engine.handle(message(1)).position == engine.head


def test_the_log_may_be_made_anew_by_a_connection_that_took_the_place_of_another(path: Path) -> None:
    with hospital(url(path)) as engine:
        engine.handle(message(1))
        store = engine.recorder._store
        store._give_writer_away()
        store._let_go_of_glancer()
        store._engine.dispose()
        assert not path.with_name("huissier.db-wal").exists()  # with the last connection it goes
        assert engine.handle(message(2)).outcome == "accepted"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sqlite:///a?b.db", "has a path and nothing else"),
        (f"sqlite:///{'a' * 300}.db", "cannot be looked at"),
        ("sqlite:///a\0b.db", "cannot be looked at"),
    ],
)
def test_a_url_that_names_another_file_or_none_is_refused(
    text: str, why: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(StoreError, match=why):
        Engine(text)
    assert not list(path.parent.iterdir())


def test_an_engine_that_cannot_be_made_holds_no_file(path: Path) -> None:
    Engine(url(path)).close()
    descriptors = descriptors_of(path)
    for _ in range(3):
        with pytest.raises(AttributeError):
            Engine(url(path), options=5)  # type: ignore[arg-type]
    assert descriptors_of(path) == descriptors
    if (child := fork()) == 0:
        Engine(url(path)).close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


DROPPED = """
import gc, os, signal, subprocess, sys
import huissier
url, program = sys.argv[1:]
def register(engine, name):
    assert engine.handle(huissier.RegisterOperator(operator=name, kind="usager")).outcome == "recorded"
register(huissier.open(url), "a")  # and dropped
gc.collect()
engine = huissier.open(url)
register(engine, "b")
subprocess.run([program, "audit", "trail", "--store", url], check=True, stdout=subprocess.DEVNULL)
register(engine, "c")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_engine_that_is_dropped_takes_nobodys_locks(path: Path) -> None:
    command = [sys.executable, "-c", DROPPED, url(path), str(PROGRAM)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with Engine(url(path)) as engine:
        assert engine.head == 3


def test_a_log_that_is_removed_before_the_first_fact_is_missed(path: Path) -> None:
    hospital(url(path)).close()
    with Engine(url(path)) as engine:
        remove_log(path)
        with pytest.raises(StoreError, match="the log beside"):
            engine.handle(message(1))


def test_a_copy_with_two_names_may_be_read(path: Path, tmp_path: Path) -> None:
    hospital(url(path)).close()
    os.link(path, tmp_path / "snapshot.db")
    with ReadOnlyLog(url(tmp_path / "snapshot.db")) as log, log.reading() as look:
        assert look.head
