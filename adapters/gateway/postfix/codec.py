"""The protocol as bytes: requests of `name=value` lines in, one action out, each ended by an empty line.

Lines end in LF alone: a client that is sent CRLF waits for ever. Names that nobody asks for are passed over, so that
newer servers can be understood; what is not plainly one request is malformed, and then nothing behind it is looked at,
for nobody knows where the next one begins.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from msgspec import Struct

from huissier.adapters.gateway.replies import as_line
from huissier.adapters.xtext import from_xtext

LARGEST: Final = 32 * 1024  # of one request; Postfix's own are some hundred bytes, with addresses of 2 KB at most

_END: Final = b"\n\n"
_END_OF_CRLF: Final = b"\n\r\n"
_ABOUT_MESSAGES: Final = {"RCPT", "DATA", "END-OF-MESSAGE"}
_TOKEN: Final = re.compile(r"[!-~]{1,100}")
_NUMBER: Final = re.compile(r"[0-9]{1,20}")  # a client may declare any size


class MalformedError(ValueError):
    """What came is no request."""


class Request(Struct, frozen=True, kw_only=True):
    """What the policy service needs of one request.

    `instance` joins the requests of one message. `recipient_count`: how many recipients the server has accepted,
    `size`: the message's bytes, 0 where they are not known. `login`: who logged in, else empty. `certificate_cn`: the
    common name of the client's certificate where the server trusts it, empty where that has none, None without a
    trusted certificate; besides this (`ccert_subject`) Postfix only tells the issuer's.
    """

    state: str
    instance: str
    sender: str
    recipient: str
    recipient_count: int
    size: int
    queue_id: str
    certificate_cn: str | None
    login: str


class Requests:
    """Cuts what comes into requests."""

    def __init__(self) -> None:
        """Start between two requests."""
        self._rest = bytearray()

    @property
    def is_between(self) -> bool:
        """Whether no request is incomplete."""
        return not self._rest

    def feed(self, received: bytes) -> Iterator[Request]:
        """Yield each request that is complete. Raises `MalformedError`, after which it takes no more."""
        looked_at = max(0, len(self._rest) - 1)
        self._rest += received
        while (end := self._rest.find(_END, looked_at)) >= 0:
            content = bytes(self._rest[: min(end, LARGEST + 1)])
            del self._rest[: end + len(_END)]
            looked_at = 0
            yield _request(content)
        if len(self._rest) > LARGEST:
            raise MalformedError("a request has no end")
        if self._rest.startswith(b"\n"):
            raise MalformedError("a request has no lines")
        if _END_OF_CRLF in self._rest:  # the client would wait for an answer for ever
            raise MalformedError("lines end in CR LF")


@lru_cache(maxsize=1024)
def encode(action: str) -> bytes:
    """Return an action as the server reads it, cut and in ASCII."""
    return b"action=" + as_line(action).encode() + _END


def _request(content: bytes) -> Request:
    if len(content) > LARGEST:
        raise MalformedError("a request is too large")
    values = _values(content)
    if values.get(b"request") != b"smtpd_access_policy":
        raise MalformedError("a request is of another kind")
    state = _matching(_TOKEN, values, "protocol_state")
    if state in _ABOUT_MESSAGES and not {b"sender", b"recipient"} <= values.keys():  # a missing one is not an empty one
        raise MalformedError("a message has a sender and a recipient, be they empty")
    return Request(
        state=state,
        instance=_matching(_TOKEN, values, "instance", ""),
        sender=_text(values.get(b"sender", b"")),
        recipient=_text(values.get(b"recipient", b"")),
        recipient_count=int(_matching(_NUMBER, values, "recipient_count", "0")),
        size=int(_matching(_NUMBER, values, "size", "0")),
        queue_id=_matching(_TOKEN, values, "queue_id", ""),
        certificate_cn=_certificate_cn(values),
        login=_text(values.get(b"sasl_username", b"")),
    )


def _values(content: bytes) -> dict[bytes, bytes]:
    """Return the values by their names."""
    lines = content.split(b"\n")
    values: dict[bytes, bytes] = {}
    for line in lines:
        name, equals, values[name] = line.partition(b"=")
        if not (name and equals):
            raise MalformedError("a line is not name=value")
    if b"\0" in content:
        raise MalformedError("a line holds what no text has")
    if len(values) != len(lines):  # which of the two is meant, and by whom?
        raise MalformedError("a name is given twice")
    return values


def _certificate_cn(values: dict[bytes, bytes]) -> str | None:
    """Return a trusted certificate's common name, empty where only its issuer has one; None without a certificate."""
    subject = values.get(b"ccert_subject", b"")
    return from_xtext(_text(subject)) if subject or values.get(b"ccert_issuer") else None


def _matching(pattern: re.Pattern[str], values: dict[bytes, bytes], name: str, absent: str | None = None) -> str:
    """Return a value that matches; an empty one counts as missing, and `absent` stands in for it if given."""
    text = _text(values.get(name.encode(), b""))
    if not text and absent is not None:
        return absent
    if not pattern.fullmatch(text):
        raise MalformedError(f"{name} is not what it must be")
    return text


def _text(value: bytes) -> str:
    """Decode a value; bytes that are not UTF-8 become U+FFFD, which stands in no address."""
    return value.decode("utf-8", "replace")
