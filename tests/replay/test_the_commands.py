"""`huissier audit replay`, `as-of` and `what-if`: on copies and servers, by people and programs; nothing is changed."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import huissier as library
from huissier.adapters.audit.replay.replaying import replay
from huissier.adapters.audit.replay.sources import StoreSource
from huissier.adapters.audit.replay.what_if import what_if
from huissier.adapters.errors import StoreError
from huissier.adapters.rule_sets.reading import rules_in
from huissier.adapters.testing import hospital as w
from huissier.domain.commands import EraseUsager
from huissier.domain.vocabulary.ins import mentions_ins
from tests.command_line import Done, huissier
from tests.stores import KEY

TIGHT = 'schema = 1\n[[rule_set]]\nname = "tight"\nsince = 2020-01-01\nusagers = true\nusagers_size_limit = 10\n'


def tell(url: str) -> None:
    with library.open(url, clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="too-early", at=w.NOW - 2 * w.DAY))
        engine.handle(w.write(w.DOCTOR, w.USAGER, id="first", size=1_000, at=w.NOW - w.DAY))
        engine.handle(w.received("first", w.USAGER, at=w.NOW - w.DAY))
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="answer", at=w.NOW))
        engine.handle(EraseUsager(ins=w.ins(2)))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    tell(f"sqlite:///{folder}/huissier.db")
    (folder / "usager.txt").write_text(f"{w.ins(1)}\n")
    (folder / "tight.toml").write_text(TIGHT)
    return folder


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """A copy of the store without the vault's key."""
    shutil.copy(original / "huissier.db", tmp_path)
    shutil.copy(original / "tight.toml", tmp_path)
    return tmp_path


def audit(folder: Path, *arguments: str, stdin: str = "") -> Done:
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    done = huissier("audit", *arguments, cwd=folder, stdin=stdin)
    assert sorted((path.name, path.read_bytes()) for path in folder.iterdir()) == before
    assert not mentions_ins(done.stdout + done.stderr)
    return done


