"""The database of read models: beside an embedded store's file, or in a schema of its own on the store's server.

If it is lost, nothing else is: all of it can be folded from the log again. It holds what the log holds, usagers under
their opaque ids.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction, UndefinedTable
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.pool import StaticPool

from huissier.adapters.errors import CorruptStoreError, StoreError
from huissier.adapters.log.connecting import is_about_schema
from huissier.adapters.log.file_in_use import FileInUse
from huissier.adapters.log.place import Place
from huissier.adapters.log.schema import make_private_file
from huissier.adapters.views import postgres_lists

# For a server, on a connection that sees the log: stores in two schemas of one database get a schema each beside them.
SCHEMA_BESIDE: Final = """
    SELECT 'huissier_views' || CASE
        WHEN name = 'public' THEN ''
        WHEN octet_length(name) > 48 THEN '_' || md5(name) -- a name has 63 bytes
        ELSE coalesce('_' || name, '')
    END
    FROM (SELECT coalesce(
        (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = to_regclass('events')),
        current_schema()
    )::text AS name) AS beside
"""
# Looked up in the catalog first: a user who may not make a schema may still use one.
_MISSING_SCHEMA: Final = sa.text("""
    SELECT path FROM current_setting('search_path') AS path
    WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE quote_ident(nspname) = path)
""")
_BUSY_SECONDS: Final = 30
_TABLES_LOCK: Final = 0x4855495F56554553  # of PostgreSQL's advisory locks, not the one that the pen takes
_OF_DATABASE: Final = (InsufficientPrivilege, ReadOnlySqlTransaction, UndefinedTable)  # though every statement is right
_READ_COMMITTED: Final = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"  # whatever the database has as its default

metadata = sa.MetaData()

# One row per generation of a projection's tables; one generation of each is live.
projections = sa.Table(
    "projections",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("fingerprint", sa.Text),
    sa.Column("error", sa.Text),
)


class ViewsDatabase:
    """Transactions on the read models of one store. Safe to share between threads."""

    def __init__(self, place: Place) -> None:
        """Open the read models beside a store, made on first use. Raises `StoreError`."""
        self._is_embedded = place.is_embedded
        self._dialect = place.dialect
        path = views_path(place)
        self.name = str(path or place.name)
        if path is not None:
            make_private_file(path)
        self._file = None if path is None else FileInUse(path)
        self._engine = _engine_for(place, None if path is None else str(path))
        self._alone = threading.RLock() if place.in_memory else nullcontext()  # in memory there is one connection
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self.changing() as connection:
            if (schema := None if self._is_embedded else connection.scalar(_MISSING_SCHEMA)) is not None:
                connection.exec_driver_sql("CREATE SCHEMA " + schema.replace("%", "%%"))
            metadata.create_all(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a block in a write transaction, committed when the block ends without an exception."""
        with self._connected("BEGIN IMMEDIATE" if self._is_embedded else _READ_COMMITTED) as connection:
            yield connection
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def changing(self, patience: int = _BUSY_SECONDS) -> Iterator[Connection]:
        """Run a block that makes, drops or switches tables in a write transaction: nobody else does so meanwhile.

        `patience`: how many seconds to wait for those who read a table that is dropped, where that matters.
        """
        with self.writing() as connection:
            if not self._is_embedded:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TABLES_LOCK})")
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{patience}s'")
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run a block on one consistent snapshot; writers go on meanwhile."""
        begin = "BEGIN" if self._is_embedded else "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        with self._connected(begin) as connection:
            yield connection

    def keep(self, connection: Connection, tables: sa.MetaData) -> bool:
        """Keep tables from being dropped while they are read; False where they are gone, and reading has to begin anew.

        In a file nothing has to be done for it: what is read is as it was when reading began.
        """
        if self._is_embedded:
            return True
        names = ", ".join(table.name for table in reversed(tables.sorted_tables))  # in the order they are dropped in
        try:
            connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS SHARE MODE")
        except ProgrammingError as problem:
            if not isinstance(problem.orig, UndefinedTable):
                raise
            return False
        return True

    @contextmanager
    def _connected(self, begin: str) -> Iterator[Connection]:
        self._check_file()  # connecting would make one where there is none
        with self.errors_named(), self._alone, self._engine.connect() as connection:
            connection.exec_driver_sql(begin)
            try:
                self._check_file()
                yield connection
            finally:
                if _in_transaction(connection):
                    with suppress(DBAPIError):
                        connection.exec_driver_sql("ROLLBACK")

    def _check_file(self) -> None:
        if self._file is not None:
            self._file.check_still_there()

    @contextmanager
    def errors_named(self) -> Iterator[None]:
        """Turn this database's errors into ours, also within a block that reads another database."""
        try:
            yield
        except DBAPIError as problem:
            raise self._named(problem) from None
        except UnicodeDecodeError as problem:
            if not is_about_schema(problem):
                raise
            damage = "what stands in its schema is no text"
            raise StoreError(f"{self.name}: {damage}; without it all is folded from the log again") from None

    def _named(self, problem: DBAPIError) -> Exception:
        """Return the error to raise for a database's: itself where only a statement is wrong."""
        lines = str(problem.orig).strip().splitlines() or [type(problem.orig).__name__]
        kind = self._dialect.error_for(problem.orig, lines[0])
        if issubclass(kind, CorruptStoreError):
            return StoreError(f"{self.name}: {lines[0]}; without it all is folded from the log again")
        is_of_database = isinstance(problem, OperationalError | InterfaceError) or isinstance(
            problem.orig, _OF_DATABASE
        )
        return kind(f"{self.name}: {lines[0]}") if is_of_database else problem

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def views_path(place: Place) -> Path | None:
    """Return the file of an embedded store's read models, None in memory and on a server."""
    return None if place.path is None else place.path.with_name(place.path.name + ".views")


def _in_transaction(connection: Connection) -> bool:
    raw: Any = connection.connection.dbapi_connection
    if hasattr(raw, "in_transaction"):
        return bool(raw.in_transaction)
    return bool(raw.info.transaction_status)


def _engine_for(place: Place, path: str | None) -> sa.Engine:
    """Build an engine in the driver's autocommit mode: transactions are begun by our own statements."""
    arguments: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
    if not place.is_embedded:
        arguments["connect_args"] = place.dialect.connect_args
        engine = sa.create_engine(place.url, **arguments)

        @event.listens_for(engine, "connect")
        def look_beside(connection: Any, _: object) -> None:
            (schema,) = connection.execute(SCHEMA_BESIDE).fetchone()
            connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", (schema,))
            connection.execute(f"SET lock_timeout = '{_BUSY_SECONDS}s'")
            connection.execute("SET synchronous_commit = off")
            postgres_lists.register(connection)

        return engine
    arguments["connect_args"] = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    if path is None:
        arguments["poolclass"] = StaticPool
    engine = sa.create_engine(sa.URL.create("sqlite", database=path), **arguments)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        with suppress(sqlite3.OperationalError):  # it does not wait: whoever holds the file is just doing the same
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a crash may cost the last pages; they are folded again
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA wal_autocheckpoint = 8000")  # the same pages at the tables' ends are written often

    return engine
