"""`Trail`: the log's table of contents for auditors, by blocks of facts.

A block of positions has one row: between which times its facts lie, and a mark of 32 bits for each word that one of
them can be found by. A search reads the few blocks whose marks fit, and there the facts themselves: two words that
share a mark cost a look and never give a wrong answer. Rows are only ever added, or the last one rewritten, however
many mailboxes there are, and no name stands in them.
"""

from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar, Final, NamedTuple
from zlib import crc32

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection

from huissier.projections.columns import micros
from huissier.projections.projection import Entry, Projection
from huissier.projections.words import Topic, Word, words_of, words_of_all

BLOCK: Final = 250
_ROWS_AT_ONCE: Final = 500


class Period(NamedTuple):
    """A time from one moment to another, both within; None where it has no end on that side."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Say whether a moment lies in it."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment <= self.until)


class Question(Struct, frozen=True, kw_only=True):
    """Which facts are meant: those with a word of each set at least, and with both times in their periods."""

    words: tuple[frozenset[Word], ...] = ()
    happened: Period = Period()
    recorded: Period = Period()

    def means(self, entry: Entry) -> bool:
        """Say whether a fact is meant."""
        if not (self.happened.holds(entry.event.at) and self.recorded.holds(entry.recorded_at)):
            return False
        if not self.words:
            return True
        words = words_of(entry.event)
        return not any(alternatives.isdisjoint(words) for alternatives in self.words)


class Stretch(NamedTuple):
    """Positions from the first to the last."""

    first: int
    last: int


class Trail(Projection):
    """One row per block of the log."""

    name: ClassVar[str] = "trail"
    version: ClassVar[int] = 2

    def __init__(self, generation: int) -> None:
        """Define the table of a generation. Times are microseconds since 1970."""
        super().__init__(generation)
        self.blocks = sa.Table(
            f"trail_blocks_{generation}",
            self.metadata,
            sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("last", sa.BigInteger, nullable=False),
            sa.Column("happened_since", sa.BigInteger, nullable=False),
            sa.Column("happened_until", sa.BigInteger, nullable=False),
            sa.Column("recorded_since", sa.BigInteger, nullable=False),
            sa.Column("recorded_until", sa.BigInteger, nullable=False),
            sa.Column("marks", sa.LargeBinary, nullable=False),
        )

    def fold(self, connection: Connection, page: Iterable[Entry]) -> None:
        """Add the rows of the blocks that begin in the page; the block that began before it is written anew."""
        blocks = (list(entries) for _, entries in groupby(page, lambda entry: _block(entry.position)))
        first = next(blocks)
        rows = [_row(first), *map(_row, blocks)]
        if first[0].position % BLOCK != 1:
            rows[0] = self._with_begun(connection, rows[0])
        connection.execute(sa.insert(self.blocks), rows)

    def _with_begun(self, connection: Connection, rest: dict[str, Any]) -> dict[str, Any]:
        """Take away the row of a block that began before the page, and return it together with the rest."""
        is_block = self.blocks.c.block == rest["block"]
        begun = connection.execute(sa.select(self.blocks).where(is_block)).one()._asdict()
        connection.execute(sa.delete(self.blocks).where(is_block))
        return {
            **rest,
            **{name: min(begun[name], rest[name]) for name in ("happened_since", "recorded_since")},
            **{name: max(begun[name], rest[name]) for name in ("happened_until", "recorded_until")},
            "marks": _packed((*array("I", begun["marks"]), *array("I", rest["marks"]))),
        }

    def stretches(self, connection: Connection, question: Question, after: int = 0) -> Iterator[Stretch]:
        """Yield where facts that are meant may stand, behind a position and in the order of the log."""
        marks = [[_packed(_marks(word.topic, [word.text])) for word in alternatives] for alternatives in question.words]
        statement = self._in_time(question).where(self.blocks.c.block >= after // BLOCK, self.blocks.c.last > after)
        for row in connection.execute(statement, execution_options={"yield_per": _ROWS_AT_ONCE}):
            if all(any(mark in row.marks for mark in alternatives) for alternatives in marks):
                yield Stretch(max(row.block * BLOCK, after) + 1, row.last)

    def _in_time(self, question: Question) -> sa.Select[Any, Any, Any]:
        columns = self.blocks.c
        statement = sa.select(columns.block, columns.last, columns.marks)
        for period, since, until in (
            (question.happened, columns.happened_since, columns.happened_until),
            (question.recorded, columns.recorded_since, columns.recorded_until),
        ):
            if period.since is not None:
                statement = statement.where(until >= micros(period.since))
            if period.until is not None:
                statement = statement.where(since <= micros(period.until))
        return statement.order_by(columns.block)


def _row(entries: list[Entry]) -> dict[str, Any]:
    """Return the row of facts of one block."""
    events = [entry.event for entry in entries]
    happened = [event.at for event in events]
    recorded = [entry.recorded_at for entry in entries]
    return {
        "block": _block(entries[0].position),
        "last": entries[-1].position,
        "happened_since": micros(min(happened)),
        "happened_until": micros(max(happened)),
        "recorded_since": micros(min(recorded)),
        "recorded_until": micros(max(recorded)),
        "marks": _packed(mark for topic, texts in words_of_all(events).items() for mark in _marks(topic, texts)),
    }


def _block(position: int) -> int:
    return (position - 1) // BLOCK


def _marks(topic: Topic, texts: Iterable[str]) -> list[int]:
    begun = crc32(topic.encode())
    return [crc32(text, begun) for text in map(str.encode, texts)]


def _packed(marks: Iterable[int]) -> bytes:
    return array("I", sorted(set(marks))).tobytes()
