"""What could not be matched or read is kept aside, a line of JSON each, without an INS.

A usager's address stands there under the digest that gateways make submission ids with. Sealing it instead would keep
it readable after the usager was erased; whoever wants to try again has the log or the report.
"""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
from msgspec import Struct

from huissier.adapters.errors import HuissierError
from huissier.adapters.ingest.sightings import LONGEST_LOOKED_AT, Sighting, Unreadable, beginning
from huissier.domain.vocabulary.ins import mentions_ins, without_ins
from huissier.domain.vocabulary.times import written

_LONGEST_TEXT: Final = 1_000

Digest = Callable[[str], str]


class AsideError(HuissierError):
    """The file for what is kept aside cannot be written; the message names it."""


class KeptAside(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a source told, where it stands there, and why nothing was recorded: a reason's code, or `UNREADABLE`."""

    source: str
    place: int
    reason: str
    error: str | None = None
    text: str | None = None
    submissions: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    status: str | None = None
    at: str | None = None
    cause: str | None = None


class Aside:
    """A file that is only made once there is something to keep, and only ever added to."""

    def __init__(self, path: Path, digest: Digest) -> None:
        """`digest`: what an address with an INS in it is replaced by."""
        self._path = path
        self._digest = digest
        self._handle: int | None = None

    def keep(self, source: str, told: Sighting | Unreadable, reason: str) -> None:
        """Add a line. Raises `AsideError`."""
        line = msgspec.json.encode(self._entry(source, told, reason)) + b"\n"
        try:
            if self._handle is None:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            if os.write(self._handle, line) != len(line):
                raise OSError(None, "the disk is full")
        except OSError as problem:
            raise AsideError(f"{self._path} cannot be written: {problem.strerror}") from None

    def _entry(self, source: str, told: Sighting | Unreadable, reason: str) -> KeptAside:
        where = without_ins(source)
        if isinstance(told, Unreadable):
            text = without_ins(beginning(told.text, LONGEST_LOOKED_AT))[:_LONGEST_TEXT] or None
            return KeptAside(source=where, place=told.place, reason=reason, error=told.error, text=text)
        return KeptAside(
            source=where,
            place=told.place,
            reason=reason,
            submissions=tuple(map(self._without_ins, told.ids)),
            recipients=tuple(map(self._without_ins, told.recipients)),
            status=told.status,
            at=written(told.times[0]) if told.times else None,
            cause=without_ins(told.cause) if told.cause else None,
        )

    def _without_ins(self, name: str) -> str:
        """Return an address or an id, or where an INS is in it a digest, and the domain where that is plain."""
        if not mentions_ins(name):
            return name
        lower = name.lower()
        domain = lower.rpartition("@")[2]
        plain = "@" in lower and not mentions_ins(domain)
        return f"digest:{self._digest(lower)}" + (f"@{domain}" if plain else "")

    def sync(self) -> None:
        """Make what was kept durable. Raises `AsideError`."""
        if self._handle is not None:
            try:
                os.fsync(self._handle)
            except OSError as problem:
                raise AsideError(f"{self._path} cannot be written: {problem.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)
