"""A store: one database that holds the log, the vault and the settings, opened with care and without surprise."""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import InvalidRequestError

from huissier.adapters.errors import (
    CorruptStoreError,
    EngineClosedError,
    ForeignStoreError,
    StoreError,
    TemporarilyUnavailableError,
)
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
from huissier.adapters.log.settings import read_setting, remove_setting
from huissier.adapters.log.silence import Silence
from huissier.adapters.own_process import OwnProcess

Preparation = Callable[[Session, bool], None]


def keeps_deleted(session: Session) -> bool:
    """Say whether deleted rows may still be on disk, not yet dropped by whoever deleted them."""
    return read_setting(session, "deleted") is not None


class _Kept(NamedTuple):
    """A connection that is kept, and the driver's own behind it: looking that up is slow, so it is done once."""

    connection: Connection
    drivers: Any
    session: Session

    def drop(self) -> None:
        """Close it for good, so that nobody is lent it again."""
        self.connection.invalidate()
        self.connection.close()


class Store:
    """An open store. One connection writes, guarded by a lock; others read their own snapshots, one without waiting."""

    def __init__(self, place: Place, prepare: Preparation, *, patience: float | None = None) -> None:
        """Open a store, made on first use. Raises `StoreError` and leaves a database that is no store as it is.

        `prepare` is told the session and whether the store is new, in the transaction that makes it. `patience`: for
        how many seconds a server may leave a statement unanswered; without one, for ever.
        """
        self.name = place.name
        self._place = place
        self._dialect = place.dialect
        self._lock = threading.RLock()
        self._closed = False
        self._is_ready = False
        self._process = OwnProcess()
        self._prepare_session = prepare
        self._first_fact: bytes | None = None
        self._hold = None if place.path is None else Hold(place.path)
        self._engine = engine_for(place, self._recognize)
        self._driver_error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        self._errors_named = ErrorsNamed(place, self._driver_error)
        self._writer: _Kept | None = None
        self._glancer: _Kept | None = None
        self._silence = None if patience is None or place.is_embedded else Silence(self._dialect, patience)
        if self._silence is not None:
            weakref.finalize(self, self._silence.end).atexit = False  # where it is dropped without being closed
        try:
            with self._errors_named:
                self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        """Make what is missing, or check what is there.

        The write-ahead log is turned on after the schema is made, so that the header on disk says whose file it is.
        """
        if self._place.create and (not self._place.is_embedded or self._place.is_new):
            with self.writing() as session:
                is_new = not self._is_marked(session)
                if is_new:
                    self._make_schema(session)
                self._prepare_session(session, is_new)
                self._note_first_fact(session)
        else:
            with self.reading() as session:
                if not self._is_marked(session):
                    raise StoreError(f"there is no store in {self.name} yet")
                self._prepare_session(session, False)
                self._note_first_fact(session)
        if self._place.is_embedded and self._place.create:  # whoever only reads changes nothing
            self._connected().session.run("PRAGMA journal_mode = WAL")
        self._note_log(self._connected().session)
        self._is_ready = True

    def _recognize(self, session: Session) -> None:
        """Refuse a new connection to another store than the one that was opened.

        A server's name, or a default search path, may lead elsewhere by now; files are checked in other ways.
        """
        if self._place.is_embedded or not self._is_ready:
            return
        if not self._is_marked(session):
            raise StoreError(f"the store in {self.name} is not there any more; start again on what is there")
        self._prepare_session(session, False)
        self._note_first_fact(session)

    def _note_first_fact(self, session: Session) -> None:
        """Note the first fact, by which a server's log is recognised. Raises `StoreError` where it has changed."""
        if self._place.is_embedded:
            return
        found = session.scalar("SELECT data FROM events ORDER BY position LIMIT 1")
        if self._first_fact is None:
            self._first_fact = found
        elif found != self._first_fact:
            raise StoreError(f"the log in {self.name} was replaced while it was in use; start again on what is there")

    def _note_what_is_new(self, session: Session) -> None:
        """Note the first fact after a turn on a log that was empty; a failure here does not undo what was recorded."""
        if self._is_ready and self._first_fact is None and not self._place.is_embedded:
            with suppress(self._driver_error):
                self._note_first_fact(session)

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
        with self.writing_after("SELECT NULL") as (session, _):
            yield session

    @contextmanager
    def writing_after(self, look: str) -> Iterator[tuple[Session, Any]]:
        """Do as `writing`, and read one value first: free where beginning the transaction takes a round trip anyway."""
        self._check_open()
        with self._lock, self._errors_named:
            self._check_open()  # it may have been closed during the wait for the lock
            kept = self._begun()
            try:
                found = kept.session.begin_writing(look)
                yield kept.session, found
                self._place.check_still_there()
                self._place.check_write_ahead_log()
                kept.session.run("COMMIT")
                self._note_what_is_new(kept.session)
            except BaseException as problem:
                self._give_up(kept, problem)
                raise

    @property
    def shows_what_comes(self) -> bool:
        """Whether a reader also sees what is written meanwhile: in memory there is one connection for all."""
        return self._place.in_memory

    @property
    def appends_in_one_trip(self) -> bool:
        """Whether the database can look and append without a transaction around it."""
        return self._dialect.appends_in_one_trip

    @contextmanager
    def without_transaction(self) -> Iterator[Session]:
        """Run a block on the writing connection, each statement durable by itself."""
        self._check_open()
        with self._lock, self._errors_named:
            self._check_open()
            kept = self._begun()
            try:
                yield kept.session
                self._note_what_is_new(kept.session)
            except BaseException as problem:
                self._give_up(kept, problem)
                raise

    def forget_deleted(self) -> bool:
        """Have the database drop what it still keeps of deleted rows outside its tables; False while readers need it.

        Until it is dropped, a setting of the store says so, also to whoever opens it after a crash.
        """
        with self._lock, self._errors_named:
            session = self._connected().session
            deleted = read_setting(session, "deleted")
            if self._place.path is not None:
                session.run("PRAGMA busy_timeout = 0")  # whoever reads an old snapshot must not hold up the pen
                try:
                    is_busy, *_ = session.run("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    session.run(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
                if is_busy:
                    return False
            if deleted is not None:
                remove_setting(session, "deleted", deleted)  # unless more was deleted meanwhile
            return True

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Run a block on one consistent snapshot."""
        self._check_open()
        if self._place.in_memory:
            with self._lock:
                self._check_open()
                yield self._connected().session
            return
        self._place.check_still_there()  # connecting would make a file where there is none
        with self._errors_named, self._connect() as connection:
            session = self._kept(connection).session
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
                except BaseException as problem:
                    connection.invalidate()  # nobody should be lent what is left of it
                    if not isinstance(problem, self._driver_error):
                        raise

    @contextmanager
    def glancing(self) -> Iterator[Session]:
        """Do as `reading`, on a connection kept for one thread at a time, without waiting for a lock on the file.

        Raises `TemporarilyUnavailableError` where somebody has locked it.
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

    def _kept_for_glances(self) -> _Kept:
        if self._glancer is None:
            kept = self._kept(self._connect())
            kept.session.run("PRAGMA busy_timeout = 0")
            self._glancer = kept
        return self._glancer

    def _let_go_of_glancer(self) -> None:
        if self._glancer is not None:
            kept, self._glancer = self._glancer, None
            kept.drop()  # nobody else should be lent a connection that does not wait

    def _give_up(self, kept: _Kept, because: BaseException) -> None:
        """Undo what was written; a connection that cannot even do that is replaced by the next turn."""
        try:
            if not self._place.is_embedded or kept.drivers.in_transaction:
                kept.session.run("ROLLBACK")
        except BaseException as problem:
            self._give_writer_away()  # also after an interrupt, or the next turn would commit what is left in it
            if not isinstance(problem, self._driver_error):
                raise
        if self._dialect.ends_with(because):
            self._give_writer_away()
            self._engine.dispose()

    def _begun(self) -> _Kept:
        """Return the writer for a turn; nothing has been sent on it yet, so a lost one can be replaced."""
        if self._writer is not None and not self._place.in_memory and self._dialect.is_lost(self._writer.drivers):
            self._give_writer_away()
        return self._connected()

    def _give_writer_away(self) -> None:
        """Close the writer, first in one step: after an interrupt it is then known to be lost and replaced."""
        if self._writer is not None:
            self._writer.drivers.close()
            kept, self._writer = self._writer, None
            kept.drop()

    def _connected(self) -> _Kept:
        if self._writer is None:
            kept = self._kept(self._connect())
            if self._is_ready:
                self._note_log(kept.session)
            self._writer = kept
        return self._writer

    def _connect(self) -> Connection:
        try:
            return self._engine.connect()
        except InvalidRequestError:  # the library gave up: each new connection was lost again
            raise TemporarilyUnavailableError(f"{self.name}: no connection stays open") from None

    def _note_log(self, session: Session) -> None:
        """Note which log is beside the file, after reading through the writer, which opens it."""
        session.run("SELECT max(position) FROM events").fetchone()
        self._place.note_write_ahead_log()

    def _kept(self, connection: Connection) -> _Kept:
        drivers = connection.connection.dbapi_connection
        return _Kept(connection, drivers, Session(drivers, self._dialect))

    def _check_open(self) -> None:
        self._process.check()
        if self._closed:
            raise EngineClosedError("the engine was closed")

    def close(self) -> None:
        """Close all connections; closing twice does no harm, and in a fork it does nothing."""
        if self._process.is_left:
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._give_writer_away()
            self._let_go_of_glancer()
            self._engine.dispose()
            if self._silence is not None:
                self._silence.end()
            if self._hold is not None:
                self._hold.end()
