"""Imports an extraction: every mailbox of a hosted domain that is not in the directory is created, once.

What the log would reject is found out beforehand and only reported: a rejection would be a fact, but importing the same
file twice must change nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final, Literal

from msgspec import Struct
from sqlalchemy import Connection

from huissier.adapters.clock import utc_now
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.directory.names import plain
from huissier.adapters.directory.reading import Row
from huissier.domain.answers import Answer
from huissier.domain.commands import CreateMailbox
from huissier.domain.mailbox import DELETED
from huissier.domain.vocabulary.times import LAST
from huissier.projections.directory.as_of import AsOf, Listed
from huissier.projections.directory.facts import Directory

ROWS_AT_ONCE: Final = 8_000
_COMPARED: Final = ("kind", "name", "rpps", "adeli", "finess", "service")

Outcome = Literal["invalid", "elsewhere", "refused"]


class NotTaken(Struct, frozen=True):
    """A row that made no mailbox: it cannot be read, its domain is not hosted here, or its address is taken."""

    line: int
    outcome: Outcome
    error: str


class Counts(Struct):
    """What the rows came to; those not taken are `elsewhere`, `refused` and `invalid`."""

    rows: int = 0
    created: int = 0
    unchanged: int = 0
    elsewhere: int = 0
    refused: int = 0
    invalid: int = 0


class Import:
    """One import into a store, compared with its directory as it was when the import began."""

    def __init__(self, engine: Engine, connection: Connection, directory: Directory, at: datetime | None) -> None:
        """Import as of a time, by default now."""
        self.counts = Counts()
        self.line = 1  # the last one that was taken in
        self._engine = engine
        self._then = AsOf(directory, connection, at or utc_now())
        self._at_last = AsOf(directory, connection, LAST)
        self._lines: dict[str, int] = {}  # where each address stood first

    def run(self, rows: Iterable[Row]) -> Iterator[NotTaken]:
        """Take rows in, some thousands per transaction, and yield those that were not taken. Raises `StoreError`."""
        remaining = iter(rows)
        while batch := list(islice(remaining, ROWS_AT_ONCE)):
            yield from self._take(batch)

    def _take(self, rows: list[Row]) -> list[NotTaken]:
        not_taken: list[NotTaken] = []
        known = self._known(rows)
        commands: list[tuple[int, CreateMailbox]] = []
        for row in rows:
            if row.command is None:
                not_taken.append(NotTaken(row.line, "invalid", row.error))
            elif (problem := self._problem(row.line, row.command, known)) is not None:
                not_taken.append(problem)
            elif row.command.address in known:
                self.counts.unchanged += 1
            else:
                commands.append((row.line, row.command))
        answers = self._engine.handle_many((command for _, command in commands), are_valid=True)
        rejected = (self._answered(line, answer) for (line, _), answer in zip(commands, answers, strict=True))
        not_taken += filter(None, rejected)
        self._count(rows, not_taken)
        self.line = rows[-1].line
        return sorted(not_taken, key=lambda row: row.line)

    def _known(self, rows: list[Row]) -> dict[str, Listed]:
        addresses = [row.command.address for row in rows if row.command is not None]
        return self._at_last.at_addresses(addresses)

    def _problem(self, line: int, command: CreateMailbox, known: dict[str, Listed]) -> NotTaken | None:
        """Say why a row is not taken, where that can be told without asking the log."""
        domain = command.address.rpartition("@")[2]
        if not self._then.is_hosted(domain):
            return NotTaken(line, "elsewhere", f"the domain {domain} is not hosted here")
        if (first := self._lines.setdefault(command.address, line)) != line:
            return NotTaken(line, "refused", f"the address stands on line {first} already")
        if (listed := known.get(command.address)) is None:
            return None
        if listed.status == DELETED:
            return NotTaken(line, "refused", "the mailbox was deleted; its address is never given again")
        if different := [name for name in _COMPARED if _differs(getattr(command, name), getattr(listed, name))]:
            return NotTaken(line, "refused", f"the mailbox exists with another {', '.join(different)}")
        return None

    def _answered(self, line: int, answer: Answer) -> NotTaken | None:
        """Count what the log took; report what it rejected because somebody else changed something meanwhile."""
        if answer.outcome == "rejected":
            return NotTaken(line, "refused", " ".join(f"{reason.code}: {reason.en}" for reason in answer.reasons))
        if answer.outcome == "recorded":
            self.counts.created += 1
        else:
            self.counts.unchanged += 1
        return None

    def _count(self, rows: list[Row], not_taken: list[NotTaken]) -> None:
        self.counts.rows += len(rows)
        for row in not_taken:
            setattr(self.counts, row.outcome, getattr(self.counts, row.outcome) + 1)


def _differs(said: str | None, known: str | None) -> bool:
    """Say whether a row says something else; leaving a value out says nothing."""
    return said is not None and plain(said) != plain(known or "")
