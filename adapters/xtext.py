"""Decodes xtext, in which mail servers write `+XX` for what could not stand in a line (RFC 3461, section 4)."""

import re
from typing import Final

_CODE: Final = re.compile(rb"\+([0-9A-F]{2})")


def from_xtext(text: str) -> str:
    """Return the decoded text; bytes that are not UTF-8 become U+FFFD, which stands in no name."""
    return _CODE.sub(lambda code: bytes([int(code[1], 16)]), text.encode("utf-8", "replace")).decode("utf-8", "replace")
