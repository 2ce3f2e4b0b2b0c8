"""Cuts a message into its parts, and a part into fields, line by line: what else stands there hides no field.

Only the outermost Content-Type is asked for a boundary, and none for a charset. The library would ask those of all
parts, also inside the message that came back, which anybody may have written: long parameters take it for ever, and on
those that contradict each other it fails.
"""

import re
from collections.abc import Iterable, Iterator
from email.message import Message as Mail
from email.parser import HeaderParser
from typing import Final

LONGEST_CONTENT_TYPE: Final = 1_000
_MOST_PARTS: Final = 30  # a report has three
_FIELD: Final = re.compile(r"[!-9;-~]{1,100}:")
_COMMENTED: Final = re.compile(r"\\.|[()]|[^\\()]+|\\", re.DOTALL)
_ENCODING: Final = "Content-Transfer-Encoding"


class Part:
    """A message or a part of one: its headers, and what follows as it came."""

    def __init__(self, text: str) -> None:
        """Read a text whose lines end as `_lines` has them."""
        head, _, self._body = f"\n{text}".partition("\n\n")
        self.fields = _fields(head.split("\n"))

    @classmethod
    def of_message(cls, content: bytes) -> "Part":
        """Read a whole message."""
        return cls(_lines(content.decode("ascii", "surrogateescape")))

    @property
    def kind(self) -> str:
        """Its content type, in lower case."""
        return self.fields.get_content_type()

    def parts(self) -> list["Part"]:
        """Return those it is cut into by its boundary, if any. Raises what the library does on odd parameters."""
        if len(text_of(self.fields, "Content-Type")) > LONGEST_CONTENT_TYPE:
            return []
        if (boundary := self.fields.get_boundary()) is None:
            return []
        delimiter = f"^--{re.escape(boundary)}"
        inside, *_ = re.split(rf"{delimiter}--[ \t]*$", self._body, maxsplit=1, flags=re.MULTILINE)
        _, *found = re.split(rf"{delimiter}[ \t]*\n", inside, maxsplit=_MOST_PARTS + 1, flags=re.MULTILINE)
        return [Part(text) for text in found[:_MOST_PARTS]]

    def groups(self) -> Iterator[Mail]:
        """Yield its groups of fields, cut at lines without content."""
        return filter(len, map(_fields, _paragraphs(self._decoded())))

    def returned(self) -> Mail:
        """Return the headers that it gives back of another message."""
        return Part(self._decoded().lstrip("\n")).fields

    def _decoded(self) -> str:
        encoded = Mail()
        encoded[_ENCODING] = plain(self.fields, _ENCODING)
        encoded.set_payload(self._body)
        data = encoded.get_payload(decode=True)
        return _lines(data.decode("utf-8", "replace")) if isinstance(data, bytes) else ""


def _lines(text: str) -> str:
    """Return a text with a line feed alone at the end of each line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _paragraphs(text: str) -> Iterator[list[str]]:
    paragraph: list[str] = []
    blank: list[str] = []
    for line in text.split("\n"):
        if not line.strip():
            blank.append(line)
            continue
        if blank and not (line[0] in " \t" and all(blank)):  # a field goes on behind lines of blanks, not empty ones
            yield paragraph
            paragraph = []
        blank.clear()
        paragraph.append(line)
    yield paragraph


def _fields(lines: Iterable[str]) -> Mail:
    """Return the fields among lines, each with the lines that it is folded over."""
    kept, is_field = list[str](), False
    for line in lines:
        is_field = is_field if line.startswith((" ", "\t")) else _FIELD.match(line) is not None
        if is_field:
            kept.append(line)
    return HeaderParser().parsestr("\n".join(kept))


def texts_of(fields: Mail, name: str) -> list[str]:
    """Return what all fields of a name say."""
    return [str(value).replace("\ufffd", "?") for value in fields.get_all(name, [])]


def text_of(fields: Mail, name: str) -> str:
    """Return what the first field of a name says, nothing where there is none."""
    return next(iter(texts_of(fields, name)), "").strip()


def plain(fields: Mail, name: str) -> str:
    """Return a field without its comments: Sendmail writes `delivered (to mailbox)`."""
    text, kept, depth = text_of(fields, name), list[str](), 0
    for piece in _COMMENTED.findall(text):
        if piece == "(":
            depth += 1
        elif depth:
            depth -= piece == ")"
        else:
            kept.append(piece)
    return "".join(kept).strip() if not depth else text
