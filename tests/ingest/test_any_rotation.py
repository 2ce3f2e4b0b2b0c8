"""Whatever is written to a log and however it is rotated, nothing removed: every line is read, and none told lost."""

import os
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from huissier.adapters.ingest import following
from huissier.adapters.ingest.following import LogFile

STEPS = ("line", "half a line", "renamed", "renamed, written to late", "copied", "read", "restarted")


class Writer:
    """Writes numbered lines to a log and rotates it; each write has a second of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "mail.log"
        self.lines: list[bytes] = []
        self._half: bytes | None = None
        self._seconds = count(1)
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
        self.log.rename(self._older(1))
        self._write(self.log, b"")
        if late:
            self.line(self._older(1))

    def copied(self) -> None:
        """Copy and empty it, as logrotate does with copytruncate."""
        if self._half is not None:
            self.line()
        self._shift()
        self._write(self._older(1), self.log.read_bytes())
        os.truncate(self.log, 0)
        self._stamp(self.log)

    def _older(self, number: int) -> Path:
        return self.log.with_name(f"mail.log.{number}")

    def _shift(self) -> None:
        for number in range(len(list(self.log.parent.glob("mail.log.*"))), 0, -1):
            self._older(number).rename(self._older(number + 1))

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

    def _count_lost(self) -> None:
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
@given(steps=st.lists(st.sampled_from(STEPS), max_size=20))
@example(steps=["read", "line", "copied", "line", "copied"])
@example(steps=["half a line", "read", "line", "copied", "line"])
@example(steps=["line", "read", "renamed, written to late", "restarted", "restarted"])
def test_every_line_is_read_and_none_is_told_lost(steps: list[str]) -> None:
    with TemporaryDirectory() as folder:
        writer = Writer(Path(folder))
        reader = Reader(writer.log)
        for step in steps:
            match step:
                case "line":
                    writer.line()
                case "half a line":
                    writer.half_a_line()
                case "copied":
                    writer.copied()
                case "read":
                    reader.step()
                case "restarted":
                    reader.restart()
                case _:
                    writer.renamed(late="late" in step)
        writer.line()
        for _ in range(100):
            reader.step()
            if reader.read[-1:] == writer.lines[-1:]:
                break
        reader.end()
        assert list(dict.fromkeys(reader.read)) == writer.lines
        assert not reader.lost
