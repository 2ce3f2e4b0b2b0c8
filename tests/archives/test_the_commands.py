"""`huissier audit export|import`, and what an archive and an imported store are good for."""

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import huissier as library
from huissier import EraseUsager, OpenEns, RegisterOperator
from huissier.adapters.archive.reading import ArchiveSource
from huissier.adapters.errors import DamagedArchiveError, StoreError
from huissier.adapters.integrity import check_store
from huissier.adapters.log.claim import vault_is_elsewhere
from huissier.adapters.log.read_only import ReadOnlyLog
from huissier.adapters.testing import hospital as w
from tests.archives.at_hand import rows_of_log
from tests.command_line import Done, expect_one_line, huissier
from tests.stores import KEY

ARCHIVE = ("--archive", "archive")
NEW = ("--store", "sqlite:///new.db")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, its archive, and a store that was imported from it."""
    folder = tmp_path_factory.mktemp("built")
    with library.open(f"sqlite:///{folder}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle_many([*w.world(), w.write(w.DOCTOR, w.USAGER, id="m-1"), w.received("m-1", w.USAGER)])
        engine.handle_many([w.write(w.USAGER, w.DOCTOR, id="m-2"), w.write(w.OTHER_USAGER, w.DOCTOR, id="m-3")])
        engine.handle_many([EraseUsager(ins=w.ins(2))])
    (folder / "log.vkey").write_text(audit(folder, "key", "--name", "log.example").stdout)
    assert audit(folder, "export", "--to", "archive").returncode == 0
    assert audit(folder, "import", "--from", "archive", *NEW).returncode == 0
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    return copy


def audit(folder: Path, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Done:
    done = huissier("audit", *arguments, cwd=folder, stdin=stdin, env=env)
    assert not [number for number in range(4) if w.ins(number) in done.stdout + done.stderr]
    return done


def test_an_export_says_what_the_archive_holds(folder: Path) -> None:
    done = audit(folder, "export", "--to", "other")
    assert (done.returncode, done.stdout) == (
        0,
        "other: 19 events in 1 files, 19 of them new; signed by log.example.\n",
    )
    done = audit(folder, "export", "--to", "other", "--json")
    assert json.loads(done.stdout) == {"events": 19, "before": 19, "files": 1, "signed_by": "log.example"}


def test_an_unsigned_export_needs_no_key_and_leaves_no_trace(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lone").mkdir()
    shutil.copy(folder / "huissier.db", tmp_path / "lone")
    done = audit(tmp_path / "lone", "export", "--to", "../archive", "--unsigned")
    assert (done.returncode, done.stdout) == (0, "../archive: 19 events in 1 files, 19 of them new; not signed.\n")
    assert [path.name for path in (tmp_path / "lone").iterdir()] == ["huissier.db"]
    done = audit(tmp_path, "verify", "--key", str(folder / "log.vkey"), *ARCHIVE)
    assert done.stdout == "19 events, none of them held against a checkpoint: nothing is wrong.\n"
    done = audit(tmp_path, "import", "--from", "archive", *NEW)
    assert "there is no checkpoint to hold them against" in done.stdout


def test_an_import_says_what_it_rests_on(folder: Path) -> None:
    done = audit(folder, "import", "--from", "archive", "--key", "log.vkey", "--store", "sqlite:///again.db")
    assert done.stdout.splitlines() == [
        "19 events, 19 of them new; all as they were signed.",
        "The store has no vault: it can be looked at, replayed and counted, and nothing is decided on it.",
    ]
    done = audit(folder, "import", "--from", "archive", *NEW)
    assert done.stdout.startswith(
        "19 events, 0 of them new; the first 19 as a checkpoint says, whose signature was not"
    )
    done = audit(folder, "import", "--from", "archive", *NEW, "--json")
    assert json.loads(done.stdout) == {"events": 19, "before": 19}


def test_an_archive_signed_by_others_is_not_imported(folder: Path) -> None:
    other = audit(folder, "key", "--signing-key", "other.key", "--name", "log.example")
    (folder / "other.vkey").write_text(other.stdout)
    done = audit(folder, "import", "--from", "archive", "--key", "other.vkey", "--store", "sqlite:///again.db")
    assert (done.returncode, "the checkpoint is not signed by log.example" in done.stderr) == (1, True)
    assert not (folder / "again.db").exists()


def test_who_asks_for_signatures_imports_nothing_that_has_none(folder: Path) -> None:
    with library.open(f"sqlite:///{folder}/huissier.db") as engine:
        engine.handle(w.write(w.DOCTOR, w.SURGEON, id="letter"))
    assert audit(folder, "export", "--to", "archive", "--unsigned").returncode == 0
    into = ("import", "--from", "archive", "--store", "sqlite:///again.db")
    for signed in (19, 0):
        done = audit(folder, *into, "--key", "log.vkey")
        why = f"the first {signed} of 20 events are signed, not all of them"
        assert (done.returncode, why in done.stderr) == (1, True)
        assert not (folder / "again.db").exists()
        shutil.rmtree(folder / "archive" / "checkpoints", ignore_errors=True)
    assert audit(folder, *into).returncode == 0


def test_an_archive_is_replayed_and_asked_what_if_like_its_store(folder: Path) -> None:
    assert audit(folder, "replay", *ARCHIVE).stdout == audit(folder, "replay").stdout
    assert audit(folder, "replay", *ARCHIVE).returncode == 0
    (folder / "rules.toml").write_text(audit(folder, "what-if", "--print").stdout.replace('"1.4"', '"9.9"'))
    for reading in ([], ["--counterfactual"]):
        answers = [audit(folder, "what-if", "rules.toml", "--json", *reading, *log).stdout for log in (ARCHIVE, ())]
        assert answers[0] == answers[1]


def test_an_archive_and_what_is_wrong_with_it_go_to_other_processes(folder: Path) -> None:
    source = ArchiveSource.of(folder / "archive")
    assert list(pickle.loads(pickle.dumps(source)).rows(9)) == list(source.rows(9))  # noqa: S301 our own
    assert len(list(source.rows(9))) == 9
    problem = pickle.loads(pickle.dumps(DamagedArchiveError("is missing", 7)))  # noqa: S301 our own
    assert (str(problem), problem.position) == ("position 7: is missing", 7)


def test_an_imported_store_is_looked_at_like_its_origin(folder: Path) -> None:
    for command in (["trail"], ["explain", "m-1"], ["replay"], ["trail", "--mailbox", w.DOCTOR, "--json"]):
        ours, theirs = (audit(folder, *command, *store) for store in (NEW, ()))
        assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
        assert ours.stdout
    ours, theirs = (huissier("stats", "summary", *store, cwd=folder) for store in (NEW, ()))
    assert (ours.returncode, ours.stdout) == (0, theirs.stdout)


def test_the_files_of_statistics_are_the_same_and_not_recorded(folder: Path) -> None:
    sums = []
    for store in (NEW, ()):
        done = huissier("stats", "exchanges", "--month", "2026-10", "--json", *store, cwd=folder)
        facts = [json.loads(line) for line in done.stdout.splitlines()]
        assert facts
        sums.append([(fact["name"], fact["sha256"], fact["rows"]) for fact in facts])
    assert sums[0] == sums[1]
    done = huissier("stats", "exchanges", "--month", "2026-09", *NEW, cwd=folder)
    assert "; not recorded in an imported store\n" in done.stdout
    with ReadOnlyLog(f"sqlite:///{folder}/new.db") as log:
        assert len(rows_of_log(log)) == 19


def test_nothing_is_decided_on_an_imported_store(folder: Path) -> None:
    why = "this store was imported without its vault, and nothing is decided or recorded on it"
    done = huissier("check", "--from", w.DOCTOR, "--to", w.SURGEON, *NEW, cwd=folder)
    assert (done.returncode, why in done.stderr) == (3, True)
    done = huissier("apply", "-", *NEW, cwd=folder, stdin='{"type":"register-operator","operator":"x","kind":"usager"}')
    assert (done.returncode, why in done.stderr) == (3, True)
    done = huissier("serve", "postfix", "--listen", "unix:policy.socket", *NEW, cwd=folder)
    assert (done.returncode, why in done.stderr) == (3, True)
    url = f"sqlite:///{folder}/new.db"
    with library.open(url) as engine:
        for work in (
            lambda: engine.handle(RegisterOperator(operator="x", kind="usager")),
            lambda: engine.handle_many([OpenEns(ins=w.ins(9))]),
            lambda: engine.check(w.write(w.DOCTOR, w.SURGEON)),
            lambda: engine.begin_check(w.write(w.DOCTOR, w.SURGEON), print),
            lambda: engine.give_up("m-1", w.NOW),
        ):
            with pytest.raises(StoreError, match=why):
                work()
    with ReadOnlyLog(url) as log:
        assert len(rows_of_log(log)) == 19


def test_an_imported_store_does_not_say_that_a_usager_was_never_met(folder: Path) -> None:
    (folder / "ins").write_text(w.ins(1))
    for command in (
        ["trail", "--usager", "ins"],
        ["as-of", "2026-10-31", "--from", w.DOCTOR, "--to-usager", "ins"],
        ["report", "--usager", "ins", "--out", "page.html"],
    ):
        done = audit(folder, *command, *NEW)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr == (
            "huissier: this store was imported without its vault, which alone knows whom an INS means\n"
        )
    assert not (folder / "page.html").exists()


def test_an_imported_store_is_whole(folder: Path) -> None:
    report = check_store(f"sqlite:///{folder}/new.db", environment={})
    assert report.problems == ()
    assert report.notes == ("this log was imported from an archive, without its vault",)


def test_an_imported_store_is_exported_again(folder: Path) -> None:
    assert audit(folder, "export", "--to", "again", "--unsigned", *NEW).returncode == 0
    sums = [(folder / name / "SHA256SUMS").read_bytes() for name in ("archive", "again")]
    assert sums[0] == sums[1]


def test_a_server_holds_an_archive_too(folder: Path, new_database: Callable[[], str]) -> None:
    url = new_database()
    assert audit(folder, "import", "--from", "archive", "--store", url).returncode == 3  # without a vault's key
    env = {**KEY, "HUISSIER_STORE": url}
    assert audit(folder, "import", "--from", "archive", "--key", "log.vkey", env=env).returncode == 0
    assert audit(folder, "verify", "--key", "log.vkey", "--store", url).returncode == 0
    done = audit(folder, "export", "--to", "archive", "--unsigned", env={"HUISSIER_STORE": url})
    assert done.stdout == "archive: 19 events in 1 files, 0 of them new; not signed.\n"


def test_a_store_of_its_own_is_not_marked(folder: Path) -> None:
    done = audit(folder, "import", "--from", "archive")
    assert (done.returncode, "huissier.db has a vault of its own: import into a new store" in done.stderr) == (3, True)
    with ReadOnlyLog(f"sqlite:///{folder}/huissier.db") as log, log.reading() as look:
        assert not vault_is_elsewhere(look.session)


WRONG = {
    "no such archive": (("import", "--from", "no", *NEW), 3, "no is no archive: it has no SHA256SUMS"),
    "no such store": (("export", "--to", "x", "--store", "sqlite:///no.db"), 3, "there is no store at no.db"),
    "both": (
        ("verify", "--key", "log.vkey", *ARCHIVE, *NEW),
        2,
        "name a --store or an --archive, not both",
    ),
    "both to be replayed": (("replay", *ARCHIVE, *NEW), 2, "name a --store or an --archive, not both"),
    "a key that is another's": (("export", "--to", "x", "--name", "other.example"), 2, "is of log.example"),
    "a folder that cannot be": (("export", "--to", "log.vkey"), 3, "log.vkey cannot be written: File exists"),
    "a folder of something else": (("export", "--to", "."), 3, "holds something else and was left untouched"),
    "no archive to be replayed": (("replay", "--archive", "no"), 3, "no is no archive: it has no SHA256SUMS"),
    "no archive to be verified": (("verify", "--key", "log.vkey", "--archive", "no"), 3, "no is no archive"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_one_line(name: str, folder: Path) -> None:
    arguments, status, why = WRONG[name]
    expect_one_line(audit(folder, *arguments), status, why)


def test_without_pyarrow_it_is_told_what_to_install(folder: Path) -> None:
    program = "import sys; sys.modules['pyarrow'] = None; from huissier.adapters.cli import main; main()"
    command = [sys.executable, "-c", program, "audit", "export", "--to", "x"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "huissier: archives need pyarrow: install huissier[archive]\n"
