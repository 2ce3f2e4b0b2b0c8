"""Who changes a store by hand is found out, with the first bad position: on SQLite and on PostgreSQL."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import RefusedError
from huissier.adapters.evidence.checkpoint import Checkpoint, Submitted
from huissier.adapters.evidence.keys import Signer
from huissier.adapters.evidence.making import checkpoint_of, proof_of, since, witnessed
from huissier.adapters.evidence.note import WITNESS
from huissier.adapters.evidence.verifying import Verified
from huissier.adapters.log import codec
from huissier.adapters.testing.hospital import NOW
from huissier.domain.events import MessageDecided
from tests.evidence.at_hand import checkpoint, found, nodes_of, signer
from tests.evidence.signed_stores import BAD, EARLY, LATE, Store, build, story
from tests.log.by_hand import ByHand
from tests.stores import KEY

TABLES = ("events", "tags", "huissier_views.tree_roots", "huissier_views.tree_leaves")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("built")
    return build(f"sqlite:///{folder}/huissier.db", folder)


@pytest.fixture
def embedded(built: Store, tmp_path: Path) -> Store:
    folder = tmp_path / "copy"
    shutil.copytree(built.folder, folder)
    return Store(ByHand(f"sqlite:///{folder}/huissier.db"), built.early, built.late, folder)


@pytest.fixture(scope="module")
def on_a_server(postgres_server: URL, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store on PostgreSQL, with a copy of its tables: that is put back faster than a store is built."""
    admin = postgres_server.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"huissier_attacked_{os.getpid()}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = postgres_server.set(drivername="postgresql+psycopg", database=name)
    store = build(url.render_as_string(hide_password=False), tmp_path_factory.mktemp("server"))
    store.by_hand.run("CREATE SCHEMA saved")
    for table in TABLES:
        store.by_hand.run(f"CREATE TABLE saved.{table.rpartition('.')[2]} AS SELECT * FROM {table}")  # noqa: S608
    return store


