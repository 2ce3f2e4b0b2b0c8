"""Commands as JSON lines in, answers as JSON lines out: any size of input in constant memory."""

from collections.abc import Iterator
from io import BufferedIOBase
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import msgspec

from huissier.adapters.errors import InvalidCommandError
from huissier.adapters.validation import validated
from huissier.domain.answers import Answer, Invalid
from huissier.domain.commands import AnyCommand
from huissier.domain.vocabulary.ins import without_ins

if TYPE_CHECKING:
    from huissier.adapters.deciding.engine import Engine

LONGEST_LINE: Final = 4 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"

_decode = msgspec.json.Decoder(AnyCommand).decode
_encode = msgspec.json.Encoder().encode


class Line(NamedTuple):
    """A line and its number, counted from 1; `content` is None where it is longer than `LONGEST_LINE`.

    `has_end`: whether more of it cannot follow.
    """

    number: int
    content: bytes | None
    has_end: bool = True


def batches(stream: BinaryIO) -> Iterator[list[Line]]:
    """Yield lines as soon as they come, so that a program that waits for an answer before it goes on gets it.

    Blank lines count but are passed over.
    """
    reader = LineCutter()
    while chunk := _read_some(stream):
        if lines := reader.feed(chunk):
            yield lines
    if lines := reader.end():
        yield lines


def _read_some(stream: BinaryIO) -> bytes:
    """Read what is there without waiting for a whole chunk, which a pipe may not fill."""
    return stream.read1(_CHUNK) if isinstance(stream, BufferedIOBase) else stream.read(_CHUNK)


class LineCutter:
    """Cuts chunks into lines and keeps what is not complete yet; blank lines count but are passed over."""

    def __init__(self, number: int = 0) -> None:
        """`number`: how many lines stand before."""
        self._number = number
        self._rest = b""
        self._too_long = False

    @property
    def number(self) -> int:
        """How many lines were complete so far."""
        return self._number

    @property
    def unfinished(self) -> int:
        """How many bytes of a line that is not complete yet are kept."""
        return len(self._rest)

    def feed(self, chunk: bytes) -> list[Line]:
        """Return the lines that a chunk completes."""
        *complete, rest = (self._rest + chunk).split(b"\n")
        lines = [line for content in complete if (line := self._line(content)) is not None]
        self._rest = rest
        if len(rest) > LONGEST_LINE:
            self._too_long, self._rest = True, b""
        return lines

    def end(self) -> list[Line]:
        """Return the last line, where no end of line follows it."""
        line = self._line(self._rest) if self._rest or self._too_long else None
        return [] if line is None else [line._replace(has_end=False)]

    def _line(self, content: bytes) -> Line | None:
        self._number += 1
        if self._number == 1:
            content = content.removeprefix(_BOM)
        if self._too_long or len(content) > LONGEST_LINE:
            self._too_long = False
            return Line(self._number, None)
        return Line(self._number, content) if content.strip() else None


def read_command(line: Line) -> AnyCommand | Invalid:
    """Return the command of a line, or why it cannot be read, without repeating an INS."""
    if line.content is None:
        return Invalid(line=line.number, error=f"the line is longer than {LONGEST_LINE} bytes")
    try:
        command: AnyCommand = _decode(line.content)
        return validated(command)
    except (msgspec.MsgspecError, InvalidCommandError) as problem:
        return Invalid(line=line.number, error=without_ins(str(problem)))
    except UnicodeDecodeError:
        return Invalid(line=line.number, error="the line is not UTF-8")
    except RecursionError:
        return Invalid(line=line.number, error="the line is nested too deeply")


def answer_lines(engine: "Engine", lines: list[Line]) -> list[Answer | Invalid]:
    """Handle the lines in one transaction; return one answer per line, in order."""
    read = [read_command(line) for line in lines]
    commands = (command for command in read if not isinstance(command, Invalid))
    answers = iter(engine.handle_many(commands, are_valid=True))
    return [command if isinstance(command, Invalid) else next(answers) for command in read]


def encode_line(answer: msgspec.Struct) -> bytes:
    """Return an answer as one line."""
    return _encode(answer) + b"\n"


def as_json(answer: msgspec.Struct) -> str:
    """Return an answer as text on one line, without the line's end."""
    return _encode(answer).decode()
