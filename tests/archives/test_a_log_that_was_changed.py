"""A log whose past is not the one that was hashed, signed or exported before: nothing of it is signed or written.

A checkpoint compares the end of a log, for it must not read all of it; an export reads all of it.
"""

import shutil
from pathlib import Path

import pytest

from huissier.adapters.archive.layout import SUMS, checkpoint_path
from huissier.adapters.archive.verifying import verify_archive
from huissier.adapters.archive.writing import Exported, export
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import CorruptStoreError, DamagedArchiveError, RefusedError, UnreadableEvidenceError
from huissier.adapters.evidence.leaf import leaf_of
from huissier.adapters.evidence.tree import HASH_LENGTH, leaf_hash
from huissier.adapters.log.read_only import ReadOnlyLog
from tests.archives import at_hand
from tests.archives.at_hand import files, rows_of_log
from tests.command_line import huissier
from tests.evidence.at_hand import nodes_of, signer
from tests.evidence.signed_stores import LATE, Store, build, story
from tests.log.by_hand import ByHand
from tests.stores import KEY

FAR = 20  # in a block of the tree that nobody looks at again


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with its tree, and an archive of all of it that is signed, and one that is not."""
    folder = tmp_path_factory.mktemp("built")
    store = build(f"sqlite:///{folder}/huissier.db", folder)
    with Engine(store.by_hand.url, environment=KEY) as engine:
        at_hand.exported(engine, folder / "signed", folder)
        export(engine.log, folder / "unsigned", None)
    return store


@pytest.fixture
def store(built: Store, tmp_path: Path) -> Store:
    folder = Path(shutil.copytree(built.folder, tmp_path / "copy"))
    return built._replace(by_hand=ByHand(f"sqlite:///{folder}/huissier.db"), folder=folder)


def change(store: Store, position: int = FAR) -> None:
    store.by_hand.rewrite(position, lambda data: data.replace(b"T09:00:00Z", b"T08:00:00Z"))


def exported(store: Store, folder: str) -> Exported:
    with Engine(store.by_hand.url, environment=KEY) as engine:
        return at_hand.exported(engine, store.folder / folder, store.folder)


def exported_unsigned(store: Store, folder: str) -> Exported:
    with ReadOnlyLog(store.by_hand.url) as log:
        return export(log, store.folder / folder, None)


def grow(store: Store) -> None:
    with Engine(store.by_hand.url, environment=KEY) as engine:
        engine.handle_many(story(LATE + 1, LATE + 10))


def test_an_event_that_is_not_the_one_in_the_tree_is_not_exported(store: Store) -> None:
    change(store)
    grow(store)
    before = (store.folder / "log.key.seen").read_bytes()
    why = f"position {FAR}: is not the event that was hashed at {LATE + 10} events"
    for folder in ("new", "signed", "unsigned"):
        was = files(store.folder / folder)
        with pytest.raises(RefusedError, match="in the archive" if was else why):
            exported(store, folder)
        assert files(store.folder / folder) == was
    assert (store.folder / "log.key.seen").read_bytes() == before


def test_nor_where_the_tree_was_changed_too(store: Store) -> None:
    """Who also changes the hash that names a position, and not the root, is found by the root."""
    change(store)
    with Engine(store.by_hand.url, environment=KEY) as engine:
        _, kind, data, tags = rows_of_log(engine.log)[FAR - 1]
    views = ByHand(f"sqlite:///{store.folder}/huissier.db.views")
    hashes = views.value("SELECT hashes FROM tree_leaves WHERE block = 0")
    place = HASH_LENGTH * (FAR - 1)
    forged = hashes[:place] + leaf_hash(leaf_of(kind, tags, data)) + hashes[place + HASH_LENGTH :]
    views.run("UPDATE tree_leaves SET hashes = ? WHERE block = 0", forged)
    with pytest.raises(RefusedError, match=f"is not the event that was hashed, or one up to {LATE} is not"):
        exported(store, "new")
    assert files(store.folder / "new") == {}


def test_nor_where_all_of_it_was_hashed_again(store: Store) -> None:
    change(store)
    with Engine(store.by_hand.url, environment=KEY) as engine, nodes_of(engine) as nodes:
        nodes.rebuild()
    with pytest.raises(RefusedError, match=f"the log forked: it does not continue the one that was signed at {LATE}"):
        exported(store, "new")
    assert files(store.folder / "new") == {}


def test_hashes_beside_the_store_that_are_wrong_accuse_nobody(store: Store) -> None:
    views = ByHand(f"sqlite:///{store.folder}/huissier.db.views")
    views.run("UPDATE tree_leaves SET hashes = zeroblob(8192) WHERE block = 0")
    assert exported(store, "new").events == LATE


@pytest.mark.parametrize("folder", ["signed", "unsigned"])
def test_two_pasts_are_not_put_one_behind_the_other(folder: str, store: Store) -> None:
    was = files(store.folder / folder)
    change(store)
    grow(store)
    with pytest.raises(RefusedError, match=f"the event at position {FAR} is not the one in the archive"):
        exported_unsigned(store, folder)
    assert files(store.folder / folder) == was


def test_an_archive_whose_checkpoint_does_not_hold_is_not_extended(store: Store) -> None:
    """It may have been put together of two pasts before, or its checkpoint is of another log."""
    change(store)
    exported_unsigned(store, "new")
    shutil.copytree(store.folder / "signed" / "checkpoints", store.folder / "new" / "checkpoints")
    was = files(store.folder / "new")
    for way in (exported_unsigned, exported):
        with pytest.raises(RefusedError, match=f"is not the event that was signed.*{LATE}"):
            way(store, "new")
        assert files(store.folder / "new") == was


def test_a_checkpoint_of_more_than_the_log_has_is_not_forgotten(store: Store) -> None:
    grow(store)
    exported(store, "signed")
    for table in ("events", "tags"):
        store.by_hand.run(f"DELETE FROM {table} WHERE position > ?", LATE)  # noqa: S608
    (store.folder / "unsigned" / "checkpoints").mkdir()
    shutil.copy(checkpoint_path(store.folder / "signed", LATE + 10), store.folder / "unsigned" / "checkpoints")
    with pytest.raises(RefusedError, match=f"the log ends here, and {LATE + 10} events were signed"):
        exported_unsigned(store, "unsigned")


def test_what_cannot_be_compared_is_not_extended(store: Store) -> None:
    (store.folder / "signed" / "checkpoints" / "000000000007.txt").write_text("no checkpoint")
    with pytest.raises(UnreadableEvidenceError, match=r"000000000007.txt: "):
        exported_unsigned(store, "signed")
    (part,) = (store.folder / "unsigned").glob("*/*.parquet")
    raw = part.read_bytes()
    part.write_bytes(raw[:4] + bytes(len(raw) - 2004) + raw[-2000:])
    with pytest.raises(DamagedArchiveError, match=r"position 1: .*cannot be read"):
        exported_unsigned(store, "unsigned")
    store.by_hand.run("DELETE FROM events WHERE position = ?", FAR)
    with pytest.raises(CorruptStoreError, match=f"the event at position {FAR} is missing"):
        exported(store, "new")
    assert files(store.folder / "new") == {SUMS: b""}


def test_an_archive_that_agrees_grows(store: Store) -> None:
    grow(store)
    for folder in ("signed", "unsigned"):
        assert exported(store, folder) == Exported(LATE + 10, LATE, 2, signer(store.folder).verifier.name)
        assert verify_archive(store.folder / folder, []).problems == ()


def test_the_command_tells_the_position_and_exits_1(store: Store) -> None:
    change(store)
    done = huissier("audit", "export", "--to", "new", "--signing-key", "log.key", cwd=store.folder, env=KEY)
    assert done.returncode == 1
    assert f"position {FAR}: is not the event that was hashed at {LATE} events" in done.stderr
    assert done.stderr.count("\n") == 1
    done = huissier("audit", "export", "--to", "signed", "--unsigned", cwd=store.folder)
    assert (done.returncode, f"position {FAR} is not the one in the archive" in done.stderr) == (1, True)
