"""The vault: who a `UsagerId` is, kept apart from the log so that it can be forgotten.

A row holds a keyed digest of the INS (to find it), the opaque random id (to name it), and the INS sealed with
AES-GCM (to read it back, with the key). The key never stands in the database.
"""

import base64
import hmac
import os
import secrets
from binascii import hexlify
from collections.abc import Mapping
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from huissier.adapters.errors import VaultKeyError
from huissier.adapters.log.place import Place
from huissier.adapters.log.session import Session
from huissier.adapters.log.settings import read_setting, write_setting
from huissier.adapters.private_file import UnwritableError, make_once
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.ins import Ins

KEY_VARIABLE: Final = "HUISSIER_VAULT_KEY"
KEY_LENGTH: Final = 32
_NONCE_LENGTH: Final = 12
_CACHE_SIZE: Final = 100_000
_IN_LETTERS: Final = bytes.maketrans(b"0123456789", b"ghijklmnop")

_FIND = "SELECT usager FROM vault WHERE digest = ?"
_KEEP = "INSERT INTO vault (digest, usager, sealed) VALUES (?, ?, ?)"
_READ = "SELECT sealed FROM vault WHERE usager = ?"
_FORGET = "DELETE FROM vault WHERE usager = ?"


class Vault:
    """Pseudonyms for usagers, and keyed digests for what must be compared but not read."""

    def __init__(self, key: bytes) -> None:
        """Derive what the vault needs from a key of 32 bytes."""
        self._lookup = _derived(key, b"huissier vault lookup")
        self._seal = AESGCM(_derived(key, b"huissier vault seal"))
        self._digest = blake2b(key=_derived(key, b"huissier digest"), digest_size=16)
        self._check = hmac.new(_derived(key, b"huissier key check"), b"", sha256).hexdigest()
        self._known: dict[str, str] = {}
        self._mailboxes: dict[str, MailboxAddress] = {}  # by spelling

    def usager_id(self, session: Session, ins: Ins) -> str | None:
        """Return the id of a usager the vault knows."""
        if (known := self._known.get(ins.value)) is not None:
            return known
        found = session.scalar(_FIND, (self._found_by(ins),))
        return None if found is None else self._remember(ins, str(found))

    def keep(self, session: Session, ins: Ins, usager: str) -> None:
        """Keep who a new id stands for."""
        nonce = os.urandom(_NONCE_LENGTH)
        sealed = nonce + self._seal.encrypt(nonce, ins.value.encode(), usager.encode())
        session.run(_KEEP, (self._found_by(ins), usager, sealed))
        self._remember(ins, usager)

    def reveal(self, session: Session, usager: str) -> Ins | None:
        """Return who an id stands for, None where they were erased."""
        sealed = session.scalar(_READ, (usager,))
        if sealed is None:
            return None
        plain = self._seal.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], usager.encode())
        return Ins(plain.decode())

    def erase(self, session: Session, usager: str) -> None:
        """Forget who an id stands for, and note in the store that the deleted row may still be on disk."""
        session.run(_FORGET, (usager,))
        write_setting(session, "deleted", usager)
        self.forget(usager)

    def forget(self, usager: str) -> None:
        """Drop what is remembered of an id, which another process may have erased."""
        for ins in [ins for ins, known in self._known.items() if known == usager]:
            del self._known[ins]
        self._mailboxes.clear()

    def forget_all(self) -> None:
        """Drop everything remembered; the table is asked again."""
        self._known.clear()
        self._mailboxes.clear()

    def mailbox(self, raw: str) -> MailboxAddress | None:
        """Return the mailbox of a usager who was addressed by exactly this text before."""
        return self._mailboxes.get(raw)

    def remember_mailbox(self, raw: str, mailbox: MailboxAddress) -> None:
        """Remember how a usager that the vault knows was addressed, until any usager is forgotten."""
        if len(self._mailboxes) >= _CACHE_SIZE:
            self._mailboxes.clear()
        self._mailboxes[raw] = mailbox

    def digest(self, text: str) -> str:
        """Return a keyed digest of a text (BLAKE2b, RFC 7693), 32 letters: digits could look like an INS."""
        digest = self._digest.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        return hexlify(digest.digest()).translate(_IN_LETTERS).decode()

    def adopt(self, session: Session, is_new: bool) -> None:
        """Put the key's check value into a new store; compare it with an existing one's. Raises `VaultKeyError`."""
        if is_new:
            write_setting(session, "vault_key_check", self._check)
            return
        kept = read_setting(session, "vault_key_check")
        if kept is None or not hmac.compare_digest(kept.encode(), self._check.encode()):
            raise VaultKeyError("the vault key is not the one this store was made with")

    def _found_by(self, ins: Ins) -> bytes:
        return hmac.digest(self._lookup, ins.value.encode(), "sha256")

    def _remember(self, ins: Ins, usager: str) -> str:
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[ins.value] = usager
        return usager


def new_usager_id() -> str:
    """Return an opaque id that says nothing and is never given twice: 26 lower-case characters, 128 bits."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_LENGTH, salt=None, info=purpose).derive(key)


def check_environment(environment: Mapping[str, str]) -> None:
    """Refuse a malformed key before anything is made. Raises `VaultKeyError`."""
    if (text := environment.get(KEY_VARIABLE)) is not None:
        _decoded(text, KEY_VARIABLE)


def load_key(place: Place, environment: Mapping[str, str]) -> bytes:
    """Return the vault key of a store.

    From `HUISSIER_VAULT_KEY` (base64 of 32 bytes), or from a key file beside an embedded store, made 0600 for a
    new one; an in-memory store gets a key of its own. Raises `VaultKeyError`.
    """
    if (text := environment.get(KEY_VARIABLE)) is not None:
        return _decoded(text, KEY_VARIABLE)
    if place.in_memory:
        return os.urandom(KEY_LENGTH)
    if place.path is None:
        raise VaultKeyError(f"a store on a server needs its vault key in {KEY_VARIABLE}, base64 of {KEY_LENGTH} bytes")
    path = place.path.with_name(place.path.name + ".key")
    if place.is_new:
        _make_key_file(path)
    try:
        return _decoded(path.read_text("ascii"), str(path))
    except FileNotFoundError:
        raise VaultKeyError(
            f"the vault key of {place.path} is missing: put {path.name} back beside it, or set {KEY_VARIABLE}"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise VaultKeyError(f"the vault key {path} cannot be read") from None


def _make_key_file(path: Path) -> None:
    try:
        make_once(path, lambda: base64.b64encode(os.urandom(KEY_LENGTH)) + b"\n")
    except UnwritableError as problem:
        raise VaultKeyError(f"the vault's key: {problem}") from None


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_LENGTH:
        raise VaultKeyError(f"{where} must hold {KEY_LENGTH} bytes in base64")
    return key
