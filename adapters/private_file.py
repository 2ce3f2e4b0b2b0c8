"""Files that are there as a whole or not at all, readable by their owner only."""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from huissier.adapters.errors import HuissierError


class UnwritableError(HuissierError):
    """A file could not be written; what stood there before still does."""


_DRAFT: Final = re.compile(r"\.{1,2}(.+?)(?:\.[0-9a-f]{16}){1,2}")


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file under another name beside it; it takes its own when the block ends without an exception.

    Raises `UnwritableError`.
    """
    if path.is_dir():
        raise UnwritableError(f"{path} cannot be written: it is a folder")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                draft.replace(path)
                _sync(path.parent)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as problem:
        raise UnwritableError(f"{path} cannot be written: {problem.strerror}") from None


def make_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write a file that is complete or absent, unless there is one already. Raises `UnwritableError`."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with private_file(draft) as file:
            file.write(content())
        try:
            os.link(draft, path)  # whoever came first keeps theirs
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        _sync(path.parent)
    except OSError as problem:
        raise UnwritableError(f"{path} cannot be made: {problem.strerror}") from None


def name_of_draft(path: Path) -> str | None:
    """Return the name that a file would have got whose writing broke off; None where it is no such file."""
    found = _DRAFT.fullmatch(path.name)
    return None if found is None or path.is_symlink() or not path.is_file() else found[1]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
