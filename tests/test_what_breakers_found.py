"""What testers sent to break it have found, each kept as the shortest way to show it."""

import os
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
    ReportDelivery,
    SubmitMessage,
)
from huissier.domain.events import OperatorRegistered
from huissier.domain.rule_set import Options
from tests.hospital import DOCTOR, INS, NOW, USAGER, hospital, message
from tests.test_engine import says_what_was_deleted_is_kept


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
