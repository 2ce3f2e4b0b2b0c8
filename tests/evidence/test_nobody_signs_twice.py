"""No signer contradicts itself: what a key signs continues what it signed before, and a witness wants that proved."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from huissier.adapters.errors import RefusedError, UnreadableEvidenceError
from huissier.adapters.evidence.checkpoint import Checkpoint, Head, Submitted, with_proof
from huissier.adapters.evidence.keys import Signer
from huissier.adapters.evidence.making import witnessed
from huissier.adapters.evidence.note import LOG, WITNESS, SignerKey
from huissier.adapters.evidence.tree import Hash, leaf_hash, root_of
from huissier.adapters.testing.hospital import NOW
from huissier.domain.vocabulary.ins import mentions_ins
from tests.evidence.trees import HASHES, tree_of

LOG_KEY = SignerKey("log.example", LOG, b"1" * 32)


def signed(hashes: Sequence[Hash], old: int | None = None, origin: SignerKey = LOG_KEY) -> Submitted:
    """Sign a log of some leaves as one would whom nothing holds back, with a proof from an older size."""
    head = Head(origin.verifier.name, len(hashes), root_of(hashes))
    raw = f"{head.text}\n{origin.sign(head.text, 0)}".encode()
    return Submitted.parse(raw if old is None else with_proof(old, tree_of(hashes).consistency(old, head.size), raw))


@pytest.fixture
def witness(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "witness.key", kind=WITNESS, name="witness.example")


def test_a_witness_signs_the_first_and_what_continues_it(witness: Signer) -> None:
    for submitted in (signed(HASHES[:5]), signed(HASHES[:5]), signed(HASHES[:300], old=5), signed(HASHES[:300], old=0)):
        note = Checkpoint.parse(witnessed(submitted, witness, NOW))
        assert note.signed_by([LOG_KEY.verifier, witness.verifier]) == {LOG_KEY.verifier: None, witness.verifier: NOW}
        assert note.head == submitted.checkpoint.head


def test_a_witness_countersigns_all_lines_of_another_programs_checkpoint(witness: Signer) -> None:
    text = f"{signed(HASHES[:5]).checkpoint.head.text}another line\n"
    submitted = Submitted.parse(f"{text}\n{LOG_KEY.sign(text, 0)}".encode())
    note = Checkpoint.parse(witnessed(submitted, witness, NOW))
    assert note.signed_by([LOG_KEY.verifier, witness.verifier])[witness.verifier] == NOW


def test_a_witness_that_saw_an_empty_log_needs_no_proof(witness: Signer) -> None:
    witnessed(signed([]), witness, NOW)
    witnessed(signed(HASHES[:5]), witness, NOW)


FORKED = [*HASHES[:4], leaf_hash(b"another")]
REFUSED = {
    "a log that shrank": (signed(HASHES[:4]), "the log shrank: it has 4 events, and 5 were signed before"),
    "another log of the same size": (signed(FORKED), "the log forked"),
    "a longer log with another past": (signed([*FORKED, HASHES[5]], old=5), "the log forked"),
    "a longer log without proof": (signed(HASHES[:9]), "checkpoint --since 5"),
    "a proof from another size": (signed(HASHES[:9], old=4), "checkpoint --since 5"),
    "a log emptied": (signed([]), "the log shrank"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_witness_refuses(name: str, witness: Signer, tmp_path: Path) -> None:
    submitted, why = REFUSED[name]
    witnessed(signed(HASHES[:5]), witness, NOW)
    remembered = (tmp_path / "witness.key.seen").read_bytes()
    with pytest.raises(RefusedError, match=why):
        witnessed(submitted, witness, NOW)
    assert (tmp_path / "witness.key.seen").read_bytes() == remembered
    witnessed(signed(HASHES[:9], old=5), witness, NOW)  # the true log goes on


def test_what_is_remembered_survives_the_process_and_is_kept_apart_by_origin(witness: Signer, tmp_path: Path) -> None:
    witnessed(signed(HASHES[:5]), witness, NOW)
    other = SignerKey("other.example", LOG, b"4" * 32)
    witnessed(signed(FORKED, origin=other), Signer(tmp_path / "witness.key", kind=WITNESS), NOW)
    with pytest.raises(RefusedError, match="the log forked"):
        witnessed(signed(FORKED), Signer(tmp_path / "witness.key", kind=WITNESS), NOW)


def test_of_two_that_fork_at_once_one_is_refused(witness: Signer) -> None:
    def try_one(submitted: Submitted) -> str:
        try:
            witnessed(submitted, witness, NOW)
        except RefusedError:
            return "refused"
        return "signed"

    both = [signed(HASHES[:5]), signed(FORKED)] * 8
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(try_one, both))
    assert outcomes.count("signed") == outcomes.count("refused") == 8


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    first = Signer(path, kind=LOG)
    first.sign(Head(first.verifier.name, 0, root_of([])), lambda _: [], 0)
    assert Signer(path, kind=LOG).verifier == first.verifier
    assert {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {
        "log.key": 0o600,
        "log.key.seen": 0o600,
    }
    assert not mentions_ins(first.verifier.name)


def test_of_many_who_make_a_key_at_once_all_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: Signer(tmp_path / "log.key", kind=LOG).verifier, range(32)))
    assert len(set(keys)) == 1
    assert os.listdir(tmp_path) == ["log.key"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "begins PRIVATE"),
        (b"\xff", "cannot be read"),
        (LOG_KEY.verifier.text.encode(), "begins PRIVATE"),
        (SignerKey("w", WITNESS, b"1" * 32).secret.encode(), "not of a log"),
        (SignerKey("other", LOG, b"1" * 32).secret.encode(), "is of other"),
    ],
)
def test_a_file_that_is_not_the_key_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "log.key").write_bytes(content)
    (tmp_path / "log.key").chmod(0o600)
    with pytest.raises(UnreadableEvidenceError, match=why):
        Signer(tmp_path / "log.key", kind=LOG, name="log.example")


def test_a_memory_that_cannot_be_read_keeps_the_key_from_signing(witness: Signer, tmp_path: Path) -> None:
    (tmp_path / "witness.key.seen").write_bytes(b"{")
    with pytest.raises(UnreadableEvidenceError, match="what was signed before, cannot be read"):
        witnessed(signed(HASHES[:5]), witness, NOW)


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o602])
def test_a_key_that_others_may_use_signs_nothing(mode: int, tmp_path: Path) -> None:
    Signer(tmp_path / "log.key", kind=LOG)
    (tmp_path / "log.key").chmod(mode)
    with pytest.raises(UnreadableEvidenceError, match="open to others"):
        Signer(tmp_path / "log.key", kind=LOG)
