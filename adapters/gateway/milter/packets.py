"""The protocol as bytes: a length of four bytes, a letter, data, in both directions; nothing here knows what mail is.

What is not plainly one packet is malformed, and then nothing behind it is looked at: nobody knows where the next one
begins. A mail server takes a connection that closes for "try again later" (`milter_default_action = tempfail`).
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

LARGEST: Final = 1024 * 1024  # Postfix sends 64 KB of a body and 100 KB of a header at most, Sendmail up to 1 MB

_LENGTH: Final = 4


class MalformedError(ValueError):
    """What came is not the protocol, or exceeds a limit."""


class Command(StrEnum):
    """What a mail server tells."""

    ABORT = "A"
    BODY = "B"
    CONNECT = "C"
    MACROS = "D"
    END_OF_MESSAGE = "E"
    HELO = "H"
    QUIT_NEW_CONNECTION = "K"
    HEADER = "L"
    MAIL = "M"
    END_OF_HEADERS = "N"
    NEGOTIATE = "O"
    QUIT = "Q"
    RECIPIENT = "R"
    DATA = "T"
    UNKNOWN = "U"


class Packet(NamedTuple):
    """One command with its data."""

    command: Command
    data: bytes


class Packets:
    """Cuts what comes into packets."""

    def __init__(self) -> None:
        """Start between two packets."""
        self._rest = bytearray()

    @property
    def is_between(self) -> bool:
        """Whether no packet is incomplete."""
        return not self._rest

    def feed(self, received: bytes) -> Iterator[Packet]:
        """Yield each packet that is complete. Raises `MalformedError`, after which it takes no more."""
        self._rest += received
        while len(self._rest) >= _LENGTH:
            length = int.from_bytes(self._rest[:_LENGTH])
            if not 0 < length <= LARGEST:
                raise MalformedError("a packet is empty or too large")
            if len(self._rest) < _LENGTH + length:
                return
            letter, data = self._rest[_LENGTH], bytes(self._rest[_LENGTH + 1 : _LENGTH + length])
            del self._rest[: _LENGTH + length]
            yield Packet(_command(letter), data)


def packet(letter: str, data: bytes = b"") -> bytes:
    """Return a packet as it is sent."""
    return (1 + len(data)).to_bytes(_LENGTH) + letter.encode() + data


def strings(data: bytes) -> list[bytes]:
    """Return the strings that data is made of, each ended by a NUL. Raises `MalformedError`."""
    if not data.endswith(b"\0"):
        raise MalformedError("a string has no end")
    return data[:-1].split(b"\0")


def numbers(data: bytes) -> list[int]:
    """Return the numbers of four bytes that data is made of. Raises `MalformedError`."""
    if len(data) % _LENGTH:
        raise MalformedError("a number has no end")
    return [int.from_bytes(data[at : at + _LENGTH]) for at in range(0, len(data), _LENGTH)]


def _command(letter: int) -> Command:
    try:
        return Command(chr(letter))
    except ValueError:
        raise MalformedError("a command is unknown") from None
