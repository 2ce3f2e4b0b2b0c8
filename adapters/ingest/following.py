"""Reads a log from where it was left, across rotation and truncation, and waits for more if it is to follow."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from os.path import samestat
from pathlib import Path
from threading import Event
from time import monotonic
from typing import BinaryIO, Final

from huissier.adapters.ingest.place import Place, files_after, files_since, may_be_gone
from huissier.adapters.json_lines import Line, LineCutter

_CHUNK: Final = 64 * 1024
_LOOK_SECONDS: Final = 0.25
_ROTATED_ONCE_SECONDS: Final = 10.0  # in which a log is not rotated twice


class LogFile:
    """A log that is written meanwhile. `goes_on`: whether reading began where it was left."""

    def __init__(
        self,
        path: Path,
        stop: Event,
        *,
        place: Place | None = None,
        follow: bool = False,
        tell_lost: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Begin at a place, by default at the start. Raises `OSError` where the file cannot be opened.

        `tell_lost` hears of what is gone or may not be read, so that lines may be missing.
        """
        self._path = path
        self._stop = stop
        self._follow = follow
        self._tell_lost = tell_lost
        self._before = place
        self._seen_there = monotonic()
        self.goes_on = place is not None
        self._files = self._log() if place is None else self._files_since(place)
        self._begin()

    def _log(self) -> list[tuple[BinaryIO, Place]]:
        file = _opened(self._path)
        return [(file, Place.of(file))]

    def _tell_closed(self, path: Path, problem: PermissionError) -> None:
        self._tell_lost(f"{path} cannot be read: {problem.strerror}")

    def _tell_gone(self) -> None:
        self._tell_lost(f"the file in which reading {self._path} stopped is gone")

    def _files_since(self, place: Place) -> list[tuple[BinaryIO, Place]]:
        if files := files_since(self._path, place, _opened, self._tell_closed):
            return files
        self._before = None
        if not place.written or not place.is_at_the_end or may_be_gone(self._path, place.written):
            self.goes_on = False
            self._tell_gone()
        return files_after(self._path, place.written, _opened, self._tell_closed) if place.written else self._log()

    @property
    def place(self) -> Place:
        """Where to go on: behind the last line that was yielded, also while the file after that one is still empty."""
        return self._here if self._here.offset or self._before is None else self._before

    def _begin(self) -> None:
        self._file, self._here = self._files.pop(0)
        self._keep_place()
        self._file.seek(self._here.offset)
        self._cutter = LineCutter(self._here.lines)

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return os.fstat(self._file.fileno()).st_size

    def _set_place(self) -> None:
        self._here = Place.of(self._file, self._file.tell() - self._cutter.unfinished, self._cutter.number)
        self._keep_place()

    def _keep_place(self) -> None:
        if self._here.offset:  # not while the first line has no end yet
            self._before = self._here

    def batches(self, *, whole_lines: bool = False) -> Iterator[list[Line]]:
        """Yield lines as they come, and an empty list each time before waiting; it ends when told to stop.

        `whole_lines`: what stands behind the last end of a line is no line yet.
        """
        try:
            while not self._stop.is_set():
                if not self._here.is_as_it_was(self._file):
                    self._begin_anew()
                if chunk := self._file.read(_CHUNK):
                    lines = self._cutter.feed(chunk)
                    self._set_place()
                    yield lines
                elif self._files:
                    yield self._cutter.end()
                    self._next()
                elif self._follow:
                    yield []
                    self._look_again()
                else:
                    break
            if not (whole_lines or self._stop.is_set()):
                yield self._cutter.end()
        finally:
            self._close()

    def _begin_anew(self) -> None:
        """Go on where a file was emptied: in the copies that were made of it, if any, or at its start."""
        self._close_others()
        try:
            self._files = self._files_since(self.place)
        except FileNotFoundError:  # renamed, and nothing has taken its place yet
            self._files = [(self._file, Place.of(self._file))]
            self._begin()
        else:
            self._next()

    def _look_again(self) -> None:
        """Wait, unless another file has taken its place, or several one after the other.

        The writer goes on in a file that was renamed until it is told: it is left once the new one has content, after
        it was read to its end once more.
        """
        with suppress(FileNotFoundError):
            there, here = self._path.stat(), os.fstat(self._file.fileno())
            if samestat(there, here):
                self._seen_there = monotonic()
            elif there.st_size:
                files = files_since(self._path, self.place, _opened, self._tell_closed)
                was_long_ago = monotonic() - self._seen_there > _ROTATED_ONCE_SECONDS
                if not files and was_long_ago and may_be_gone(self._path, here.st_mtime):
                    self._tell_gone()
                self._files = list(
                    _others(files or files_after(self._path, here.st_mtime, _opened, self._tell_closed), here)
                )
                return
        self._stop.wait(_LOOK_SECONDS)

    def _next(self) -> None:
        self._file.close()
        self._begin()

    def _close(self) -> None:
        self._file.close()
        self._close_others()

    def _close_others(self) -> None:
        for file, _ in self._files:
            file.close()


def _others(files: list[tuple[BinaryIO, Place]], here: os.stat_result) -> Iterator[tuple[BinaryIO, Place]]:
    """Yield those that are another file than the one being read, which is closed under its other name."""
    for file, place in files:
        if samestat(os.fstat(file.fileno()), here):
            file.close()
        else:
            yield file, place


def _opened(path: Path) -> BinaryIO:
    return open(path, "rb", buffering=0, opener=_at_once)


def _at_once(path: str, flags: int) -> int:
    """Open also a FIFO that nobody writes to, which is then refused as what has no places."""
    return os.open(path, flags | os.O_NONBLOCK)
