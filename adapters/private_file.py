"""Files that exist complete or not at all, readable by their owner only."""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from huissier.adapters.ending import unwound_at_the_end
from huissier.adapters.errors import HuissierError


class UnwritableError(HuissierError):
    """A file could not be written; what stood there before still does."""


_LONGEST: Final = 200  # bytes of a file's name that its draft's longer name keeps
_DRAFT: Final = re.compile(r"\.{1,2}(.+?)(?:\.[0-9a-f]{16}){1,2}")


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file as a draft beside it, which takes the file's name when the block ends without an exception.

    Raises `UnwritableError`.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # where one may not look, writing says so
        what = "a folder" if os.path.isdir(path) else "not a file that can be replaced"
        raise UnwritableError(f"{path} cannot be written: it is {what}")
    draft = _draft_of(path)
    try:
        with unwound_at_the_end(), _removed(draft), _new(draft) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            draft.replace(path)
            _sync(path.parent)
    except OSError as problem:
        raise UnwritableError(f"{path} cannot be written: {problem.strerror}") from None


def make_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write a file that is complete or absent, unless there is one already. Raises `UnwritableError`."""
    if os.path.exists(path):
        return
    draft = _draft_of(path)
    try:
        with unwound_at_the_end(), _removed(draft):
            with private_file(draft) as file:
                file.write(content())
            with suppress(FileExistsError):
                os.link(draft, path)  # whoever came first keeps their file
        _sync(path.parent)
    except OSError as problem:
        raise UnwritableError(f"{path} cannot be made: {problem.strerror}") from None


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{os.fsdecode(os.fsencode(path.name)[:_LONGEST])}.{secrets.token_hex(8)}")


def name_of_draft(path: Path) -> str | None:
    """Return the name that an interrupted draft would have got; None where the file is no draft."""
    found = _DRAFT.fullmatch(path.name)
    return None if found is None or path.is_symlink() or not path.is_file() else found[1]


def _new(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b")


@contextmanager
def _removed(draft: Path) -> Iterator[None]:
    """Remove a draft, if it is still there, when the block ends."""
    try:
        yield
    finally:
        draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