@pytest.fixture(params=["file", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "file":
        yield request.getfixturevalue("embedded")
        return
    store: Store = request.getfixturevalue("on_a_server")
    seen = store.folder / "log.key.seen"
    signed = seen.read_bytes()
    yield store
    seen.write_bytes(signed)
    (store.folder / "witness.key.seen").unlink(missing_ok=True)
    for table in TABLES:
        store.by_hand.run(f"DELETE FROM {table}")  # noqa: S608
        store.by_hand.run(f"INSERT INTO {table} SELECT * FROM saved.{table.rpartition('.')[2]}")  # noqa: S608


def flip_a_byte(store: ByHand) -> None:
    store.rewrite(BAD, lambda data: data.replace(b'"accepted":true', b'"accepted":tru\x45'))


def change_a_time(store: ByHand) -> None:
    """Leave an event that reads well."""
    store.rewrite(BAD, lambda data: data.replace(b"2026-10-31T09", b"2026-10-31T08"))


def delete_the_tail(store: ByHand) -> None:
    for table in ("events", "tags"):
        store.run(f"DELETE FROM {table} WHERE position >= ?", BAD)  # noqa: S608


def delete_one(store: ByHand) -> None:
    for table in ("events", "tags"):
        store.run(f"DELETE FROM {table} WHERE position = ?", BAD)  # noqa: S608


def move(store: ByHand, position: int, to: int) -> None:
    for table in ("events", "tags"):
        store.run(f"UPDATE {table} SET position = ? WHERE position = ?", to, position)  # noqa: S608


def swap_two(store: ByHand) -> None:
    move(store, BAD, 1_000_000)
    move(store, BAD + 7, BAD)
    move(store, 1_000_000, BAD + 7)


def insert_one(store: ByHand) -> None:
    for table in ("events", "tags"):  # in two steps, for positions are unique meanwhile too
        store.run(f"UPDATE {table} SET position = -position WHERE position >= ?", BAD)  # noqa: S608
        store.run(f"UPDATE {table} SET position = 1 - position WHERE position < 0")  # noqa: S608
    store.run("INSERT INTO events SELECT ?, type, data, '[]' FROM events WHERE position = ?", BAD, BAD + 1)


def take_out_one(store: ByHand) -> None:
    """Close the gap behind it."""
    delete_one(store)
    for table in ("events", "tags"):
        store.run(f"UPDATE {table} SET position = -position WHERE position > ?", BAD)  # noqa: S608
        store.run(f"UPDATE {table} SET position = -position - 1 WHERE position < 0")  # noqa: S608


def change_a_tag(store: ByHand) -> None:
    store.run("UPDATE events SET tags = '[\"submission:other\"]' WHERE position = ?", BAD)
    store.run("UPDATE tags SET tag = 'submission:other' WHERE position = ?", BAD)


def add_a_tag(store: ByHand) -> None:
    tags = json.loads(store.value("SELECT tags FROM events WHERE position = ?", BAD))
    store.run("UPDATE events SET tags = ? WHERE position = ?", json.dumps([*tags, "contact:x"]), BAD)
    store.run("INSERT INTO tags SELECT 'contact:x', type, position FROM tags WHERE position = ?", BAD)


def change_a_type(store: ByHand) -> None:
    for table in ("events", "tags"):
        store.run(f"UPDATE {table} SET type = 'message-delivered.v1' WHERE position = ?", BAD)  # noqa: S608


CHANGED = "is not the event that was signed at 600 events"
SOMEWHERE = "is not the event that was signed, or one up to 600 is not"


class Attack(NamedTuple):
    """What somebody did, and what is found: with the nodes beside the store, and without them."""

    done: Callable[[ByHand], object]
    found: Sequence[tuple[int, str]] = ((BAD, CHANGED),)
    without_nodes: Sequence[tuple[int, str]] = ((EARLY + 1, SOMEWHERE),)


GONE = "is missing: the log ends here, and 600 events were signed"
ATTACKS: dict[str, Attack] = {
    "a byte is flipped": Attack(flip_a_byte),
    "a time is changed": Attack(change_a_time),
    "the tail is deleted": Attack(delete_the_tail, [(BAD, GONE)], [(BAD, GONE)]),
    "an event is deleted": Attack(delete_one, [(BAD, "is missing")], [(BAD, "is missing")]),
    "two events are swapped": Attack(swap_two),
    "an event is inserted": Attack(insert_one),
    "an event is taken out and the gap closed": Attack(
        take_out_one,
        [(BAD, "is not the event that was here when the tree beside the store was made"), (LATE, GONE)],
        [(LATE, GONE)],
    ),
    "a tag is another": Attack(change_a_tag),
    "a tag is added": Attack(add_a_tag),
    "the type is another": Attack(change_a_type),
}


def test_a_store_that_nobody_changed_is_as_it_was_signed(store: Store) -> None:
    assert store.verified(store.early, store.late) == Verified(LATE, LATE, (), ())
    assert store.verified(store.early) == Verified(LATE, EARLY, (), ())
    store.forget_nodes()
    assert store.verified(store.early, store.late) == Verified(LATE, LATE, (), ())


@pytest.mark.parametrize("name", ATTACKS)
def test_what_was_changed_is_named_by_its_position(name: str, store: Store) -> None:
    attack = ATTACKS[name]
    attack.done(store.by_hand)
    verified = store.verified(store.early, store.late)
    assert found(verified) == list(attack.found)
    assert verified.signed == EARLY


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_found_without_the_nodes_too(name: str, embedded: Store) -> None:
    attack = ATTACKS[name]
    attack.done(embedded.by_hand)
    embedded.forget_nodes()
    assert found(embedded.verified(embedded.late, embedded.early)) == list(attack.without_nodes)


def test_of_a_log_that_was_cut_the_rest_is_not_taken_for_granted(embedded: Store) -> None:
    delete_the_tail(embedded.by_hand)
    embedded.forget_nodes()
    assert embedded.verified(embedded.early, embedded.late).notes == (
        "whether the events at positions from 301 to 399 are those that were signed is not told",
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_nodes_alone_tell_that_something_was_changed(name: str, embedded: Store) -> None:
    attack = ATTACKS[name]
    attack.done(embedded.by_hand)
    ((position, _),) = found(embedded.verified())
    assert position == BAD


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_that_was_signed_before_the_change_is_doubted(name: str, embedded: Store) -> None:
    ATTACKS[name].done(embedded.by_hand)
    assert embedded.verified(embedded.early).signed == EARLY


def test_who_changes_only_the_index_of_tags_is_found_out(store: Store) -> None:
    store.by_hand.run("DELETE FROM tags WHERE position = ?", BAD)
    assert found(store.verified(store.late)) == [(BAD, "a tag of the event is missing from the tag index")]


def test_an_event_that_cannot_be_read_is_named(embedded: Store) -> None:
    embedded.by_hand.run("UPDATE events SET data = 5 WHERE position = ?", BAD)
    assert found(embedded.verified(embedded.late)) == [(BAD, "the event cannot be read")]


def test_nodes_of_another_log_accuse_nobody(embedded: Store) -> None:
    hashes = ByHand(f"sqlite:///{embedded.folder}/huissier.db.views")
    hashes.run("UPDATE tree_leaves SET hashes = zeroblob(8192) WHERE block = 0")
    verified = embedded.verified(embedded.late)
    assert (verified.signed, verified.problems) == (LATE, ())
    assert "the tree beside the store is not of this log at position 1" in verified.notes[0]


def test_nodes_that_are_no_database_accuse_nobody(embedded: Store) -> None:
    (embedded.folder / "huissier.db.views").write_bytes(b"no database" * 1000)
    assert embedded.verified(embedded.late) == Verified(LATE, LATE, (), ())


# --- a rewritten history with fresh hashes, by somebody who has the signing key


@pytest.fixture
def rewritten(store: Store) -> tuple[Store, Checkpoint]:
    """Change an event, hash everything again, make the key forget, and sign."""
    change_a_time(store.by_hand)
    (store.folder / "log.key.seen").unlink()
    with Engine(store.by_hand.url, environment=KEY) as engine, nodes_of(engine) as nodes:
        nodes.rebuild()
        return store, checkpoint_of(nodes.tree(), signer(store.folder), NOW)


def test_a_rewritten_history_is_whole_by_itself(rewritten: tuple[Store, Checkpoint]) -> None:
    store, fresh = rewritten
    assert store.verified(fresh) == Verified(LATE, LATE, (), ())


def test_an_earlier_checkpoint_gives_it_away(rewritten: tuple[Store, Checkpoint]) -> None:
    store, _ = rewritten
    assert found(store.verified(store.early, store.late)) == [(EARLY + 1, SOMEWHERE)]


def test_a_witness_refuses_it(rewritten: tuple[Store, Checkpoint]) -> None:
    store, _ = rewritten
    witness = Signer(store.folder / "witness.key", kind=WITNESS)
    witnessed(Submitted.parse(store.late.raw), witness, NOW)
    with Engine(store.by_hand.url, environment=KEY) as engine:
        engine.handle_many(story(LATE + 1, LATE + 9))
        with nodes_of(engine) as nodes:
            tree = nodes.tree()
        grown = checkpoint_of(tree, signer(store.folder), NOW)
    with pytest.raises(RefusedError, match="the log forked: it does not continue the one that was signed at 600"):
        witnessed(Submitted.parse(since(tree, LATE, grown)), witness, NOW)


# --- the log's own key and tree are not led to sign or prove what was changed


def test_a_log_does_not_sign_what_contradicts_it(store: Store) -> None:
    change_a_time(store.by_hand)
    with Engine(store.by_hand.url, environment=KEY) as engine, nodes_of(engine) as nodes:
        with pytest.raises(RefusedError, match="the event at position 400 is not the one that was there before"):
            nodes.tree()
        assert nodes.standing().error == "the event at position 400 is not the one that was there before"
        nodes.rebuild()
        assert nodes.standing().error is None
        with pytest.raises(RefusedError, match="the log forked: it does not continue the one that was signed at 600"):
            checkpoint_of(nodes.tree(), signer(store.folder), NOW)


def test_a_change_far_behind_is_not_signed_for_though_it_is_not_looked_at(embedded: Store) -> None:
    """A checkpoint stands on the hashes of what was there: the root stays that of the events as they were."""
    embedded.by_hand.rewrite(20, lambda data: data.replace(b"T09", b"T08"))
    with Engine(embedded.by_hand.url, environment=KEY) as engine:
        engine.handle_many(story(LATE + 1, LATE + 300))
        newest = checkpoint(engine, embedded.folder)
    assert found(embedded.verified(newest)) == [(20, f"is not the event that was signed at {LATE + 300} events")]


def test_a_log_does_not_sign_that_it_shrank(store: Store) -> None:
    delete_the_tail(store.by_hand)
    with Engine(store.by_hand.url, environment=KEY) as engine, nodes_of(engine) as nodes:
        with pytest.raises(RefusedError, match="the log ends at position 399, but 512 was there before"):
            nodes.tree()
        nodes.rebuild()
        with pytest.raises(RefusedError, match="the log shrank: it has 399 events, and 600 were signed before"):
            checkpoint_of(nodes.tree(), signer(store.folder), NOW)


def test_a_changed_event_is_not_proved(embedded: Store) -> None:
    embedded.by_hand.rewrite(100, lambda data: data.replace(b"T09", b"T08"))
    with Engine(embedded.by_hand.url, environment=KEY) as engine, nodes_of(engine) as nodes:
        tree = nodes.tree()
        with pytest.raises(RefusedError, match="the event at position 100 is not the one that was there before"):
            proof_of(engine.log, tree, 100, embedded.late)


def test_a_proof_survives_what_is_done_to_the_store(embedded: Store) -> None:
    with Engine(embedded.by_hand.url, environment=KEY) as engine, nodes_of(engine) as nodes:
        proof = proof_of(engine.log, nodes.tree(), BAD, embedded.late)
    flip_a_byte(embedded.by_hand)
    proof.check()
    decided = codec.decode(proof.leaf.partition(b"\n")[2], proof.position).event
    assert isinstance(decided, MessageDecided)
    assert decided.id == f"m-{BAD}"
