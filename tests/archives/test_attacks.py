"""Who changes an archive by hand is found out with the first bad position, and nothing of it is imported."""

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from huissier.adapters.archive.columns import SCHEMA
from huissier.adapters.archive.layout import Layout, checkpoint_path
from huissier.adapters.archive.verifying import verify_archive
from huissier.adapters.archive.writing import export
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import ArchiveError
from huissier.adapters.evidence.checkpoint import Checkpoint
from huissier.adapters.evidence.verifying import Verified
from huissier.adapters.log.port import Whole
from huissier.adapters.testing.hospital import NOW, world
from tests.archives.at_hand import ByHand, exported
from tests.command_line import Done, huissier
from tests.evidence.at_hand import found, signer
from tests.evidence.signed_stores import BAD, EARLY, LATE, story

SOMEWHERE = (EARLY + 1, "is not the event that was signed, or one up to 600 is not")
OTHER = (BAD, "is not the event that was exported")
NAME = f"month=2026-10/{EARLY + 1:012}.parquet"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two parts, with a checkpoint at the end of each, and the key that verifies them."""
    folder = tmp_path_factory.mktemp("built")
    with Engine(f"sqlite:///{folder}/huissier.db", clock=lambda: NOW) as engine:
        engine.handle_many([*world(), *story(15, EARLY)])
        exported(engine, folder / "archive", folder)
        engine.handle_many(story(EARLY + 1, LATE))
        exported(engine, folder / "archive", folder)
    (folder / "log.vkey").write_text(signer(folder).verifier.text)
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built / "archive", tmp_path / "archive")
    shutil.copy(built / "log.vkey", tmp_path)
    return tmp_path


@pytest.fixture
def archive(folder: Path) -> ByHand:
    return ByHand(folder / "archive")


def verified(archive: ByHand) -> Verified:
    checkpoints = Layout(archive.folder).checkpoints()
    return verify_archive(archive.folder, [Checkpoint.parse(path.read_bytes()).head for path in checkpoints])


def verify(folder: Path) -> Done:
    return huissier("audit", "verify", "--key", "log.vkey", "--archive", "archive", cwd=folder)


def change_an_event(archive: ByHand) -> None:
    data = json.loads(archive.table()[BAD - EARLY - 1]["data"])
    data["event"]["sender"] = "dr.durand@ch-exemple.mssante.fr"
    archive.change(BAD, data=json.dumps(data))


def change_a_time(archive: ByHand) -> None:
    archive.change(BAD, at=NOW + timedelta(days=1))


IN_ORDER = "its tags do not stand each once and in order"


def double_the_tags(archive: ByHand) -> None:
    """Change what a query counts, and no hash knows."""
    archive.write([row | {"tags": [*reversed(row["tags"]), *row["tags"]]} for row in archive.table()])


def change_when_recorded(archive: ByHand) -> None:
    archive.change(BAD, recorded_at=NOW + timedelta(days=1))


def change_a_hash(archive: ByHand) -> None:
    archive.change(BAD, leaf=bytes(8))


def swap_two(archive: ByHand) -> None:
    rows = archive.table()
    one, other = BAD - EARLY - 1, BAD - EARLY + 6
    rows[one], rows[other] = rows[other], rows[one]
    archive.write(rows)


def insert_one(archive: ByHand) -> None:
    rows = archive.table()
    place = BAD - EARLY - 1
    archive.write([*rows[:place], rows[place], *rows[place:]])


def take_out_one(archive: ByHand) -> None:
    rows = archive.table()
    del rows[BAD - EARLY - 1]
    archive.write(rows)


def cut_the_tail(archive: ByHand) -> None:
    archive.write(archive.table()[: BAD - EARLY - 1])


def delete_the_tail_file(archive: ByHand) -> None:
    archive.part().unlink()


def delete_it_and_its_sum(archive: ByHand) -> None:
    archive.part().unlink()
    archive.drop_last_sum()


def delete_the_first_file_and_its_sum(archive: ByHand) -> None:
    archive.part(0).unlink()
    sums = archive.folder / "SHA256SUMS"
    sums.write_text(sums.read_text().splitlines(keepends=True)[1])


def move_to_another_month(archive: ByHand) -> None:
    part, sums = archive.part(), archive.folder / "SHA256SUMS"
    (archive.folder / "month=2026-11").mkdir()
    part.rename(archive.folder / "month=2026-11" / part.name)
    first, second = sums.read_text().splitlines()
    sums.write_text(f"{first}\n{second.replace('2026-10', '2026-11')}\n")


def slip_a_file_in(archive: ByHand) -> None:
    shutil.copy(archive.part(), archive.folder / "month=2026-10" / "000000000900.parquet")


def slip_a_folder_in(archive: ByHand) -> None:
    """Put it behind a link, which a search for files does not follow and a query does."""
    elsewhere = archive.folder.with_name("elsewhere")
    elsewhere.mkdir()
    shutil.copy(archive.part(), elsewhere / "000000000900.parquet")
    (archive.folder / "month=2026-12").symlink_to("../elsewhere")


def link_to(name: str) -> Callable[[ByHand], object]:
    """Move a file or folder of the archive away, and put a link in its place."""

    def moved(archive: ByHand) -> None:
        elsewhere = archive.folder.with_name("elsewhere")
        (archive.folder / name).rename(elsewhere)
        (archive.folder / name).symlink_to(elsewhere)

    return moved


def a_link(name: str) -> tuple[None, str]:
    return None, f"{name} is a link, and an archive has none: what is behind it is not looked at, but queried"


def write_it_otherwise(archive: ByHand) -> None:
    """Leave all rows as they are."""
    sums = (archive.folder / "SHA256SUMS").read_bytes()
    archive.write_table(pq.read_table(archive.part()).select(SCHEMA.names), compression="none")
    (archive.folder / "SHA256SUMS").write_bytes(sums)


def add_a_column(archive: ByHand) -> None:
    table = pq.read_table(archive.part())
    pq.write_table(table.append_column("usager", table["type"]), archive.part())
    archive.sum_again()


# --- by somebody who knows how an archive is made, and makes everything new but the signature


def with_fresh_hashes(archive: ByHand) -> None:
    def change(rows: list[Whole]) -> list[Whole]:
        position, kind, data, tags = rows[BAD - EARLY - 1]
        rows[BAD - EARLY - 1] = (position, kind, data.replace(b"T09:00:00Z", b"T08:00:00Z"), tags)
        return rows

    archive.rewrite(change)


def swap_contents(archive: ByHand) -> None:
    def change(rows: list[Whole]) -> list[Whole]:
        one, other = rows[BAD - EARLY - 1], rows[BAD - EARLY + 6]
        rows[BAD - EARLY - 1], rows[BAD - EARLY + 6] = (one[0], *other[1:]), (other[0], *one[1:])
        return rows

    archive.rewrite(change)


def insert_and_count_again(archive: ByHand) -> None:
    def change(rows: list[Whole]) -> list[Whole]:
        place = BAD - EARLY - 1
        more = [*rows[:place], rows[place], *rows[place:]]
        return [(position, *rest) for position, (_, *rest) in enumerate(more, EARLY + 1)]  # type: ignore[misc]

    archive.rewrite(change)


class Attack(NamedTuple):
    """What somebody did, what is found, and up to where the events are as they were signed all the same."""

    done: Callable[[ByHand], object]
    found: Sequence[tuple[int | None, str]]
    signed: int = EARLY


ATTACKS: dict[str, Attack] = {
    "an event is changed": Attack(change_an_event, [OTHER]),
    "a type is changed": Attack(lambda archive: archive.change(BAD, type="message-delivered.v1"), [OTHER]),
    "a tag is changed": Attack(lambda archive: archive.change(BAD, tags=["submission:other"]), [OTHER]),
    "tags stand twice and the other way round": Attack(double_the_tags, [(EARLY + 1, IN_ORDER)]),
    "an event is no event": Attack(lambda archive: archive.change(BAD, data="{}"), [(BAD, "the event cannot be read")]),
    "a column is changed": Attack(change_a_time, [(BAD, "its column at is not what the event says")]),
    "another column is changed": Attack(
        change_when_recorded, [(BAD, "its column recorded_at is not what the event says")]
    ),
    "a kept hash is changed": Attack(change_a_hash, [OTHER]),
    "two rows are swapped": Attack(swap_two, [(BAD, f"is missing: position {BAD + 7} stands in its place")]),
    "a row is inserted": Attack(insert_one, [(BAD + 1, f"is missing: position {BAD} stands in its place")]),
    "a row is taken out": Attack(take_out_one, [(BAD, f"is missing: position {BAD + 1} stands in its place")]),
    "the tail is cut": Attack(cut_the_tail, [(BAD, "is missing: the log ends here, and 600 events were signed")]),
    "the tail's file is deleted": Attack(delete_the_tail_file, [(EARLY + 1, f"is missing, with all of {NAME}")]),
    "the tail's file is deleted, and its sum": Attack(
        delete_it_and_its_sum, [(EARLY + 1, "is missing: the log ends here, and 600 events were signed")]
    ),
    "the first file is deleted, and its sum": Attack(
        delete_the_first_file_and_its_sum, [(1, f"is missing: the next file is {NAME}")], 0
    ),
    "a file is moved to another month": Attack(
        move_to_another_month, [(EARLY + 1, "was recorded in 2026-10 and is kept under 2026-11")]
    ),
    "a file is slipped in": Attack(
        slip_a_file_in,
        [
            (
                None,
                "month=2026-10/000000000900.parquet is not of this archive: export again where an export broke off,"
                " else remove it",
            )
        ],
        LATE,
    ),
    "a folder is slipped in behind a link": Attack(slip_a_folder_in, [a_link("month=2026-12")], LATE),
    "a month is a link": Attack(link_to("month=2026-10"), [a_link("month=2026-10")], LATE),
    "a file is a link": Attack(link_to(NAME), [a_link(NAME)], LATE),
    "the checkpoints are a link": Attack(link_to("checkpoints"), [a_link("checkpoints")], LATE),
    "a file is written otherwise": Attack(
        write_it_otherwise, [(EARLY + 1, f"{NAME}, which begins here, is not the file that was written")], LATE
    ),
    "a column is added": Attack(
        add_a_column, [(EARLY + 1, f"{NAME}, which begins here, has not an archive's columns")]
    ),
    "an event is changed with all that follows": Attack(with_fresh_hashes, [SOMEWHERE]),
    "two events are swapped with all that follows": Attack(swap_contents, [SOMEWHERE]),
    "an event is inserted with all that follows": Attack(insert_and_count_again, [SOMEWHERE]),
}


def test_an_archive_that_nobody_changed_is_as_it_was_signed(archive: ByHand, folder: Path) -> None:
    assert verified(archive) == Verified(LATE, LATE, (), ())
    done = verify(folder)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "600 events, the first 600 as they were signed: nothing is wrong."


@pytest.mark.parametrize("name", ATTACKS)
def test_what_was_changed_is_named_by_its_position(name: str, archive: ByHand) -> None:
    attack = ATTACKS[name]
    attack.done(archive)
    report = verified(archive)
    assert found(report) == list(attack.found)
    assert report.signed == attack.signed


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_of_it_is_imported(name: str, archive: ByHand, folder: Path) -> None:
    attack = ATTACKS[name]
    attack.done(archive)
    done = huissier("audit", "import", "--from", "archive", "--store", "sqlite:///new.db", cwd=folder)
    position, what = attack.found[0]
    assert done.returncode == 1
    assert (what if position is None else f"position {position}: {what}") in done.stdout.splitlines()
    assert not (folder / "new.db").exists()


def test_no_byte_of_a_file_can_be_flipped(archive: ByHand) -> None:
    part = archive.part()
    whole = part.read_bytes()
    for place in range(0, len(whole), 211):
        part.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        report = verified(archive)
        assert report.problems, place
        assert (report.problems[0].position or 0) > EARLY
        assert report.signed >= EARLY


def test_a_flipped_byte_of_an_event_is_named_by_its_position(archive: ByHand) -> None:
    """A page that is not compressed shows the reader a changed event; one that is cannot be read from there on."""
    pq.write_table(pq.read_table(archive.part()), archive.part(), compression="none", use_dictionary=False)
    raw = archive.part().read_bytes()
    archive.part().write_bytes(raw.replace(f'"id":"m-{BAD}"'.encode(), f'"id":"m-{BAD - 200}"'.encode()))
    assert found(verified(archive)) == [OTHER]


def test_a_file_that_is_cut_short_is_named(archive: ByHand) -> None:
    part = archive.part()
    part.write_bytes(part.read_bytes()[:-20])
    what = f"{NAME}, which begins here, cannot be read"
    assert found(verified(archive)) == [(EARLY + 1, what)]


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of another log, signed by a key of the same name."""
    folder = tmp_path_factory.mktemp("another")
    with Engine(f"sqlite:///{folder}/huissier.db", clock=lambda: NOW) as engine:
        engine.handle_many([*world(), *story(1015, 1000 + LATE)])
        exported(engine, folder / "archive", folder)
    (folder / "log.vkey").write_text(signer(folder).verifier.text)
    return folder


