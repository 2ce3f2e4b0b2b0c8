"""`huissier directory`, as people and programs run it."""

import stat
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

import huissier
from huissier import AnyCommand, CreateMailbox, SuspendMailbox
from huissier.adapters.cli.main import app
from huissier.adapters.errors import StoreError, TemporarilyUnavailableError
from huissier.adapters.testing.hospital import CABINET, DAY, DOCTOR, HOSPITAL, PATIENTS, SINCE, SURGEON, ins, world
from tests.command_line import Done
from tests.command_line import huissier as run
from tests.directory.made import extraction, row

STORE = "sqlite:///huissier.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tell(tmp_path, *world(), SuspendMailbox(at=SINCE + DAY, address=DOCTOR, motive="congé"))
    return tmp_path


def tell(folder: Path, *commands: AnyCommand) -> None:
    with huissier.open(f"sqlite:///{folder / 'huissier.db'}") as engine:
        engine.handle_many(commands)


def directory(folder: Path, *arguments: str) -> Done:
    return run("directory", *arguments, cwd=folder)


def test_searching_says_who_is_found_as_of_a_time(folder: Path) -> None:
    done = directory(folder, "search", "DR.M")
    assert (done.returncode, done.stdout) == (0, f"{DOCTOR}: PER, suspended, RPPS 10000000001\n")
    done = directory(folder, "search", "DR.M", "--at", "2020-03-11T12:00:00Z")
    assert done.stdout == f"{DOCTOR}: PER, active, RPPS 10000000001\n"
    assert directory(folder, "search", "DR.M", "--at", "2020-01-01T00:00:00Z").returncode == 1
    assert directory(folder, "search", "DR.M", "--at", "yesterday").returncode == 2


def test_searching_shows_so_many_and_says_that_there_are_more(folder: Path) -> None:
    done = directory(folder, "search", HOSPITAL, "--limit", "2", "--json")
    found = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    assert [listed["address"] for listed in found] == [SURGEON, DOCTOR]
    assert found[0]["since"] == "2020-03-11T00:00:00Z"
    assert "more than 2" in done.stderr
    assert directory(folder, "search", HOSPITAL, "--limit", "3").stderr == ""
    assert "1000000000000000000" in directory(folder, "search", HOSPITAL, "--limit", "9" * 20).stderr


def test_a_mailbox_is_shown_with_its_whole_life(folder: Path) -> None:
    done = directory(folder, "show", DOCTOR.upper())
    assert done.returncode == 0
    assert "  status: suspended since 2020-03-12T00:00:00Z\n  since: 2020-03-11T00:00:00Z\n" in done.stdout
    assert "  operator: ght-exemple\n  hosted here: yes\n" in done.stdout
    assert [line.split("  ")[-1].strip() for line in done.stdout.splitlines()[-3:]] == [
        f"domain {HOSPITAL} admitted, operator ght-exemple, hosted here",
        "created as PER",
        "suspended: congé",
    ]
    told = msgspec.json.decode(directory(folder, "show", DOCTOR, "--json", "--at", "2020-03-11T12:00:00Z").stdout)
    assert told["mailbox"]["status"] == "active"
    assert [fact["event"]["type"] for fact in told["facts"]] == ["domain-admitted.v1", "mailbox-created.v1"]


def test_nothing_that_is_shown_moves_the_cursor_or_breaks_the_line(folder: Path) -> None:
    bad, address = "A\x1b[2JB\nC", f"esc@{HOSPITAL}"
    tell(
        folder,
        CreateMailbox(address=address, kind="ORG", name=bad, service=bad),
        SuspendMailbox(address=address, motive=bad),
    )
    for what in ("search", "show"):
        shown = CliRunner().invoke(
            app, ["--store", f"sqlite:///{folder}/huissier.db", "directory", what, address], color=True
        )
        assert shown.exit_code == 0
        assert r"A\x1b[2JB\nC" in shown.stdout
        assert shown.stdout.replace("\n", "").isprintable()


def test_a_usager_is_shown_under_the_opaque_address_and_never_by_an_ins(folder: Path) -> None:
    (first, _) = directory(folder, "search", PATIENTS).stdout.splitlines()
    address = first.partition(": ")[0]
    done = directory(folder, "show", address)
    assert done.returncode == 0
    assert done.stdout.endswith("espace numérique de santé opened\n")
    done = directory(folder, "show", f"{ins(1)}@{PATIENTS}")
    assert done.returncode == 2
    assert ins(1) not in done.stdout + done.stderr


def test_what_is_not_there_or_no_address_is_said(folder: Path) -> None:
    assert directory(folder, "show", f"nobody@{HOSPITAL}").returncode == 1
    assert directory(folder, "show", "nobody").returncode == 2
    done = run("--store", "sqlite:///none.db", "directory", "search", "x", cwd=folder)
    assert done.returncode == 3
    assert not (folder / "none.db").exists()


