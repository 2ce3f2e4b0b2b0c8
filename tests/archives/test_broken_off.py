"""An export or import that broke off anywhere goes on where it was, and what is there is never half."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from huissier.adapters.archive import importing, writing
from huissier.adapters.archive.importing import import_archive
from huissier.adapters.archive.layout import SUMS, Layout, Part, sums_of
from huissier.adapters.archive.verifying import verify_archive
from huissier.adapters.archive.writing import export, exporting
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import ArchiveError, RefusedError, StoreError
from huissier.adapters.log.read_only import ReadOnlyLog
from huissier.adapters.private_file import UnwritableError
from huissier.adapters.testing.hospital import NOW, world
from tests.archives.at_hand import exported, files, rows_in, rows_of_log
from tests.evidence.at_hand import signer
from tests.evidence.signed_stores import story
from tests.log.by_hand import ByHand

EVENTS = 120
SOME = 30


class BrokenOffError(Exception):
    """As if the process ended here."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "ROWS_A_PART", SOME)
    monkeypatch.setattr(writing, "ROWS_A_GROUP", 10)
    monkeypatch.setattr(writing, "PAGE", 10)
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", SOME)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path}/huissier.db", clock=lambda: NOW) as engine:
        engine.handle_many([*world(), *story(15, EVENTS)])
        yield engine


@pytest.fixture
def whole(engine: Engine, tmp_path: Path) -> Path:
    export(engine.log, tmp_path / "whole", None, None)
    return tmp_path / "whole"


