"""What both protocols have in common: sessions in which messages begin, have recipients, and end."""

import secrets
from contextlib import AbstractContextManager
from typing import Final, Protocol

from huissier.adapters.conformance.heard import Heard

_CONSONANTS: Final = "BCDFGHJKLMNPQRSTVWXbcdfghjklmnpqrstvwx"


class Names:
    """Names that nobody used before, in this run or another; no digits, for those could look like an INS."""

    def instance(self) -> str:
        """Return a name for a message in a session."""
        return _letters(16)

    def queue_id(self) -> str:
        """Return a name for a message in the queue, of the long kind that Postfix never uses again."""
        return f"{_letters(12)}z{_letters(6)}"


class Session(Protocol):
    """One connection on which one message comes behind the other."""

    def begin(self, sender: str, *, size: int = 0, certificate: str = "") -> None:
        """Begin a message: `size` as declared in bytes, `certificate` the common name of the peer's."""
        ...

    def recipient(self, address: str) -> Heard:
        """Ask about one recipient."""
        ...

    def end(self, *, size: int = 1_000) -> Heard:
        """Ask about the whole message, of so many bytes."""
        ...

    def abort(self) -> None:
        """Give the message up."""
        ...


class MailServer(Protocol):
    """Opens sessions with whatever is tested."""

    def session(self) -> AbstractContextManager[Session]:
        """Open another one. Raises `FoundError`."""
        ...


def _letters(count: int) -> str:
    return "".join(secrets.choice(_CONSONANTS) for _ in range(count))
