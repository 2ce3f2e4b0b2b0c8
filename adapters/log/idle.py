"""Idle connections, lent again; an interrupt while one is given back cannot lock everybody else out.

SQLAlchemy's own pool has a lock that is taken in Python: a signal handler that raises right after that leaves it locked
for good.
"""

from collections import deque
from contextlib import suppress
from typing import Any, Final

from sqlalchemy.pool import ConnectionPoolEntry, Pool

_MOST_KEPT: Final = 5


class IdleConnections(Pool):
    """Lends whichever connection was given back last, and makes another where there is none."""

    _sqla_logger_namespace = "sqlalchemy.pool.IdleConnections"  # so that its log lines count as the library's

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take what the library gives all its pools."""
        super().__init__(*arguments, **named)
        self._idle: deque[ConnectionPoolEntry] = deque()

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return self._idle.pop()
        except IndexError:
            return self._create_connection()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if len(self._idle) < _MOST_KEPT:
            self._idle.append(record)
        else:
            record.close()

    def dispose(self) -> None:
        """Close those that are idle."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def recreate(self) -> "IdleConnections":
        """Return another without connections."""
        return IdleConnections(
            self._creator, reset_on_return=self._reset_on_return, _dispatch=self.dispatch, dialect=self._dialect
        )

    def status(self) -> str:
        """Say how many are idle."""
        return f"{len(self._idle)} idle connections"
