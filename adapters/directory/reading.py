"""Reads an extraction, plain or in its ZIP, row by row in constant memory: commands, or why a row gives none."""

import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from io import UnsupportedOperation
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

import msgspec
from msgspec import Struct

from huissier.adapters.directory.columns import (
    ADDRESS,
    ADELI,
    COMPANY,
    FAMILY,
    FINESS,
    GIVEN,
    KIND,
    PERSON,
    PERSON_TYPE,
    READ,
    RPPS,
    SEPARATOR,
    SERVICE,
    STRUCTURE,
    STRUCTURE_TYPE,
)
from huissier.adapters.directory.names import joined
from huissier.adapters.errors import InvalidCommandError, UnreadableError
from huissier.adapters.json_lines import LONGEST_LINE, Line, batches
from huissier.adapters.validation import validated
from huissier.domain.commands import CreateMailbox
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import without_ins

Fields = Mapping[str, str]

_KINDS: Final = ("PER", "ORG", "APP", "CAB")
_PERSON_TYPES: Final = {RPPS: "rpps", "RPPS": "rpps", ADELI: "adeli", "ADELI": "adeli"}
_STRUCTURE_TYPES: Final = {FINESS, "FINESS"}
_ZIP: Final = b"PK"
_CHUNK: Final = 1024 * 1024
_BROKEN_ZIP: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError),
    UnicodeDecodeError,  # a member's name that is not in the encoding it says
)


class ExtractionError(UnreadableError):
    """A file is no extraction, or its archive is broken; nothing of it was read."""


class Row(Struct, frozen=True, gc=False):
    """One row: the line it stands on, the header's being 1, and the command it gives, or why it gives none."""

    line: int
    command: CreateMailbox | None = None
    error: str = ""


def read_extraction(stream: BinaryIO, at: datetime | None = None) -> Iterator[Row]:
    """Yield one row per line, as commands with this time. Raises `ExtractionError` where the header is not one.

    Identifiers other than RPPS, ADELI and FINESS, and columns the log has no room for, are passed over.
    """
    lines = _lines(stream)
    header = _header(next(lines, None))
    read = _reader(header, at)
    for line in lines:
        try:
            yield Row(line.number, read(_text(line)))
        except VocabularyError as problem:
            yield Row(line.number, error=str(problem))


def _lines(stream: BinaryIO) -> Iterator[Line]:
    try:
        yield from chain.from_iterable(batches(stream))
    except (OSError, *_BROKEN_ZIP) as problem:
        raise ExtractionError(f"it was changed or broke off while it was read ({problem})") from None


class Extraction(NamedTuple):
    """The text of an extraction, and its size in bytes."""

    stream: BinaryIO
    size: int


@contextmanager
def open_extraction(path: Path) -> Iterator[Extraction]:
    """Open an extraction: a text, or a ZIP with one text in it. Raises `ExtractionError`."""
    with ExitStack() as stack:
        try:
            extraction = _opened(path, stack)
        except UnsupportedOperation:
            raise ExtractionError("a file is asked for, not a pipe: it is read twice") from None
        except (OSError, *_BROKEN_ZIP) as problem:
            broken = f"the archive is broken, or of a kind that cannot be read ({problem})"
            raise ExtractionError(getattr(problem, "strerror", None) or broken) from None  # an error of bzip2 has none
        yield extraction


def _opened(path: Path, stack: ExitStack) -> Extraction:
    without_waiting = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # not for a pipe's writer: a pipe is refused
    file = stack.enter_context(os.fdopen(without_waiting, "rb"))
    is_zip = file.read(len(_ZIP)) == _ZIP
    file.seek(0)
    if not is_zip:
        return Extraction(file, path.stat().st_size)
    archive = stack.enter_context(zipfile.ZipFile(file))
    name = _text_in(archive)
    with archive.open(name) as text:
        while text.read(_CHUNK):  # to its end, where the checksum is: a damaged row may look like a right one
            pass
    stream = cast("BinaryIO", stack.enter_context(archive.open(name)))
    return Extraction(stream, archive.getinfo(name).file_size)


