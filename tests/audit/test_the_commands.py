"""`huissier audit`: filters, pages and formats; an INS comes in and never goes out."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import huissier as library
from huissier.adapters.audit import search
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log.place import Place
from huissier.adapters.testing import hospital as w
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.domain.commands import EraseUsager
from huissier.domain.vocabulary.ins import mentions_ins
from huissier.projections.projection import Entry
from huissier.projections.trail import Question, Trail
from tests.command_line import Done, as_process, huissier

HOLDS_INS = f"mail of {w.ins(1)}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a day, with one usager who wrote and one who was erased."""
    folder = tmp_path_factory.mktemp("audit")
    with library.open(f"sqlite:///{folder}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        engine.handle(w.reach(w.DOCTOR, w.USAGER))
        engine.handle(w.reach(w.SURGEON, w.OTHER_USAGER))
        engine.handle(w.write(w.USAGER, w.DOCTOR, w.SURGEON, id=HOLDS_INS))
        engine.handle(w.lost(HOLDS_INS, w.DOCTOR))
        engine.handle(w.received(HOLDS_INS, w.SURGEON))
        engine.handle(w.write(w.DOCTOR, w.SURGEON, id="letter", at=w.NOW - 3 * w.DAY))
        engine.handle(w.received("letter", w.SURGEON))
        engine.handle(EraseUsager(ins=w.ins(2)))
    (folder / "usager.txt").write_text(f"{w.ins(1)}\n")
    return folder


def trail(folder: Path, *arguments: str, stdin: str = "") -> list[dict[str, Any]]:
    done = audit(folder, "trail", "--json", *arguments, stdin=stdin)
    assert done.returncode == 0
    return [json.loads(line) for line in done.stdout.splitlines()]


def audit(folder: Path, *arguments: str, stdin: str | bytes = "") -> Done:
    done = huissier("audit", *arguments, cwd=folder, stdin=stdin)
    assert not mentions_ins(done.stdout.replace("300000000000000", ""))  # a certificate's OU is no INS
    assert not mentions_ins(done.stderr)
    return done


def kinds(lines: list[dict[str, Any]]) -> list[str]:
    return [line["kind"] for line in lines]


def test_without_a_filter_the_whole_log_is_told(folder: Path) -> None:
    lines = trail(folder)
    assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))
    assert kinds(lines)[-1] == "usager-erased"


