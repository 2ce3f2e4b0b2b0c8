"""What testers sent to break it have found, each kept as the shortest way to show it."""

import json
import os
import pty
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from huissier.adapters.engine import Engine
from huissier.adapters.errors import CorruptStoreError, StoreError, VaultKeyError
from huissier.adapters.log import codec
from huissier.domain.commands import (
    AnyCommand,
    EraseUsager,
    OpenEns,
    RegisterOperator,
    ReportDelivery,
    SubmitMessage,
    SuspendMailbox,
)
from huissier.domain.events import OperatorRegistered
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import mentions_ins, without_ins
from tests.command_line import PROGRAM, huissier
from tests.hospital import DOCTOR, INS, NOW, SECRETARY, USAGER, hospital, message
from tests.test_engine import says_what_was_deleted_is_kept


def test_a_name_that_grows_past_the_limit_spoils_its_own_line_only(tmp_path: Path) -> None:
    good = '{"type":"register-operator","operator":"%s","kind":"usager"}\n'
    grown = json.dumps({"type": "suspend-mailbox", "address": DOCTOR, "motive": "\ufdfa" * 1900 + " " + INS}) + "\n"
    commas = json.dumps({"type": "admit-domain", "domain": "x.fr", "certificate_dns": [f'CN="{"," * 1500}"']}) + "\n"
    done = huissier("apply", "-", cwd=tmp_path, stdin=good % "a" + grown + commas + good % "b")
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert outcomes == ["recorded", "invalid", "invalid", "recorded"]
    assert done.returncode == 2


@pytest.mark.parametrize(
    "ins", ["979135121518993", "279135121518955", "679035121518983", "٢٧٩٠٣٥١٢١٥١٨٩٨٩", "12 288091234567823"]
)
def test_an_ins_that_the_vault_would_take_is_known_in_any_text(ins: str) -> None:
    assert mentions_ins(f"patient {ins}")
    left = without_ins(f"le patient {ins} attend")
    assert not any(character.isdecimal() for character in left)


@pytest.mark.parametrize("text", ["le 12/10/2026: 2 88 09 12 345 678 23", "ref12 2 53 09 78 126 345 81"])
def test_no_digit_of_an_ins_is_left_beside_another_number(text: str) -> None:
    assert "345" not in without_ins(text)


@pytest.mark.parametrize(
    "header",
    [
        "<m1@x>", "m1@x", "<m1@x> <m0@x>", "<m0@x>\r\n <m1@x>", "<m1@x> (reply)", "(c)<m1@x>",
        "Your message of Mon <m1@x>", "<m1@\r\n x>", '<"m1"@x>',
    ],
)  # fmt: skip
def test_no_spelling_of_in_reply_to_answers_a_message_that_may_not_be_answered(header: str) -> None:
    with hospital() as engine:
        for number, mss_mes in enumerate((None, "FIN")):
            message_id = f"<m{number}@x>"
            sent = SubmitMessage(
                id=f"s-{number}",
                sender=DOCTOR,
                recipients=[USAGER],
                final_hop=True,
                mss_mes=mss_mes,
                message_id=message_id,
            )
            assert engine.handle(sent).outcome == "accepted"
        answer = SubmitMessage(id="a", sender=USAGER, recipients=[DOCTOR], in_reply_to=header)
        assert [reason.code for reason in engine.handle(answer).verdicts[0].reasons] == ["REPLY_NOT_ALLOWED"]
        other = SubmitMessage(id="b", sender=USAGER, recipients=[DOCTOR], in_reply_to="<m0@x>")
        assert engine.handle(other).outcome == "accepted"


@pytest.mark.parametrize("value", ["FIN", "fin", " FIN\r\n", "FIN;x", "FIN (c)", '"FIN"', "FIN, FIN", "ＦＩＮ"])
def test_no_spelling_of_the_fin_header_opens_a_contact(value: str) -> None:
    with hospital() as engine:
        engine.handle(SubmitMessage(id="s", sender=DOCTOR, recipients=[USAGER], final_hop=True, mss_mes=value))
        assert engine.check(message(1, sender=USAGER, to=DOCTOR)).outcome == "refused"


def test_damaged_text_in_a_fact_is_a_clear_error() -> None:
    stored = codec.encode(_fact(), NOW).data
    with pytest.raises(CorruptStoreError, match="position 3"):
        codec.decode(stored.replace(b"o-a", b"\xad-a"), 3)


def _fact() -> OperatorRegistered:
    return OperatorRegistered(at=datetime(2026, 1, 1, tzinfo=UTC), operator="o-a", kind="usager")


def test_after_an_erasure_no_file_holds_what_the_vault_knew(tmp_path: Path) -> None:
    path = tmp_path / "huissier.db"
    with hospital(f"sqlite:///{path}") as engine:
        engine.handle(message(1, to=USAGER))
        with engine.recorder.reading() as look:
            ((digest, sealed),) = look.session.rows("SELECT digest, sealed FROM vault")
        assert any(sealed in file.read_bytes() for file in tmp_path.iterdir())
        engine.handle(EraseUsager(ins=INS))
        for file in tmp_path.iterdir():
            assert sealed not in file.read_bytes(), file.name
            assert digest not in file.read_bytes(), file.name


def test_who_was_taken_in_leniently_can_be_erased_under_the_strict_option(tmp_path: Path) -> None:
    url, sample = f"sqlite:///{tmp_path / 'huissier.db'}", "288091234567823"
    with hospital(url, options=Options(ins_key="lenient")) as engine:
        sent = SubmitMessage(id="m", sender=DOCTOR, recipients=[f"{sample}@patient.mssante.fr"])
        assert engine.handle(sent).outcome == "accepted"
    with Engine(url) as engine:
        assert engine.handle(OpenEns(ins=sample)).reasons[0].code == "INS_INVALID"
        assert engine.handle(EraseUsager(ins=sample)).outcome == "recorded"
        assert engine.handle(EraseUsager(ins=sample)).reasons[0].code == "INS_INVALID"