def lines(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def turn_refusal(folder: Path) -> int:
    """Make an acceptance of a refusal, by hand; return its position."""
    with sqlite3.connect(folder / "huissier.db") as database:
        (position, data) = database.execute(
            "SELECT position, data FROM events WHERE instr(CAST(data AS TEXT), 'too-early') LIMIT 1"
        ).fetchone()
        data = data.replace(b'"accepted":false', b'"accepted":true')
        database.execute("UPDATE events SET data = ? WHERE position = ?", (data, position))
    database.close()
    return int(position)


# --- replay


def test_positions_that_the_log_does_not_have_are_not_without_difference(copy: Path) -> None:
    done = audit(copy, "replay", "--from", "100")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--from: the log ends at position " in done.stderr


def test_a_copy_without_its_key_is_replayed_and_nothing_differs(copy: Path) -> None:
    done = audit(copy, "replay")
    assert done.returncode == 0
    assert "with 3 verdicts decided again" in done.stdout
    assert "no difference" in done.stdout
    assert "not checkable: 1 × erasures: whether the vault knew the usager" in done.stdout


def test_a_changed_verdict_is_named_and_ends_with_status_1(copy: Path) -> None:
    position = turn_refusal(copy)
    done = audit(copy, "replay")
    assert done.returncode == 1
    first, summary, *_ = done.stdout.splitlines()
    assert first.startswith(f"position {position}  message-decided too-early  verdict for {w.DOCTOR}: the log says")
    assert "1 difference" in summary
    found, report = lines(audit(copy, "replay", "--json"))
    assert (found["position"], found["field"]) == (position, f"verdict for {w.DOCTOR}")
    assert (found["recorded"]["accepted"], found["recomputed"]["accepted"]) == (True, False)
    assert (report["differences"], report["verdicts"]) == (1, 3)
    assert audit(copy, "replay", "--from", str(position + 1)).returncode == 0


def test_processes_find_what_one_finds(copy: Path) -> None:
    position = turn_refusal(copy)
    source = StoreSource.of(f"sqlite:///{copy}/huissier.db")
    alone, together = replay(source, jobs=1), replay(source, jobs=2)
    found = list(alone.findings())
    assert [one.position for one in found] == [position]
    assert list(together.findings()) == found
    assert together.tally == alone.tally


def test_what_goes_wrong_in_a_process_is_told_here(copy: Path) -> None:
    source = StoreSource.of(f"sqlite:///{copy}/huissier.db")
    (copy / "huissier.db").unlink()
    with pytest.raises(StoreError, match="there is no store"):
        list(replay(source, jobs=2).findings())


def test_a_log_on_a_server_is_replayed_and_decided_again(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*next(iter(KEY.items())))
    url = new_database()
    tell(url)
    monkeypatch.delenv("HUISSIER_VAULT_KEY")
    source = StoreSource.of(url)
    crew = replay(source, jobs=2)
    assert list(crew.findings()) == []
    assert crew.tally["verdicts",] == 3
    flips = what_if(source, rules_in(TIGHT, "tight"), "counterfactual", jobs=1).findings()
    assert [flip.id for flip in flips] == ["first", "answer"]


def test_a_range_that_ends_before_it_begins_is_no_range(copy: Path) -> None:
    assert audit(copy, "replay", "--from", "3", "--to", "2").returncode == 2


@pytest.mark.parametrize("command", [("replay",), ("what-if", "tight.toml"), ("as-of", "2026-01-01")])
def test_a_missing_store_is_status_3(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "tight.toml").write_text(TIGHT)
    ends = ("--from", w.DOCTOR, "--to", w.SURGEON) if command[0] == "as-of" else ()
    assert audit(tmp_path, *command, *ends).returncode == 3


# --- what if


def test_flips_are_shown_and_counted(copy: Path) -> None:
    shown = audit(copy, "what-if", "tight.toml").stdout
    assert "first  dr.martin@ch-exemple.mssante.fr to usager:" in shown
    assert "accepted to refused, by decisive reason:\n         1  MESSAGE_TOO_LARGE" in shown
    *flips, report = lines(audit(copy, "what-if", "tight.toml", "--counterfactual", "--json"))
    assert [(flip["id"], flip["after_reasons"]) for flip in flips] == [
        ("first", ["MESSAGE_TOO_LARGE"]),
        ("answer", ["CONTACT_NOT_OPENED"]),
    ]
    assert (report["reading"], report["flips"], report["deliveries_lost"]) == ("counterfactual", 2, 1)


def test_the_rules_that_are_printed_change_nothing(copy: Path) -> None:
    rules = copy / "shipped.toml"
    rules.write_text(audit(copy, "what-if", "--print").stdout)
    assert "0 would be others" in audit(copy, "what-if", "shipped.toml").stdout


def test_without_rules_or_with_bad_ones_the_place_is_named(copy: Path) -> None:
    assert audit(copy, "what-if").returncode == 2
    (copy / "bad.toml").write_text(TIGHT.replace("10", '"ten"'))
    done = audit(copy, "what-if", "bad.toml")
    assert done.returncode == 2
    assert "bad.toml: [[rule_set]] 1 (tight): usagers_size_limit: Expected `int | null`" in done.stderr


# --- as of


def test_the_answer_at_a_time_comes_with_what_changed_it(original: Path) -> None:
    asked = ("as-of", "2026-10-29", "--from-usager", "usager.txt", "--to", w.DOCTOR)
    done = audit(original, *asked)
    assert done.returncode == 1
    before, _, after = done.stdout.partition("Changed afterwards:")
    assert "CONTACT_NOT_OPENED" in before
    assert "CONTACT_OPEN" in after
    now, later = lines(audit(original, *asked, "--json"))
    assert (now["verdict"]["outcome"], later["verdict"]["outcome"]) == ("refused", "accepted")
    assert later["because_of"]["kind"] == "message-delivered"
    assert audit(original, "as-of", "2026-10-31", *asked[2:]).returncode == 0


def test_a_timeline_tells_every_change_between_two_dates(original: Path) -> None:
    asked = ("as-of", "2026-10-31", "--from-usager", "-", "--to", w.DOCTOR, "--timeline")
    whole = audit(original, *asked, stdin=w.ins(1)).stdout
    assert "changed because rule set 1.4 comes into force" in whole
    some = lines(audit(original, *asked, "--json", "--since", "2022-01-01", "--until", "2026-10-31", stdin=w.ins(1)))
    assert [[reason["code"] for reason in stand["verdict"]["reasons"]] for stand in some] == [
        ["CONTACT_NOT_OPENED"],
        ["CONTACT_OPEN"],
    ]


def test_what_was_known_by_a_position_or_a_time(original: Path) -> None:
    asked = ("as-of", "2026-10-31", "--from-usager", "usager.txt", "--to", w.DOCTOR)
    assert audit(original, *asked, "--position", "14").returncode == 1
    assert "DOMAIN_NOT_ADMITTED" in audit(original, *asked, "--known-at", "2026-10-30T00:00:00Z").stdout


def test_an_address_as_the_trail_shows_it_needs_no_key(copy: Path) -> None:
    flips = lines(audit(copy, "what-if", "tight.toml", "--json"))
    done = audit(copy, "as-of", "2026-10-31", "--from", flips[0]["recipient"], "--to", w.DOCTOR)
    assert "CONTACT_OPEN" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--from", w.USAGER, "--to", w.DOCTOR), "--from-usager"),
        (("--to", w.DOCTOR), "--from ADDRESS or --from-usager FILE"),
        (("--from", "nobody", "--to", w.DOCTOR), "--from"),
        (("--from", w.DOCTOR, "--to", w.SURGEON, "--since", "2026-01-01"), "--timeline"),
        (("--from", w.DOCTOR, "--to", w.SURGEON, "--known-at", "now"), "--known-at"),
    ],
)
def test_what_cannot_be_read_is_named(original: Path, arguments: tuple[str, ...], word: str) -> None:
    done = audit(original, "as-of", "2026-10-31", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr


def test_a_usager_nobody_knows_is_status_1(original: Path) -> None:
    done = audit(original, "as-of", "2026-10-31", "--from-usager", "-", "--to", w.DOCTOR, stdin=w.ins(3))
    assert (done.returncode, done.stdout) == (1, "")
    assert "--from-usager: the vault knows nobody" in done.stderr


def test_a_timeline_that_ends_before_it_begins_is_refused(copy: Path) -> None:
    asked = ("as-of", "2026-10-31", "--from", w.DOCTOR, "--to", w.SURGEON, "--timeline")
    done = audit(copy, *asked, "--since", "2026-11-01")
    assert (done.returncode, done.stderr) == (2, "huissier: TIME: the last moment stands before --since\n")
    done = audit(copy, *asked, "--since", "2026-10-02", "--until", "2026-10-01")
    assert (done.returncode, done.stderr) == (2, "huissier: --until: the last moment stands before --since\n")