def test_the_read_models_beside_the_store_are_their_owners_only(folder: Path) -> None:
    trail(folder)
    for path in folder.glob("huissier.db.views*"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_people_read_a_line_a_fact(folder: Path) -> None:
    done = audit(folder, "trail", "--submission", "letter", "--limit", "1", "--lang", "fr")
    (line,) = done.stdout.splitlines()
    assert "enregistré 2026-10-31T09:00:00Z  dr.martin@ch-exemple.mssante.fr: a soumis le message letter pour" in line
    assert "accepté  PROFESSIONNEL_TO_PROFESSIONNEL (DSFT MSSanté, rule 3" in line


def test_spreadsheets_read_csv(folder: Path) -> None:
    rows = list(csv.DictReader(StringIO(audit(folder, "trail", "--csv", "--kind", "message-decided").stdout)))
    assert [row["outcome"] for row in rows] == ["accepted", "accepted", "mixed", "accepted"]


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_programs_and_spreadsheets_read_utf_8_whatever_the_locale(tmp_path: Path, form: str) -> None:
    with library.open(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle(library.RegisterOperator(operator="é", kind="usager", name="Sacré-Cœur 🏥"))
    done = as_process("audit", "trail", form, cwd=tmp_path, env={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert done.returncode == 0
    assert "Sacré-Cœur 🏥" in done.stdout


def test_pages_together_are_the_whole(folder: Path) -> None:
    pages: list[dict[str, Any]] = []
    while page := trail(folder, "--limit", "5", "--after", str(pages[-1]["position"] if pages else 0)):
        assert len(page) <= 5
        pages += page
    assert pages == trail(folder)


def test_a_usager_is_found_by_the_ins_in_a_file_or_on_standard_input(folder: Path) -> None:
    expected = ["ens-opened", "message-decided", "message-decided"]
    assert kinds(trail(folder, "--usager", "usager.txt")) == expected
    (folder / "marked.txt").write_text(f"\ufeff{w.ins(1)}")  # as some editors save it
    assert kinds(trail(folder, "--usager", "marked.txt")) == expected
    spaced = f"{w.ins(1)[0]} {w.ins(1)[1:]}\n"
    assert kinds(trail(folder, "--usager", "-", stdin=spaced)) == expected


def test_a_usager_nobody_knows_or_remembers_is_not_found(folder: Path) -> None:
    for number in (2, 3):
        done = audit(folder, "trail", "--usager", "-", stdin=w.ins(number))
        assert done.returncode == 1
        assert "the vault knows nobody under this INS" in done.stderr


def test_an_erased_usager_is_still_found_under_the_opaque_id(folder: Path) -> None:
    erased = trail(folder, "--kind", "usager-erased")[0]["fact"]["usager"]
    assert kinds(trail(folder, "--mailbox", f"usager:{erased}@{w.PATIENTS}")) == ["ens-opened", "message-decided"]


def test_a_submission_whose_id_holds_an_ins_is_found_by_that_id_and_by_its_digest(folder: Path) -> None:
    lines = trail(folder, "--submission", "-", stdin=HOLDS_INS)
    assert kinds(lines) == ["message-decided", "message-undelivered", "command-rejected"]
    kept = lines[0]["fact"]["id"]
    assert kept.startswith("digest:")
    assert trail(folder, "--submission", kept) == lines


def test_what_different_options_ask_for_must_all_hold(folder: Path) -> None:
    assert len(trail(folder, "--mailbox", w.DOCTOR.upper(), "--usager", "usager.txt")) == 2
    assert len(trail(folder, "--mailbox", w.DOCTOR, "--mailbox", w.SURGEON, "--outcome", "accepted")) == 1
    assert len(trail(folder, "--outcome", "delivered", "--outcome", "undelivered")) == 2
    assert kinds(trail(folder, "--domain", w.CABINET)) == ["domain-admitted"]
    assert [line["outcome"] for line in trail(folder, "--reason", "CONTACT_NOT_OPENED")] == ["mixed"]


def test_what_was_let_pass_in_shadow_is_listed_and_told(tmp_path: Path) -> None:
    options = library.Options(shadow_reasons=("CONTACT_NOT_OPENED",))
    with library.open(f"sqlite:///{tmp_path}/huissier.db", clock=lambda: w.NOW, options=options) as engine:
        engine.handle_many(w.world())
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="in-shadow", stage="end-of-message"))
        engine.handle(w.write(w.USAGER, w.OUTSIDER, id="refused"))
        engine.handle(w.write(w.DOCTOR, w.SURGEON, id="accepted"))
    assert [line["fact"]["id"] for line in trail(tmp_path, "--shadow")] == ["in-shadow"]
    assert trail(tmp_path, "--shadow", "--outcome", "accepted") == []
    assert "(refused, but let pass (shadow))" in audit(tmp_path, "trail", "--shadow").stdout
    assert "(refusé, mais laissé passer (ombre))" in audit(tmp_path, "trail", "--shadow", "--lang", "fr").stdout
    assert f"{w.DOCTOR}: refused, but let pass (shadow)" in audit(tmp_path, "explain", "in-shadow").stdout


def test_periods_are_of_the_fact_or_of_its_record(folder: Path) -> None:
    late = trail(folder, "--since", "2026-10-28", "--until", "2026-10-28")
    assert [line["fact"]["id"] for line in late] == ["letter"]
    assert len(trail(folder, "--until", "2020-03-11")) == len(w.world())
    assert trail(folder, "--recorded-until", "2026-10-30") == []
    assert trail(folder, "--recorded-since", "2026-10-31T10:00:00+01:00") == trail(folder)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--since", "yesterday"), "--since"),
        (("--recorded-until", "2026-02-30"), "--recorded-until"),
        (("--kind", "message"), "message-decided"),
        (("--outcome", "maybe"), "undelivered"),
        (("--reason", "BECAUSE"), "CONTACT_ENDED"),
        (("--domain", "nowhere"), "--domain"),
        (("--mailbox", "nobody"), "--mailbox"),
        (("--mailbox", w.USAGER), "--usager"),
        (("--usager", "missing.txt"), "missing.txt"),
        (("--usager", "huissier.db"), "UTF-8"),
        (("--csv", "--json"), "--csv"),
        (("--lang", "de"), "--lang"),
        (("--limit", "0"), "--limit"),
        (("--limit", "9" * 20), "1000000000000000000"),
        (("--after", "9" * 20), "1000000000000000000"),
    ],
)
def test_what_cannot_be_read_is_named_and_ends_with_status_2(
    folder: Path, arguments: tuple[str, ...], word: str
) -> None:
    done = audit(folder, "trail", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr


def test_what_is_no_ins_is_not_repeated(folder: Path) -> None:
    for text in ("nobody", w.ins(1)[:-1], w.ins(1) + " ", ""):
        done = audit(folder, "trail", "--usager", "-", stdin=text.replace(w.ins(1) + " ", "1" + w.ins(1)))
        assert done.returncode == 2
        assert "not an INS" in done.stderr


def test_a_missing_store_is_status_3(tmp_path: Path) -> None:
    for command in (("trail",), ("explain", "letter")):
        done = audit(tmp_path, *command)
        assert done.returncode == 3
        assert list(tmp_path.iterdir()) == []


def test_a_decision_is_explained_by_its_id(folder: Path) -> None:
    done = audit(folder, "explain", "letter")
    assert done.returncode == 0
    assert "PROFESSIONNEL_TO_PROFESSIONNEL" in done.stdout
    assert "Rules 1.4+pharmacies, in force since 2023-05-22T00:00:00Z" in done.stdout


def test_an_id_that_holds_an_ins_is_read_from_standard_input(folder: Path) -> None:
    done = audit(folder, "explain", "-", "--json", stdin=f"{HOLDS_INS}\n")
    explanation = json.loads(done.stdout)
    assert [verdict["outcome"] for verdict in explanation["verdicts"]] == ["accepted", "refused"]
    assert [line["outcome"] for line in explanation["later"]] == ["undelivered"]


def test_what_was_never_submitted_is_status_1(folder: Path) -> None:
    done = audit(folder, "explain", "unheard")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no message was submitted under this id" in done.stderr


def test_facts_are_read_as_they_are_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huissier.projections.trail.BLOCK", 2)
    sizes: list[int] = []

    def counted(log: Any, first: int, last: int) -> Iterator[Entry]:
        sizes.append(last - first + 1)
        return iter(entries(log, first, last))

    entries = search.read
    url = f"sqlite:///{folder}/huissier.db"
    with Engine(url) as engine, ViewsDatabase(Place(url)) as database:
        runner = Runner(engine.log, database, Trail)
        runner.rebuild()
        monkeypatch.setattr(search, "read", counted)
        with runner.reading() as (connection, view):
            assert len(list(islice(search.find(engine.log, connection, view, Question()), 5))) == 5
    assert sizes == [2, 2, 2]
