"""The same tree, checkpoints and proofs wherever the log is kept; an erasure leaves all of them valid."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huissier import EraseUsager
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import CorruptStoreError, StoreError
from huissier.adapters.evidence.checkpoint import Head
from huissier.adapters.evidence.leaf import data_of, leaf_of
from huissier.adapters.evidence.making import position_of, proof_of
from huissier.adapters.evidence.nodes import Nodes, all_leaves
from huissier.adapters.evidence.proof import Proof
from huissier.adapters.evidence.tree import BLOCK, leaf_hash, root_of
from huissier.adapters.evidence.verifying import LogVerifier, Verified, verified
from huissier.adapters.integrity.findings import Findings
from huissier.adapters.testing.hospital import DOCTOR, NOW, SURGEON, USAGER, ins, reach, world, write
from huissier.adapters.views.database import ViewsDatabase
from huissier.domain.vocabulary.ins import mentions_ins
from tests.evidence.at_hand import checkpoint, nodes_of, signer, tree_of
from tests.log.by_hand import ByHand
from tests.stores import StoreUnderTest


def verify(engine: Engine, *heads: Head) -> Verified:
    """Verify a log through its recorder."""
    findings = Findings()
    verifier = LogVerifier(heads, findings)
    verifier.take_in(all_leaves(engine.log))
    verifier.end()
    return verified(verifier, findings)


def test_checkpoints_and_proofs_hold_also_when_a_usager_was_erased(store: StoreUnderTest, tmp_path: Path) -> None:
    with store.open() as engine:
        engine.handle_many([*world(), reach(DOCTOR, USAGER, at=NOW), write(USAGER, DOCTOR, id="answer", at=NOW)])
        before = checkpoint(engine, tmp_path)
        position = position_of(engine.log, ["answer"])
        assert position is not None
        with nodes_of(engine) as nodes:
            proof = proof_of(engine.log, nodes.tree(), position, before)
        engine.handle(EraseUsager(ins=ins(1), at=NOW))
        after = checkpoint(engine, tmp_path)
        assert after.head.size == before.head.size + 1
        assert verify(engine, before.head, after.head) == Verified(after.head.size, after.head.size, (), ())
        with nodes_of(engine) as nodes:
            again = proof_of(engine.log, nodes.tree(), position, before)
    read = Proof.parse(proof.text)
    read.check()
    assert (read, again) == (proof, proof)
    assert json.loads(data_of(read.leaf))["event"]["id"] == "answer"
    assert not mentions_ins(read.text.decode())
    assert read.checkpoint.signed_by([signer(tmp_path).verifier])


def test_the_tree_is_the_same_however_often_it_was_looked_at(store: StoreUnderTest) -> None:
    with store.open() as engine:
        engine.handle_many(world())
        for size in (BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5):
            letters = [write(DOCTOR, SURGEON, id=f"m-{number}", at=NOW) for number in range(engine.head, size)]
            engine.handle_many(letters)
            assert engine.head == size
            hashes = [leaf_hash(leaf) for _, leaf in all_leaves(engine.log)]
            with nodes_of(engine) as nodes:
                tree = nodes.tree()
                assert (tree.size, tree.root()) == (size, root_of(hashes))
                assert [tree.leaf(index) for index in range(0, size, 85)] == hashes[::85]
        with nodes_of(engine) as nodes:
            assert (nodes.standing().position, nodes.standing().lag) == (2 * BLOCK, 5)
            nodes.rebuild()
            assert nodes.tree().root() == root_of(hashes)


def test_a_log_that_is_empty_has_a_checkpoint_too(store: StoreUnderTest, tmp_path: Path) -> None:
    with store.open() as engine:
        signed = checkpoint(engine, tmp_path)
        assert (signed.head.size, signed.head.root) == (0, sha256(b"").digest())
        engine.handle_many(world())
        assert checkpoint(engine, tmp_path).head.size == engine.head


def test_two_who_hash_at_once_keep_the_same_nodes(store: StoreUnderTest) -> None:
    with store.open() as engine:
        engine.handle_many([*world(), *(write(DOCTOR, SURGEON, id=f"m-{number}", at=NOW) for number in range(600))])
        with ViewsDatabase(engine.place) as one, ViewsDatabase(engine.place) as other:
            first, second = Nodes(engine.log, one), Nodes(engine.log, other)
            done: list[int] = []

            def come_between(position: int, _: int) -> None:
                done.append(position)
                assert second.tree().size == engine.head

            assert first.tree(come_between).root() == second.tree().root()
            assert done


def test_a_hole_in_the_nodes_is_told_and_nothing_is_signed(tmp_path: Path) -> None:
    with Engine(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle_many([*world(), *(write(DOCTOR, SURGEON, id=f"m-{number}", at=NOW) for number in range(600))])
        tree_of(engine)
        ByHand(f"sqlite:///{tmp_path}/huissier.db.views").run("DELETE FROM tree_roots WHERE block = 0")
        with pytest.raises(StoreError, match="has a hole"):
            tree_of(engine)


def test_a_missing_event_is_told(tmp_path: Path) -> None:
    with Engine(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle_many(world())
        ByHand(f"sqlite:///{tmp_path}/huissier.db").run("DELETE FROM events WHERE position = 3")
        with pytest.raises(CorruptStoreError, match="the event at position 3 is missing"):
            tree_of(engine)


def test_bytes_that_became_text_are_the_same_and_a_number_is_none(tmp_path: Path) -> None:
    with Engine(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle_many(world())
        by_hand, before = ByHand(f"sqlite:///{tmp_path}/huissier.db"), tree_of(engine).root()
        by_hand.run("UPDATE events SET data = CAST(data AS TEXT) WHERE position = 2")
        assert tree_of(engine).root() == before
        by_hand.run("UPDATE events SET data = 5 WHERE position = 2")
        with pytest.raises(CorruptStoreError, match="the event at position 2 cannot be read"):
            tree_of(engine)


# --- what a leaf is

events = st.tuples(st.text(), st.lists(st.text(), max_size=4), st.binary())


def canonical(values: list[str]) -> str:
    """Write an array of texts in the form of RFC 8785, which for texts is ECMAScript's."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


@given(events)
def test_a_leaf_is_what_the_page_says(event: tuple[str, list[str], bytes]) -> None:
    kind, tags, data = event
    assert leaf_of(kind, tags, data) == canonical([kind, *sorted(set(tags))]).encode() + b"\n" + data
    assert data_of(leaf_of(kind, tags, data)) == data


@given(events, events)
def test_no_two_events_have_one_leaf(one: tuple[str, list[str], bytes], other: tuple[str, list[str], bytes]) -> None:
    same = (one[0], set(one[1]), one[2]) == (other[0], set(other[1]), other[2])
    assert (leaf_of(*one) == leaf_of(*other)) == same


def test_a_leaf_is_spelled_out() -> None:
    assert leaf_of("t.v1", ["é", "b\n", "a", "a"], b'{"x":1}') == '["t.v1","a","b\\n","é"]\n{"x":1}'.encode()
