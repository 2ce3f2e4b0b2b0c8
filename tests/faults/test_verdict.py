"""The verdict finds what a fault may do to a store; without that, a fault survived would mean nothing."""

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import Final

import pytest

import huissier
from huissier.adapters.errors import CorruptStoreError
from tests.faults.journal import Journal
from tests.faults.verdict import judge
from tests.faults.worker import Gateway, in_tasks, own_moments

# What is wrong: what the verdict says of it, and how it came about.
DEFECTS: Final[dict[str, tuple[str, str]]] = {
    "a gap": ("position 40 is missing", "DELETE FROM events WHERE position = 40"),
    "a lost end": (
        "came to .* and not to None",
        "DELETE FROM events WHERE position > 60; DELETE FROM tags WHERE position > 60",
    ),
    "a message decided twice": (
        "was decided 2 times",
        "INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), type, data, tags FROM events"
        " WHERE position = (SELECT max(position) FROM events WHERE type = 'message-decided.v1')",
    ),
    "a fact recorded twice": (
        "came to",
        "INSERT INTO tags SELECT tag, type, (SELECT max(position) + 1 FROM events) FROM tags WHERE position = 5;"
        "INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), type, data, tags FROM events"
        " WHERE position = 5",
    ),
    "a wrong verdict": (
        "came to",
        "UPDATE events"
        " SET data = CAST(replace(CAST(data AS TEXT), '\"accepted\":true', '\"accepted\":false') AS BLOB)"
        " WHERE position = (SELECT max(position) FROM events WHERE CAST(data AS TEXT) LIKE '%\"accepted\":true%')",
    ),
    "tags of another event": ("not its own", "UPDATE events SET tags = '[\"domain:x\"]' WHERE position = 7"),
    "a tag that is not found": ("index of tags", "DELETE FROM tags WHERE position = 7"),
    "a tag of no event": ("index of tags", "INSERT INTO tags VALUES ('domain:x', 'domain-admitted.v1', 7)"),
    "a usager that the vault lost": ("the vault", "DELETE FROM vault WHERE usager = (SELECT min(usager) FROM vault)"),
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store on which a gateway has been at work, and its journal."""
    folder = tmp_path_factory.mktemp("lived")

    async def story(journal: Journal) -> None:
        async with huissier.open_async(f"sqlite:///{folder / 'huissier.db'}") as engine:
            await Gateway(in_tasks(engine), journal, 0, own_moments(0)).work(until=150)

    with pytest.MonkeyPatch.context() as outside, Journal(folder / "journal") as journal:
        outside.delenv("HUISSIER_VAULT_KEY", raising=False)
        asyncio.run(story(journal))
    return folder


@pytest.fixture
def folder(lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to spoil."""
    monkeypatch.delenv("HUISSIER_VAULT_KEY")
    return Path(shutil.copytree(lived, tmp_path / "copy"))


def test_nothing_is_said_against_a_store_that_is_in_order(folder: Path) -> None:
    assert len(judge(f"sqlite:///{folder / 'huissier.db'}", folder / "journal").facts) > 60


@pytest.mark.parametrize(("said", "defect"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_of_a_store_is_found(said: str, defect: str, folder: Path) -> None:
    store = sqlite3.connect(folder / "huissier.db")
    store.executescript(defect)
    store.close()
    with pytest.raises((AssertionError, CorruptStoreError), match=said):
        judge(f"sqlite:///{folder / 'huissier.db'}", folder / "journal")


def test_an_answer_that_the_log_does_not_bear_out_is_found(folder: Path) -> None:
    journal = folder / "journal"
    journal.write_bytes(journal.read_bytes().replace(b'"outcome":"accepted"', b'"outcome":"refused"'))
    with pytest.raises(AssertionError, match="came to"):
        judge(f"sqlite:///{folder / 'huissier.db'}", journal)
