"""What testers sent to break it have found, each kept as the shortest way to show it."""

import json
from datetime import UTC, datetime
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
from tests.command_line import huissier
from tests.test_engine import DOCTOR, INS, NOW, SECRETARY, USAGER, hospital, message
from tests.white_list.lists import make_signer, pem, signed_list


def test_a_name_that_grows_past_the_limit_spoils_its_own_line_only(tmp_path: Path) -> None:
    good = '{"type":"register-operator","operator":"%s","kind":"usager"}\n'
    grown = json.dumps({"type": "suspend-mailbox", "address": DOCTOR, "motive": "\ufdfa" * 1900 + " " + INS}) + "\n"
    commas = json.dumps({"type": "admit-domain", "domain": "x.fr", "certificate_dns": [f'CN="{"," * 1500}"']}) + "\n"
    done = huissier("apply", "-", cwd=tmp_path, stdin=good % "a" + grown + commas + good % "b")
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert outcomes == ["recorded", "invalid", "invalid", "recorded"]
    assert done.returncode == 2


def test_a_signed_list_cannot_bring_in_a_name_that_is_never_read_again(tmp_path: Path) -> None:
    rows = [("ch-a.mssante.fr", f'CN="{"," * 1500}"')]
    (tmp_path / "list.xml").write_bytes(signed_list(rows, signer=make_signer()))
    (tmp_path / "trust.pem").write_bytes(pem(make_signer()))
    done = huissier("whitelist", "load", "list.xml", "--trust", "trust.pem", cwd=tmp_path)
    assert done.returncode == 1
    assert "row 1" in done.stderr


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
        before = len(engine._memory.facts)
        for number in range(300):
            engine.check(message(number))
        assert len(engine._memory.facts) == before


def test_a_malformed_key_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(VaultKeyError):
        Engine(f"sqlite:///{tmp_path / 'huissier.db'}", environment={"HUISSIER_VAULT_KEY": "no"})
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_not_a_store(tmp_path: Path) -> None:
    import os

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
