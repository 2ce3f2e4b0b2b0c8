"""What both protocols have in common: sessions in which messages begin, have recipients, and end."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

from huissier.adapters.conformance.heard import Heard
from huissier.adapters.conformance.wire import Connection
from huissier.adapters.gateway.serving.listening import Address

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
    """One connection, with one message after the other."""

    def begin(self, sender: str, *, size: int = 0, certificate: str = "") -> None:
        """Begin a message: `size` as declared in bytes, `certificate` the common name in the peer's certificate."""
        ...

    def recipient(self, address: str) -> Heard:
        """Ask about one recipient."""
        ...

    def end(self, *, size: int = 1_000) -> Heard:
        """Ask about the whole message, of `size` bytes."""
        ...

    def abort(self) -> None:
        """Give the message up."""
        ...


S = TypeVar("S", bound=Session, covariant=True)


class MailServer(Generic[S]):
    """Opens sessions with whatever is tested, as often as it is asked to."""

    def __init__(self, speak: Callable[[Connection, Names], S], address: Address, seconds: float) -> None:
        """Speak a protocol with an address; `seconds` is how long an answer may take."""
        self._speak = speak
        self._names = Names()
        self.address = address
        self.seconds = seconds

    @contextmanager
    def session(self) -> Iterator[S]:
        """Open another session. Raises `FoundError`."""
        with Connection(self.address, self.seconds) as connection:
            yield self._speak(connection, self._names)


def _letters(count: int) -> str:
    return "".join(secrets.choice(_CONSONANTS) for _ in range(count))
