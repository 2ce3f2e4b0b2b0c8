"""Where reading a log stopped, kept so that it goes on there after a stop, a rotation or a crash."""

import os
from collections.abc import Callable
from contextlib import suppress
from glob import escape
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from huissier.adapters.errors import HuissierError
from huissier.adapters.private_file import private_file

_BEGINNING: Final = 1024
SUFFIX: Final = ".huissier-place"  # of the file beside a log in which its place is kept
_COMPRESSED: Final = (".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z")


class PlaceError(HuissierError):
    """A file of places cannot be read; the message names it."""


class Place(Struct, frozen=True):
    """A place in one file: up to where it was read, and what tells the file from those before and after it.

    `begins`: a digest of its first `length` bytes, for a file that was emptied keeps its inode. `written`: when it last
    was, 0 in places of older versions.
    """

    device: int
    inode: int
    offset: int
    lines: int
    length: int
    begins: str
    written: float = 0.0

    @classmethod
    def of(cls, file: BinaryIO, offset: int, lines: int, read: int) -> "Place":
        """Return the place at an offset of an open file, of which more may have been `read`."""
        return cls._told_by(file, offset, lines, read)

    @classmethod
    def before(cls, file: BinaryIO) -> "Place":
        """Return the place at the start of a file as it is now: should it be emptied, its copy is looked for."""
        return cls._told_by(file, 0, 0, os.fstat(file.fileno()).st_size)

    @classmethod
    def _told_by(cls, file: BinaryIO, offset: int, lines: int, most: int) -> "Place":
        status = os.fstat(file.fileno())
        length = min(most, _BEGINNING)
        return cls(status.st_dev, status.st_ino, offset, lines, length, _digest(file, length), status.st_mtime)

    def moved_to(self, file: BinaryIO) -> "Place":
        """Return the same place in the file it is in, or in its copy."""
        status = os.fstat(file.fileno())
        return replace(self, device=status.st_dev, inode=status.st_ino, written=status.st_mtime)

    def is_in(self, file: BinaryIO) -> bool:
        """Say whether a file is the one of this place and still reaches to it."""
        status = os.fstat(file.fileno())
        return (status.st_dev, status.st_ino) == (self.device, self.inode) and self.is_copied_to(file)

    @property
    def tells(self) -> bool:
        """Whether it knows enough of a file to tell it from others: a line, or a long beginning."""
        return self.offset > 0 or self.length >= _BEGINNING

    def is_as_it_was(self, file: BinaryIO) -> bool:
        """Do as `is_in`, but a file of which little is known must not have been written to: it may be another one."""
        return self.is_in(file) and (self.tells or os.fstat(file.fileno()).st_mtime == self.written)

    def is_copied_to(self, file: BinaryIO) -> bool:
        """Say whether a file begins as the one of this place and reaches to it, as a copy made of it does."""
        return os.fstat(file.fileno()).st_size >= self.offset and _digest(file, self.length) == self.begins


class Kept(Struct):
    """What is kept between two runs: the place, and the queue ids of messages that are still on their way.

    `day`: year, month and day of the last time there, where the log itself does not tell the year and somebody did;
    `year`: which they said.
    """

    version: int = 1
    place: Place | None = None
    hops: dict[str, list[str]] = {}
    day: tuple[int, int, int] | None = None
    year: int | None = None


def load(path: Path) -> Kept:
    """Return what was kept, or nothing where there is no such file yet. Raises `PlaceError`."""
    try:
        if path.exists() and not path.is_file():  # /dev/full has no end
            raise PlaceError(f"{path} is no file in which a place in a log could stand")
        kept = msgspec.json.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return Kept()
    except OSError as problem:
        raise PlaceError(f"{path}: {problem.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise PlaceError(f"{path} holds no place in a log; remove it to read from the start") from None
    if kept.version != 1:
        raise PlaceError(f"{path} was written by another version of huissier")
    return kept


def save(path: Path, kept: Kept) -> None:
    """Keep it, as a whole, readable by the owner only. Raises `UnwritableError`."""
    with private_file(path) as file:
        file.write(msgspec.json.encode(kept))


def files_since(log: Path, place: Place, opened: Callable[[Path], BinaryIO]) -> list[tuple[BinaryIO, Place]]:
    """Return the files to read on from a place: the one it is in, or its copy, under whatever name, then those after.

    Each with the place to begin at. An empty file has nothing to know its copy by: whatever was written after it may be
    one.

    Empty where that file is gone or compressed. Whoever asks closes them.
    """
    now = opened(log)  # first: where there is none, nothing else is left open
    files = [*_rotated(log, opened), now]
    found = [n for n, file in enumerate(files) if place.is_in(file)]
    if place.length and not found:
        found = [n for n, file in enumerate(files) if place.is_copied_to(file)]
    if found and place.written and not place.tells:
        found = [n for n, file in enumerate(files) if n in found or os.fstat(file.fileno()).st_mtime > place.written]
    first = found[0] if found else len(files)
    for file in files[:first]:
        file.close()
    return [
        (file, place.moved_to(file) if n == first and place.tells else Place.before(file))
        for n, file in enumerate(files)
        if n >= first
    ]


def files_after(log: Path, moment: float, opened: Callable[[Path], BinaryIO]) -> list[tuple[BinaryIO, Place]]:
    """Return the files that were written to after a moment, and the log itself. Whoever asks closes them."""
    now, rotated = opened(log), _rotated(log, opened)
    later = [file for file in rotated if os.fstat(file.fileno()).st_mtime > moment]
    for file in rotated:
        if file not in later:
            file.close()
    return [(file, Place.before(file)) for file in (*later, now)]


def may_be_gone(log: Path, moment: float) -> bool:
    """Say whether files written to after a moment may be compressed or removed by now.

    Not where the file that was last written to at that moment is there, compressed, which keeps its time, or at least
    its second, and none of a later time is.
    """
    times: list[float] = []
    for path in _beside(log):
        with suppress(FileNotFoundError):
            if path.suffix in _COMPRESSED:
                times.append(path.stat().st_mtime)
    return {moment, float(int(moment))}.isdisjoint(times) or max(times) > moment


def _beside(log: Path) -> list[Path]:
    return [path for path in log.parent.glob(f"{escape(log.name)}*") if path != log]


def _rotated(log: Path, opened: Callable[[Path], BinaryIO]) -> list[BinaryIO]:
    """Open what lies beside a log under its name and may be read, the oldest first."""
    files: list[BinaryIO] = []
    for path in _beside(log):
        if path.is_file() and path.suffix not in (*_COMPRESSED, SUFFIX):
            with suppress(PermissionError, FileNotFoundError):
                files.append(opened(path))
    return sorted(files, key=lambda file: os.fstat(file.fileno()).st_mtime)


def _digest(file: BinaryIO, length: int) -> str:
    return sha256(os.pread(file.fileno(), length, 0)).hexdigest()