def test_an_export_goes_on_wherever_it_broke_off(engine: Engine, whole: Path, tmp_path: Path) -> None:
    for stop in range(10, EVENTS + 1, 10):
        folder = tmp_path / f"{stop}"

        def end(done: int, _: int, stop: int = stop) -> None:
            if done >= stop:
                raise BrokenOffError

        with pytest.raises(BrokenOffError):
            export(engine.log, folder, None, None, end)
        assert verify_archive(folder, []).problems == ()
        assert len(rows_in(folder)) == (stop - 1) // SOME * SOME
        done = export(engine.log, folder, None, None)
        assert (done.before, done.events) == ((stop - 1) // SOME * SOME, EVENTS)
        assert files(folder) == files(whole)


def test_a_file_that_was_not_listed_any_more_is_written_again(
    engine: Engine, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process ended between a file and the list."""
    calls = count()

    def broken(parts: list[Part]) -> bytes:
        if next(calls) == 1:
            raise BrokenOffError
        return sums_of(parts)

    monkeypatch.setattr(writing, "sums_of", broken)
    folder = tmp_path / "archive"
    with pytest.raises(BrokenOffError):
        export(engine.log, folder, None, None)
    assert len(Layout(folder).strays()) == 1
    (problem,) = verify_archive(folder, []).problems
    assert "is not of this archive: export again where an export broke off" in problem.what
    export(engine.log, folder, None, None)
    assert files(folder) == files(whole)


def test_what_a_killed_export_left_is_cleared_away(engine: Engine, whole: Path) -> None:
    before = files(whole)
    (whole / "month=2026-10" / ".000000000121.parquet.0123456789abcdef").write_bytes(b"half")
    assert verify_archive(whole, []).problems == ()
    export(engine.log, whole, None, None)
    assert files(whole) == before


def test_an_export_goes_on_after_a_kill_at_any_file(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is killed where a file gets its name leaves it under another, the very first one too."""
    whole = tmp_path / "whole"
    exported(engine, whole, tmp_path)
    moves = 2 * EVENTS // SOME + 3  # each part with the list, the list before, a checkpoint's draft, and the checkpoint
    for stop in range(2 * moves):
        folder = tmp_path / f"{stop}"
        with monkeypatch.context() as patch:
            kill_at(patch, stop)
            with pytest.raises(BrokenOffError):
                exported(engine, folder, tmp_path)
        assert files(folder)
        exported(engine, folder, tmp_path)
        assert files(folder) == files(whole)
        assert verify_archive(folder, []).problems == ()


def kill_at(patch: pytest.MonkeyPatch, stop: int) -> None:
    """End where the archive's file takes its name, before it or behind it by turns; nothing is cleared away then."""
    steps = count()
    replace, link, unlink = Path.replace, os.link, Path.unlink

    def step(path: Path) -> None:
        if path.name.lstrip(".").startswith("log.key"):
            return
        if next(steps) == stop:
            patch.setattr(Path, "unlink", lambda *_, **__: None)
            raise BrokenOffError

    def replaced(draft: Path, path: Path) -> None:
        step(path)
        replace(draft, path)
        step(path)

    def linked(draft: Path, path: Path) -> None:
        step(path)
        link(draft, path)
        step(path)

    patch.setattr(Path, "replace", replaced)
    patch.setattr(Path, "unlink", unlink)
    patch.setattr(os, "link", linked)


def test_a_draft_among_something_else_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / f".{SUMS}.0123456789abcdef").write_text("")
    (folder / ".profile.0123456789abcdef").write_text("")
    before = files(folder)
    with pytest.raises(ArchiveError, match="holds something else and was left untouched"):
        export(engine.log, folder, None, None)
    assert files(folder) == before


def test_a_file_that_only_looks_like_a_draft_stays(engine: Engine, whole: Path) -> None:
    for name in (".000000000001.parquet.mine", "000000000001.parquet.0123456789abcdef", ".notes.0123456789abcdef"):
        (whole / "month=2026-10" / name).write_text("")
    before = files(whole)
    export(engine.log, whole, None, None)
    assert files(whole) == before


def test_what_was_written_is_never_changed(engine: Engine, whole: Path) -> None:
    before = files(whole)
    engine.handle_many(story(EVENTS + 1, EVENTS + 50))
    done = export(engine.log, whole, None, None)
    assert (done.before, done.events) == (EVENTS, EVENTS + 50)
    after = files(whole)
    assert after[SUMS].startswith(before.pop(SUMS))
    assert before.items() <= after.items()
    assert rows_in(whole) == rows_of_log(engine.log)


def test_a_countersigned_checkpoint_stays(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    exported(engine, folder, tmp_path)
    (path,) = Layout(folder).checkpoints()
    path.write_bytes(path.read_bytes() + "— witness.example AAAAAAAAAAA=\n".encode())
    signed = path.read_bytes()
    exported(engine, folder, tmp_path)
    assert path.read_bytes() == signed


def test_files_are_for_their_owner_only(engine: Engine, tmp_path: Path) -> None:
    exported(engine, tmp_path / "archive", tmp_path)
    for path in (tmp_path / "archive").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert (tmp_path / "archive").stat().st_mode & 0o777 == 0o700


def test_only_one_exports_at_a_time(engine: Engine, whole: Path) -> None:
    with exporting(whole), pytest.raises(ArchiveError, match="somebody else is exporting to"):
        export(engine.log, whole, None, None)
    export(engine.log, whole, None, None)


def test_a_folder_with_something_else_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(ArchiveError, match="holds something else and was left untouched"):
        export(engine.log, folder, None, None)
    assert files(folder) == {"letter.txt": b"dear"}
    with pytest.raises(UnwritableError, match=r"letter.txt cannot be written: File exists"):
        export(engine.log, folder / "letter.txt", None, None)


def test_another_log_does_not_extend_an_archive(engine: Engine, whole: Path, tmp_path: Path) -> None:
    before = files(whole)
    with Engine(f"sqlite:///{tmp_path}/other.db", clock=lambda: NOW) as other:
        other.handle_many([*world(), *story(15, 50)])
        with pytest.raises(RefusedError, match="the archive goes to position 120, and the log does not"):
            export(other.log, whole, None, None)
        other.handle_many(story(1051, 1200))
        with pytest.raises(RefusedError, match="the event at position 13 is not the one in the archive"):
            export(other.log, whole, None, None)
    assert files(whole) == before


def test_a_log_whose_past_was_changed_does_not_extend_what_was_signed(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    exported(engine, folder, tmp_path)
    ByHand(f"sqlite:///{tmp_path}/huissier.db").rewrite(60, lambda data: data.replace(b"T09:00:00Z", b"T08:00:00Z"))
    signer(tmp_path)
    (tmp_path / "log.key.seen").unlink()  # as somebody would who has the key
    engine.handle_many(story(EVENTS + 1, EVENTS + 50))
    before = files(folder)
    with pytest.raises(RefusedError, match="the event at position 60 is not the one in the archive"):
        exported(engine, folder, tmp_path)
    assert files(folder) == before


# --- and back


def test_an_import_goes_on_wherever_it_broke_off(engine: Engine, whole: Path, tmp_path: Path) -> None:
    rows = rows_of_log(engine.log)
    for stop in range(SOME, EVENTS + 1, SOME):
        url = f"sqlite:///{tmp_path}/{stop}.db"

        def end(done: int, _: int, stop: int = stop) -> None:
            if done >= stop:
                raise BrokenOffError

        with pytest.raises(BrokenOffError):
            import_archive(whole, url, environment={}, progress=end)
        with ReadOnlyLog(url) as log:
            assert rows_of_log(log) == rows[:stop]
        done = import_archive(whole, url, environment={})
        assert (done.before, done.events) == (stop, EVENTS)
        with ReadOnlyLog(url) as log:
            assert rows_of_log(log) == rows


def test_an_archive_that_grew_is_imported_further(engine: Engine, whole: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    import_archive(whole, url, environment={})
    engine.handle_many(story(EVENTS + 1, EVENTS + 50))
    export(engine.log, whole, None, None)
    assert import_archive(whole, url, environment={}) == importing.Imported(EVENTS + 50, EVENTS)


def test_only_its_beginning_is_imported_behind(engine: Engine, whole: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    import_archive(whole, url, environment={})
    ByHand(url).rewrite(60, lambda data: data.replace(b"T09:00:00Z", b"T08:00:00Z"))
    with pytest.raises(RefusedError, match="the event at position 60 of the store is not the archive's"):
        import_archive(whole, url, environment={})
    engine.handle_many(story(EVENTS + 1, EVENTS + 50))
    export(engine.log, whole, None, None)
    longer = f"sqlite:///{tmp_path}/longer.db"
    import_archive(whole, longer, environment={})
    (whole / SUMS).write_bytes(b"".join((whole / SUMS).read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(RefusedError, match="the store has 170 events, and the archive 60"):
        import_archive(whole, longer, environment={})


def test_a_store_with_a_vault_of_its_own_is_left_alone(engine: Engine, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has a vault of its own: import into a new store"):
        import_archive(whole, f"sqlite:///{tmp_path}/huissier.db")
    assert engine.head == EVENTS


def test_who_writes_in_between_stops_an_import(whole: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"

    def come_between(done: int, _: int) -> None:
        ByHand(url).run("INSERT INTO events VALUES (?, 'x', x'', '[]')", done + 1)

    with pytest.raises(StoreError, match="somebody else wrote to the store while it was imported to"):
        import_archive(whole, url, environment={}, progress=come_between)
