"""What differs between the databases, and nothing else does."""

import os
import select
import socket
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, ClassVar, Final, TypeVar

import msgspec
import psycopg
from eventsourcing.dcb.api import DCBEvent
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import URL

from huissier.adapters.errors import CorruptStoreError, StoreError, TemporarilyUnavailableError
from huissier.adapters.log import postgres_append
from huissier.adapters.log.postgres_arrays import bigints, byteas, register, texts

_T = TypeVar("_T")

BUSY_SECONDS: Final = 30
_TABLE_SECONDS: Final = 1  # seconds that a statement waits for a table that somebody has locked as a whole
_INSERT_EVENT: Final = "INSERT INTO events (position, type, data, tags) VALUES (?, ?, ?, ?)"
_INSERT_TAG: Final = "INSERT INTO tags (tag, type, position) VALUES (?, ?, ?)"

_READ_ONLY: Final = "25006"
_PLAN_OUTDATED: Final = "0A000"
_DAMAGED: Final = frozenset({"XX001", "XX002"})  # data and index corrupted
# Lock not available, query canceled, server shutting down, crashed or not ready, too many connections, deadlock, read
# only for a while.
_PASSING: Final = frozenset(
    {"55P03", "57014", "57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01", _READ_ONLY}
)
_DAMAGE: Final = ("malformed", "not a database", "corrupt", "Could not decode", "no such table", "no such column")
_tags_encoder = msgspec.json.Encoder()
_SETTINGS: Final = (
    f"SET lock_timeout = '{_TABLE_SECONDS}s'",
    # A default of the database or the role must not make an answer stale, or let a crash lose it.
    "SET default_transaction_isolation = 'read committed'",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    # Since PostgreSQL 14.
    "SELECT set_config('idle_session_timeout', '0', false) WHERE current_setting('idle_session_timeout', true) <> '0'",
    # Tag queries take microseconds by index and milliseconds by hash or scan, and fresh tables have no statistics that
    # would tell the planner so. With indexes only, one plan is good for all parameters: it is made once.
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)

# Each statement sees what was committed before it began, so a look under the lock sees what its last holder wrote.
_BEGIN_WRITING: Final = (
    "BEGIN ISOLATION LEVEL READ COMMITTED;"
    f" SET LOCAL lock_timeout = '{BUSY_SECONDS}s';"
    f" SELECT pg_advisory_xact_lock({postgres_append.PEN_LOCK});"
    f" SET LOCAL lock_timeout = '{_TABLE_SECONDS}s'"
)


