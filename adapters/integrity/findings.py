"""What a check has found so far."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

MOST_LISTED: Final = 1000


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, and at which position of the log; None where it is not at one."""

    position: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.position is None else f"position {self.position}: {self.what}"


class Report(msgspec.Struct, frozen=True):
    """How many events the log has, the position of the last, what is wrong, and what is worth knowing."""

    events: int
    head: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


class Findings:
    """Problems and notes; all problems are counted, the first `MOST_LISTED` are kept."""

    def __init__(self) -> None:
        """Start without any."""
        self.count = 0
        self._problems: list[Problem] = []
        self._notes: list[str] = []

    def problem(self, what: str, position: int | None = None) -> None:
        """Take in what is wrong."""
        self.count += 1
        if self.count <= MOST_LISTED:
            self._problems.append(Problem(position, what))

    def note(self, what: str) -> None:
        """Take in what is worth knowing."""
        self._notes.append(what)

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Note a problem where SQLite cannot read on."""
        try:
            yield
        except sqlite3.DatabaseError as problem:
            reason = str(problem).partition(" with text ")[0]  # never show what a damaged store holds
            self.problem(f"{what} cannot be read: {reason}")

    def report(self, events: int, head: int) -> Report:
        """Return everything; where problems were left out, a note says how many there are."""
        notes = list(self._notes)
        if self.count > MOST_LISTED:
            notes.append(f"{self.count} problems were found; the first {MOST_LISTED} are listed")
        return Report(events, head, tuple(self._problems), tuple(notes))
