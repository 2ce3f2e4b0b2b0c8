"""A store: one database that holds the log, the vault and the settings, opened with care and without surprise."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from huissier.adapters.errors import CorruptStoreError, EngineClosedError, StoreError
from huissier.adapters.log.schema import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    look_at_file,
    make_private_file,
    metadata,
)

_BUSY_SECONDS = 30
_DAMAGED = ("malformed", "not a database", "corrupt")


class Place:
    """Where a store is: its URL, the file of an embedded one, and whether it has still to be made."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Look at the place without changing what is there. Raises `StoreError`."""
        self.url = _read_url(url)
        in_memory = self.url.database in (None, ":memory:")
        self.path = None if in_memory else Path(self.url.database or "")
        self.name = str(self.path or "the in-memory store")
        if self.path is not None and not create and not self.path.exists():
            raise StoreError(f"there is no store at {self.path}")
        if self.path is not None and create:
            make_private_file(self.path)
        self.is_new = self.path is None or not look_at_file(self.path)
        if self.is_new and not create:
            raise StoreError(f"there is no store in {self.name} yet")


Preparation = Callable[[Connection, bool], None]


class Store:
    """An open SQLite store. One connection writes, guarded by a lock; others read their own snapshots."""

    def __init__(self, place: Place, prepare: Preparation) -> None:
        """Open a store, made on first use. Raises `StoreError` and leaves a file that is not one as it is.

        `prepare` is told the connection and whether the store is new, in the transaction that makes it.
        """
        self.name = place.name
        self._in_memory = place.path is None
        self._lock = threading.RLock()
        self._closed = False
        self._engine = _engine_for(place)
        with errors_named(self.name):
            self._writer = self._engine.connect()
        try:
            self._prepare(place, prepare)
        except BaseException:
            self.close()
            raise

    def _prepare(self, place: Place, prepare: Preparation) -> None:
        """Make what is missing and look at the head.

        The write-ahead log comes after the schema: until then the header on disk says whose file it is.
        """
        with errors_named(self.name):
            if place.is_new:
                self._make_schema(prepare)
            else:
                prepare(self._writer, False)
            self._writer.exec_driver_sql("PRAGMA journal_mode = WAL")
            self._writer.exec_driver_sql("SELECT max(position) FROM events")

    def _make_schema(self, prepare: Preparation) -> None:
        """Make all tables in one transaction; another process may have been faster."""
        with self.writing() as connection:
            is_new = connection.exec_driver_sql("PRAGMA application_id").scalar() != APPLICATION_ID
            if is_new:
                metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            prepare(connection, is_new)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a block inside the one write transaction; it is durable when the block ends without an exception."""
        with self._lock, errors_named(self.name):
            self._check_open()
            self._writer.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.exec_driver_sql("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run a block on one consistent snapshot."""
        if self._in_memory:
            with self._lock:
                self._check_open()
                yield self._writer
            return
        self._check_open()
        with errors_named(self.name), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def _roll_back(self) -> None:
        if self._writer.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
            self._writer.exec_driver_sql("ROLLBACK")

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosedError("the engine was closed")

    def close(self) -> None:
        """Close all connections; closing twice does no harm."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._writer.close()
                self._engine.dispose()


@contextmanager
def errors_named(where: str) -> Iterator[None]:
    """Turn a database's error into ours, without the statement and its values."""
    try:
        yield
    except DBAPIError as problem:
        reason = str(problem.orig)
        kind = CorruptStoreError if any(word in reason for word in _DAMAGED) else StoreError
        raise kind(f"{where}: {reason}") from None


def _read_url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError("the store's URL cannot be read; write it like sqlite:///huissier.db") from None
    if url.get_backend_name() != "sqlite":
        raise StoreError(f"a store on {url.get_backend_name()} is not supported; write sqlite:///huissier.db")
    if url.query or url.host or url.database == "":
        raise StoreError("an SQLite store's URL has a path and nothing else, like sqlite:///huissier.db")
    return url


def _engine_for(place: Place) -> Engine:
    """Build an engine in the driver's autocommit mode: transactions are begun here, by name."""
    memory: dict[str, Any] = {"poolclass": StaticPool} if place.path is None else {}
    engine = sa.create_engine(
        place.url,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        **memory,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")

    return engine
