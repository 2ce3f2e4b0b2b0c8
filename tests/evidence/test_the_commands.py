"""`huissier audit key|checkpoint|prove|verify|witness`: statuses, files, and what is refused with its place."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import huissier as library
from huissier import EraseUsager
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.evidence.checkpoint import Checkpoint, Head
from huissier.adapters.evidence.note import SignerKey
from huissier.adapters.evidence.proof import Proof
from huissier.adapters.evidence.tree import leaf_hash
from huissier.adapters.testing import hospital as w
from huissier.domain.vocabulary.ins import mentions_ins
from tests.command_line import Done, as_process, expect_one_line, huissier
from tests.stores import KEY

HOLDS_INS = f"mail of {w.ins(1)}"
URL = "sqlite:///huissier.db"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence")
    with library.open(f"sqlite:///{folder}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle_many([*w.world(), w.reach(w.DOCTOR, w.USAGER), w.write(w.USAGER, w.DOCTOR, id=HOLDS_INS)])
    save(folder, "log.vkey", "key", "--name", "log.example")
    save(folder, "witness.vkey", "key", "--witness", "--name", "witness.example", "--signing-key", "witness.key")
    save(folder, "one.txt", "checkpoint")
    with library.open(f"sqlite:///{folder}/huissier.db") as engine:
        engine.handle_many([w.write(w.DOCTOR, w.SURGEON, id="letter")])
    save(folder, "two.txt", "checkpoint", "--since", "16")
    save(folder, "plain.txt", "checkpoint")
    assert audit(folder, "prove", "-", "--out", "answer.proof", stdin=HOLDS_INS).returncode == 0
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    return copy


def audit(folder: Path, *arguments: str, stdin: str = "") -> Done:
    done = huissier("audit", *arguments, cwd=folder, stdin=stdin)
    assert not mentions_ins(done.stdout + done.stderr)
    return done


def save(folder: Path, name: str, *arguments: str) -> None:
    done = audit(folder, *arguments)
    assert done.returncode == 0, done.stderr
    (folder / name).write_text(done.stdout)


def verify(folder: Path, *arguments: str, key: str = "log.vkey") -> Done:
    return audit(folder, "verify", "--key", key, *arguments)


def test_checkpoints_proofs_and_store_agree(folder: Path) -> None:
    done = verify(
        folder, "--checkpoint", "one.txt", "--checkpoint", "two.txt", "--proof", "answer.proof", "--store", URL
    )
    assert done.returncode == 0
    *signed, fact, store = done.stdout.splitlines()
    assert [line.partition(",")[0] for line in signed] == [
        "one.txt: log.example at 16 events",
        "two.txt: log.example at 17 events",
        "answer.proof: position 16 of log.example at 17 events",
    ]
    assert fact.startswith("16  2026-10-31T09:00:00Z")
    assert store == "17 events, the first 17 as they were signed: nothing is wrong."


def test_programs_read_json(folder: Path) -> None:
    done = verify(folder, "--checkpoint", "one.txt", "--proof", "answer.proof", "--store", URL, "--json")
    one, proof, fact, store = map(json.loads, done.stdout.splitlines())
    signed = [{"name": "log.example"}]
    assert one == {"file": "one.txt", "origin": "log.example", "size": 16, "signed_by": signed}
    assert proof == {"file": "answer.proof", "origin": "log.example", "size": 17, "signed_by": signed, "position": 16}
    assert fact["kind"] == "message-decided"
    assert store == {"events": 17, "signed": 17, "problems": [], "notes": []}


def test_the_language_is_chosen(folder: Path) -> None:
    assert "a soumis le message" in verify(folder, "--proof", "answer.proof", "--lang", "fr").stdout


def test_two_checkpoints_are_compared_without_a_store(folder: Path) -> None:
    assert verify(folder, "--checkpoint", "two.txt", "--checkpoint", "one.txt").returncode == 0
    done = verify(folder, "--checkpoint", "one.txt", "--checkpoint", "plain.txt")
    assert (done.returncode, "checkpoint --since 16" in done.stderr) == (2, True)
    assert verify(folder, "--checkpoint", "one.txt", "--checkpoint", "plain.txt", "--store", URL).returncode == 0


def fork(folder: Path) -> None:
    """Have a store with another past sign with the same key."""
    (folder / "huissier.db").unlink()
    (folder / "huissier.db.views").unlink()
    (folder / "huissier.db.signing-key.seen").unlink()
    with library.open(f"sqlite:///{folder}/huissier.db") as engine:
        engine.handle_many([*w.world(), *(w.write(w.DOCTOR, w.SURGEON, id=f"other-{n}") for n in range(4))])


def test_a_fork_is_found_between_checkpoints_and_with_the_store(folder: Path) -> None:
    fork(folder)
    save(folder, "forked.txt", "checkpoint", "--since", "16")
    done = verify(folder, "--checkpoint", "one.txt", "--checkpoint", "forked.txt")
    assert done.returncode == 1
    assert "the log of 18 events does not continue that of 16: its past was changed" in done.stdout
    done = verify(folder, "--checkpoint", "one.txt", "--store", URL)
    assert done.returncode == 1
    assert "position 1: is not the event that was signed, or one up to 16 is not" in done.stdout


def test_two_roots_of_one_size_are_a_fork(folder: Path) -> None:
    (folder / "huissier.db.signing-key.seen").unlink()
    (folder / "short").mkdir()
    with library.open(f"sqlite:///{folder}/short/huissier.db") as engine:
        engine.handle_many([*w.world(), *(w.write(w.DOCTOR, w.SURGEON, id=f"other-{n}") for n in range(2))])
    save(
        folder,
        "fork.txt",
        "checkpoint",
        "--store",
        "sqlite:///short/huissier.db",
        "--signing-key",
        "huissier.db.signing-key",
    )
    done = verify(folder, "--checkpoint", "one.txt", "--checkpoint", "fork.txt")
    assert (done.returncode, "the log forked: it was signed with two roots at 16 events" in done.stdout) == (1, True)


def test_a_witness_signs_what_continues_and_refuses_the_rest(folder: Path) -> None:
    witness = ("witness", "--key", "log.vkey", "--signing-key", "witness.key", "--checkpoint")
    save(folder, "one-seen.txt", *witness, "one.txt")
    refused = audit(folder, *witness, "plain.txt")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "huissier audit checkpoint --since 16" in refused.stderr
    save(folder, "two-seen.txt", *witness, "two.txt")
    assert "the log shrank" in audit(folder, *witness, "one.txt").stderr
    (folder / "both.vkey").write_text(
        (folder / "log.vkey").read_text() + "\n# ours\n" + (folder / "witness.vkey").read_text()
    )
    assert verify(folder, "--checkpoint", "two-seen.txt", key="both.vkey").returncode == 0
    done = verify(folder, "--checkpoint", "two.txt", key="both.vkey")
    assert (done.returncode, done.stdout) == (1, "two.txt: the checkpoint is not signed by witness.example\n")
    proved = audit(folder, "prove", "letter", "--out", "letter.proof", "--checkpoint", "two-seen.txt")
    assert proved.stdout == "letter.proof: position 17 of log.example at 17 events\n"
    assert verify(folder, "--proof", "letter.proof", key="both.vkey").returncode == 0


def test_a_witness_signs_nothing_of_a_log_it_was_not_told(folder: Path) -> None:
    save(folder, "other.vkey", "key", "--signing-key", "other.key", "--name", "other.example")
    done = audit(folder, "witness", "--key", "other.vkey", "--signing-key", "witness.key", "--checkpoint", "one.txt")
    assert (done.returncode, "no key of that log was named" in done.stderr) == (1, True)
    assert not (folder / "witness.key.seen").exists()


def test_an_erasure_leaves_everything_valid(folder: Path) -> None:
    with library.open(f"sqlite:///{folder}/huissier.db") as engine:
        engine.handle(EraseUsager(ins=w.ins(1)))
    done = verify(folder, "--checkpoint", "one.txt", "--proof", "answer.proof", "--store", URL)
    assert (done.returncode, "18 events, the first 17 as they were signed" in done.stdout) == (0, True)


def test_a_copy_is_verified_without_its_keys_and_without_a_trace(folder: Path) -> None:
    copy = folder / "copy"
    copy.mkdir()
    for name in ("huissier.db", "one.txt", "log.vkey"):
        shutil.copy(folder / name, copy)
    assert verify(copy, "--checkpoint", "one.txt", "--store", URL).returncode == 0
    assert sorted(file.name for file in copy.iterdir()) == ["huissier.db", "log.vkey", "one.txt"]


def test_a_proof_is_written_for_its_owner_only(folder: Path) -> None:
    assert (folder / "answer.proof").stat().st_mode & 0o777 == 0o600
    assert not mentions_ins((folder / "answer.proof").read_text())


WRONG = {
    "no store of that name": (("prove", "letter", "--out", "x", "--store", "sqlite:///no.db"), 3, "there is no store"),
    "no such message": (("prove", "nobody", "--out", "x"), 1, "no message was submitted under this id"),
    "a message behind the checkpoint": (
        ("prove", "letter", "--out", "x", "--checkpoint", "one.txt"),
        1,
        "the event stands at position 17, and the checkpoint ends at 16",
    ),
    "a proof that cannot be written": (("prove", "letter", "--out", "no/x"), 3, "no/x cannot be written"),
    "nothing to verify": (
        ("verify", "--key", "log.vkey"),
        2,
        "name a --store, an --archive, a --checkpoint or a --proof",
    ),
    "no key file": (("verify", "--key", "no.vkey", "--checkpoint", "one.txt"), 2, "no.vkey: No such file"),
    "a key that is none": (("verify", "--key", "one.txt", "--checkpoint", "one.txt"), 2, "one.txt: "),
    "a checkpoint that is none": (("verify", "--key", "log.vkey", "--checkpoint", "log.vkey"), 2, "log.vkey: "),
    "a proof that is none": (("verify", "--key", "log.vkey", "--proof", "one.txt"), 2, "one.txt: a proof begins"),
    "a longer log asked for": (("checkpoint", "--since", "99"), 1, "cannot be proved to continue one of 99"),
    "another name": (("checkpoint", "--name", "other.example"), 2, "is of log.example"),
    "a name that is none": (("key", "--signing-key", "new.key", "--name", "two words"), 2, "one word without +"),
    "a witness without a key": (
        ("witness", "--key", "log.vkey", "--checkpoint", "one.txt"),
        2,
        "name the file of the signing key with --signing-key or HUISSIER_SIGNING_KEY",
    ),
    "the log's key for a witness": (
        ("witness", "--key", "log.vkey", "--checkpoint", "one.txt", "--signing-key", "huissier.db.signing-key"),
        2,
        "is not of a witness",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_one_line(name: str, folder: Path) -> None:
    arguments, status, why = WRONG[name]
    expect_one_line(audit(folder, *arguments), status, why)


def test_an_altered_proof_is_refused_with_its_position(folder: Path) -> None:
    proof = (folder / "answer.proof").read_text()
    (folder / "answer.proof").write_text(proof.replace("index 15", "index 14"))
    done = verify(folder, "--proof", "answer.proof")
    assert done.returncode == 1
    assert done.stdout.startswith("position 15: answer.proof: the event is not the one at position 15 of the log")


def test_the_tree_is_one_of_the_projections(folder: Path) -> None:
    assert "tree: at 0, 17 behind" in huissier("projections", "status", cwd=folder).stdout
    assert huissier("projections", "rebuild", "tree", cwd=folder).stdout == "tree: rebuilt\n"
    assert "there are directory, trail" in huissier("projections", "rebuild", "trees", cwd=folder).stderr


def test_a_store_on_a_server_needs_the_key_s_file_named(new_database: Callable[[], str], tmp_path: Path) -> None:
    url = new_database()
    with Engine(url, environment=KEY) as engine:
        engine.handle_many(w.world())
    env = {**KEY, "HUISSIER_STORE": url}
    done = huissier("audit", "checkpoint", cwd=tmp_path, env=env)
    assert (done.returncode, "HUISSIER_SIGNING_KEY" in done.stderr) == (2, True)
    env["HUISSIER_SIGNING_KEY"] = "log.key"
    for name, command in (("log.vkey", "key"), ("one.txt", "checkpoint")):
        (tmp_path / name).write_text(huissier("audit", command, cwd=tmp_path, env=env).stdout)
    done = huissier("audit", "verify", "--key", "log.vkey", "--checkpoint", "one.txt", "--store", url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_installed_program_verifies(folder: Path) -> None:
    done = as_process("audit", "verify", "--key", "log.vkey", "--checkpoint", "one.txt", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_stranger_wrote_moves_no_cursor(folder: Path) -> None:
    for character, escaped in (("\x9b", "\\x9b"), ("\u202e", "\\u202e")):
        evil = (folder / "one.txt").read_text().replace("log.example\n", f"log{character}2J\n", 1)
        (folder / "evil.txt").write_text(evil)
        verified = verify(folder, "--checkpoint", "evil.txt").stdout
        seen = audit(folder, "witness", "--key", "log.vkey", "--signing-key", "witness.key", "--checkpoint", "evil.txt")
        for told in (verified, seen.stderr):
            assert f"log{escaped}2J" in told
            assert character not in told


def test_a_proof_in_a_log_that_forked_is_found_where_a_checkpoint_tells(folder: Path) -> None:
    key = SignerKey.parse((folder / "huissier.db.signing-key").read_text())
    proof = Proof.parse((folder / "answer.proof").read_bytes())
    head = Head("log.example", 1, leaf_hash(proof.leaf))
    forked = Checkpoint.parse(f"{head.text}\n{key.sign(head.text, 0)}".encode())
    (folder / "forked.proof").write_bytes(Proof(proof.leaf, 0, (), forked).text)
    save(folder, "from-one.txt", "checkpoint", "--since", "1")
    done = verify(folder, "--proof", "forked.proof", "--checkpoint", "from-one.txt")
    assert done.returncode == 1
    assert "the log of 17 events does not continue that of 1: its past was changed" in done.stdout
    assert verify(folder, "--proof", "answer.proof", "--checkpoint", "from-one.txt").returncode == 0


@pytest.mark.parametrize("out", [".", "/"])
def test_a_folder_is_no_file_to_write_to(out: str, folder: Path) -> None:
    for arguments in (["report", "--submission", "letter"], ["prove", "letter"]):
        done = audit(folder, *arguments, "--out", out)
        assert (done.returncode, done.stderr) == (3, f"huissier: {out} cannot be written: it is a folder\n")


@pytest.mark.parametrize(
    ("leaf", "what"),
    [
        (b"\xff\xfe", "what was signed is no event that this huissier can decode"),
        (b'["message-decided.v1"]\n{}', "what was signed is no event that this huissier can decode"),
        ("otherwise", "the event was signed under another type than its own"),
    ],
)
def test_a_signer_who_signed_no_event_is_told_so(leaf: bytes | str, what: str, folder: Path) -> None:
    honest = Proof.parse((folder / "answer.proof").read_bytes())
    forged = honest.leaf.replace(b'["message-decided', b'["usager-erased', 1) if isinstance(leaf, str) else leaf
    key = SignerKey.parse((folder / "huissier.db.signing-key").read_text())
    head = Head(key.verifier.name, 1, leaf_hash(forged))
    checkpoint = Checkpoint.parse(f"{head.text}\n{key.sign(head.text, 0)}".encode())
    (folder / "forged.proof").write_bytes(Proof(forged, 0, (), checkpoint).text)
    done = verify(folder, "--proof", "forged.proof")
    assert (done.returncode, done.stderr) == (1, "")
    assert f"position 1: forged.proof: {what}" in done.stdout


def test_no_ins_is_taken_on_a_command_line(folder: Path) -> None:
    for words in (
        ("explain", HOLDS_INS),
        ("trail", "--submission", HOLDS_INS),
        ("prove", HOLDS_INS, "--out", "a.proof"),
        ("report", "--submission", HOLDS_INS, "--out", "a.html"),
    ):
        done = audit(folder, *words)
        assert done.returncode == 2
        assert "an INS has no place on a command line; - reads the id from standard input" in done.stderr
    asked = audit(folder, "trail", "--submission", "-", stdin=HOLDS_INS)
    assert (asked.returncode, asked.stdout.count("\n")) == (0, 1)


@pytest.mark.parametrize(
    "words",
    [
        ("key", "--witness", "--store", URL),
        ("export", "--to", "a", "--unsigned", "--name", "log.example"),
        ("export", "--to", "a", "--unsigned", "--signing-key", "key"),
        ("what-if", "--print", "--to", "3"),
        ("replay", "--jobs", "1000"),
        ("trail", "--since", "2027-01-01", "--until", "2026-01-01"),
        ("trail", "--recorded-since", "2027-01-01", "--recorded-until", "2026-01-01"),
        ("report", "--since", "2027-01-01", "--until", "2026-01-01", "--out", "a.html"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...], folder: Path) -> None:
    done = audit(folder, *words)
    assert done.returncode == 2
    assert not done.stdout
    assert "--" in done.stderr