def test_checking_for_ever_keeps_no_memory() -> None:
    with hospital() as engine:
        engine.check(message(0))
        before = engine._checks.desk.memory.facts.size
        for number in range(300):
            engine.check(message(number))
        assert engine._checks.desk.memory.facts.size == before


def test_a_malformed_key_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(VaultKeyError):
        Engine(f"sqlite:///{tmp_path / 'huissier.db'}", environment={"HUISSIER_VAULT_KEY": "no"})
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_not_a_store(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="not a file"):
        Engine(f"sqlite:///{tmp_path / 'pipe'}")


def test_no_message_of_the_program_repeats_an_ins(tmp_path: Path) -> None:
    for arguments in (("apply", f"{INS}.jsonl"), ("apply", "-", "--option", f"{INS}=2")):
        done = huissier(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert INS not in done.stdout + done.stderr


def test_reprs_show_no_ins() -> None:
    with hospital() as engine:
        commands: list[AnyCommand] = [
            OpenEns(ins=INS),
            message(1, to=USAGER),
            ReportDelivery(id="m-1", recipient=USAGER, status="delivered"),
            SuspendMailbox(address=USAGER),
        ]
        for command in commands:
            assert INS not in repr(command)
            assert INS not in repr(engine.handle(command))
        assert INS not in repr(engine.check(message(1, to=USAGER)))
        assert SECRETARY in repr(message(1))


def test_an_operators_name_is_no_place_for_an_ins() -> None:
    with pytest.raises(VocabularyError, match="operator"):
        RegisterOperator(operator=INS, kind="usager")


REGISTER = '{"type":"register-operator","operator":"o","kind":"usager"}\n'


def shell(line: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stderr.decode(errors="replace")


def test_what_the_system_refuses_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(REGISTER)
    for line, status in (
        (f"{PROGRAM} apply f > /dev/full", 3),
        (f"{PROGRAM} apply f >&-", 2),
        (f"{PROGRAM} apply - <&-", 2),
        (f"{PROGRAM} check --json --from a@b.fr --to $'x\\xff@e.f' --store sqlite:///huissier.db", 2),
        (f"PYTHONIOENCODING=latin-1 {PROGRAM} demo", 0),
    ):
        code, errors = shell(line, tmp_path)
        assert code == status, (line, errors)
        assert "Traceback" not in errors
        assert errors.count("\n") == (1 if status else 0)


def test_usage_errors_repeat_no_ins(tmp_path: Path) -> None:
    code, errors = shell(f"{PROGRAM} check --from a@b.fr --to c@d.fr {USAGER}", tmp_path)
    assert code == 2
    assert INS not in errors


def test_a_pipe_on_a_terminal_is_applied_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(REGISTER * 3000)
    primary, secondary = pty.openpty()
    line = f"{PROGRAM} apply <(cat f) > out"
    with subprocess.Popen(["bash", "-c", line], cwd=tmp_path, stderr=secondary) as process:
        os.close(secondary)
        assert process.wait(timeout=60) == 0
    os.close(primary)
    assert (tmp_path / "out").read_text().count("\n") == 3000


def test_what_only_checks_needs_no_right_to_write(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    with hospital(f"sqlite:///{folder / 'huissier.db'}") as engine:
        engine.handle(message(1))
    before = (folder / "huissier.db").read_bytes()
    asked = ("check", "--from", DOCTOR, "--to", SECRETARY)
    done = huissier(*asked, "--store", f"sqlite:///{folder / 'huissier.db'}", cwd=tmp_path)
    assert done.returncode == 0
    assert (folder / "huissier.db").read_bytes() == before


def test_a_thousand_late_reports_of_one_message_are_taken_in_seconds() -> None:
    usagers = [f"1791299{n:06d}{97 - int(f'1791299{n:06d}') % 97:02d}@patient.mssante.fr" for n in range(1000)]
    with hospital() as engine:
        engine.handle(SubmitMessage(id="m", sender=DOCTOR, recipients=usagers))
        reports: list[AnyCommand] = [
            ReportDelivery(id="m", recipient=usager, status="delivered", at=NOW + timedelta(days=1, seconds=-n))
            for n, usager in enumerate(usagers)
        ]
        started = time.process_time()
        answers = engine.handle_many(reports)
        assert {answer.outcome for answer in answers} == {"recorded"}
        assert time.process_time() - started < 20


def test_whoever_reads_an_old_state_does_not_hold_up_an_erasure(tmp_path: Path) -> None:
    path = tmp_path / "huissier.db"
    with hospital(f"sqlite:///{path}") as engine:
        engine.handle(message(1, to=USAGER))
        with Engine(f"sqlite:///{path}") as other, other.recorder.reading():
            began = time.monotonic()
            assert engine.handle(EraseUsager(ins=INS)).outcome == "recorded"
            assert time.monotonic() - began < 5
            assert says_what_was_deleted_is_kept(engine)
        engine.handle(message(2))
        assert not says_what_was_deleted_is_kept(engine)


def test_an_event_that_nests_too_deeply_is_corrupt() -> None:
    with pytest.raises(CorruptStoreError, match="position 7"):
        codec.decode(b'{"event":' * 100_000, 7)


def test_a_stored_time_without_a_zone_is_corrupt() -> None:
    stored = codec.encode(OperatorRegistered(at=NOW, operator="a", kind="usager"), NOW).data
    with pytest.raises(CorruptStoreError, match="position 7"):
        codec.decode(stored.replace(b"Z", b""), 7)
