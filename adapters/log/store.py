"""A store: one database that holds the log, the vault and the settings, opened with care and without surprise."""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from huissier.adapters.errors import CorruptStoreError, EngineClosedError, ForeignStoreError, StoreError
from huissier.adapters.log.connecting import ErrorsNamed, engine_for
from huissier.adapters.log.dialects import BUSY_SECONDS
from huissier.adapters.log.held_files import Hold
from huissier.adapters.log.place import Place
from huissier.adapters.log.schema import (
    APPLICATION_ID,
    MARKS,
    SCHEMA_VERSION,
    metadata,
    read_version,
    write_version,
)
from huissier.adapters.log.session import Session
from huissier.adapters.log.silence import Silence

Preparation = Callable[[Session, bool], None]


_DELETED: Final = "SELECT value FROM settings WHERE name = 'deleted'"
_NO_MORE_DELETED: Final = "DELETE FROM settings WHERE name = 'deleted' AND value = ?"  # unless more was, meanwhile


def keeps_deleted(session: Session) -> bool:
    """Say whether what was deleted may still stand in a store: who deleted it was ended before it was dropped."""
    return session.scalar(_DELETED) is not None


class _Kept(NamedTuple):
    """A connection that is kept, and the driver's own behind it: asking for that costs, so it is asked for once."""

    connection: Connection
    session: Session


