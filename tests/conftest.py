"""Servers and stores for the tests.

A real PostgreSQL is the one named by HUISSIER_TEST_POSTGRES, or one started from a wheel; so is UmaDB.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBRecorder
from eventsourcing.dcb.popo import InMemoryDCBRecorder
from hypothesis import settings
from sqlalchemy import URL, make_url

from tests.stores import LogElsewhere, OwnLog, StoreUnderTest
from tests.umadb_server import umadb_server

# Loaded here and not by its entry point, so that what measures coverage begins before huissier is imported.
pytest_plugins = ["huissier.adapters.testing.plugin", "pytester"]

_numbers = itertools.count()

# Many tests start the program; where bytecode is never kept, each start would compile every library again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Disks that are asked to sync, and hundreds of databases on them, took a fifth of the suite's time. No test cuts the
# power: what was written is there after a kill, wherever it was written. Where TMPDIR is set that is taken.
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 what is made there has random names and mode 0700
_ROOM = 8 << 30
if "TMPDIR" not in os.environ and _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > _ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_IN_MEMORY)

# In CI the examples are the same every time, so that a change is judged and not luck; elsewhere they are new.
settings.register_profile("ci", derandomize=True)
if "CI" in os.environ:
    settings.load_profile("ci")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait for servers and programs they started."""
    return min(4, (os.cpu_count() or 1) + 1)


@pytest.fixture(scope="session")
def postgres_server(huissier_postgres_server: str) -> URL:
    """The URL of a server on which databases may be made."""
    return make_url(huissier_postgres_server).set(drivername="postgresql")


@pytest.fixture
def new_database(huissier_new_database: Callable[[], str]) -> Callable[[], str]:
    """Make an empty database and return its URL."""
    return huissier_new_database


@pytest.fixture
def new_umadb(tmp_path: Path) -> Iterator[Callable[[], DCBRecorder]]:
    """Start an UmaDB server with an empty log and return its recorder, as `eventsourcing-umadb` provides it."""
    from eventsourcing_umadb.recorders import UmaDBDCBRecorder  # takes over what Ctrl-C does
    from umadb import Client

    with ExitStack() as servers:

        def start() -> DCBRecorder:
            folder = tmp_path / f"umadb-{next(_numbers)}"
            folder.mkdir()
            return UmaDBDCBRecorder(Client(servers.enter_context(umadb_server(folder))))

        yield start


@pytest.fixture(params=["sqlite", "postgres", "foreign-memory", "umadb"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoreUnderTest:
    """Each kind of store that the engine runs on, new."""
    file_url = f"sqlite:///{tmp_path / 'huissier.db'}"
    match request.param:
        case "sqlite":
            return OwnLog(file_url)
        case "postgres":
            monkeypatch.setenv("HUISSIER_VAULT_KEY", "A" * 43 + "=")
            return OwnLog(request.getfixturevalue("new_database")())
        case "foreign-memory":
            return LogElsewhere(file_url, InMemoryDCBRecorder())
        case _:
            return LogElsewhere(file_url, request.getfixturevalue("new_umadb")())
