"""What differs between the databases, and nothing else does."""

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, ClassVar, Final

from sqlalchemy import URL

from huissier.adapters.errors import CorruptStoreError, StoreError

_BUSY_SECONDS: Final = 30
_ADVISORY_LOCK: Final = 0x48554953534945  # one pen for a database

# Tag queries take nanoseconds by index and milliseconds by hash or scan, and fresh tables have no statistics
# that would tell the planner so.
_DAMAGE: Final = ("malformed", "not a database", "corrupt", "Could not decode", "no such table", "no such column")
_PLANNER: Final = (
    "SET plan_cache_mode = force_custom_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)


class Dialect(ABC):
    """A database's own words."""

    name: ClassVar[str]
    driver: ClassVar[str]
    begin_writing: ClassVar[tuple[str, ...]]
    begin_reading: ClassVar[str]
    connect_args: ClassVar[dict[str, Any]]

    @abstractmethod
    def prepare(self, connection: Any) -> None:
        """Set up a new driver connection."""

    @abstractmethod
    def statement(self, text: str) -> str:
        """Return a statement, written with `?`, with the driver's own marks."""

    @abstractmethod
    def error_for(self, reason: str) -> type[StoreError]:
        """Return the kind of error that the database's words mean."""


class Sqlite(Dialect):
    """SQLite, in a file or in memory."""

    name = "sqlite"
    driver = "sqlite"
    begin_writing = ("BEGIN IMMEDIATE",)
    begin_reading = "BEGIN"
    connect_args: ClassVar[dict[str, Any]] = {"timeout": _BUSY_SECONDS, "check_same_thread": False}

    def prepare(self, connection: Any) -> None:
        """Wait for the disk at every commit, and overwrite what is deleted."""
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")

    def statement(self, text: str) -> str:
        """Return the text: `?` is SQLite's own mark."""
        return text

    def error_for(self, reason: str) -> type[StoreError]:
        """Tell damage from everything else."""
        damaged = any(word in reason for word in _DAMAGE)
        return CorruptStoreError if damaged else StoreError


class Postgresql(Dialect):
    """PostgreSQL through psycopg 3. The head must be read in a statement of its own after the lock (its snapshot)."""

    name = "postgresql"
    driver = "postgresql+psycopg"
    begin_writing = ("BEGIN", f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    connect_args: ClassVar[dict[str, Any]] = {"connect_timeout": 10}

    def prepare(self, connection: Any) -> None:
        """Keep the planner to the indexes."""
        for statement in _PLANNER:
            connection.execute(statement)

    def statement(self, text: str) -> str:
        """Return the text with psycopg's marks."""
        return _with_percent_marks(text)

    def error_for(self, reason: str) -> type[StoreError]:
        """Tell damage from everything else."""
        return CorruptStoreError if "invalid page" in reason or "could not read block" in reason else StoreError


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
