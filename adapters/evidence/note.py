"""Signed notes (C2SP signed-note) with Ed25519: a text, and below it who signed it.

Two kinds of signature: a log's own (type 1) over the text, and a witness's (type 4, C2SP tlog-cosignature) over the
text and the time at which it was seen. Signatures by keys that nobody named say nothing and are passed over.
"""

import base64
import binascii
import re
import struct
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from huissier.adapters.errors import RefusedError, UnreadableEvidenceError

LOG: Final = 1
WITNESS: Final = 4

_KEY_LENGTH: Final = 32
_ID_LENGTH: Final = 4
_TIME_LENGTH: Final = 8
_LONGEST: Final = 1_000_000
_MOST_SIGNATURES: Final = 100
_LINE: Final = re.compile("— ([^ ]+) ([^ ]+)")
_PRIVATE: Final = "PRIVATE+KEY+"


class VerifierKey(NamedTuple):
    """Whose signature is looked for: a name, what kind of signer it is, and its public key of 32 bytes."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+id+base64`. Raises `UnreadableEvidenceError`."""
        name, id_, encoded = _parts(text, "a verifier key is written name+id+base64")
        kind, public = _keyed(encoded)
        key = cls(checked_name(name), kind, public)
        if key.id.hex() != id_:
            raise UnreadableEvidenceError(f"the verifier key of {name} does not have the id that stands in it")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes that, together with the name, say in a note whose signature it is."""
        return sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:_ID_LENGTH]

    @property
    def text(self) -> str:
        """The key as it is written down."""
        return f"{self.name}+{self.id.hex()}+{_encoded(bytes([self.kind]) + self.public)}"

    def signed_at(self, text: str, signature: bytes) -> int | None:
        """Check a signature; return a witness's time in seconds since 1970, None for a log. Raises `RefusedError`."""
        time = None
        if self.kind == WITNESS and len(signature) > _TIME_LENGTH:
            (time,) = struct.unpack(">Q", signature[:_TIME_LENGTH])
            signature = signature[_TIME_LENGTH:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, _message(text, time))
        except InvalidSignature:
            raise RefusedError(f"the signature of {self.name} is not right") from None
        return time


class SignerKey:
    """Who signs, with a name and a secret seed of 32 bytes; it prints as its public half."""

    def __init__(self, name: str, kind: int, seed: bytes) -> None:
        """Sign as a log or as a witness. Raises `UnreadableEvidenceError`."""
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(checked_name(name), kind, self._private.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PRIVATE+KEY+name+id+base64`. Raises `UnreadableEvidenceError`, which repeats nothing of it."""
        if not text.startswith(_PRIVATE):
            raise UnreadableEvidenceError(f"a signing key begins {_PRIVATE}")
        name, id_, encoded = _parts(text.removeprefix(_PRIVATE), f"a signing key is written {_PRIVATE}name+id+base64")
        key = cls(name, *_keyed(encoded))
        if key.verifier.id.hex() != id_:
            raise UnreadableEvidenceError("the signing key does not have the id that stands in it")
        return key

    @property
    def secret(self) -> str:
        """The key as it is written down where nobody else reads it."""
        key = self.verifier
        return f"{_PRIVATE}{key.name}+{key.id.hex()}+{_encoded(bytes([key.kind]) + self._seed)}"

    def sign(self, text: str, time: int) -> str:
        """Return the line of signature below a text; a witness says the time, in seconds since 1970."""
        is_witness = self.verifier.kind == WITNESS
        signature = self._private.sign(_message(text, time if is_witness else None))
        stamp = struct.pack(">Q", time) if is_witness else b""
        return f"— {self.verifier.name} {_encoded(self.verifier.id + stamp + signature)}\n"

    def __repr__(self) -> str:
        return f"SignerKey({self.verifier.text})"


class Signature(NamedTuple):
    """A signature that was not checked yet."""

    name: str
    id: bytes
    value: bytes


class Note(NamedTuple):
    """A text, which ends with a line's end, and the signatures below it."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a note. Raises `UnreadableEvidenceError`."""
        text, separator, below = _decoded(raw).rpartition("\n\n")
        if not separator or not below.endswith("\n"):
            raise UnreadableEvidenceError("a signed note is a text, an empty line and lines of signature")
        lines = below.removesuffix("\n").split("\n")
        if len(lines) > _MOST_SIGNATURES:
            raise UnreadableEvidenceError(f"the note has more than {_MOST_SIGNATURES} signatures")
        return cls(text + "\n", tuple(map(_signature, lines)))

    def signers(self, keys: Iterable[VerifierKey]) -> dict[VerifierKey, int | None]:
        """Return which of some keys signed, and when the witnesses did; a bad signature by one raises `RefusedError`.

        All the signatures of a key must be right. Other keys' are passed over.
        """
        found: dict[VerifierKey, int | None] = {}
        for key in keys:
            for signature in self.signatures:
                if (signature.name, signature.id) == (key.name, key.id):
                    found[key] = key.signed_at(self.text, signature.value)
        return found


def checked_name(name: str) -> str:
    """Return a signer's name if it is a possible one. Raises `UnreadableEvidenceError`."""
    if not name or "+" in name or any(char.isspace() or not char.isprintable() for char in name):
        raise UnreadableEvidenceError("a signer's name is one word without +, such as mail.example.org/log")
    return name


def _message(text: str, time: int | None) -> bytes:
    return (text if time is None else f"cosignature/v1\ntime {time}\n{text}").encode()


def _parts(text: str, expected: str) -> list[str]:
    parts = text.strip().split("+", 2)  # base64 has a + of its own
    if len(parts) != 3:
        raise UnreadableEvidenceError(expected)
    return parts


def _keyed(encoded: str) -> tuple[int, bytes]:
    """Return the kind and the bytes of a key."""
    raw = read_base64(encoded, "a key")
    if len(raw) != 1 + _KEY_LENGTH or raw[0] not in (LOG, WITNESS):
        raise UnreadableEvidenceError("the key is not Ed25519, of a log (type 1) or of a witness (type 4)")
    return raw[0], raw[1:]


def _signature(line: str) -> Signature:
    found = _LINE.fullmatch(line)
    if found is None:
        raise UnreadableEvidenceError("a line of signature is written — name base64")
    raw = read_base64(found[2], "a signature")
    if len(raw) <= _ID_LENGTH:
        raise UnreadableEvidenceError("a signature is too short")
    return Signature(checked_name(found[1]), raw[:_ID_LENGTH], raw[_ID_LENGTH:])


def _decoded(raw: bytes) -> str:
    """Return a note's characters. Raises `UnreadableEvidenceError`."""
    if len(raw) > _LONGEST:
        raise UnreadableEvidenceError("a note is not that long")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise UnreadableEvidenceError("a note is text in UTF-8") from None
    if any(char < " " and char != "\n" for char in text):
        raise UnreadableEvidenceError("a note has no control characters but the line's end")
    return text


def read_base64(text: str, what: str) -> bytes:
    """Return what stands in base64, in its one canonical form. Raises `UnreadableEvidenceError`."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if _encoded(raw) != text:
        raise UnreadableEvidenceError(f"{what} is not in base64")
    return raw


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
