"""A database's file, written to only while it is still the one at its path, with the same log beside it."""

import os
from pathlib import Path

from huissier.adapters.errors import StoreError

_Identity = tuple[int, int]  # device and inode
_Log = tuple[_Identity | None, _Identity | None]  # and its index


class FileInUse:
    """A file that is written to by its path.

    What is written to a file that was removed, emptied or replaced by a backup is durable, and lost. Where its
    write-ahead log or that log's index (`-shm`) was removed, whoever opens the file sees none of what is written to it.
    """

    def __init__(self, path: Path) -> None:
        """Look at nothing yet."""
        self._path = path
        self._whole_path = os.path.abspath(path)  # the working folder may change
        self._beside = os.path.realpath(path)  # the database keeps its log beside the file, not beside a link to it
        self._opened: _Identity | None = None
        self._log: _Log | None = None

    def check_still_there(self) -> None:
        """Raise `StoreError` unless the file is the one that was there at the first check."""
        found = _identity(self._whole_path, may_be_empty=self._opened is None)
        if self._opened is None:
            self._opened = found
        elif found != self._opened:
            raise StoreError(f"{self._path} was removed or replaced while it was in use; start again on what is there")

    def note_write_ahead_log(self) -> None:
        """Note which log is beside it, if any, once a connection has it open: from then on it stays."""
        log = self._log_now()
        self._log = None if log[0] is None else log

    def check_write_ahead_log(self) -> None:
        """Raise `StoreError` unless the log beside it is the one that was noted, if any was."""
        if self._log is not None and self._log_now() != self._log:
            raise StoreError(
                f"the log beside {self._path} was removed while it was in use; start again on what is there"
            )

    def _log_now(self) -> _Log:
        return _identity(f"{self._beside}-wal"), _identity(f"{self._beside}-shm")


def _identity(path: str, *, may_be_empty: bool = True) -> _Identity | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_size or may_be_empty else None
