"""A store is opened with care: what is not one, or is damaged, is named and left untouched."""

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

import huissier
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import (
    CorruptStoreError,
    EngineClosedError,
    ForeignStoreError,
    StoreError,
    StoreVersionError,
    VaultKeyError,
)
from huissier.domain.commands import RegisterOperator


def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A store with many facts in it."""
    path = tmp_path / "made" / "huissier.db"
    path.parent.mkdir()
    with huissier.open(url(path)) as engine:
        engine.handle_many(RegisterOperator(operator=f"operator-{n}", kind="professionnel") for n in range(500))
    return path


def refused(path: Path, error: type[StoreError]) -> str:
    """Open the store, expect the error, and see that no byte beside or in it changed."""
    before = {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    with pytest.raises(error) as caught:
        huissier.open(url(path))
    assert {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()} == before
    return str(caught.value)


def test_the_files_of_a_store_are_their_owners_only(made: Path) -> None:
    with huissier.open(url(made)) as engine:
        engine.handle(RegisterOperator(operator="one-more", kind="usager"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in made.parent.iterdir()}
    assert modes == dict.fromkeys(("huissier.db", "huissier.db-shm", "huissier.db-wal", "huissier.db.key"), 0o600)


def test_a_text_file_is_not_a_store(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague, " * 100)
    assert "not a huissier store" in refused(path, ForeignStoreError)


def test_an_sqlite_file_of_something_else_is_not_a_store(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE events (position INTEGER PRIMARY KEY)")
    connection.commit()
    connection.close()
    assert "something else" in refused(path, ForeignStoreError)


def test_a_store_cut_short_is_damaged(made: Path) -> None:
    content = made.read_bytes()
    for length in (50, 4096, len(content) - 4096, len(content) - 1):
        made.write_bytes(content[:length])
        refused(made, CorruptStoreError)


def test_a_store_with_a_broken_page_is_damaged(made: Path) -> None:
    content = bytearray(made.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    made.write_bytes(content)
    refused(made, CorruptStoreError)


def test_a_store_of_another_schema_version_is_refused(made: Path) -> None:
    for version, word in ((7, "newer"), (0, "older")):
        content = bytearray(made.read_bytes())
        content[60:64] = version.to_bytes(4, "big")
        made.write_bytes(content)
        assert word in refused(made, StoreVersionError)


def test_a_fact_that_cannot_be_decoded_is_named_by_its_position(made: Path) -> None:
    connection = sqlite3.connect(made)
    connection.execute('UPDATE events SET data = \'{"type":"who-knows.v9"}\' WHERE position = 8')
    connection.commit()
    connection.close()
    with huissier.open(url(made)) as engine:
        with pytest.raises(CorruptStoreError, match="position 8"):
            engine.handle(RegisterOperator(operator="operator-7", kind="professionnel"))
        assert engine.handle(RegisterOperator(operator="operator-8", kind="professionnel")).outcome == "unchanged"


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    with huissier.open(url(path)) as engine:
        assert engine.head == 0


def test_a_folder_or_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        huissier.open(url(tmp_path))
    with pytest.raises(StoreError, match="cannot be made"):
        huissier.open(url(tmp_path / "nowhere" / "huissier.db"))


@pytest.mark.parametrize(
    "text", ["", "huissier.db", "sqlite:///", "sqlite:////x?mode=ro", "mysql://host/db", "sqlite://host/x.db", "://"]
)
def test_a_url_that_names_no_store_is_a_clear_error(text: str) -> None:
    with pytest.raises(StoreError, match=r"URL|supported"):
        huissier.open(text)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(StoreError) as caught:
        huissier.open("mysql://user:secret@host/db")
    assert "secret" not in str(caught.value)


def test_a_store_that_must_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        Engine(url(tmp_path / "huissier.db"), create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_file_is_named_and_not_made_anew(made: Path) -> None:
    made.with_name("huissier.db.key").unlink()
    assert "huissier.db.key" in refused(made, VaultKeyError)


def test_another_key_is_refused(made: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    huissier.open(url(other)).close()
    shutil.copy(other.with_name("other.db.key"), made.with_name("huissier.db.key"))
    assert "not the one" in refused(made, VaultKeyError)


@pytest.mark.parametrize("text", ["", "short", "é" * 44, "A" * 43 + "=" + "A" * 44])
def test_a_malformed_key_is_refused_without_repeating_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(VaultKeyError) as caught:
        Engine(url(tmp_path / "huissier.db"), environment={"HUISSIER_VAULT_KEY": text})
    assert not text or text not in str(caught.value)


def test_the_key_of_the_environment_comes_before_a_key_file(tmp_path: Path) -> None:
    key = {"HUISSIER_VAULT_KEY": "A" * 43 + "="}
    path = tmp_path / "huissier.db"
    Engine(url(path), environment=key).close()
    Engine(url(path), environment=key).close()
    assert not path.with_name("huissier.db.key").exists()
    with pytest.raises(VaultKeyError):
        Engine(url(path), environment={})


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "removed"])
def test_a_store_that_is_taken_away_while_it_is_used_takes_no_more(replaced: bool, tmp_path: Path) -> None:
    path = tmp_path / "huissier.db"
    with huissier.open(f"sqlite:///{path}") as engine:
        engine.handle(huissier.RegisterOperator(operator="ght", kind="professionnel"))
        question = huissier.SubmitMessage(id="x", sender="a@b.fr", recipients=["b@b.fr"])
        backup = path.read_bytes()
        path.unlink()
        if replaced:
            path.write_bytes(backup)
        for ask in (engine.handle, engine.check, engine.check_at_once):
            with pytest.raises(StoreError, match="removed or replaced"):
                ask(question)


def test_who_goes_elsewhere_keeps_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with huissier.open("sqlite:///huissier.db") as engine:
        monkeypatch.chdir("/")
        assert engine.handle(huissier.RegisterOperator(operator="ght", kind="professionnel")).outcome == "recorded"


def test_a_closed_engine_says_so_and_closing_twice_does_no_harm(tmp_path: Path) -> None:
    for where in (url(tmp_path / "huissier.db"), "sqlite://"):
        engine = huissier.open(where)
        engine.close()
        engine.close()
        with pytest.raises(EngineClosedError):
            engine.handle(RegisterOperator(operator="late", kind="usager"))
        with pytest.raises(EngineClosedError):
            engine.check(huissier.SubmitMessage(id="x", sender="a", recipients=["b"]))
        with pytest.raises(EngineClosedError):
            engine.handle_many([])


def test_a_malformed_key_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(VaultKeyError):
        Engine(f"sqlite:///{tmp_path / 'huissier.db'}", environment={"HUISSIER_VAULT_KEY": "no"})
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_not_a_store(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="not a file"):
        Engine(f"sqlite:///{tmp_path / 'pipe'}")
