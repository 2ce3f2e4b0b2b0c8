"""Stored bytes are decoded, in whatever form they were written, or named as damaged with their position."""

from typing import Any

import pytest

from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.log import codec
from huissier.domain import events as e
from tests.hospital import NOW
from tests.log.events import AT, USAGER

STORED = codec.encode(e.OperatorRegistered(at=NOW, operator="o-a", kind="usager"), NOW).data


def test_an_old_form_is_brought_up_step_by_step() -> None:
    def to_v0(form: dict[str, Any]) -> dict[str, Any]:
        return {"type": "ens-closed.v0", "at": form["at"], "who": form["ins_pseudonym"]}

    def to_v1(form: dict[str, Any]) -> dict[str, Any]:
        return {"type": "ens-closed.v1", "at": form["at"], "address": f"{form['who']}@patient.mssante.fr"}

    old = b'{"recorded_at":"2026-11-01T00:00:00Z","event":{"type":"ens-shut","at":"2026-10-31T09:30:15.123456Z",'
    old += b'"ins_pseudonym":"usager:aaaaaaaaaaaaaaaaaaaaaaaaaa"}}'
    upcasters = {"ens-shut": to_v0, "ens-closed.v0": to_v1}
    assert codec.decode(old, 7, upcasters).event == e.EnsClosed(at=AT, address=USAGER)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"recorded_at":"2026-11-01T00:00:00Z","event":{}}'])
def test_bytes_that_are_no_fact_are_named_by_their_position(data: bytes) -> None:
    with pytest.raises(CorruptStoreError, match="position 7"):
        codec.decode(data, 7)


def test_damaged_text_in_a_fact_is_a_clear_error() -> None:
    with pytest.raises(CorruptStoreError, match="position 3"):
        codec.decode(STORED.replace(b"o-a", b"\xad-a"), 3)


def test_an_event_that_nests_too_deeply_is_corrupt() -> None:
    with pytest.raises(CorruptStoreError, match="position 7"):
        codec.decode(b'{"event":' * 100_000, 7)


def test_a_stored_time_without_a_zone_is_corrupt() -> None:
    with pytest.raises(CorruptStoreError, match="position 7"):
        codec.decode(STORED.replace(b"Z", b""), 7)
