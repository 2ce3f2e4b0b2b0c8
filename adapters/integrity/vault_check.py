"""The vault compared with the log: whom it keeps, whom it should have forgotten, and whether the key opens it."""

from collections.abc import Iterator, Mapping
from typing import Final

from cryptography.exceptions import InvalidTag

from huissier.adapters.errors import VaultKeyError
from huissier.adapters.integrity.findings import Findings
from huissier.adapters.integrity.usagers import Usagers
from huissier.adapters.log.place import Place
from huissier.adapters.log.session import Session
from huissier.adapters.vault import Vault, load_key

_PAGE: Final = 1000
# The condition stands twice, once such that no index serves it: one in disorder gives earlier rows again and again.
_ROWS: Final = "SELECT usager FROM vault WHERE usager > ? AND usager || '' > ? ORDER BY usager LIMIT ?"


def check_vault(
    session: Session, vault: Vault | None, usagers: Usagers, findings: Findings, *, is_whole: bool = True
) -> None:
    """Compare the vault's rows with the usagers the log speaks of; without a `Vault` they stay sealed.

    `is_whole`: whether it should know all of them.
    """
    unheard_of = 0
    for usager in _rows(session):
        told = usagers.keep(usager)
        if told is None:
            unheard_of += 1
        elif told.erased is not None:
            findings.problem("the usager erased here still stands in the vault", told.erased)
        if vault is not None and not _opens(vault, session, usager):
            what = "a usager's row in the vault does not open under the key, or is not found by its digest"
            findings.problem(what, None if told is None else told.named)
    for position in usagers.lost() if is_whole else ():
        findings.problem("names a usager whom neither the vault knows nor the log erased", position)
    if unheard_of:
        findings.note(f"the vault has {unheard_of} rows of usagers of whom the log says nothing")


def vault_of(place: Place, environment: Mapping[str, str], session: Session, findings: Findings) -> Vault | None:
    """Return the vault under its key; None where the key is missing or another one, which is noted as a problem."""
    try:
        vault = Vault(load_key(place, environment))
        vault.adopt(session, False)
    except VaultKeyError as problem:
        findings.problem(f"the vault stayed sealed: {problem}")
        return None
    return vault


def _rows(session: Session) -> Iterator[str]:
    last = ""
    while page := [row[0] for row in session.rows(_ROWS, (last, last, _PAGE))]:
        yield from page
        last = page[-1]


def _opens(vault: Vault, session: Session, usager: str) -> bool:
    try:
        ins = vault.reveal(session, usager)
        return ins is not None and vault.usager_id(session, ins) == usager
    except (InvalidTag, ValueError, TypeError, AttributeError):  # a damaged column may hold anything
        return False
