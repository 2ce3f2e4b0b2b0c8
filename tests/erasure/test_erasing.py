"""An erasure: what the vault knew leaves the store's files at once, or as soon as nobody reads what was before."""

import time
from pathlib import Path

import pytest

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import StoreError
from huissier.adapters.log import codec
from huissier.adapters.log.store import Store, keeps_deleted
from huissier.domain.commands import EraseUsager, OpenEns, SubmitMessage
from huissier.domain.events import UsagerErased
from huissier.domain.rule_set import Options
from tests.hospital import DOCTOR, INS, USAGER, hospital, message


def says_what_was_deleted_is_kept(engine: Engine) -> bool:
    with engine.log.reading() as look:
        return keeps_deleted(look.session)


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


def test_an_erasure_is_answered_though_what_it_left_cannot_be_cleared_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hospital(f"sqlite:///{tmp_path / 'huissier.db'}") as engine:
        engine.handle(message(1, to=USAGER))
        with monkeypatch.context() as full:

            def fail(_: Store) -> bool:
                raise StoreError("the disk is full")

            full.setattr(Store, "forget_deleted", fail)
            assert engine.handle(EraseUsager(ins=INS)).outcome == "recorded"
            assert says_what_was_deleted_is_kept(engine)
        engine.handle(message(2))
        assert not says_what_was_deleted_is_kept(engine)
        facts = [codec.decode(one.event.data, one.position).event for one in engine.recorder.read()]
        assert sum(isinstance(fact, UsagerErased) for fact in facts) == 1
