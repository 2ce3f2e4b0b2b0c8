"""Layouts of the exchanges file: data, because the official one could not be found (EX_PSU_5020)."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from huissier.adapters.errors import UnreadableError
from huissier.domain.vocabulary.ins import mentions_ins

PROVISIONAL: Final = "provisional-1"
LARGEST: Final = 1024 * 1024

_MONTH_FORMAT: Final = re.compile(r"AAAA[-/.]?MM|MM[-/.]?AAAA")
_LABEL: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_NAME: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)


class LayoutError(UnreadableError):
    """A layout is not one; the message names the file and the place."""


# What a column can hold: the month, the domain, and what an `Exchange` has, in its order.
FIELDS: Final = (
    *("mois", "domaine", "emetteur", "destinataire", "type_emetteur", "type_destinataire"),
    *("acceptes", "refuses", "remis", "non_remis"),
)


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    """A column: which of `FIELDS` it holds, and what stands above it."""

    field: str
    label: str


class Layout(Struct, frozen=True, forbid_unknown_fields=True):
    """How the file is written; `provisional-1.toml` says what each word means."""

    name: str
    columns: tuple[Column, ...]
    separator: Literal[";", ",", "|", "\t"] = ";"
    encoding: Literal["utf-8", "utf-8-sig", "iso-8859-1", "iso-8859-15", "cp1252"] = "utf-8"
    line_end: Literal["\n", "\r\n"] = "\n"
    header: bool = True
    month_format: str = "AAAAMM"
    time_zone: Literal["Europe/Paris"] = "Europe/Paris"
    formula_guard: bool = True

    def month(self, month: int) -> str:
        """Return a month (AAAAMM) as the layout writes it."""
        return self.month_format.replace("AAAA", f"{month // 100:04}").replace("MM", f"{month % 100:02}")

    def problems(self) -> list[str]:
        """Name what is wrong, each with its place."""
        found = []
        if not _NAME.fullmatch(self.name) or mentions_ins(self.name):
            found.append("name: letters, digits, hyphens and dots, 100 at most")
        if not _MONTH_FORMAT.fullmatch(self.month_format):
            found.append("month_format: AAAA and MM, with - / . or nothing between them")
        if not self.columns:
            found.append("columns: there is none")
        for number, column in enumerate(self.columns, 1):
            found += [f"column {number}, {problem}" for problem in self._problems_of(column)]
        held = [column.field for column in self.columns]
        found += [
            f"column {n}, field: {field} stands twice" for n, field in enumerate(held, 1) if field in held[: n - 1]
        ]
        return found

    def _problems_of(self, column: Column) -> list[str]:
        found = []
        if column.field not in FIELDS:
            found.append(f"field: there is no {column.field}; there are {', '.join(FIELDS)}")
        if not _LABEL.fullmatch(column.label) or mentions_ins(column.label):
            found.append("label: one line of text without control characters or an INS")
        try:
            column.label.encode(self.encoding)
        except UnicodeEncodeError:
            found.append(f"label: it cannot be written in {self.encoding}")
        return found


def shipped_layout() -> Layout:
    """Return the layout that comes with huissier; it is provisional."""
    content = (files("huissier.adapters.statistics") / "layouts" / f"{PROVISIONAL}.toml").read_bytes()
    return _read(content, PROVISIONAL)


def read_layout(path: Path) -> Layout:
    """Return the layout in a file. Raises `LayoutError`."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as problem:
        raise LayoutError(f"the layout {path} cannot be read: {getattr(problem, 'strerror', 'not a path')}") from None
    if len(content) > LARGEST:
        raise LayoutError(f"the layout {path} is larger than {LARGEST} bytes")
    return _read(content, str(path))


def _read(content: bytes, where: str) -> Layout:
    try:
        told = tomllib.loads(content.decode("utf-8-sig"))  # as some editors save it
        if unknown := list(_unknown_in(told)):
            raise LayoutError(f"the layout {where}: {'; '.join(unknown)}")
        layout = msgspec.convert(told, Layout)
    except UnicodeDecodeError:
        raise LayoutError(f"the layout {where} is not text in UTF-8") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as problem:
        raise LayoutError(f"the layout {where}: {problem}") from None
    if problems := layout.problems():
        raise LayoutError(f"the layout {where}: {'; '.join(problems)}")
    return layout


def _unknown_in(told: dict[str, Any]) -> Iterator[str]:
    """Name each word that is not known, with those that are."""
    yield from _unknown_names(told, Layout)
    for field in fields(Layout):
        known, word = get_args(field.type), told.get(field.name)
        if get_origin(field.type) is Literal and word is not None and word not in known:
            yield f"{field.name}: there is no {word!r}; there are {', '.join(map(repr, known))}"
    columns = told.get("columns")
    for number, column in enumerate(columns if isinstance(columns, list) else (), 1):
        if isinstance(column, dict):
            yield from (f"column {number}, {problem}" for problem in _unknown_names(column, Column))


def _unknown_names(told: Iterable[str], kind: type[Struct]) -> Iterator[str]:
    known = [field.name for field in fields(kind)]
    return (f"there is no {name}; there are {', '.join(known)}" for name in told if name not in known)
