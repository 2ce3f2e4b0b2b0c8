"""Bytes that were written once decode for ever.

`tests/golden/events.jsonl` holds every form of every fact that a release ever wrote. Lines are only ever added:
a change of shape is a new version with a new name, an upcaster in `adapters/log/codec.py`, a new line there, and
what it decodes to in `tests/log/events.py`.
"""

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from huissier.adapters.log import codec
from huissier.domain import events as e
from tests.log.events import EVENTS, RECORDED_AT

GOLDEN = Path(__file__).parents[1] / "golden" / "events.jsonl"


def golden_lines() -> list[bytes]:
    return GOLDEN.read_bytes().splitlines()


@pytest.mark.parametrize(("line", "event"), list(zip(golden_lines(), EVENTS, strict=True)))
def test_golden_bytes_decode_to_the_fact_they_were_written_from(line: bytes, event: e.AnyEvent) -> None:
    stored = codec.decode(line, 1)
    assert stored.event == event
    assert stored.recorded_at == RECORDED_AT


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_fact_is_written_today_as_the_newest_golden_bytes(event: e.AnyEvent) -> None:
    stored = codec.encode(event, RECORDED_AT)
    assert stored.data in golden_lines()
    assert stored.type == msgspec.json.decode(stored.data)["event"]["type"]


def test_every_fact_there_is_has_golden_bytes_that_fill_every_field() -> None:
    for kind in get_args(e.AnyEvent):
        forms = [codec.encode(event, RECORDED_AT).data for event in EVENTS if type(event) is kind]
        written = {name for form in forms for name in msgspec.json.decode(form)["event"]}
        falsy = set(kind.__struct_fields__) - written
        assert falsy <= {"liste_rouge"}, (kind, falsy)


def test_names_of_facts_are_stable_and_versioned() -> None:
    for event in EVENTS:
        name, _, version = str(event.__struct_config__.tag).rpartition(".v")
        assert name
        assert version.isdecimal()
