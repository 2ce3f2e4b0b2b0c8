"""What a filter answers: go on, not this one, and edits of the headers at the end of a message."""

import re
from typing import Final

from huissier.adapters.gateway.milter.packets import packet
from huissier.adapters.gateway.replies import Reply, as_line

CONTINUE: Final = packet("c")
TRY_LATER: Final = packet("t")

_SMTP_REPLY: Final = re.compile(r"([45])[0-9]{2} \1\.[0-9]{1,3}\.[0-9]{1,3} .+")


def verdict(reply: Reply) -> bytes:
    """Return a reply as an answer; a text that is no SMTP reply makes the client try later."""
    if reply.kind == "pass":
        return CONTINUE
    line = as_line(reply.text)
    if not _SMTP_REPLY.fullmatch(line):
        return TRY_LATER
    return packet("y", line.replace("%", "%%").encode() + b"\0")  # Sendmail takes the text for a format


def removed_headers(name: str, count: int) -> list[bytes]:
    """Return the edits that remove so many headers of a name, last first, so that the others keep their numbers."""
    return [packet("m", occurrence.to_bytes(4) + name.encode() + b"\0\0") for occurrence in range(count, 0, -1)]


def added_header(name: str, value: str) -> bytes:
    """Return the edit that adds a header behind the others."""
    return packet("h", name.encode() + b"\0" + as_line(value).encode() + b"\0")
