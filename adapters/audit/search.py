"""Finding facts: the trail says where they may stand, the log says what they are."""

from collections.abc import Iterator

from sqlalchemy import Connection

from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.log.port import Log, Readable
from huissier.adapters.views.entries import entry_of
from huissier.projections.projection import Entry
from huissier.projections.trail import Question, Trail


def find(log: Log, connection: Connection, trail: Trail, question: Question, after: int = 0) -> Iterator[Entry]:
    """Yield the facts that a question means, behind a position and in the order of the log, in constant memory."""
    for first, last in trail.stretches(connection, question, after):
        for entry in read(log, first, last):
            if question.means(entry):
                yield entry


def read(log: Readable, first: int, last: int) -> list[Entry]:
    """Return the facts from one position to another. Raises `CorruptStoreError`."""
    with log.reading() as look:
        rows = look.after(first - 1, last - first + 1)
    return [entry_of(position, data) for position, data, _ in rows]


def read_one(log: Readable, position: int) -> Entry:
    """Return the fact at a position. Raises `CorruptStoreError`."""
    found = read(log, position, position)
    if not found:
        raise CorruptStoreError(f"the fact at position {position}, on which others rest, is missing")
    return found[0]
