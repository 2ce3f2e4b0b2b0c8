"""Connecting to a store's database: in the driver's autocommit mode, with its errors turned into ours."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import StaticPool

from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.log.idle import IdleConnections
from huissier.adapters.log.place import Place
from huissier.adapters.log.session import Session


class ErrorsNamed:
    """Turns a database's error into a `StoreError` with its first line, without the statement and its values."""

    def __init__(self, place: Place, driver_error: type[Exception]) -> None:
        self._place = place
        self._errors = (DBAPIError, driver_error)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if is_about_schema(problem):
            raise CorruptStoreError(f"{self._place.name} is damaged: what stands in its schema is no text") from None
        if not isinstance(problem, self._errors):
            return
        original = problem.orig if isinstance(problem, DBAPIError) else problem
        lines = str(original).strip().splitlines() or [type(original).__name__]
        reason = lines[0].partition(" with text ")[0]  # never show what a damaged store holds
        raise self._place.dialect.error_for(original, reason)(f"{self._place.name}: {reason}") from None


def is_about_schema(problem: BaseException | None) -> bool:
    """Say whether SQLite quoted a damaged schema in its message, which Python then could not decode.

    Only an error raised in the code of the log, the views or SQLAlchemy counts, not one of the block that borrows a
    session or a connection.
    """
    if not isinstance(problem, UnicodeDecodeError):
        return False
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = "" if trace is None else trace.tb_frame.f_globals.get("__name__", "")
    return raised_in.startswith(("huissier.adapters.log.", "huissier.adapters.views.", "sqlalchemy."))


def engine_for(place: Place, recognize: Callable[[Session], None]) -> Engine:
    """Build an engine in the driver's autocommit mode: transactions are begun by our own statements.

    `recognize` is shown each new connection and raises to refuse it.
    """
    engine = sa.create_engine(
        place.url,
        isolation_level="AUTOCOMMIT",
        connect_args=place.dialect.connect_args,
        pool_reset_on_return=None,  # our own statements also end transactions
        poolclass=StaticPool if place.in_memory else IdleConnections,
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: Any, named: Any) -> Any:
        return place.dialect.connect(*arguments, **named)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        try:
            place.dialect.prepare(connection)
            recognize(Session(connection, place.dialect))
        except BaseException:
            connection.close()
            raise

    @event.listens_for(engine, "checkout")
    def look(connection: Any, _record: object, _proxy: object) -> None:
        if place.dialect.is_lost(connection):
            raise DisconnectionError  # the pool lends another one instead

    return engine
