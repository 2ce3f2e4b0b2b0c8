"""`huissier store check` and `huissier store migrate` as a person or another program uses them."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

import huissier as library
from tests.command_line import PROGRAM, huissier
from tests.log.by_hand import ByHand

FACTS = 1_200


@pytest.fixture
def store(tmp_path: Path) -> ByHand:
    """The store that commands find by default in their folder."""
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with library.open(url) as engine:
        engine.handle_many(library.RegisterOperator(operator=f"o-{n}", kind="usager") for n in range(FACTS))
    return ByHand(url)


def test_a_healthy_store_ends_with_status_0(store: ByHand, tmp_path: Path) -> None:
    done = huissier("store", "check", cwd=tmp_path)
    assert done == (0, "1200 events up to position 1200: nothing is wrong.\n", "")


def test_every_problem_is_a_line_and_ends_with_status_1(store: ByHand, tmp_path: Path) -> None:
    store.rewrite(7, lambda _: b"")
    store.run("DELETE FROM events WHERE position = 9")
    (tmp_path / "huissier.db.key").unlink()
    done = huissier("store", "check", cwd=tmp_path)
    assert done.returncode == 1
    first, second, third, fourth, last = done.stdout.splitlines()
    assert first == "position 7: the event cannot be decoded"
    assert second == "position 9: is missing"
    assert third == "position 9: the tag index has a row of this position, where no event stands"
    assert fourth.startswith("the vault stayed sealed: ")
    assert last == "1199 events up to position 1200: the store is not whole."


def test_json_is_one_document_with_positions_problems_and_notes(store: ByHand, tmp_path: Path) -> None:
    store.rewrite(7, lambda _: b"")
    done = huissier("--store", store.url, "store", "check", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "events": FACTS,
        "head": FACTS,
        "problems": [{"position": 7, "what": "the event cannot be decoded"}],
        "notes": [],
    }


def test_what_cannot_be_read_ends_with_status_3_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "huissier.db").write_text("my letters")
    for command in ("check", "migrate"):
        done = huissier("store", command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.count("\n") == 1
        assert "not a huissier store" in done.stderr


def test_an_older_store_is_told_to_migrate_then_migrated_and_then_fine(store: ByHand, tmp_path: Path) -> None:
    store.back_to_version_1()
    refused = huissier("apply", "-", cwd=tmp_path)
    assert refused.returncode == 3
    assert "run `huissier store migrate`" in refused.stderr
    done = huissier("store", "migrate", cwd=tmp_path)
    assert done == (0, "The store was migrated from version 1 to version 2.\n", "")
    again = huissier("store", "migrate", cwd=tmp_path)
    assert again == (0, "The store is already at version 2.\n", "")
    assert huissier("store", "check", cwd=tmp_path).returncode == 0


def test_a_migration_prints_json_for_programs(store: ByHand, tmp_path: Path) -> None:
    store.back_to_version_1()
    printed = [huissier("store", "migrate", "--json", cwd=tmp_path).stdout for _ in range(2)]
    assert [json.loads(line) for line in printed] == [{"from": 1, "to": 2}, {"from": 2, "to": 2}]


def test_a_terminal_sees_a_progress_bar(store: ByHand, tmp_path: Path) -> None:
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "store", "check"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=secondary
    ) as process:
        os.close(secondary)
        shown = b""
        try:
            while chunk := os.read(primary, 4096):
                shown += chunk
        except OSError:  # the terminal's other end was closed
            pass
        assert process.wait(timeout=60) == 0
    os.close(primary)
    assert b"checking" in shown


@pytest.mark.parametrize("byte", [8, 13], ids=["a word of SQL", "a table's name"])
@pytest.mark.parametrize(
    "command", [["store", "check"], ["store", "migrate"], ["apply", os.devnull], ["audit", "trail"]], ids=" ".join
)
def test_a_schema_that_is_no_text_is_told_in_one_line(
    command: list[str], byte: int, store: ByHand, tmp_path: Path
) -> None:
    content = bytearray(store.path.read_bytes())
    content[content.index(b"CREATE TABLE events") + byte] = 0xC6
    store.path.write_bytes(content)
    done = huissier(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "huissier.db" in done.stderr
    assert store.path.read_bytes() == content
