"""Whatever is written to a log and however it is rotated: every line is read once, and none told lost.

Where files are taken away or may not be read, every line is read, or it is told that some may be lost.
"""

import os
from itertools import count, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import BinaryIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from huissier.adapters.ingest import following
from huissier.adapters.ingest.following import LogFile

STEPS = ("line", "half a line", "renamed", "renamed, written to late", "copied", "linked", "read", "restarted")
_CHUNK = 16  # a line and a half


class Writer:
    """Writes numbered lines to a log and rotates it; each write has a second of its own.

    `dated`: the log is a link to a file beside it, and rotated by linking it to another one.
    """

    def __init__(self, folder: Path, *, dated: bool, taken_away: str = "") -> None:
        self.log = folder / "mail.log"
        self.lines: list[bytes] = []
        self.locked: set[int] = set()
        self._dated = dated
        self._taken_away = taken_away
        self._half: bytes | None = None
        self._seconds = count(1)
        self._numbers = count()
        self._begin()

    def _begin(self) -> None:
        if self._dated:
            self.log.symlink_to(f"mail.log-{next(self._numbers)}")
        self._write(self.log, b"")

    def line(self, log: Path | None = None) -> None:
        """Write a line, or what is missing of one."""
        rest = self._half or b"%d is a line" % len(self.lines)
        whole, self._half = b"%d is a line" % len(self.lines), None
        self._write(log or self.log, rest + b"\n")
        self.lines.append(whole)

    def half_a_line(self) -> None:
        """Begin a line, of which the rest comes later."""
        if self._half is None:
            begun = b"%d is" % len(self.lines)
            self._half = (b"%d is a line" % len(self.lines)).removeprefix(begun)
            self._write(self.log, begun)

    def renamed(self, *, late: bool) -> None:
        """Rename it, as logrotate does by itself; a writer goes on in the renamed file until it is told."""
        if self._half is not None:
            self.line()
        self._shift()
        older = self.log.resolve()
        if self._dated:
            self.log.unlink()
        else:
            older = self.log.rename(self._older(1))
        self._begin()
        if late:
            self.line(older)

    def copied(self) -> None:
        """Copy and empty it, as logrotate does with copytruncate."""
        if self._half is not None:
            self.line()
        self._shift()
        self._write(self._older(1), self.log.read_bytes())
        os.truncate(self.log, 0)
        self._stamp(self.log)

    def linked(self) -> None:
        """Give the log two more names."""
        for name in ("mail.log-latest", "mail.log-hard"):
            self.log.with_name(name).unlink(missing_ok=True)
        self.log.with_name("mail.log-latest").symlink_to("mail.log")
        self.log.with_name("mail.log-hard").hardlink_to(self.log.resolve())

    def take_away(self) -> None:
        """Compress all rotated files, which keeps their times, move them to another folder, or let nobody read them."""
        for path in self._rotated():
            match self._taken_away:
                case "locked":
                    self.locked.add(path.stat().st_ino)
                case "compressed":
                    path.rename(path.with_name(f"mail.log-{next(self._numbers)}.gz"))
                case _:
                    path.rename(path.parent / "away" / str(next(self._numbers)))

    def _rotated(self) -> list[Path]:
        beside = (path for path in self.log.parent.glob("mail.log?*") if path.suffix != ".gz")
        return [path for path in beside if not path.samefile(self.log)]

    def _older(self, number: int) -> Path:
        return self.log.with_name(f"mail.log.{number}")

    def _shift(self) -> None:
        older = takewhile(Path.exists, map(self._older, count(1)))
        for number, path in reversed(list(enumerate(older, 1))):
            path.rename(self._older(number + 1))

    def _write(self, path: Path, content: bytes) -> None:
        with path.open("ab") as file:
            file.write(content)
        self._stamp(path)

    def _stamp(self, path: Path) -> None:
        second = next(self._seconds)
        os.utime(path, (second, second))


class Reader:
    """Follows a log step by step."""

    def __init__(self, log: Path) -> None:
        self.read: list[bytes] = []
        self.lost = 0
        self._log = log
        self._file = LogFile(log, Event(), follow=True, tell_lost=self._count_lost)
        self._batches = self._file.batches(whole_lines=True)

    def _count_lost(self, _: str) -> None:
        self.lost += 1

    def step(self) -> None:
        """Read on once."""
        self.read += [line.content or b"" for line in next(self._batches)]

    def restart(self) -> None:
        """Stop, and go on from there."""
        self.end()
        self._file = LogFile(self._log, Event(), place=self._file.place, follow=True, tell_lost=self._count_lost)
        self._batches = self._file.batches(whole_lines=True)

    def end(self) -> None:
        """Let go of the files."""
        del self._batches
        self._file._close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(following, "_ROTATED_ONCE_SECONDS", -1.0)


@settings(deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=20), dated=st.booleans())
@example(steps=["read", "line", "copied", "line", "copied"], dated=False)
@example(steps=["half a line", "read", "line", "copied", "line"], dated=False)
@example(steps=["line", "read", "renamed, written to late", "restarted", "restarted"], dated=False)
@example(steps=["line", "read", "read", "restarted"], dated=True)
@example(steps=["line", "linked", "read", "read", "restarted"], dated=False)
def test_every_line_is_read_once_and_none_is_told_lost(steps: list[str], dated: bool) -> None:
    with TemporaryDirectory() as folder:
        writer = Writer(Path(folder), dated=dated)
        reader = played(writer, steps)
        assert reader.read == writer.lines
        assert not reader.lost


@settings(deadline=None)
@given(
    steps=st.lists(st.sampled_from((*STEPS, "taken away")), max_size=20),
    how=st.sampled_from(("compressed", "moved away", "locked")),
    dated=st.booleans(),
)
@example(
    steps=["line", "line", "read", "restarted", "renamed", "taken away", "restarted"], how="compressed", dated=False
)
@example(steps=["renamed", "line", "renamed", "taken away", "restarted"], how="locked", dated=False)
def test_every_line_is_read_or_told_lost(steps: list[str], how: str, dated: bool) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        writer = Writer(Path(folder), dated=dated, taken_away=how)
        patch.setattr(following, "_CHUNK", _CHUNK)
        patch.setattr(following, "_opened", lambda path: opened_unless_locked(path, writer.locked))
        reader = played(writer, ["line", "read", *steps])  # nothing tells an empty log from another
        assert reader.read == writer.lines or reader.lost


def opened_unless_locked(path: Path, locked: set[int]) -> BinaryIO:
    if path.stat().st_ino in locked:
        raise PermissionError(13, "Permission denied")
    return path.open("rb", buffering=0)


def played(writer: Writer, steps: list[str]) -> Reader:
    """Let writer and reader take their steps, then a last line be read."""
    (writer.log.parent / "away").mkdir()
    reader = Reader(writer.log)
    for step in steps:
        match step:
            case "line":
                writer.line()
            case "half a line":
                writer.half_a_line()
            case "copied":
                writer.copied()
            case "linked":
                writer.linked()
            case "read":
                reader.step()
            case "restarted":
                reader.restart()
            case "taken away":
                writer.take_away()
            case _:
                writer.renamed(late="late" in step)
    writer.line()
    for _ in range(100):
        reader.step()
        if reader.read[-1:] == writer.lines[-1:]:
            break
    reader.end()
    return reader
