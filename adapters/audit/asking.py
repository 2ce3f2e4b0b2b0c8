"""From what an auditor names to how facts keep it; whom an INS means is for the vault to say."""

from datetime import datetime

from huissier.adapters.deciding.identify import Identifier
from huissier.adapters.errors import HuissierError, StoreError
from huissier.adapters.log.claim import vault_is_elsewhere
from huissier.adapters.log.port import Readable
from huissier.adapters.vault import Vault
from huissier.domain.commands import EraseUsager
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.times import parse_deadline, parse_time


class UnknownUsagerError(HuissierError):
    """The vault knows nobody under an INS: never met here, or erased."""


class Names:
    """What names mean in one store; nothing is recorded, and an INS goes no further than the vault."""

    def __init__(self, log: Readable, vault: Vault) -> None:
        """Ask this vault, in the state it has with the log."""
        self._log = log
        self._identifier = Identifier(vault, lenient_ins=False)

    def submission(self, id_: str) -> frozenset[str]:
        """Return how facts may keep a submission: under the id itself, or its digest where an INS stands in it."""
        return frozenset((id_, self._identifier.submission(id_)))

    def usager(self, ins: str) -> str:
        """Return the opaque id of a usager.

        Raises `VocabularyError` for what is no INS, `UnknownUsagerError`, and `StoreError` where there is no vault.
        """
        with self._log.reading() as look:
            if vault_is_elsewhere(look.session):
                raise StoreError("this store was imported without its vault, which alone knows whom an INS means")
            meant = self._identifier.identify(EraseUsager(ins=ins), look.session).identities
        if meant.usager is None:
            raise VocabularyError("not an INS of 15 characters with its key")
        if not meant.usager_known:
            raise UnknownUsagerError("the vault knows nobody under this INS: never met here, or erased")
        return meant.usager.usager_id


def beginning(text: str) -> datetime:
    """Read an RFC 3339 time, or a date that counts from its beginning (UTC). Raises `VocabularyError`."""
    return parse_time(f"{text}T00:00:00Z" if len(text) == len("2026-10-31") else text)


def end(text: str) -> datetime:
    """Read an RFC 3339 time, or a date that counts to its end (UTC). Raises `VocabularyError`."""
    return parse_time(parse_deadline(text))


def mailbox(text: str, for_usagers: str = "--usager") -> str:
    """Return an address as facts keep it; a usager's is given as the trail shows it. Raises `VocabularyError`.

    `for_usagers`: the option that takes an INS in its place.
    """
    shown = MailboxAddress.of_fact(text.lower())
    if shown.is_pseudonym:
        return shown.text
    address = MailboxAddress.parse(text)
    if address.holds_ins_shape:
        raise VocabularyError(f"an INS has no place on a command line; name its usager with {for_usagers}")
    return address.text
