"""A connection to whatever is tested, which never waits longer than it was told to."""

import socket
import struct
from time import monotonic
from typing import Final, Self

from huissier.adapters.gateway.serving.listening import Address, Unix

_CHUNK: Final = 65536


class FoundError(Exception):
    """What a check found wrong; one that finds nothing just returns."""


class ClosedError(FoundError):
    """It hung up."""


class SilentError(FoundError):
    """It did not answer in time."""


class Connection:
    """One connection of a mail server."""

    def __init__(self, address: Address, seconds: float) -> None:
        """Connect. Raises `FoundError` where nobody listens."""
        self.seconds = seconds
        self._heard = b""
        try:
            self._socket = _connected(address, seconds)
        except (OSError, UnicodeError) as problem:  # the latter where the host is no name
            why = getattr(problem, "strerror", None)
            raise FoundError(f"{address}: {why or 'cannot be connected to'}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def tell(self, *pieces: bytes) -> None:
        """Send pieces one by one; a failure to send shows only when an answer is awaited."""
        self._socket.settimeout(self.seconds)
        for piece in pieces:
            try:
                self._socket.sendall(piece)
            except OSError:
                return

    def until(self, end: bytes) -> bytes:
        """Return what is heard, up to and including `end`. Raises `FoundError`."""
        by = monotonic() + self.seconds  # for the whole of it: an answer that comes byte by byte may never end
        while end not in self._heard:
            self._listen(by)
        found, _, self._heard = self._heard.partition(end)
        return found + end

    def exactly(self, count: int) -> bytes:
        """Return `count` bytes. Raises `FoundError`."""
        by = monotonic() + self.seconds
        while len(self._heard) < count:
            self._listen(by)
        found, self._heard = self._heard[:count], self._heard[count:]
        return found

    def packet(self) -> tuple[str, bytes]:
        """Return the letter and the data of a packet of the milter protocol. Raises `FoundError`."""
        (length,) = struct.unpack(">I", self.exactly(4))
        if not 0 < length <= 1024 * 1024:
            raise FoundError(f"a packet of {length} bytes came")
        found = self.exactly(length)
        return found[:1].decode("latin-1"), found[1:]

    def is_silent(self, seconds: float) -> bool:
        """Say whether, for this long, nothing comes and nobody hangs up."""
        try:
            self._listen(monotonic() + seconds)
        except ClosedError:
            return False
        except SilentError:
            return True
        return False

    def _listen(self, by: float) -> None:
        self._socket.settimeout(max(by - monotonic(), 0.001))
        try:
            piece = self._socket.recv(_CHUNK)
        except TimeoutError:
            raise SilentError(f"no answer within {self.seconds:g} seconds") from None
        except OSError:
            piece = b""
        if not piece:
            raise ClosedError("the connection was closed without an answer")
        self._heard += piece


def _connected(address: Address, seconds: float) -> socket.socket:
    if not isinstance(address, Unix):
        return socket.create_connection((address.host, address.port), seconds)
    opened = socket.socket(socket.AF_UNIX)
    try:
        opened.settimeout(seconds)
        opened.connect(address.path)
    except BaseException:
        opened.close()
        raise
    return opened