def test_another_archive_s_checkpoint_is_not_of_this_one(archive: ByHand, folder: Path, another: Path) -> None:
    assert verify(folder).returncode == 0
    theirs = checkpoint_path(another / "archive", LATE)
    shutil.copy(theirs, checkpoint_path(archive.folder, LATE))
    done = verify(folder)
    assert (done.returncode, "the checkpoint is not signed by log.example" in done.stdout) == (1, True)
    shutil.copy(another / "log.vkey", folder)
    checkpoint_path(archive.folder, EARLY).unlink()
    assert "position 1: is not the event that was signed, or one up to 600 is not" in verify(folder).stdout


def test_checkpoints_from_elsewhere_count_too(archive: ByHand, folder: Path, built: Path) -> None:
    shutil.rmtree(archive.folder / "checkpoints")
    done = verify(folder)
    assert done.stdout == "600 events, none of them held against a checkpoint: nothing is wrong.\n"
    shutil.copy(checkpoint_path(built / "archive", LATE), folder / "late.txt")
    with_fresh_hashes(archive)
    done = huissier(
        "audit", "verify", "--key", "log.vkey", "--archive", "archive", "--checkpoint", "late.txt", cwd=folder
    )
    assert (done.returncode, "position 1: is not the event that was signed" in done.stdout) == (1, True)


