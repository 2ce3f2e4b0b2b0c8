"""A disk without room: callers are told, nothing is half written, and with room again the engine goes on."""

import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from huissier.adapters.testing.postgres import own_server
from tests.faults import LONGER
from tests.faults.at_work import (
    assert_heard_of_it,
    at_work,
    at_work_writing_to_a_pipe,
    end,
    wait_for_answers,
    wait_for_trouble,
)
from tests.faults.verdict import judge

pytestmark = pytest.mark.faults

TIMES: Final = 3 * LONGER
SOME_ROOM: Final = 300_000  # bytes
WITHOUT_ROOM: Final = 0.3  # seconds


@pytest.mark.parametrize("seed", [0, 1], ids=["tasks", "threads"])
def test_files_that_may_not_grow_stop_an_engine_only_for_as_long(seed: int, tmp_path: Path) -> None:
    url, journal = f"sqlite:///{tmp_path / 'huissier.db'}", tmp_path / "journal"
    with at_work_writing_to_a_pipe(url, journal, seed) as gateway:
        for _ in range(TIMES):
            wait_for_answers(journal, gateway)
            largest = max(file.stat().st_size for file in tmp_path.glob("huissier.db*"))
            resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (largest + SOME_ROOM, resource.RLIM_INFINITY))
            wait_for_trouble(journal, gateway)
            time.sleep(WITHOUT_ROOM)
            resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_for_answers(journal, gateway)
        end(gateway)
    assert_heard_of_it(journal)
    judge(url, journal)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A folder on a file system of a megabyte, where mounting is allowed; a server's own user may come to it."""
    with tempfile.TemporaryDirectory(prefix="disk") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
        if mounted.returncode:
            pytest.skip("mounting is not allowed here; files that may not grow stand for a full disk")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("seed", [0, 1], ids=["tasks", "threads"])
def test_a_full_disk_stops_an_engine_until_there_is_room(seed: int, small_disk: Path, tmp_path: Path) -> None:
    url, journal = f"sqlite:///{small_disk / 'huissier.db'}", tmp_path / "journal"
    with at_work(url, journal, seed) as gateway:
        for megabytes in range(2, 2 + TIMES):
            wait_for_trouble(journal, gateway)
            time.sleep(WITHOUT_ROOM)
            subprocess.run(["mount", "-o", f"remount,size={megabytes}m", small_disk], check=True)
            wait_for_answers(journal, gateway, 20)
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
        wait_for_answers(journal, gateway)
        end(gateway)
    assert_heard_of_it(journal)
    judge(url, journal)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave no room on a disk meanwhile."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
    try:
        yield
    finally:
        filler.unlink()


@pytest.mark.parametrize("seed", [0, 1], ids=["tasks", "threads"])
def test_a_full_disk_under_a_server_stops_an_engine_until_there_is_room(
    seed: int, small_disk: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    subprocess.run(["mount", "-o", "remount,size=160m", small_disk], check=True)
    with own_server(small_disk) as server:
        with at_work(server.url, journal, seed) as gateway:
            for _ in range(TIMES):
                wait_for_answers(journal, gateway)
                with filled(small_disk):
                    wait_for_trouble(journal, gateway)
                    time.sleep(WITHOUT_ROOM)
                server.start_if_it_ended()
            wait_for_answers(journal, gateway)
            end(gateway)
        assert_heard_of_it(journal)
        judge(server.url, journal)
