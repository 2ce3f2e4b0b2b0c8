"""A session: the driver's own connection, for the hot path.

SQLAlchemy keeps the pool, the schema and the dialects' differences; building a result object of its own for every
statement would cost more than the statement.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from eventsourcing.dcb.api import DCBEvent

from huissier.adapters.log.dialects import Dialect


class Session:
    """Runs statements written with `?` on a driver connection."""

    __slots__ = ("_connection", "_dialect")

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        """Use a DB-API connection in autocommit mode; our own statements begin and end transactions."""
        self._connection = connection
        self._dialect = dialect

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """Run a statement and return the driver's cursor."""
        return self._dialect.execute(self._connection, statement, parameters)

    def begin_writing(self, look: str) -> Any:
        """Begin the one write transaction, run the query `look` inside it, and return its first column."""
        return self._dialect.begin_writing(self._connection, look).fetchone()[0]

    def scalar(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row, None without one."""
        row = self.run(statement, parameters).fetchone()
        return None if row is None else row[0]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """Yield the rows of a query."""
        for row in self.run(statement, parameters):  # noqa: UP028 `yield from` would close a closed connection's cursor
            yield row

    def append(self, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
        """Write events behind the head and return the new head; None where a dialect's own check forbids it.

        `presumed`: tags taken to be new, which such a dialect checks besides the head.
        """
        return self._dialect.append(self._connection, head, presumed, events)