class Store:
    """An open store. One connection writes, guarded by a lock; others read their own snapshots, one of them at once."""

    def __init__(self, place: Place, prepare: Preparation, *, patience: float | None = None) -> None:
        """Open a store, made on first use. Raises `StoreError` and leaves a database that is not one as it is.

        `prepare` is told the session and whether the store is new, in the transaction that makes it. `patience`: for
        how many seconds a server may leave a statement unanswered; without one, for ever.
        """
        self.name = place.name
        self._place = place
        self._dialect = place.dialect
        self._lock = threading.RLock()
        self._closed = False
        self._is_ready = False
        self._hold = None if place.path is None else Hold(place.path)
        self._engine = engine_for(place)
        self._driver_error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        self._errors_named = ErrorsNamed(place, self._driver_error)
        self._writer: _Kept | None = None
        self._glancer: _Kept | None = None
        self._silence = None if patience is None or place.is_embedded else Silence(self._dialect, patience)
        if self._silence is not None:
            weakref.finalize(self, self._silence.end).atexit = False  # where it is dropped without being closed
        try:
            with self._errors_named:
                self._prepare(prepare)
        except BaseException:
            self.close()
            raise

    def _prepare(self, prepare: Preparation) -> None:
        """Make what is missing, or make sure of what is there.

        The write-ahead log comes after the schema: until then the header on disk says whose file it is.
        """
        if self._place.create and (not self._place.is_embedded or self._place.is_new):
            with self.writing() as session:
                is_new = not self._is_marked(session)
                if is_new:
                    self._make_schema(session)
                prepare(session, is_new)
        else:
            with self.reading() as session:
                if not self._is_marked(session):
                    raise StoreError(f"there is no store in {self.name} yet")
                prepare(session, False)
        if self._place.is_embedded and self._place.create:  # whoever only reads changes nothing
            self._connected().session.run("PRAGMA journal_mode = WAL")
        self._is_ready = True
        self._note_log()

    def _is_marked(self, session: Session) -> bool:
        """Say whether the store has been made, also by another process just now.

        A file's header may be older than its write-ahead log: the version is asked for again.
        """
        if self._place.is_embedded:
            if session.scalar("PRAGMA application_id") != APPLICATION_ID:
                return False
        else:
            present = {name for name in MARKS if session.scalar("SELECT to_regclass(?)", (name,)) is not None}
            if not present:
                return False
            if present != set(MARKS):
                raise ForeignStoreError(f"{self.name} holds tables of something else; it was left untouched")
        version = read_version(session, embedded=self._place.is_embedded)
        if version is None:
            raise CorruptStoreError(f"{self.name} names no schema version that can be read; it was left untouched")
        self._place.check_version(version)
        return True

    def _make_schema(self, session: Session) -> None:
        metadata.create_all(self._connected().connection)
        write_version(session, SCHEMA_VERSION, embedded=self._place.is_embedded)
        if self._place.is_embedded:
            session.run(f"PRAGMA application_id = {APPLICATION_ID}")
        for statement in self._dialect.schema:
            session.run(statement)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Run a block inside the one write transaction; it is durable when the block ends without an exception."""
        with self._lock, self._errors_named:
            self._check_open()
            session = self._begun()
            try:
                session.run(self._dialect.begin_writing)
                yield session
                self._place.check_still_there()
                self._place.check_write_ahead_log()
                session.run("COMMIT")
            except BaseException as problem:
                self._give_up(session, problem)
                raise

    @property
    def appends_in_one_trip(self) -> bool:
        """Whether the database can look and append without a transaction around it."""
        return self._dialect.appends_in_one_trip

    @contextmanager
    def without_transaction(self) -> Iterator[Session]:
        """Run a block on the writing connection, each statement durable by itself."""
        with self._lock, self._errors_named:
            self._check_open()
            session = self._begun()
            try:
                yield session
            except BaseException as problem:
                self._give_up(session, problem)
                raise

    def forget_deleted(self) -> bool:
        """Have the database drop what still stands of deleted rows beside its tables; False while readers need it.

        The store says that there is something until it was dropped, also to whoever opens it after a crash.
        """
        with self._lock, self._errors_named:
            session = self._connected().session
            deleted = session.scalar(_DELETED)
            if self._place.path is not None:
                session.run("PRAGMA busy_timeout = 0")  # whoever reads an old snapshot must not hold up the pen
                try:
                    is_busy, *_ = session.run("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    session.run(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
                if is_busy:
                    return False
            if deleted is not None:
                session.run(_NO_MORE_DELETED, (deleted,))
            return True

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Run a block on one consistent snapshot."""
        if self._place.in_memory:
            with self._lock:
                self._check_open()
                yield self._connected().session
            return
        self._check_open()
        self._place.check_still_there()  # connecting makes a file where there is none
        with self._errors_named, self._engine.connect() as connection:
            session = self._session(connection)
            try:
                self._place.check_still_there()
                session.run(self._dialect.begin_reading)
                yield session
            except self._driver_error:
                connection.invalidate()  # it may be to a file that is not there any more
                raise
            finally:
                try:
                    session.run("ROLLBACK")
                except self._driver_error:
                    connection.invalidate()  # nobody should be lent what is left of it

    @contextmanager
    def glancing(self) -> Iterator[Session]:
        """Do as `reading`, on a connection kept for one thread at a time, and wait for nobody who locks the file.

        Raises `TemporarilyUnavailableError` where somebody does.
        """
        if self._place.in_memory:
            with self.reading() as session:
                yield session
            return
        self._check_open()
        self._place.check_still_there()
        with self._errors_named:
            session = self._kept_for_glances().session
            try:
                session.run(self._dialect.begin_reading)
                yield session
                session.run("ROLLBACK")
            except BaseException:
                self._let_go_of_glancer()
                raise

    def _kept_for_glances(self) -> "_Kept":
        if self._glancer is None:
            connection = self._engine.connect()
            self._glancer = _Kept(connection, self._session(connection))
            self._glancer.session.run("PRAGMA busy_timeout = 0")
        return self._glancer

    def _let_go_of_glancer(self) -> None:
        if self._glancer is not None:
            self._glancer.connection.invalidate()  # nobody else should be lent what does not wait
            self._glancer.connection.close()
            self._glancer = None

    def _give_up(self, session: Session, because: BaseException) -> None:
        """Undo what was written; a connection that cannot even do that is replaced by the next turn."""
        if self._writer is None:
            return
        connection = self._writer.connection
        if connection.invalidated:
            self._let_go_of_writer()
            return
        if self._place.is_embedded and not self._raw(connection).in_transaction:
            return
        try:
            session.run("ROLLBACK")
        except BaseException as problem:
            self._give_writer_away()  # also after an interrupt, or the next turn would commit what stands in it
            if not isinstance(problem, self._driver_error):
                raise
        if self._dialect.ends_with(because):
            self._give_writer_away()
            self._engine.dispose()

    def _begun(self) -> Session:
        """Return the writer's session for a turn; nothing was said on it, so one that is lost can be replaced."""
        if self._writer is not None and self._dialect.is_lost(self._raw(self._writer.connection)):
            self._give_writer_away()
        return self._connected().session

    def _give_writer_away(self) -> None:
        if self._writer is not None:
            self._writer.connection.invalidate()
            self._let_go_of_writer()

    def _connected(self) -> "_Kept":
        if self._writer is None:
            connection = self._engine.connect()
            self._writer = _Kept(connection, self._session(connection))
            if self._is_ready:
                self._note_log()
        return self._writer

    def _note_log(self) -> None:
        """Look at the log through the writer, which opens what is beside the file."""
        self._connected().session.run("SELECT max(position) FROM events").fetchone()
        self._place.note_write_ahead_log()

    def _let_go_of_writer(self) -> None:
        if self._writer is not None:
            self._writer.connection.close()
            self._writer = None

    def _raw(self, connection: Connection) -> Any:
        return connection.connection.dbapi_connection

    def _session(self, connection: Connection) -> Session:
        return Session(self._raw(connection), self._dialect)

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosedError("the engine was closed")

    def close(self) -> None:
        """Close all connections; closing twice does no harm."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._let_go_of_writer()
            self._let_go_of_glancer()
            self._engine.dispose()
            if self._silence is not None:
                self._silence.end()
            if self._hold is not None:
                self._hold.end()
