"""The settings of a store: what it says of itself, one text per name."""

from typing import Final, Literal

from huissier.adapters.log.session import Session

# The schema's version; a digest by which the vault's key is known; whether log or vault are elsewhere (claim.py); the
# usager erased last, for as long as deleted bytes may still be on the disk.
Name = Literal["schema_version", "vault_key_check", "log_elsewhere", "vault_elsewhere", "deleted"]

_READ: Final = "SELECT value FROM settings WHERE name = ?"
_WRITE: Final = (
    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_REMOVE: Final = "DELETE FROM settings WHERE name = ? AND value = ?"


def read_setting(session: Session, name: Name) -> str | None:
    """Return what a store says under a name, None where it says nothing."""
    value = session.scalar(_READ, (name,))
    return None if value is None else str(value)


def write_setting(session: Session, name: Name, value: str) -> None:
    """Have a store say something under a name, in place of what it said before."""
    session.run(_WRITE, (name, value))


def remove_setting(session: Session, name: Name, value: str) -> None:
    """Remove what a store says under a name, unless it says something else by now."""
    session.run(_REMOVE, (name, value))
