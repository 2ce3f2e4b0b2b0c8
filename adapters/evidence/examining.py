"""What checkpoints and proofs say, and whether they agree with each other; nothing but the keys is needed for it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise, product

from msgspec import Struct

from huissier.adapters.errors import RefusedError, UnreadableEvidenceError
from huissier.adapters.evidence.checkpoint import Checkpoint, Head, Submitted
from huissier.adapters.evidence.note import VerifierKey
from huissier.adapters.evidence.proof import Proof
from huissier.adapters.integrity.findings import Problem


class Seen(Struct, frozen=True, omit_defaults=True):
    """Who signed, and when, where they say so."""

    name: str
    at: datetime | None = None


class Signed(Struct, frozen=True, omit_defaults=True):
    """A checkpoint that every key signed; for a proof, with the position of the event it proves."""

    file: str
    origin: str
    size: int
    signed_by: tuple[Seen, ...]
    position: int | None = None


class Examination:
    """Takes in checkpoints and proofs; `heads` are those that every key has signed."""

    def __init__(self, keys: Sequence[VerifierKey]) -> None:
        """Ask for the signature of each of these keys."""
        self._keys = keys
        self._submitted: list[Submitted] = []
        self._proved: list[Head] = []
        self.heads: list[Head] = []

    def checkpoint(self, file: str, submitted: Submitted) -> Signed | Problem:
        """Say who signed a checkpoint, or what is wrong with it."""
        try:
            signed = self._signed(file, submitted.checkpoint, None)
        except RefusedError as problem:
            return Problem(None, f"{file}: {problem}")
        self._submitted.append(submitted)
        return signed

    def proof(self, file: str, proof: Proof) -> Signed | Problem:
        """Say what a proof proves, or what is wrong with it."""
        try:
            proof.check()
            signed = self._signed(file, proof.checkpoint, proof.position)
        except RefusedError as problem:
            return Problem(proof.position, f"{file}: {problem}")
        self._proved.append(proof.checkpoint.head)
        return signed

    def contradictions(self, *, has_store: bool) -> Iterator[Problem]:
        """Yield what is wrong between checkpoints: forks, and each that the next larger one does not continue.

        With a store, with which each is compared, no proof of that is needed. The checkpoint that a proof leads to is
        compared where a file holds such a proof, and otherwise stands by itself. Raises `UnreadableEvidenceError` where
        the files do not tell whether one checkpoint continues another.
        """
        for older, newer in pairwise(sorted(self.heads, key=lambda head: head.size)):
            if older.origin != newer.origin:
                yield Problem(None, f"{older.origin} and {newer.origin} are two logs")
            elif older.size == newer.size and older.root != newer.root:
                yield Problem(None, f"the log forked: it was signed with two roots at {newer.size} events")
        ordered = sorted(self._submitted, key=lambda one: one.checkpoint.head.size)
        for one, other in pairwise(ordered):
            yield from _contradiction(one.checkpoint.head, other, has_store=has_store)
        for head, newer in product(dict.fromkeys(self._proved), ordered):
            if newer.checkpoint.head.size > head.size:
                yield from _contradiction(head, newer, has_store=True)

    def _signed(self, file: str, checkpoint: Checkpoint, position: int | None) -> Signed:
        signers = checkpoint.signed_by(self._keys)
        self.heads.append(checkpoint.head)
        seen = tuple(Seen(key.name, at) for key, at in signers.items())
        return Signed(file, checkpoint.head.origin, checkpoint.head.size, seen, position)


def read_keys(text: str) -> tuple[VerifierKey, ...]:
    """Read verifier keys, one per line; what follows a # is for people. Raises `UnreadableEvidenceError`."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    keys = tuple(VerifierKey.parse(line) for line in lines if line)
    if not keys:
        raise UnreadableEvidenceError("there is no verifier key in it")
    return keys


def _contradiction(older: Head, newer: Submitted, *, has_store: bool) -> Iterator[Problem]:
    size = newer.checkpoint.head.size
    if older.size == size:
        return  # a fork is told already
    match newer.continues(older):
        case False:
            yield Problem(
                None, f"the log of {size} events does not continue that of {older.size}: its past was changed"
            )
        case None if not has_store:
            raise UnreadableEvidenceError(
                f"whether the log of {size} events continues that of {older.size} can be told from the store, or from"
                f" a checkpoint with the proof (huissier audit checkpoint --since {older.size})"
            )
