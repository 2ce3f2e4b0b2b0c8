"""Gateway processes for the tests: begun, watched, ended gently or killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.faults.journal import Failed, read

ROOT: Final = Path(__file__).parents[2]
_MOST_SECONDS: Final = 60.0

Process = subprocess.Popen[bytes]


@contextmanager
def at_work(url: str, journal: Path, seed: int) -> Iterator[Process]:
    """Run a gateway; when the block ends it is gone."""
    command = [sys.executable, "-m", "tests.faults.worker", url, str(journal), str(seed)]
    with subprocess.Popen(command, cwd=ROOT) as process, _killed_in_the_end(process):
        yield process


@contextmanager
def at_work_writing_to_a_pipe(url: str, journal: Path, seed: int) -> Iterator[Process]:
    """Run a gateway that writes no file itself but its store."""
    command = [sys.executable, "-m", "tests.faults.worker", url, "/dev/stdout", str(seed)]
    with (
        journal.open("wb") as file,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) as writer,
        subprocess.Popen(command, cwd=ROOT, stdout=writer.stdin) as process,
        _killed_in_the_end(process),
    ):
        yield process


@contextmanager
def _killed_in_the_end(process: Process) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()


def end(*processes: Process) -> None:
    """Tell gateways to settle what they asked and to end; they do so without an error."""
    for process in processes:
        process.terminate()
    for process in processes:
        assert process.wait(_MOST_SECONDS) == 0


def wait_for_answers(journal: Path, process: Process, count: int = 100) -> None:
    """Wait until a gateway was answered so many times more."""
    _wait_for(count, "Answered", journal, process)


def wait_for_trouble(journal: Path, process: Process) -> None:
    """Wait until a gateway gets one more error."""
    _wait_for(1, "Failed", journal, process)


def _wait_for(count: int, kind: str, journal: Path, process: Process) -> None:
    """Wait for so many more lines of a kind in a journal."""
    journal.touch()
    deadline = time.monotonic() + _MOST_SECONDS
    with journal.open("rb") as file:
        file.seek(0, os.SEEK_END)
        while count > 0:
            assert process.poll() is None, "the gateway ended"
            assert time.monotonic() < deadline, f"no {kind} in {_MOST_SECONDS} seconds"
            time.sleep(0.01)
            count -= file.read().count(b'{"type":"%s"' % kind.encode())


def assert_heard_of_it(journal: Path) -> None:
    """Make sure that callers were told of the fault, and in no other way than they should."""
    heard = {line.problem for line in read(journal) if isinstance(line, Failed)}
    assert heard
    assert heard <= {"StoreError", "TemporarilyUnavailableError"}
