"""What differs between the databases, and nothing else does."""

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, ClassVar, Final
from weakref import WeakSet

import msgspec
import psycopg
from eventsourcing.dcb.api import DCBEvent
from sqlalchemy import URL

from huissier.adapters.errors import CorruptStoreError, StoreError, TemporarilyUnavailableError
from huissier.adapters.log import postgres_append
from huissier.adapters.log.postgres_arrays import bigints, byteas, register, texts

BUSY_SECONDS: Final = 30
_INSERT_EVENT: Final = "INSERT INTO events (position, type, data, tags) VALUES (?, ?, ?, ?)"
_INSERT_TAG: Final = "INSERT INTO tags (tag, type, position) VALUES (?, ?, ?)"

_DAMAGED: Final = frozenset({"XX001", "XX002"})  # data and index corrupted
# Lock not available, query canceled, server shutting down, crashed or not ready, too many connections, deadlock.
_PASSING: Final = frozenset({"55P03", "57014", "57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01"})
_DAMAGE: Final = ("malformed", "not a database", "corrupt", "Could not decode", "no such table", "no such column")
_tags_encoder = msgspec.json.Encoder()
_SETTINGS: Final = (
    f"SET lock_timeout = '{BUSY_SECONDS}s'",
    # What the database or the role has as its default must not make an answer stale, or let it be lost in a crash.
    "SET default_transaction_isolation = 'read committed'",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    # Tag queries take microseconds by index and milliseconds by hash or scan, and fresh tables have no statistics
    # that would tell the planner so. Kept to the indexes, one plan is as good as another: it is made once.
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)


class Dialect(ABC):
    """A database's own words."""

    name: ClassVar[str]
    driver: ClassVar[str]
    begin_writing: ClassVar[str]
    begin_reading: ClassVar[str]
    connect_args: ClassVar[dict[str, Any]]
    appends_in_one_trip: ClassVar[bool] = False
    schema: ClassVar[tuple[str, ...]] = ()
    answers: int = 0  # how many statements were answered, where they may not be

    @abstractmethod
    def prepare(self, connection: Any) -> None:
        """Set up a new driver connection."""

    @abstractmethod
    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        """Run a statement, written with `?`, and return the driver's cursor."""

    @abstractmethod
    def append(self, connection: Any, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
        """Write events behind the head and return the new one; None where it looks and finds that it must not."""

    @abstractmethod
    def error_for(self, problem: BaseException | None, reason: str) -> type[StoreError]:
        """Return the kind of error that the driver's exception means, with its words."""

    @abstractmethod
    def hang_up(self) -> None:
        """Free whoever waits for a server that says nothing, also on other threads."""


class Sqlite(Dialect):
    """SQLite, in a file or in memory."""

    name = "sqlite"
    driver = "sqlite"
    begin_writing = "BEGIN IMMEDIATE"
    begin_reading = "BEGIN"
    connect_args: ClassVar[dict[str, Any]] = {"timeout": BUSY_SECONDS, "check_same_thread": False}

    def prepare(self, connection: Any) -> None:
        """Wait for the disk at every commit, overwrite what is deleted, and seldom stop to tidy up."""
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA wal_autocheckpoint = 16000")

    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        """Run the text as it is: `?` is SQLite's own mark."""
        return connection.execute(text, parameters)

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

    def hang_up(self) -> None:
        """Do nothing: a file is at hand, and nobody waits for longer than `BUSY_SECONDS`."""


class Postgresql(Dialect):
    """PostgreSQL through psycopg 3. The head must be read in a statement of its own after the lock (its snapshot)."""

    name = "postgresql"
    driver = "postgresql+psycopg"
    begin_writing = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({postgres_append.PEN_LOCK})"
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
        self._connections: WeakSet[Any] = WeakSet()

    def prepare(self, connection: Any) -> None:
        """Bound the wait for the pen, and keep the planner to the indexes. Raises `StoreError`.

        A database in another encoding is refused: it could not keep every text, or would compare other ones.
        """
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(f"the database's encoding is {encoding}; a store needs a database in UTF8")
        self._connections.add(connection)
        for statement in _SETTINGS:
            connection.execute(statement)
        register(connection)

    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        """Run the text with psycopg's marks; with parameters, results come in binary form, which is cheaper."""
        cursor = (
            connection.execute(_with_percent_marks(text), parameters, binary=True)
            if parameters
            else connection.execute(text)
        )
        self.answers += 1
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

    def hang_up(self) -> None:
        """Shut the sockets down: whoever waits on one is told that the connection is lost."""
        for connection in list(self._connections):
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
