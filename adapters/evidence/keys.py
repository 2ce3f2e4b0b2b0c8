"""Signing keys in files, and what each has signed last: no signer contradicts itself.

One rule keeps a log that was rewritten or cut from being signed, and a witness from countersigning it: what is signed
must continue what was signed before under the same origin. That is remembered beside the key, and not in the store,
which is what somebody may have changed.
"""

import fcntl
import secrets
import stat
import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from huissier.adapters.errors import RefusedError, UnreadableEvidenceError
from huissier.adapters.evidence.checkpoint import Head
from huissier.adapters.evidence.note import LOG, SignerKey, VerifierKey
from huissier.adapters.evidence.tree import Hash, continues
from huissier.adapters.private_file import make_once, private_file

_SEED_LENGTH: Final = 32
_NAME_LENGTH: Final = 16

ProofFrom = Callable[[int], Sequence[Hash]]

_decode_seen = msgspec.json.Decoder(dict[str, str]).decode


class Signer:
    """A key in a file, made on first use, with its memory in a file beside it (`….seen`)."""

    def __init__(self, path: Path, *, kind: int, name: str | None = None) -> None:
        """Read a key of a kind, or make one under a name (a random one by default).

        Raises `UnreadableEvidenceError`, also for a key of another kind or name, and `UnwritableError`.
        """
        make_once(path, lambda: f"{_new_key(kind, name).secret}\n".encode())
        try:
            is_everybodys = path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP)
            self._key = SignerKey.parse(path.read_text("ascii"))
        except (OSError, UnicodeDecodeError):
            raise UnreadableEvidenceError(f"the signing key {path} cannot be read") from None
        if is_everybodys:
            raise UnreadableEvidenceError(f"the signing key {path} is open to others, who may sign with it: chmod 600")
        self._path = path
        self._seen_path = path.with_name(f"{path.name}.seen")
        if self.verifier.kind != kind:
            raise UnreadableEvidenceError(f"the signing key {path} is not of a {'log' if kind == LOG else 'witness'}")
        if name not in (None, self.verifier.name):
            raise UnreadableEvidenceError(f"the signing key {path} is of {self.verifier.name}")

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return self._key.verifier

    def sign(self, head: Head, proof_from: ProofFrom, time: int, text: str | None = None) -> str:
        """Return the signature line for a head that continues the last one signed of its origin.

        `text` is what is signed where the note has more lines behind the head's. `proof_from` returns the proof that
        the head continues a log of the size it is given; `time` is in seconds since 1970. The head is remembered before
        the signature is returned. Raises `RefusedError`.
        """
        with self._alone():
            seen = self._seen()
            if head.origin in seen:
                _check_continues(Head.parse(seen[head.origin]), head, proof_from)
            with private_file(self._seen_path) as file:
                file.write(msgspec.json.encode({**seen, head.origin: head.text}))
        return self._key.sign(text or head.text, time)

    def _seen(self) -> dict[str, str]:
        try:
            return _decode_seen(self._seen_path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError):
            raise UnreadableEvidenceError(f"{self._seen_path}, what was signed before, cannot be read") from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others from signing with this key meanwhile: if two looked at once, one head would be forgotten."""
        with self._path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _check_continues(seen: Head, head: Head, proof_from: ProofFrom) -> None:
    if head.size < seen.size:
        raise RefusedError(f"the log shrank: it has {head.size} events, and {seen.size} were signed before")
    path = () if seen.size in (0, head.size) else proof_from(seen.size)
    if not continues(seen.root, seen.size, head.root, head.size, path):
        raise RefusedError(f"the log forked: it does not continue the one that was signed at {seen.size} events")


def _new_key(kind: int, name: str | None) -> SignerKey:
    """Make a key; letters alone in its name, for digits could look like an INS."""
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_NAME_LENGTH))
    named = name or f"huissier/{'log' if kind == LOG else 'witness'}-{letters}"
    return SignerKey(named, kind, secrets.token_bytes(_SEED_LENGTH))
