"""A file that is there as a whole or not at all, readable by its owner only."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from huissier.adapters.errors import HuissierError


class UnwritableError(HuissierError):
    """A file could not be written; what stood there before still does."""


class HashedFile:
    """A file that is being written, and the digest of what went into it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = sha256()

    def write(self, content: bytes) -> None:
        """Write some more."""
        self._digest.update(content)
        self._file.write(content)

    @property
    def sha256(self) -> str:
        """The digest of all that was written."""
        return self._digest.hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[HashedFile]:
    """Write a file beside the one it replaces when the block ends without an exception. Raises `UnwritableError`."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with open(handle, "wb") as file:
                yield HashedFile(file)
                file.flush()
                os.fsync(handle)
            beside.replace(path)
            _sync(path.parent)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as problem:
        raise UnwritableError(f"{path} cannot be written: {problem.strerror}") from None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