class Dialect(ABC):
    """A database's own words."""

    name: ClassVar[str]
    driver: ClassVar[str]
    begin_reading: ClassVar[str]
    connect_args: ClassVar[dict[str, Any]]
    appends_in_one_trip: ClassVar[bool] = False
    schema: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def connect(self, *arguments: Any, **named: Any) -> Any:
        """Return a new driver connection, or None where the driver is to make it."""

    @abstractmethod
    def prepare(self, connection: Any) -> None:
        """Set up a new driver connection."""

    @abstractmethod
    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        """Run a statement, written with `?`, and return the driver's cursor."""

    @abstractmethod
    def begin_writing(self, connection: Any, look: str) -> Any:
        """Begin the one write transaction, run the query `look` inside it, and return the driver's cursor."""

    @abstractmethod
    def append(self, connection: Any, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
        """Write events behind the head and return the new head; None where a check in the database forbids it."""

    @abstractmethod
    def error_for(self, problem: BaseException | None, reason: str) -> type[StoreError]:
        """Return the kind of error that the driver's exception means; `reason`: its message."""

    @abstractmethod
    def is_lost(self, connection: Any) -> bool:
        """Say, without a round trip, whether a connection was closed by either side or is still in a transaction."""

    @abstractmethod
    def ends_with(self, problem: BaseException) -> bool:
        """Say whether an error that is over on the server persists on this connection, which must then be replaced."""

    @abstractmethod
    def hang_up_after(self, seconds: float) -> None:
        """Free every thread that has waited this long for a server's answer to one statement."""


class Sqlite(Dialect):
    """SQLite, in a file or in memory."""

    name = "sqlite"
    driver = "sqlite"
    begin_reading = "BEGIN"
    connect_args: ClassVar[dict[str, Any]] = {"timeout": BUSY_SECONDS, "check_same_thread": False}

    def connect(self, *arguments: Any, **named: Any) -> None:
        """Leave it to the driver: a file's connection needs no watching."""

    def prepare(self, connection: Any) -> None:
        """Wait for the disk at every commit, overwrite what is deleted, and checkpoint rarely."""
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA wal_autocheckpoint = 16000")

    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        """Run the text as it is: `?` is SQLite's own mark."""
        return connection.execute(text, parameters)

    def begin_writing(self, connection: Any, look: str) -> Any:
        """Keep everybody else from writing."""
        connection.execute("BEGIN IMMEDIATE")
        return connection.execute(look)

    def append(self, connection: Any, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
        """Write rows one by one: a statement costs no round trip."""
        rows = [
            (position, event.type, event.data, _encode_tags(event.tags))
            for position, event in enumerate(events, head + 1)
        ]
        tags = [
            (tag, event.type, position)
            for position, event in enumerate(events, head + 1)
            for tag in dict.fromkeys(event.tags)
        ]
        connection.executemany(_INSERT_EVENT, rows)
        connection.executemany(_INSERT_TAG, tags)
        return head + len(events)

    def error_for(self, problem: BaseException | None, reason: str) -> type[StoreError]:
        """Tell damage, and a pen that others hold too long, from everything else."""
        if "database is locked" in reason:
            return TemporarilyUnavailableError
        return CorruptStoreError if any(word in reason for word in _DAMAGE) else StoreError

    def is_lost(self, connection: Any) -> bool:
        """Tell one that was closed here or is in a transaction: a file has no server to hang up."""
        try:
            return bool(connection.in_transaction)
        except sqlite3.Error:
            return True

    def ends_with(self, problem: BaseException) -> bool:
        """Return False: no error persists on a connection to a file."""
        return False

    def hang_up_after(self, seconds: float) -> None:
        """Do nothing: nobody waits for a file longer than `BUSY_SECONDS`."""


class Watched(psycopg.Connection):
    """A connection that notes since when it has been waiting for an answer of its server."""

    waiting: "_Waiting"

    def wait(self, gen: PQGen[_T], *arguments: Any, **named: Any) -> _T:
        """Wait for the server: every exchange with it comes through here."""
        self.waiting[self] = time.monotonic()
        try:
            return super().wait(gen, *arguments, **named)
        finally:
            self.waiting.pop(self, None)


_Waiting = dict[Watched, float]  # connections that wait for their server, and since when (monotonic seconds)


class Postgresql(Dialect):
    """PostgreSQL through psycopg 3."""

    name = "postgresql"
    driver = "postgresql+psycopg"
    begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    connect_args: ClassVar[dict[str, Any]] = {
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 1000 * BUSY_SECONDS,
        "client_encoding": "UTF8",  # arrays are packed in UTF-8, whatever PGCLIENTENCODING or a role's default say
    }
    appends_in_one_trip = True
    schema = (postgres_append.DEFINITION,)

    def __init__(self) -> None:
        """Start without a connection."""
        self._waiting: _Waiting = {}

    def connect(self, *arguments: Any, **named: Any) -> "Watched":
        """Connect with every wait watched, also those of libraries and those before `prepare`."""
        connection = Watched.connect(*arguments, **named)
        connection.waiting = self._waiting
        return connection

    def prepare(self, connection: Any) -> None:
        """Bound the wait for the pen, and keep the planner to the indexes. Raises `StoreError`.

        A database in an encoding other than UTF-8 is refused: it could not keep every text, or would compare them
        differently.
        """
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(f"the database's encoding is {encoding}; a store needs a database in UTF8")
        for statement in _SETTINGS:
            connection.execute(statement)
        register(connection)

    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        """Run the text with psycopg's marks; with parameters, results come in binary form, which is cheaper."""
        if not parameters:
            return connection.execute(text, prepare=False)  # the text may hold several statements
        return connection.execute(_with_percent_marks(text), parameters, binary=True)

    def begin_writing(self, connection: Any, look: str) -> Any:
        """Wait for the pen and look after that, in one round trip."""
        cursor = connection.execute(f"{_BEGIN_WRITING}; {look}", prepare=False)
        while cursor.nextset():
            pass
        return cursor

    def append(self, connection: Any, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
        """Call the database's function that checks and appends."""
        tags = [(tag, place) for place, event in enumerate(events, 1) for tag in dict.fromkeys(event.tags)]
        parameters = (
            head,
            texts(presumed),
            texts([event.type for event in events]),
            byteas([event.data for event in events]),
            texts([_encode_tags(event.tags) for event in events]),
            texts([tag for tag, _ in tags]),
            bigints([place for _, place in tags]),
        )
        (appended,) = self.execute(connection, postgres_append.CALL, parameters).fetchone()
        return None if appended is None else int(appended)

    def error_for(self, problem: BaseException | None, reason: str) -> type[StoreError]:
        """Tell damage, and what passes by itself, from everything else; without an SQLSTATE, the answer was lost."""
        state = getattr(problem, "sqlstate", None)
        if state is None or state in _PASSING:
            return TemporarilyUnavailableError
        return CorruptStoreError if state in _DAMAGED else StoreError

    def is_lost(self, connection: Any) -> bool:
        """Look at what has come unasked: a server that ends a connection says so, and closes it."""
        try:
            come = select.poll()
            come.register(connection.fileno(), select.POLLIN)
            while come.poll(0):
                connection.pgconn.consume_input()
        except (psycopg.Error, OSError):
            return True
        return bool(connection.info.transaction_status != TransactionStatus.IDLE)

    def ends_with(self, problem: BaseException) -> bool:
        """Tell a read-only default and a plan for tables that changed since: both stay with a connection."""
        return getattr(problem, "sqlstate", None) in (_READ_ONLY, _PLAN_OUTDATED)

    def hang_up_after(self, seconds: float) -> None:
        """Shut down the sockets of those connections: a thread that waits on one finds it lost."""
        for connection, since in list(self._waiting.items()):
            if time.monotonic() - since >= seconds:
                with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
                    end.shutdown(socket.SHUT_RDWR)


def _encode_tags(tags: list[str]) -> str:
    return _tags_encoder.encode(tags).decode()


@lru_cache(maxsize=512)
def _with_percent_marks(text: str) -> str:
    return text.replace("%", "%%").replace("?", "%s")


DIALECTS: Final[dict[str, type[Dialect]]] = {"sqlite": Sqlite, "postgresql": Postgresql}


def dialect_of(url: URL) -> Dialect:
    """Return the dialect of a store's URL. Raises `StoreError`."""
    found = DIALECTS.get(url.get_backend_name())
    if found is None:
        raise StoreError(
            f"a store on {url.get_backend_name()} is not supported; write sqlite:///huissier.db or postgresql+psycopg://…"
        )
    return found()
