"""A file that is written to as long as it is the one at its path."""

import os
from pathlib import Path

from huissier.adapters.errors import StoreError


class FileInUse:
    """A file that is written to by its path.

    What is written to one that was removed, or replaced by a backup, is durable and lost.
    """

    def __init__(self, path: Path) -> None:
        """Look at nothing yet."""
        self._path = path
        self._whole_path = os.path.abspath(path)  # whoever opens it may move on
        self._opened: tuple[int, int] | None = None  # device and inode

    def check_still_there(self) -> None:
        """Raise `StoreError` where it is not the one any more that was there the first time."""
        found = _device_and_inode(self._whole_path)
        if self._opened is None:
            self._opened = found
        elif found != self._opened:
            raise StoreError(f"{self._path} was removed or replaced while it was in use; start again on what is there")


def _device_and_inode(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