def test_tags_stand_in_order(tmp_path: Path) -> None:
    """An order that nobody signed would be imported as if it were the log's."""
    with Engine("sqlite://", clock=lambda: NOW) as engine:
        engine.handle_many(world())
        export(engine.log, tmp_path, None, None)
    archive = ByHand(tmp_path)
    position, tags = next((row["position"], row["tags"]) for row in archive.table() if len(row["tags"]) > 1)
    archive.change(position, tags=tags[::-1])
    assert found(verify_archive(tmp_path, [])) == [(position, IN_ORDER)]


def test_a_list_that_cannot_be_read_is_told_with_its_line(archive: ByHand, folder: Path) -> None:
    sums = archive.folder / "SHA256SUMS"
    sums.write_text(sums.read_text() + "../../etc/passwd\n")
    done = verify(folder)
    assert done.returncode == 3
    assert "SHA256SUMS, line 3: not a part of an archive behind the one before" in done.stderr
    sums.unlink()
    assert "is no archive: it has no SHA256SUMS" in verify(folder).stderr


def test_a_file_is_noticed_however_it_is_named(archive: ByHand, folder: Path) -> None:
    deep = archive.folder / "month=2026-10" / "more"
    deep.mkdir()
    for name in (deep / "x.parquet", deep / ".hidden.parquet", archive.folder / "X.PARQUET"):
        shutil.copy(archive.part(), name)
        done = verify(folder)
        assert (done.returncode, f"{name.name} is not of this archive" in done.stdout) == (1, True)
        name.unlink()
    assert verify(folder).returncode == 0


def test_nothing_is_exported_behind_a_link(archive: ByHand, tmp_path: Path) -> None:
    slip_a_folder_in(archive)
    with Engine("sqlite://", clock=lambda: NOW) as engine, pytest.raises(ArchiveError, match="is a link, and an"):
        export(engine.log, archive.folder, None, None)


def test_a_replay_stops_where_an_archive_is_damaged(archive: ByHand, folder: Path) -> None:
    change_an_event(archive)
    done = huissier("audit", "replay", "--archive", "archive", cwd=folder)
    assert (done.returncode, f"position {BAD}: {OTHER[1]}" in done.stderr) == (3, True)
