"""A store of an older schema version is refused until somebody asks to migrate it, and then it is as good as new."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import CorruptStoreError, ForeignStoreError, StoreError, StoreVersionError
from huissier.adapters.log import migrations
from huissier.adapters.log.dialects import Dialect, Sqlite
from huissier.adapters.log.migrations import MIGRATIONS, Migrated, migrate
from huissier.adapters.log.schema import FIRST_VERSION, SCHEMA_VERSION
from huissier.adapters.log.session import Session
from huissier.domain.commands import RegisterOperator
from tests.log.by_hand import ByHand
from tests.stores import KEY

EVERYTHING = ("SELECT * FROM events", "SELECT * FROM tags", "SELECT * FROM vault", "SELECT * FROM settings")
REGISTER = RegisterOperator(operator="ght", kind="professionnel")


@pytest.fixture(params=["file", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of today with one fact in it."""
    is_file = request.param == "file"
    url: str = f"sqlite:///{tmp_path / 'huissier.db'}" if is_file else request.getfixturevalue("new_database")()
    with Engine(url, environment=KEY) as engine:
        engine.handle(REGISTER)
    return url


@pytest.fixture
def old(url: str) -> str:
    """A store of version 1."""
    ByHand(url).back_to_version_1()
    return url


def all_of(store: ByHand) -> object:
    """Return everything that a refusal must leave as it is."""
    if store.is_embedded:
        return {file: file.read_bytes() for file in store.path.parent.iterdir()}
    return [store.run(statement) for statement in EVERYTHING], store.has_function


def test_an_older_store_is_refused_and_told_how_to_migrate_it(old: str) -> None:
    before = all_of(ByHand(old))
    for create in (True, False):
        with pytest.raises(StoreVersionError, match=r"version 1, older than .* 2; .*untouched.*huissier store migrate"):
            Engine(old, environment=KEY, create=create)
    assert all_of(ByHand(old)) == before


def test_a_newer_store_is_refused_by_opening_and_by_migrating(url: str) -> None:
    ByHand(url).version = 7
    before = all_of(ByHand(url))
    for use in (lambda: Engine(url, environment=KEY), lambda: migrate(url)):
        with pytest.raises(StoreVersionError, match=r"version 7, newer than .* 2; .*untouched"):
            use()
    assert all_of(ByHand(url)) == before


def test_a_version_that_no_huissier_wrote_is_not_migrated(url: str) -> None:
    ByHand(url).version = 0
    with pytest.raises(StoreVersionError, match="No migration leads from it"):
        migrate(url)


def test_a_migrated_store_is_one_of_today_with_all_that_was_in_it(old: str) -> None:
    assert migrate(old) == Migrated(1, 2)
    store = ByHand(old)
    assert store.version == SCHEMA_VERSION
    assert store.value("SELECT value FROM settings WHERE name = 'schema_version'") == str(SCHEMA_VERSION)
    assert store.is_embedded or store.has_function
    with Engine(old, environment=KEY) as engine:
        assert engine.handle(REGISTER).outcome == "unchanged"
        assert engine.handle(RegisterOperator(operator="new", kind="usager")).position == 2


def test_migrating_again_changes_nothing(old: str) -> None:
    migrate(old)
    before = all_of(ByHand(old))
    assert migrate(old) == Migrated(2, 2)
    assert all_of(ByHand(old)) == before


def test_steps_lead_from_the_first_version_to_todays() -> None:
    assert sorted(MIGRATIONS) == list(range(FIRST_VERSION + 1, SCHEMA_VERSION + 1))


