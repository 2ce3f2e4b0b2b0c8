"""Files that SQLite has open in this process, so that nothing here makes it lose its locks on them.

Locks belong to a process, not to a descriptor: closing any descriptor of a file releases all locks that the process
holds on it. Another process that opens and closes the file then removes the write-ahead log while a connection here
goes on writing to it. A fork has no locks, but SQLite in it remembers those of its parent. Both are in SQLite's "How To
Corrupt An SQLite Database File", sections 2.2 and 2.6.
"""

import os
import threading
from pathlib import Path
from typing import NamedTuple

from huissier.adapters.errors import StoreError


class Look(NamedTuple):
    """The first bytes of a file, and its size."""

    header: bytes
    size: int


class _Held:
    def __init__(self) -> None:
        self.process = os.getpid()
        self.times = 0
        self.descriptors: list[int] = []


_LOCK = threading.Lock()
_held: dict[tuple[int, int], _Held] = {}  # by device and inode
# A fork made while another thread holds the lock would wait for ever: it does not have that thread.
os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


def _file(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def look_at(path: Path, length: int) -> Look:
    """Read the beginning of a file without SQLite. Raises `OSError`."""
    with _LOCK:
        held = _held.get(_file(os.stat(path)))
        if held is not None and held.descriptors:
            descriptor = held.descriptors[0]
            return Look(os.pread(descriptor, length, 0), os.fstat(descriptor).st_size)
        descriptor = os.open(path, os.O_RDONLY)
        status = os.fstat(descriptor)
        held = _held.get(_file(status))
        try:
            return Look(os.pread(descriptor, length, 0), status.st_size)
        finally:
            if held is None:
                os.close(descriptor)
            else:
                held.descriptors.append(descriptor)


def make_new(path: Path) -> None:
    """Make an empty file, readable by its owner only. Raises `OSError`, also where there is one."""
    with _LOCK:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


class Hold:
    """Keeps a file's descriptors open while SQLite has it open, from before its first connection."""

    def __init__(self, path: Path) -> None:
        """Begin. Raises `StoreError` in a fork of a process that has the file open, and where it cannot be found."""
        try:
            status = path.stat()
        except OSError as problem:
            raise StoreError(f"the store {path} cannot be read: {problem.strerror}") from None
        self._file = _file(status)
        with _LOCK:
            held = _held.setdefault(self._file, _Held())
            if held.process != os.getpid():
                raise StoreError(
                    f"{path} was open when this process was forked, and SQLite would go without its locks: open it"
                    " after forking, or start processes by spawn"
                )
            held.times += 1

    def end(self) -> None:
        """End, once every connection is closed.

        A store that is dropped without being closed holds its file for ever: nobody can tell when the last of its
        connections goes, and a descriptor that stays does no harm.
        """
        with _LOCK:
            held = _held[self._file]
            held.times -= 1
            if not held.times:
                del _held[self._file]
                for descriptor in held.descriptors:
                    os.close(descriptor)
