"""What a gateway process asked and what it was answered, written down before and after, for whoever comes later."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from huissier import Answer, AnyCommand


class Said(Struct, frozen=True):
    """An answer as the twin gives it too: the outcome, and for each recipient outcome and codes."""

    outcome: str
    verdicts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    codes: tuple[str, ...] = ()


class Asked(Struct, frozen=True, tag=True):
    """A command about to be sent; `ward` is None for what all wards share."""

    number: int
    ward: int | None
    command: AnyCommand


class Answered(Struct, frozen=True, tag=True):
    """The answer to a command."""

    number: int
    position: int | None
    said: Said


class Failed(Struct, frozen=True, tag=True):
    """An error instead of an answer; it will be asked again."""

    number: int
    problem: str


Line = Asked | Answered | Failed

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


class Journal:
    """Lines that outlive the process: what is written is the system's, which a `kill -9` does not touch."""

    def __init__(self, path: Path) -> None:
        self._next = 1 + max((line.number for line in read(path)), default=0)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    @property
    def next_number(self) -> int:
        """The number of the next command."""
        return self._next

    def asks(self, ward: int | None, command: AnyCommand) -> Asked:
        """Note a command."""
        asked = Asked(self._next, ward, command)
        self._next += 1
        self._write(asked)
        return asked

    def answered(self, asked: Asked, answer: Answer) -> None:
        """Note an answer."""
        self._write(Answered(asked.number, answer.position, said(answer)))

    def failed(self, asked: Asked, problem: Exception) -> None:
        """Note what came instead of an answer."""
        self._write(Failed(asked.number, type(problem).__name__))

    def _write(self, line: Line) -> None:
        """Write a line between two ends of line: one that a killed process left unfinished spoils no other."""
        os.write(self._file, b"\n" + _encode(line) + b"\n")


def said(answer: Answer) -> Said:
    """Return what an answer says, without its explanations."""
    verdicts = tuple((verdict.outcome, tuple(reason.code for reason in verdict.reasons)) for verdict in answer.verdicts)
    return Said(answer.outcome, verdicts, tuple(reason.code for reason in answer.reasons))


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of a journal, without what a killed process left unfinished."""
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines():
        with suppress(msgspec.DecodeError):
            yield _decode(line)


def unanswered(path: Path) -> list[Asked]:
    """Return what was asked and never answered."""
    waiting: dict[int, Asked] = {}
    for line in read(path):
        match line:
            case Asked():
                waiting[line.number] = line
            case Answered():
                del waiting[line.number]
            case Failed():
                pass
    return list(waiting.values())
