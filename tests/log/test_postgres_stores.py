"""A store on PostgreSQL is opened with the same care as a file, whatever its database has by default."""

from collections.abc import Callable
from typing import LiteralString

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import NoResultFound

from huissier.adapters.bench.scratch import scratch_stores
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import (
    CorruptStoreError,
    ForeignStoreError,
    StoreError,
    StoreVersionError,
    TemporarilyUnavailableError,
    VaultKeyError,
)
from huissier.adapters.integrity import check_store
from huissier.adapters.log.dialects import Postgresql
from huissier.domain.commands import RegisterOperator
from tests.hospital import hospital
from tests.log.servers import administrator, settle
from tests.stores import KEY

OTHER_KEY = {"HUISSIER_VAULT_KEY": "B" * 43 + "="}
REGISTER = RegisterOperator(operator="ght", kind="professionnel")


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_a_store_is_made_once_and_found_again(new_database: Callable[[], str]) -> None:
    url = new_database()
    with Engine(url, environment=KEY) as engine:
        assert engine.handle(REGISTER).position == 1
    with Engine(url, environment=KEY, create=False) as engine:
        assert engine.handle(REGISTER).outcome == "unchanged"


@pytest.mark.parametrize("name", ["password", "sslpassword", "oauth_client_secret"])
def test_no_secret_of_a_url_is_told(name: str) -> None:
    url = f"postgresql+psycopg://u:s3cret@/d?host=/nowhere&{name}=s3cret"
    with pytest.raises(StoreError, match="nowhere") as told:
        Engine(url, environment=KEY)
    assert "s3cret" not in str(told.value)
    with pytest.raises(StoreError) as told, scratch_stores(url) as new_store:
        new_store()
    assert "s3cret" not in str(told.value)


def test_where_no_connection_stays_open_it_is_told_so(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine(new_database(), environment=KEY) as engine:
        monkeypatch.setattr(Postgresql, "is_lost", lambda *_: True)
        with pytest.raises(TemporarilyUnavailableError, match="no connection stays open"):
            _ = engine.head


def test_what_a_reader_of_the_log_does_wrong_with_sqlalchemy_is_the_readers(new_database: Callable[[], str]) -> None:
    with Engine(new_database(), environment=KEY) as engine:
        for lent in (engine.recorder.reading, engine.recorder.pen):
            with pytest.raises(NoResultFound), lent():
                raise NoResultFound


def test_the_short_form_of_the_url_is_understood(new_database: Callable[[], str]) -> None:
    with Engine(new_database().replace("+psycopg", ""), environment=KEY) as engine:
        assert engine.head == 0


def test_a_store_that_must_exist_is_not_made(new_database: Callable[[], str]) -> None:
    url = new_database()
    with pytest.raises(StoreError, match="there is no store"):
        Engine(url, environment=KEY, create=False)
    assert run(url, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


def test_the_vault_key_is_required_and_must_be_the_stores(new_database: Callable[[], str]) -> None:
    url = new_database()
    with pytest.raises(VaultKeyError, match="HUISSIER_VAULT_KEY"):
        Engine(url, environment={})
    Engine(url, environment=KEY).close()
    with pytest.raises(VaultKeyError, match="not the one"):
        Engine(url, environment=OTHER_KEY)


def test_somebody_elses_tables_are_left_untouched(new_database: Callable[[], str]) -> None:
    url = new_database()
    run(url, "CREATE TABLE events (id int)")
    with pytest.raises(ForeignStoreError):
        Engine(url, environment=KEY)
    assert run(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("events",)]


def test_a_store_of_another_schema_version_is_refused(new_database: Callable[[], str]) -> None:
    url = new_database()
    Engine(url, environment=KEY).close()
    run(url, "UPDATE settings SET value = '7' WHERE name = 'schema_version'")
    with pytest.raises(StoreVersionError, match="newer"):
        Engine(url, environment=KEY)


@pytest.mark.parametrize("damage", ["DELETE FROM settings WHERE", "UPDATE settings SET value = 'seven' WHERE"])
def test_a_store_whose_schema_version_is_lost_is_damaged_and_not_somebody_elses(
    damage: str, new_database: Callable[[], str]
) -> None:
    url = new_database()
    Engine(url, environment=KEY).close()
    run(url, f"{damage} name = 'schema_version'")
    with pytest.raises(CorruptStoreError, match="names no schema version that can be read"):
        Engine(url, environment=KEY)


def test_a_server_that_is_not_there_is_a_clear_error_without_the_password() -> None:
    with pytest.raises(StoreError) as caught:
        Engine("postgresql://user:secret@127.0.0.1:9/none", environment=KEY)
    assert "secret" not in str(caught.value)


def test_the_error_of_a_lost_server_names_no_statement(new_database: Callable[[], str]) -> None:
    url = new_database()
    with Engine(url, environment=KEY) as engine:
        run(url, "DROP TABLE events CASCADE")
        with pytest.raises(StoreError) as caught:
            engine.handle(REGISTER)
    assert "\n" not in str(caught.value)


def test_texts_are_found_again_whatever_the_clients_encoding_is_by_default(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    url = new_database()
    register = RegisterOperator(operator="hôpital 😀", kind="professionnel")
    with Engine(url, environment=KEY) as engine:
        assert engine.handle(register).position == 1
    with Engine(url, environment=KEY) as engine:
        assert engine.handle(register).outcome == "unchanged"
    assert check_store(url, environment=KEY).problems == ()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_could_not_keep_every_text_is_refused(new_database: Callable[[], str], encoding: str) -> None:
    url = new_database()
    other = f"{url.partition('?')[0].rpartition('/')[2]}_{encoding.lower()}"
    run(url, f"CREATE DATABASE {other} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match=f"encoding is {encoding}; a store needs a database in UTF8"):
        Engine(make_url(url).set(database=other).render_as_string(hide_password=False), environment=KEY)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_databases_own_isolation_makes_no_answer_stale(
    new_database: Callable[[], str], isolation: LiteralString
) -> None:
    url = new_database()
    with administrator(url) as connection:
        settle(connection, f"default_transaction_isolation = '{isolation}'")
    with hospital(url, environment=KEY) as engine:
        with engine.recorder.pen() as pen:
            assert pen.session.scalar("SHOW transaction_isolation") == "read committed"
        with engine._store.without_transaction() as session:
            assert session.scalar("SHOW default_transaction_isolation") == "read committed"


@pytest.mark.parametrize(("given", "kept"), [("off", "on"), ("remote_apply", "remote_apply"), ("local", "local")])
def test_answers_are_durable_whatever_the_databases_own_commit_is(
    new_database: Callable[[], str], given: LiteralString, kept: str
) -> None:
    url = new_database()
    with administrator(url) as connection:
        settle(connection, f"synchronous_commit = {given}")
    with Engine(url, environment=KEY) as engine, engine.recorder.pen() as pen:
        assert pen.session.scalar("SHOW synchronous_commit") == kept


def test_what_passes_by_itself_is_told_from_what_does_not_in_any_language() -> None:
    kinds = Postgresql()
    for passing in (psycopg.OperationalError("connexion perdue"), psycopg.errors.LockNotAvailable("verrou")):
        assert kinds.error_for(passing, str(passing)) is TemporarilyUnavailableError
    assert kinds.error_for(psycopg.errors.DataCorrupted("page invalide"), "") is CorruptStoreError
    assert kinds.error_for(psycopg.errors.UndefinedTable("table absente"), "") is StoreError