def test_steps_are_taken_one_after_the_other(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    steps: dict[int, migrations.Step] = {
        3: lambda _session, _dialect: taken.append(3),
        4: lambda _session, _dialect: taken.append(4),
    }
    monkeypatch.setattr(migrations, "MIGRATIONS", {**MIGRATIONS, **steps})
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", 4)
    assert migrate(old) == Migrated(1, 4)
    assert taken == [3, 4]
    assert ByHand(old).version == 4


def test_a_step_that_fails_leaves_the_store_as_it_was(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(session: Session, _dialect: Dialect) -> None:
        session.run("DELETE FROM events")
        raise RuntimeError("the step after it fails")

    before = all_of(ByHand(old))
    monkeypatch.setattr(migrations, "MIGRATIONS", {**MIGRATIONS, 3: fail})
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", 3)
    with pytest.raises(RuntimeError):
        migrate(old)
    monkeypatch.undo()
    assert all_of(ByHand(old)) == before
    assert migrate(old) == Migrated(1, 2)


KILLED = """
import os, signal, sys
from huissier.adapters.log import migrations

def die(session, dialect):
    session.run("DELETE FROM events")
    os.kill(os.getpid(), signal.SIGKILL)

migrations.MIGRATIONS = {**migrations.MIGRATIONS, 3: die}
migrations.SCHEMA_VERSION = 3
migrations.migrate(sys.argv[1])
"""


def test_a_process_that_dies_in_the_middle_leaves_the_store_as_it_was(old: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", KILLED, old], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    store = ByHand(old)
    assert (store.version, store.value("SELECT count(*) FROM events")) == (1, 1)
    assert store.is_embedded or not store.has_function
    assert migrate(old) == Migrated(1, 2)


def test_of_several_at_once_one_migrates_and_the_others_find_it_done(old: str) -> None:
    together = Barrier(4)

    def one(_: int) -> Migrated:
        together.wait()
        return migrate(old)

    with ThreadPoolExecutor(4) as pool:
        done = sorted(pool.map(one, range(4)), key=lambda migrated: migrated.before)
    assert done == [Migrated(1, 2), Migrated(2, 2), Migrated(2, 2), Migrated(2, 2)]
    Engine(old, environment=KEY).close()


def test_the_vault_key_is_not_needed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    Engine(url, environment={}).close()
    ByHand(url).back_to_version_1()
    (tmp_path / "huissier.db.key").unlink()
    assert migrate(url) == Migrated(1, 2)
    assert [file.name for file in tmp_path.iterdir()] == ["huissier.db"]


def test_what_is_no_store_is_not_migrated_and_none_is_made(tmp_path: Path, new_database: Callable[[], str]) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear colleague")
    with pytest.raises(ForeignStoreError):
        migrate(f"sqlite:///{letter}")
    for url in (f"sqlite:///{tmp_path / 'none.db'}", "sqlite://", new_database()):
        with pytest.raises(StoreError, match=r"no store|always a new one"):
            migrate(url)
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]
    assert letter.read_text() == "Dear colleague"


def test_somebody_elses_tables_are_not_migrated(new_database: Callable[[], str]) -> None:
    url = new_database()
    ByHand(url).run("CREATE TABLE settings (name text, value text)")
    ByHand(url).run("INSERT INTO settings VALUES ('schema_version', '1')")
    with pytest.raises(ForeignStoreError):
        migrate(url)
    assert ByHand(url).run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("settings",)]


def test_a_damaged_store_is_not_migrated(tmp_path: Path) -> None:
    path = tmp_path / "huissier.db"
    with Engine(f"sqlite:///{path}", environment=KEY) as engine:
        engine.handle_many(RegisterOperator(operator=f"operator-{n}", kind="usager") for n in range(500))
    ByHand(f"sqlite:///{path}").back_to_version_1()
    content = bytearray(path.read_bytes())
    page = content.index(b'"operator-250"') // 4096
    content[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(CorruptStoreError, match="damaged"):
        migrate(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_a_file_that_somebody_still_reads_is_migrated_in_two_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header that the next opening looks at is written when nobody reads what stood there before."""
    monkeypatch.setitem(Sqlite.connect_args, "timeout", 0.1)
    monkeypatch.setattr(migrations, "_HEADER_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    Engine(url, environment=KEY).close()
    ByHand(url).back_to_version_1()
    with closing(sqlite3.connect(tmp_path / "huissier.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events")
        with pytest.raises(StoreError, match="in use: stop what uses it"):
            migrate(url)
        with pytest.raises(StoreVersionError, match="huissier store migrate"):
            Engine(url, environment=KEY)
        reader.execute("ROLLBACK")
        assert migrate(url) == Migrated(2, 2)
    Engine(url, environment=KEY).close()


def test_a_newer_version_that_stands_only_in_the_write_ahead_log_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with Engine(url, environment=KEY):
        ByHand(url).version = 7
        assert (tmp_path / "huissier.db").read_bytes()[60:64] == SCHEMA_VERSION.to_bytes(4, "big")
        with pytest.raises(StoreVersionError, match="version 7, newer"):
            Engine(url, environment=KEY)
