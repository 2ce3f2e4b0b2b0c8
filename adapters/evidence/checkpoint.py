"""Checkpoints (C2SP tlog-checkpoint): how long a log was and the root of its tree, signed.

A file may hold, before the checkpoint, the proof that it continues an older one: what C2SP tlog-witness asks with.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from huissier.adapters.errors import RefusedError, UnreadableEvidenceError
from huissier.adapters.evidence.note import LOG, Note, VerifierKey, read_base64
from huissier.adapters.evidence.tree import HASH_LENGTH, Hash, continues

_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}")
_OLD: Final = "old "
_LONGEST_PROOF: Final = 63
_LINES: Final = 3


class Head(NamedTuple):
    """What a checkpoint says: which log, how many events, and the root over them."""

    origin: str
    size: int
    root: Hash

    @property
    def text(self) -> str:
        """The lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the lines; those after the third are ignored. Raises `UnreadableEvidenceError`."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < _LINES or not all(lines):
            raise UnreadableEvidenceError("a checkpoint has an origin, a size and a root, a line each")
        origin, size, root, *_ = lines
        return cls(origin, read_size(size), read_hash(root))


class Checkpoint(NamedTuple):
    """A signed head; the signatures count for nothing until `signed_by` was asked."""

    head: Head
    note: Note
    raw: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a checkpoint. Raises `UnreadableEvidenceError`."""
        note = Note.parse(raw)
        return cls(Head.parse(note.text), note, raw)

    def signed_by(self, keys: Sequence[VerifierKey]) -> dict[VerifierKey, datetime | None]:
        """Make sure that every key signed, one of them the log's, and return when. Raises `RefusedError`.

        To ask for fewer signatures, name fewer keys.
        """
        if not any(key.kind == LOG and key.name == self.head.origin for key in keys):
            raise RefusedError(f"the checkpoint is of {self.head.origin}, and no key of that log was named")
        signers = self.note.signers(keys)
        for key in keys:
            if key not in signers:
                raise RefusedError(f"the checkpoint is not signed by {key.name}")
        return {key: None if time is None else _moment(time) for key, time in signers.items()}


class Submitted(NamedTuple):
    """A checkpoint, preceded perhaps by the size of an older one and the proof that it continues that one."""

    checkpoint: Checkpoint
    old: int | None
    proof: tuple[Hash, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a file. Raises `UnreadableEvidenceError`."""
        if not raw.startswith(_OLD.encode()):
            return cls(Checkpoint.parse(raw), None, ())
        lines, _, rest = raw.partition(b"\n\n")
        first, *hashes = lines.decode("ascii", "replace").split("\n")
        if len(hashes) > _LONGEST_PROOF:
            raise UnreadableEvidenceError(f"a proof of consistency has {_LONGEST_PROOF} lines at most")
        return cls(Checkpoint.parse(rest), read_size(first.removeprefix(_OLD)), tuple(map(read_hash, hashes)))

    def continues(self, older: Head) -> bool | None:
        """Say whether the checkpoint continues an older one; None where this file cannot tell."""
        newer = self.checkpoint.head
        if newer.size < older.size:
            return False
        if newer.size == older.size:
            return newer.root == older.root
        if older.size and self.old != older.size:
            return None
        return continues(older.root, older.size, newer.root, newer.size, self.proof if self.old else ())


def with_proof(old: int, proof: Iterable[Hash], checkpoint: bytes) -> bytes:
    """Return a file that `Submitted` reads."""
    lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
    return f"{_OLD}{old}\n{lines}\n".encode() + checkpoint


def read_size(text: str) -> int:
    """Read a count of events. Raises `UnreadableEvidenceError`."""
    if not _SIZE.fullmatch(text):
        raise UnreadableEvidenceError("a size is a decimal number without leading zeroes")
    return int(text)


def read_hash(text: str) -> Hash:
    """Read a hash in base64. Raises `UnreadableEvidenceError`."""
    found = read_base64(text, "a hash")
    if len(found) != HASH_LENGTH:
        raise UnreadableEvidenceError(f"a hash has {HASH_LENGTH} bytes")
    return found


def _moment(time: int) -> datetime:
    try:
        return datetime.fromtimestamp(time, UTC)
    except (OverflowError, ValueError, OSError):
        raise RefusedError("a witness signed at a time that cannot be") from None
