"""The limit that is measured against: the driver alone, on one connection, committing one row at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from time import perf_counter

import msgspec
import sqlalchemy as sa
from eventsourcing.dcb.api import DCBEvent
from sqlalchemy.pool import NullPool

from huissier.adapters.bench.turns import Lap
from huissier.adapters.log.codec import Stored
from huissier.adapters.log.dialects import dialect_of
from huissier.adapters.log.session import Session

_INSERT = "INSERT INTO events (position, type, data, tags) VALUES (?, ?, ?, ?)"
_READ = "SELECT position, data FROM events WHERE position > ? ORDER BY position"


@contextmanager
def driver_session(url: sa.URL) -> Iterator[Session]:
    """Lend a connection of the database's own driver, set up like the engine's; each statement is a transaction."""
    dialect = dialect_of(url)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args=dialect.connect_args)
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        dialect.prepare(driver)
        yield Session(driver, dialect)


class RowByRow:
    """Commits one row at a time to the events of a store that is empty."""

    def __init__(self, session: Session) -> None:
        """Write through a driver's session."""
        self._run = session.run
        self._positions = count(1)

    def commit(self, event: DCBEvent, seconds: float) -> Lap:
        """Commit the very bytes of a recorded fact again and again for some seconds."""
        run, positions = self._run, self._positions
        content = (event.type, event.data, msgspec.json.encode(event.tags).decode())
        rows = 0
        began = ended = perf_counter()
        while ended < began + seconds:
            run(_INSERT, (next(positions), *content))
            ended = perf_counter()
            rows += 1
        return Lap(rows, ended - began)


def read_and_decode(session: Session) -> int:
    """Read a whole log through one cursor, decode each event, and return how many there were."""
    decode = msgspec.json.Decoder(Stored).decode
    events = 0
    for _, data in session.run(_READ, (0,)):
        decode(data)
        events += 1
    return events
