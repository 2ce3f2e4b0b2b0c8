"""Where reading a log stopped, kept so that it goes on there after a stop, a rotation or a crash."""

import os
from calendar import isleap
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from glob import escape
from hashlib import sha256
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from huissier.adapters.errors import UnreadableError
from huissier.adapters.private_file import private_file

_BEGINNING: Final = 1024
SUFFIX: Final = ".huissier-place"  # of the file beside a log in which its place is kept
_MOST_OPEN: Final = 200
_COMPRESSED: Final = (".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z")

TellClosed = Callable[[Path, PermissionError], object]


class PlaceError(UnreadableError):
    """A file of places cannot be read; the message names it."""


class Place(Struct, frozen=True):
    """A place in one file: up to where it was read, and what tells the file from those before and after it.

    `begins`: a digest of its first `length` bytes, for a file that was emptied keeps its inode; `has_line`: whether one
    ends in them. `written`: when it last was, and `size` how long it was then. The last three are 0 in places of older
    versions.
    """

    device: int
    inode: int
    offset: Annotated[int, Meta(ge=0)]
    lines: Annotated[int, Meta(ge=0)]
    length: Annotated[int, Meta(ge=0, le=_BEGINNING)]
    begins: str
    written: float = 0.0
    size: int = 0
    has_line: bool = False

    @classmethod
    def of(cls, file: BinaryIO, offset: int = 0, lines: int = 0) -> "Place":
        """Return the place at an offset of an open file as it is now: should it be emptied, its copy is looked for."""
        status = os.fstat(file.fileno())
        length = min(status.st_size, _BEGINNING)
        beginning = _beginning(file, length)
        return cls(
            device=status.st_dev,
            inode=status.st_ino,
            offset=offset,
            lines=lines,
            length=length,
            begins=_digest(beginning),
            written=status.st_mtime,
            size=status.st_size,
            has_line=b"\n" in beginning,
        )

    def moved_to(self, file: BinaryIO) -> "Place":
        """Return the same place in the file it is in, or in its copy."""
        status = os.fstat(file.fileno())
        return replace(self, device=status.st_dev, inode=status.st_ino, written=status.st_mtime, size=status.st_size)

    def is_in(self, file: BinaryIO) -> bool:
        """Say whether a file is the one of this place and still reaches to it."""
        return _identity(file) == (self.device, self.inode) and self.is_copied_to(file)

    @property
    def is_at_the_end(self) -> bool:
        """Whether nothing stood behind it in its file, as far as is known."""
        return self.offset >= self.size

    @property
    def tells(self) -> bool:
        """Whether it knows enough of a file to tell it from others: a line, or a long beginning."""
        return self.has_line or self.offset > 0 or self.length >= _BEGINNING

    def is_as_it_was(self, file: BinaryIO) -> bool:
        """Do as `is_in`, but a file of which little is known must not have been written to: it may be another one."""
        return self.is_in(file) and (self.tells or os.fstat(file.fileno()).st_mtime == self.written)

    def is_copied_to(self, file: BinaryIO) -> bool:
        """Say whether a file begins as the one of this place and reaches to it, as a copy made of it does."""
        return os.fstat(file.fileno()).st_size >= self.offset and _digest(_beginning(file, self.length)) == self.begins


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
        kept.day = None if kept.day is None else _day_of_calendar(*kept.day)
    except FileNotFoundError:
        return Kept()
    except OSError as problem:
        raise PlaceError(f"{path}: {problem.strerror}") from None
    except (msgspec.MsgspecError, ValueError, OverflowError):
        raise PlaceError(f"{path} holds no place in a log; remove it to read from the start") from None
    if kept.version != 1:
        raise PlaceError(f"{path} was written by another version of huissier")
    return kept


def _day_of_calendar(year: int, month: int, day: int) -> tuple[int, int, int]:
    """Return a day, or the one before a 29th of February that older versions kept of any year. Raises `ValueError`."""
    if (month, day) == (2, 29) and not isleap(year):
        return year, 2, 28
    date(year, month, day)
    return year, month, day


def save(path: Path, kept: Kept) -> None:
    """Keep it, as a whole, readable by the owner only. Raises `UnwritableError`."""
    with private_file(path) as file:
        file.write(msgspec.json.encode(kept))


def files_since(
    log: Path, place: Place, opened: Callable[[Path], BinaryIO], tell_closed: TellClosed
) -> list[tuple[BinaryIO, Place]]:
    """Return the files to read on from a place: the one it is in, or its copy, under whatever name, then those after.

    Each with the place to begin at. An empty file has nothing to know its copy by: whatever was written after it may be
    one.

    Empty where that file is gone or compressed. Whoever asks closes them. `tell_closed` hears of those that may not be
    read and may be one of them.
    """
    files = _open_all(log, _plain_beside(log), opened, tell_closed, int(place.written))
    found = [n for n, file in enumerate(files) if place.is_in(file)]
    if place.length and not found:
        found = [n for n, file in enumerate(files) if place.is_copied_to(file)]
    if found and place.written and not place.tells:
        found = [n for n, file in enumerate(files) if n in found or os.fstat(file.fileno()).st_mtime > place.written]
    first = found[0] if found else len(files)
    for file in files[:first]:
        file.close()
    return [
        (file, place.moved_to(file) if n == first and place.tells else Place.of(file))
        for n, file in enumerate(files)
        if n >= first
    ]


def files_after(
    log: Path, moment: float, opened: Callable[[Path], BinaryIO], tell_closed: TellClosed
) -> list[tuple[BinaryIO, Place]]:
    """Return the files that were written to after a moment, and the log itself. Whoever asks closes them."""
    after = (one for one in _plain_beside(log) if one[0] > moment)
    return [(file, Place.of(file)) for file in _open_all(log, after, opened, tell_closed, moment)]


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


def _plain_beside(log: Path) -> Iterator[tuple[float, Path]]:
    """Yield when each file beside a log that is not compressed was last written to."""
    for path in _beside(log):
        with suppress(PermissionError, FileNotFoundError):
            if path.suffix not in (*_COMPRESSED, SUFFIX) and path.is_file():
                yield path.stat().st_mtime, path


def _beside(log: Path) -> list[Path]:
    return [path for path in log.parent.glob(f"{escape(log.name)}*") if path != log]


def _open_all(
    log: Path,
    beside: Iterator[tuple[float, Path]],
    opened: Callable[[Path], BinaryIO],
    tell_closed: TellClosed,
    moment: float,
) -> list[BinaryIO]:
    """Open what lies beside a log, the oldest first, then the log: the newest, where they are many.

    A file of several names, such as one that the log is a link to, is opened once. Their times are not relied on, for a
    clock may have been set back; of those that may not be read only the ones written to since a moment are told.
    """
    now = opened(log)  # first: where there is none, nothing else is left open
    files = {_identity(now): now}
    for written, path in sorted(beside, reverse=True)[:_MOST_OPEN]:
        try:
            file = opened(path)
        except FileNotFoundError:
            continue
        except PermissionError as problem:
            if written >= moment:
                tell_closed(path, problem)
            continue
        if files.setdefault(_identity(file), file) is not file:
            file.close()
    return sorted(files.values(), key=lambda file: (file is now, os.fstat(file.fileno()).st_mtime))


def _identity(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def _beginning(file: BinaryIO, length: int) -> bytes:
    return os.pread(file.fileno(), length, 0)


def _digest(beginning: bytes) -> str:
    return sha256(beginning).hexdigest()
