"""What the rules need of a message's headers, read so that doubt opens nothing (docs/adr/0026).

A header that must stand once and stands twice is read in the way that gives fewer rights. All that is kept of a subject
is whether it is `[FIN]`.
"""

from email.errors import ObsoleteHeaderDefect
from email.policy import default as email_policy
from typing import Any, Final

from huissier.adapters.gateway.milter.packets import MalformedError
from huissier.adapters.gateway.transaction import Content
from huissier.domain.message import FIN_SUBJECT, says_fin

UNREADABLE: Final = "unreadable"  # no address: a Reply-To that reads so opens nothing (docs/adr/0007)

_NAMES: Final = {
    "reply-to",
    "subject",
    "x-mss-mes",
    "message-id",
    "in-reply-to",
    "references",
    "content-type",
}
_MOST: Final = 20  # headers of one name; no ordinary message has more
_LARGEST: Final = 512 * 1024  # bytes of all that are kept
_LONGEST_PARSED: Final = 512  # the parser's time grows with the square of a header's length


class Headers:
    """Collects the headers of one message, in their order, and reads them when all have come."""

    def __init__(self) -> None:
        """Start without any."""
        self._values: dict[str, list[str]] = {}
        self._size = 0

    def add(self, name: str, value: bytes) -> None:
        """Take a header as it came, folds included; most are passed over. Raises `MalformedError`."""
        if name not in _NAMES:
            return
        values = self._values.setdefault(name, [])
        self._size += len(value)
        if len(values) == _MOST or self._size > _LARGEST:
            raise MalformedError("a message has too many headers that are asked for once")
        values.append(_unfolded(value))

    def content(self) -> Content:
        """Return what they say."""
        return Content(
            reply_to=self._reply_to(),
            subject=FIN_SUBJECT if any(map(_is_fin_subject, self._all("subject"))) else None,
            mss_mes="FIN" if any(map(_is_fin_header, self._all("x-mss-mes"))) else None,
            in_reply_to=self._in_reply_to(),
            message_id=next(iter(self._all("message-id")), None),
            is_report=self._is_report(),
        )

    def _all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def _reply_to(self) -> str | None:
        """Return the one address that is plainly meant; None without a Reply-To, else a text that is no address."""
        values = [value for value in self._all("reply-to") if value.strip()]
        if not values:
            return None
        return _one_address(values[0]) if len(values) == 1 else UNREADABLE

    def _in_reply_to(self) -> str | None:
        """Return what is answered: all that In-Reply-To names, or the last of References, which is the parent."""
        named = " ".join(self._all("in-reply-to")).strip()
        if named:
            return named
        ancestors = " ".join(self._all("references")).split()
        return ancestors[-1] if ancestors else None

    def _is_report(self) -> bool:
        values = self._all("content-type")
        return len(values) == 1 and _parsed("content-type", values[0], "content_type") == "multipart/report"


def _unfolded(value: bytes) -> str:
    """Return a header's value as one line (RFC 5322, section 2.2.3); bytes that are not UTF-8 become U+FFFD."""
    return value.replace(b"\r\n", b"\n").replace(b"\n", b"").decode("utf-8", "replace")


def _is_fin_subject(value: str) -> bool:
    """Say whether a subject is the five characters; mail programs may encode them, and hide spaces around them."""
    return FIN_SUBJECT in (value.strip(), _decoded(value).strip())


def _is_fin_header(value: str) -> bool:
    return says_fin(value) or says_fin(_decoded(value))


def _decoded(value: str) -> str:
    """Decode what is encoded in a line of text (RFC 2047)."""
    found = _parsed("subject", value.strip())
    return value if found is None else str(found)


def _one_address(value: str) -> str:
    """Return the bare address of a list that holds exactly one, if it is written there as the parser reads it."""
    groups: Any = _parsed("reply-to", value, "groups") or ()
    if len(groups) != 1 or groups[0].display_name is not None or len(groups[0].addresses) != 1:
        return UNREADABLE
    address = groups[0].addresses[0].addr_spec
    return address if f"<{address}>" in value or ("<" not in value and address in value) else UNREADABLE


def _parsed(name: str, value: str, part: str | None = None) -> Any:
    """Return a part of what the parser makes of a value, or None where it finds fault, or fails itself."""
    if len(value) > _LONGEST_PARSED:
        return None
    try:
        header = email_policy.header_factory(name, value)
        sound = all(isinstance(defect, ObsoleteHeaderDefect) for defect in header.defects)  # the dot of "Dr. Martin"
        return None if not sound else getattr(header, part) if part else header
    except Exception:  # the parser fails on some input, with errors of any kind, RecursionError among them
        return None