@pytest.mark.parametrize("form", [(), ("--fhir",)])
def test_an_export_is_whole_and_private(folder: Path, form: tuple[str, ...]) -> None:
    out = folder / "out"
    out.mkdir()
    at = ("--at", "2020-03-11T12:34:56Z")
    done = directory(folder, "export", *form, "--out", "out", *at)
    (file,) = out.iterdir()
    name = "Annuaire_MSSante_FHIR" if form else "Extraction_Correspondance_MSSante"
    assert done.stdout == f"out/{name}_202003111234.zip: 3 mailboxes\n"
    assert file.name == f"{name}_202003111234.zip"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    directory(folder, "export", *form, "--out", "out", *at)
    assert file.read_bytes() == before


@pytest.mark.parametrize("form", [(), ("--fhir",)])
def test_an_export_as_of_a_time_that_a_zip_cannot_tell_is_refused(folder: Path, form: tuple[str, ...]) -> None:
    for year in ("0001", "1979", "2108", "9999"):
        done = directory(folder, "export", *form, "--at", f"{year}-12-30T00:00:00Z")
        assert (done.returncode, done.stderr) == (2, "huissier: --at: a ZIP tells times of the years 1980 to 2107\n")
    for year in ("1980", "2107"):
        assert directory(folder, "export", *form, "--at", f"{year}-12-30T00:00:00Z").returncode == 0
    assert len([*folder.glob("*.zip")]) == 2


def test_a_folder_that_is_not_there_loses_nothing(folder: Path) -> None:
    done = directory(folder, "export", "--out", "nowhere")
    assert (done.returncode, done.stderr) == (2, "huissier: --out: nowhere is not a folder\n")


def test_an_export_that_breaks_off_leaves_the_file_before_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--at", "2020-03-11T12:34:56Z")
    directory(folder, "export", *at)
    (file,) = folder.glob("*.zip")
    before, names = file.read_bytes(), sorted(folder.iterdir())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    done = directory(folder, "export", *at)
    assert (done.returncode, "No space left" in done.stderr) == (3, True)
    assert file.read_bytes() == before
    assert sorted(folder.iterdir()) == names


def test_an_extraction_is_imported_and_rows_not_taken_are_told(folder: Path) -> None:
    content = extraction(row(f"dr.neuf@{HOSPITAL}", Nom_d_exercice="NEUF"), row(f"dr@{CABINET}"))
    (folder / "e.txt").write_bytes(content)
    done = directory(folder, "import", "e.txt", "--at", "2021-01-01T00:00:00Z")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"line 3: the domain {CABINET} is not hosted here",
        "2 rows: 1 mailboxes created, 0 there already, 1 on domains not hosted here, 0 refused, 0 unreadable",
    ]
    assert "NEUF" in directory(folder, "search", "neuf", "--at", "2021-01-01T00:00:00Z").stdout
    again = directory(folder, "import", "e.txt", "--skip-remote", "--json")
    assert again.stdout == '{"rows":2,"created":0,"unchanged":1,"elsewhere":1,"refused":0,"invalid":0}\n'


def test_the_exit_status_says_what_became_of_the_rows(folder: Path) -> None:
    (folder / "refused.txt").write_bytes(extraction(row(DOCTOR, "ORG")))
    (folder / "invalid.txt").write_bytes(extraction(row(DOCTOR, "ORG"), "nonsense"))
    assert directory(folder, "import", "refused.txt").returncode == 1
    done = directory(folder, "import", "invalid.txt", "--json")
    assert done.returncode == 2
    assert [msgspec.json.decode(line).get("outcome") for line in done.stdout.splitlines()] == [
        "refused",
        "invalid",
        None,
    ]


@pytest.mark.parametrize("content", [b"", b"PK and no more", extraction(header="a|b")])
def test_a_file_that_is_no_extraction_is_refused(folder: Path, content: bytes) -> None:
    (folder / "e").write_bytes(content)
    done = directory(folder, "import", "e")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("huissier: e: ")


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (StoreError("the disk is gone"), "the disk is gone; nothing after line 1 was recorded"),
        (TemporarilyUnavailableError("cut"), "cut; what stands after line 1 may be recorded or not"),
    ],
)
def test_it_says_up_to_where_rows_were_taken_when_the_store_fails(
    problem: StoreError, told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr("huissier.adapters.deciding.engine.Engine.handle_many", broken)
    (folder / "e.txt").write_bytes(extraction(row(f"dr.neuf@{HOSPITAL}")))
    done = directory(folder, "import", "e.txt")
    assert done.returncode == 3
    assert told in done.stderr


@pytest.mark.parametrize("words", [["a"] * 51, ["a" * 1_001]])
def test_more_words_than_a_database_takes_are_refused(folder: Path, words: list[str]) -> None:
    done = directory(folder, "search", *words)
    assert (done.returncode, done.stderr) == (2, "huissier: say at most 50 words of 1000 characters\n")
    assert directory(folder, "search", *(["a" * 1_000] * 50)).returncode == 1
