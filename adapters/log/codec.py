"""Facts to stored bytes and back: stable names, old bytes decode forever.

A stored event is JSON, `{"recorded_at": …, "event": {"type": "message-decided.v1", …}}`; the DCB event's type is
the same name. When a fact's shape changes, its new version gets a new name, and an upcaster here turns the old
form into the new one on reading; the golden files under `tests/golden` hold every form ever written.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec
from eventsourcing.dcb.api import DCBEvent

from huissier.adapters.errors import CorruptStoreError
from huissier.domain.events import AnyEvent
from huissier.domain.tags import tags_of
from huissier.domain.timeline import Fact
from huissier.domain.vocabulary.times import Time

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

# The form of an old version, by its name → the next version's form, its "type" included.
UPCASTERS: Mapping[str, Upcaster] = {}


class Stored(msgspec.Struct, frozen=True):
    """A fact and when it was recorded (UTC)."""

    recorded_at: Time
    event: AnyEvent


class _Named(msgspec.Struct):
    type: str


class _Form(msgspec.Struct):
    """The part of a stored event that names its type; an upcaster may change the type."""

    event: _Named


_NAMES = {kind: str(kind.__struct_config__.tag) for kind in get_args(AnyEvent)}
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError)  # TypeError: a number, not bytes
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Stored)
_form_decoder = msgspec.json.Decoder(_Form)


def encode(event: AnyEvent, recorded_at: datetime) -> DCBEvent:
    """Return a fact as the log keeps it, with its tags."""
    return DCBEvent(type=_NAMES[type(event)], data=_encoder.encode(Stored(recorded_at, event)), tags=tags_of(event))


def decode(data: bytes, position: int, upcasters: Mapping[str, Upcaster] = UPCASTERS) -> Stored:
    """Return the fact in stored bytes of any version. Raises `CorruptStoreError` naming the position."""
    try:
        return _decoder.decode(data)
    except _UNREADABLE as problem:
        stored = _upcast(data, upcasters)
        if stored is None:
            raise CorruptStoreError(f"the event at position {position} cannot be decoded") from problem
        return stored


def type_in(data: bytes, position: int) -> str:
    """Return the type that stored bytes of any version name. Raises `CorruptStoreError` naming the position."""
    try:
        return _form_decoder.decode(data).event.type
    except _UNREADABLE as problem:
        raise CorruptStoreError(f"the event at position {position} cannot be decoded") from problem


def decode_fact(data: bytes, position: int) -> Fact:
    """Return the fact in stored bytes with its place in time and in the log. Raises `CorruptStoreError`."""
    event = decode(data, position).event
    return Fact(event.at, position, event)


def _upcast(data: bytes, upcasters: Mapping[str, Upcaster]) -> Stored | None:
    try:
        form = msgspec.json.decode(data)
        while (upcaster := upcasters.get(form["event"]["type"])) is not None:
            form["event"] = upcaster(form["event"])
        return msgspec.convert(form, Stored)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return None
