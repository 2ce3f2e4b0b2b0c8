"""Scratch stores on the very disk or server of an operator's store; that store itself is never opened."""

import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import DBAPIError

from huissier.adapters.bench.raw import driver_session
from huissier.adapters.errors import StoreError
from huissier.adapters.log.place import read_url, shown

NewStore = Callable[[], sa.URL]


@contextmanager
def scratch_stores(text: str) -> Iterator[NewStore]:
    """Lend a function that returns the URL of another new store beside a store, and remove them all in the end.

    Embedded stores stand in a folder beside the store's file, those on a server in schemas of the same database.
    Raises `StoreError`, also for errors of the database while they are lent.
    """
    url, dialect = read_url(text)
    lend = _files_beside if dialect.name == "sqlite" else _schemas_in
    with _errors_told(url), lend(url) as new_store:
        yield new_store


@contextmanager
def _files_beside(url: sa.URL) -> Iterator[NewStore]:
    if url.database in (None, ":memory:"):
        raise StoreError("a store in memory has no disk to measure")
    beside = Path(url.database or "").parent
    try:
        folder = Path(tempfile.mkdtemp(prefix=".huissier-bench-", dir=beside))
    except OSError as problem:
        raise StoreError(f"no scratch folder can be made in {beside}: {problem.strerror}") from None
    numbers = count(1)
    try:
        yield lambda: url.set(database=str(folder / f"{next(numbers)}.db"))
    finally:
        shutil.rmtree(folder)


@contextmanager
def _schemas_in(url: sa.URL) -> Iterator[NewStore]:
    made: list[str] = []
    with driver_session(url) as session:

        def new_store() -> sa.URL:
            schema = f"huissier_bench_{secrets.token_hex(8)}"
            made.append(schema)
            session.run(f"CREATE SCHEMA {schema}")
            return _within(url, schema)

        try:
            yield new_store
        finally:
            _drop(url, made)


def _drop(url: sa.URL, schemas: Iterable[str]) -> None:
    """Remove schemas on a new connection: the one they were made on may be what failed."""
    with _errors_told(url, f"{', '.join(schemas)} could not be removed: "), driver_session(url) as session:
        for schema in schemas:
            session.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _within(url: sa.URL, schema: str) -> sa.URL:
    """Return a URL whose connections see one schema and no other."""
    options = url.query.get("options", ())
    given = (options,) if isinstance(options, str) else options
    return url.update_query_dict({"options": " ".join((*given, f"-csearch_path={schema}"))})


@contextmanager
def _errors_told(url: sa.URL, trouble: str = "") -> Iterator[None]:
    """Turn a driver's error into ours, its first line only."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, psycopg.Error) as problem:
        original = problem.orig if isinstance(problem, DBAPIError) else problem
        reason = next(iter(str(original).strip().splitlines()), type(original).__name__)
        if isinstance(original, InsufficientPrivilege):
            reason += "; schemas of its own need the right CREATE on the database"
        raise StoreError(f"{shown(url)}: {trouble}{reason}") from None
