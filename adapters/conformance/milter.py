"""A mail server that has its mail filtered (`smtpd_milters`) and speaks the protocol as Postfix does."""

import struct
from collections.abc import Sequence
from time import monotonic
from typing import Final

from huissier.adapters.conformance.heard import Heard
from huissier.adapters.conformance.mail_server import MailServer, Names
from huissier.adapters.conformance.wire import Connection, FoundError

VERSION, ACTIONS, STEPS = 6, 0x1FF, 0x1FFFFF  # what Postfix 3.7 offers
_UNTOLD: Final = {"C": 0x1, "H": 0x2, "M": 0x4, "R": 0x8, "B": 0x10, "L": 0x20, "N": 0x40, "T": 0x200}
_SILENT: Final = {
    "L": 0x80,
    "C": 0x1000,
    "H": 0x2000,
    "M": 0x4000,
    "R": 0x8000,
    "T": 0x10000,
    "N": 0x40000,
    "B": 0x80000,
}
_MAY_SKIP: Final = 0x400
_MANY: Final = "LB"  # headers and pieces of a body, the rest of which a milter may skip
_EDITS: Final = "hmib+-2qep"
_PATIENCE: Final = 10  # answers' times to wait at most while it reports progress
_OTHER_RECIPIENTS: Final = "+-2q"  # edits after which other recipients get the message, or it is quarantined


class MilterSession:
    """One SMTP session: one connection, message after message."""

    def __init__(self, connection: Connection, names: Names) -> None:
        self.connection = connection
        self._names = names
        self._steps = self._agreed()
        self._skipped = ""
        self.queue_id = ""
        self.edits: list[tuple[str, bytes]] = []
        self.greet()

    def greet(self) -> None:
        """Tell who connects, and HELO."""
        self._told("C", b"mx.exemple.fr\0" + b"4" + struct.pack(">H", 49152) + b"192.0.2.1\0")
        self._told("H", _strings("mx.exemple.fr"))

    def begin(self, sender: str, *, size: int = 0, certificate: str = "") -> None:
        """Tell MAIL."""
        self.queue_id = self._names.queue_id()
        words = [f"<{sender}>", *([f"SIZE={size}"] if size else [])]
        named = {"{mail_addr}": sender, **({"{cert_subject}": certificate} if certificate else {})}
        self.tell(macros("M", named))
        self._told("M", _strings(*words))

    def recipient(self, address: str, *, resolved: str | None = None, pieces: int = 1) -> Heard:
        """Tell RCPT and return the answer; `resolved` is where the server would send it."""
        told = macros("R", {"{rcpt_addr}": address if resolved is None else resolved})
        told += packet("R", _strings(f"<{address}>"))
        size = -(-len(told) // pieces)
        self.tell(*(told[at : at + size] for at in range(0, len(told), size)))
        return self.hear()

    def end(self, *, size: int = 1_000, headers: Sequence[tuple[str, str]] = ()) -> Heard:
        """Tell DATA, headers, a body of `size` bytes and the end, and return the answer that follows the edits."""
        self._skipped = ""
        self._told("T")
        for name, value in headers:
            self._told("L", _strings(name, value))
        self._told("N")
        for at in range(0, size, 65_000):
            self._told("B", b"x" * min(65_000, size - at))
        self.tell(macros("E", {"i": self.queue_id}), packet("E"))
        self.edits = []
        by = monotonic() + _PATIENCE * self.connection.seconds
        while (found := self.connection.packet())[0] in _EDITS:
            self.edits.append(found)
            if monotonic() > by:
                raise FoundError(f"{len(self.edits)} edits and words of progress came, and no answer")
        heard = _read(*found, at_end=True)
        others = [letter for letter, _ in self.edits if letter in _OTHER_RECIPIENTS]
        return Heard("other", f"{' '.join(others)} {heard.text}") if heard.kind == "pass" and others else heard

    def abort(self) -> None:
        """Tell ABORT, which has no answer."""
        self.tell(packet("A"))

    def hear(self) -> Heard:
        """Return the next answer."""
        return _read(*self.connection.packet())

    def tell(self, *packets: bytes) -> None:
        """Send packets, each by itself."""
        self.connection.tell(*packets)

    def _agreed(self) -> int:
        self.tell(offer())
        letter, data = self.connection.packet()
        if letter != "O" or len(data) < 12:
            raise FoundError(f"the offer was answered {letter!r}")
        return int(struct.unpack(">I", data[8:12])[0])

    def _told(self, letter: str, data: bytes = b"") -> None:
        """Tell a step unless it was agreed to leave it out, and hear its answer unless none was agreed on."""
        if self._steps & _UNTOLD[letter] or letter in self._skipped:
            return
        self.tell(packet(letter, data))
        if self._steps & _SILENT[letter] or (heard := self.hear()).kind == "pass":
            return
        if heard.text != "s" or letter not in _MANY or not self._steps & _MAY_SKIP:
            raise FoundError(f"{letter} was answered {heard.text!r}")
        self._skipped += letter


MilterClient = MailServer[MilterSession]


def packet(letter: str, data: bytes = b"") -> bytes:
    """Frame a command."""
    return struct.pack(">I", 1 + len(data)) + letter.encode() + data


def offer(version: int = VERSION, actions: int = ACTIONS, steps: int = STEPS) -> bytes:
    """Offer what to agree on, which begins a connection."""
    return packet("O", struct.pack(">III", version, actions, steps))


def macros(letter: str, named: dict[str, str]) -> bytes:
    """Set macros for a command."""
    return packet("D", letter.encode() + b"".join(_strings(name, value) for name, value in named.items()))


def _strings(*texts: str) -> bytes:
    return b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in texts)


def _read(letter: str, data: bytes, *, at_end: bool = False) -> Heard:
    """Read an answer; to accept before the end is `other`, as it ends the filtering of the whole message."""
    text = data.removesuffix(b"\0").decode("utf-8", "replace")
    if letter == "c" or (letter == "a" and at_end):
        return Heard("pass", letter)
    if letter in ("t", "r"):
        return Heard("defer" if letter == "t" else "refuse", letter)
    if letter == "y" and data.endswith(b"\0") and text[:1] in ("4", "5"):
        return Heard("defer" if text.startswith("4") else "refuse", text.replace("%%", "%"))
    return Heard("other", f"{letter} {text}".strip())
