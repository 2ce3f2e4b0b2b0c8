"""What testers sent to break it have found, each kept as the shortest way to show it."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from huissier.adapters.engine import Engine
from huissier.adapters.errors import CorruptStoreError, StoreError, VaultKeyError
from huissier.adapters.log import codec
from huissier.domain.events import OperatorRegistered
from tests.hospital import NOW, hospital, message


def test_damaged_text_in_a_fact_is_a_clear_error() -> None:
    stored = codec.encode(_fact(), NOW).data
    with pytest.raises(CorruptStoreError, match="position 3"):
        codec.decode(stored.replace(b"o-a", b"\xad-a"), 3)


def _fact() -> OperatorRegistered:
    return OperatorRegistered(at=datetime(2026, 1, 1, tzinfo=UTC), operator="o-a", kind="usager")


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


def test_an_event_that_nests_too_deeply_is_corrupt() -> None:
    with pytest.raises(CorruptStoreError, match="position 7"):
        codec.decode(b'{"event":' * 100_000, 7)


def test_a_stored_time_without_a_zone_is_corrupt() -> None:
    stored = codec.encode(OperatorRegistered(at=NOW, operator="a", kind="usager"), NOW).data
    with pytest.raises(CorruptStoreError, match="position 7"):
        codec.decode(stored.replace(b"Z", b""), 7)
