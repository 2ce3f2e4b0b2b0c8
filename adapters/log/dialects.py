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
_TABLE_SECONDS: Final = 1  # that a statement waits for who has a whole table; who waits may be told so any moment
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
    # What the database or the role has as its default must not make an answer stale, or let it be lost in a crash.
    "SET default_transaction_isolation = 'read committed'",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    # Since PostgreSQL 14.
    "SELECT set_config('idle_session_timeout', '0', false) WHERE current_setting('idle_session_timeout', true) <> '0'",
    # Tag queries take microseconds by index and milliseconds by hash or scan, and fresh tables have no statistics
    # that would tell the planner so. Kept to the indexes, one plan is as good as another: it is made once.
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)

# Each statement sees what was committed before it began, so who looks behind the lock sees what its last holder wrote.
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
        """Begin the one write transaction, look at what stands there then, and return the driver's cursor of that."""

    @abstractmethod
    def append(self, connection: Any, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
        """Write events behind the head and return the new one; None where it looks and finds that it must not."""

    @abstractmethod
    def error_for(self, problem: BaseException | None, reason: str) -> type[StoreError]:
        """Return the kind of error that the driver's exception means, with its words."""

    @abstractmethod
    def is_lost(self, connection: Any) -> bool:
        """Say, without asking it, whether a connection was closed on either side, or one that is idle is in use."""

    @abstractmethod
    def ends_with(self, problem: BaseException) -> bool:
        """Say whether a connection keeps a problem that passes for the server: then another one is opened."""

    @abstractmethod
    def hang_up_after(self, seconds: float) -> None:
        """Free whoever has waited for so long for a server's answer to one statement, on whatever thread."""


class Sqlite(Dialect):
    """SQLite, in a file or in memory."""

    name = "sqlite"
    driver = "sqlite"
    begin_reading = "BEGIN"
    connect_args: ClassVar[dict[str, Any]] = {"timeout": BUSY_SECONDS, "check_same_thread": False}

    def connect(self, *arguments: Any, **named: Any) -> None:
        """Leave it to the driver: nobody waits for a file unseen."""

    def prepare(self, connection: Any) -> None:
        """Wait for the disk at every commit, overwrite what is deleted, and seldom stop to tidy up."""
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
        """Tell one that was closed here, or is in use: nobody hangs up on a file."""
        try:
            return bool(connection.in_transaction)
        except sqlite3.Error:
            return True

    def ends_with(self, problem: BaseException) -> bool:
        """Return False: a connection keeps nothing."""
        return False

    def hang_up_after(self, seconds: float) -> None:
        """Do nothing: a file is at hand, and nobody waits for longer than `BUSY_SECONDS`."""


class Watched(psycopg.Connection):
    """A connection that tells for how long an answer of its server has been waited for."""

    waiting: "_Waiting"

    def wait(self, gen: PQGen[_T], *arguments: Any, **named: Any) -> _T:
        """Wait for the server, as all does that is said to it."""
        self.waiting[self] = time.monotonic()
        try:
            return super().wait(gen, *arguments, **named)
        finally:
            self.waiting.pop(self, None)


_Waiting = dict[Watched, float]  # connections on which the server has a word to say, and since when


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
        "client_encoding": "UTF8",  # arrays are packed in it, whatever PGCLIENTENCODING or a role's default say
    }
    appends_in_one_trip = True
    schema = (postgres_append.DEFINITION,)

    def __init__(self) -> None:
        """Start without a connection."""
        self._waiting: _Waiting = {}

    def connect(self, *arguments: Any, **named: Any) -> "Watched":
        """Connect such that nobody waits unseen: also libraries have something to say, and before it is set up."""
        connection = Watched.connect(*arguments, **named)
        connection.waiting = self._waiting
        return connection

    def prepare(self, connection: Any) -> None:
        """Bound the wait for the pen, and keep the planner to the indexes. Raises `StoreError`.

        A database in another encoding is refused: it could not keep every text, or would compare other ones.
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
            return connection.execute(text, prepare=False)  # it may be several
        return connection.execute(_with_percent_marks(text), parameters, binary=True)

    def begin_writing(self, connection: Any, look: str) -> Any:
        """Wait for the pen, and look behind that in the same trip."""
        cursor = connection.execute(f"{_BEGIN_WRITING}; {look}", prepare=False)
        while cursor.nextset():
            pass
        return cursor

    def append(self, connection: Any, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
        """Call the function that looks and appends."""
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
        """Tell damage, and what passes by itself, from everything else: a lost answer has no state at all."""
        state = getattr(problem, "sqlstate", None)
        if state is None or state in _PASSING:
            return TemporarilyUnavailableError
        return CorruptStoreError if state in _DAMAGED else StoreError

    def is_lost(self, connection: Any) -> bool:
        """Look at what has come without being asked for: a server that ends a connection says so, and closes it."""
        try:
            come = select.poll()
            come.register(connection.fileno(), select.POLLIN)
            while come.poll(0):
                connection.pgconn.consume_input()
        except (psycopg.Error, OSError):
            return True
        return bool(connection.info.transaction_status != TransactionStatus.IDLE)

    def ends_with(self, problem: BaseException) -> bool:
        """Tell a default of being read only, or a plan for tables as they were, which a connection keeps."""
        return getattr(problem, "sqlstate", None) in (_READ_ONLY, _PLAN_OUTDATED)

    def hang_up_after(self, seconds: float) -> None:
        """Shut their sockets down: whoever waits on one is told that the connection is lost."""
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