def _text_in(archive: zipfile.ZipFile) -> str:
    texts = [name for name in archive.namelist() if name.lower().endswith(".txt")]
    if len(texts) != 1:
        raise ExtractionError(f"the archive holds {len(texts)} files that end with .txt instead of one")
    return texts[0]


def _header(line: Line | None) -> list[str]:
    """Return the names of the columns. Raises `ExtractionError` naming those that are missing."""
    if line is None:
        raise ExtractionError("the file is empty: an extraction begins with the names of its columns")
    try:
        text = _text(line)
    except VocabularyError as problem:
        raise ExtractionError(f"line {line.number}, the names of the columns: {problem}") from None
    if "\r" in text:
        raise ExtractionError("its lines end with carriage returns alone; they end with LF or CR LF")
    names = [name.strip().replace("’", "'") for name in text.split(SEPARATOR)]
    missing = [name for name in READ if name not in names]
    if missing:
        raise ExtractionError(f"line {line.number} does not name the columns {', '.join(missing)}")
    if twice := [name for name in READ if names.count(name) > 1]:
        raise ExtractionError(f"line {line.number} names more than once the columns {', '.join(twice)}")
    return names


def _text(line: Line) -> str:
    if line.content is None:
        raise VocabularyError(f"the line is longer than {LONGEST_LINE} bytes")
    try:
        return line.content.decode().removesuffix("\r")
    except UnicodeDecodeError as problem:
        raise VocabularyError(f"not UTF-8 (byte {problem.start + 1})") from None


def _reader(header: list[str], at: datetime | None) -> Callable[[str], CreateMailbox]:
    """Return a reader of lines under this header. It raises `VocabularyError`, which never repeats a value."""
    values_of = itemgetter(*map(header.index, READ))

    def read(text: str) -> CreateMailbox:
        values = text.split(SEPARATOR)
        if len(values) != len(header):
            raise VocabularyError(
                f"{len(values)} columns where the header names {len(header)}: one is missing, or a value holds a |"
            )
        return _command(dict(zip(READ, map(str.strip, values_of(values)), strict=True)), at)

    return read


def _command(fields: Fields, at: datetime | None) -> CreateMailbox:
    kind = fields[KIND]
    if kind not in _KINDS:
        raise VocabularyError(f"{KIND}: not one of {', '.join(_KINDS)}")
    said = {
        "at": at,
        "address": _address(fields[ADDRESS]),
        "kind": kind,
        "finess": _structure(fields),
        "name": (joined(fields[FAMILY], fields[GIVEN]) if kind == "PER" else None) or fields[COMPANY] or None,
        "service": fields[SERVICE] or None,
        **_person(fields),
    }
    try:
        command = msgspec.convert(said, CreateMailbox)
    except msgspec.ValidationError as problem:
        raise VocabularyError(without_ins(str(problem))) from None
    if all(getattr(command, name) == value for name, value in said.items()):
        return command
    try:
        return validated(command)  # what was cleaned may be longer than it was
    except InvalidCommandError as problem:
        raise VocabularyError(str(problem)) from None


def _address(text: str) -> str:
    try:
        address = MailboxAddress.parse(text)
    except VocabularyError as problem:
        raise VocabularyError(f"{ADDRESS}: {problem}") from None
    if address.holds_ins_shape:
        raise VocabularyError(f"{ADDRESS}: a usager's address has no place in the directory")
    return address.text


def _person(fields: Fields) -> dict[str, str]:
    name = _PERSON_TYPES.get(fields[PERSON_TYPE].upper())
    if name is None or not fields[PERSON]:
        return {}
    return {name: _bare(fields[PERSON], RPPS if name == "rpps" else ADELI, 11 if name == "rpps" else 9)}


def _structure(fields: Fields) -> str | None:
    if fields[STRUCTURE_TYPE].upper() not in _STRUCTURE_TYPES or not fields[STRUCTURE]:
        return None
    return _bare(fields[STRUCTURE], FINESS, 9)


def _bare(identifier: str, code: str, length: int) -> str:
    """Return an identifier without the code of its kind, which makes it the national identification."""
    return identifier.removeprefix(code) if len(identifier) == length + len(code) else identifier
