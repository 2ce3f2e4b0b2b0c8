"""The configuration as a TOML file, whose errors name file, line and key."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from huissier.adapters.errors import UnreadableError
from huissier.adapters.gateway.settings import IN_WORDS, Settings
from huissier.domain.vocabulary.misfits import misfit

_LARGEST: Final = 1_000_000
_TABLE: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_.\"' -]+?)\s*=")
_TOML_WHERE: Final = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")


class SettingsError(UnreadableError):
    """A configuration cannot be read; the message names file, line and key."""


def read_settings(path: Path | None, said: dict[str, Any] | None = None) -> Settings:
    """Read a file, if one is named; what the command line said, in the same shape, overrides it, but for None.

    Raises `SettingsError`.
    """
    settings = Settings() if path is None else parse_settings(_text_of(path), str(path))
    built: dict[str, Any] = msgspec.to_builtins(settings)
    for key, value in (said or {}).items():
        built[key] = {**built[key], **_without_none(value)} if isinstance(value, dict) else value
    try:
        return msgspec.convert(built, Settings, strict=False)
    except msgspec.ValidationError as problem:
        raise SettingsError(f"the command line, {misfit(problem, Settings, IN_WORDS)}") from None


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8-sig")
    except OSError as problem:
        raise SettingsError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not text in UTF-8") from None


def parse_settings(text: str, name: str) -> Settings:
    """Read the text of a file of that name. Raises `SettingsError`."""
    try:
        return msgspec.convert(tomllib.loads(f"{text}\n"), Settings)  # or an error at the end would have no line
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError(f"{name}{_told_of(str(problem), text)}") from None
    except RecursionError:
        raise SettingsError(f"{name}: brackets stand in brackets without end") from None
    except msgspec.ValidationError as problem:
        keys, what = misfit(problem, Settings, IN_WORDS)
        line = _line_of(list(keys), text)
        raise SettingsError(f"{name}, line {line}, {'.'.join(keys) or 'the file'}: {what}") from None


def _told_of(message: str, text: str) -> str:
    """Return where a text is no TOML, by line and key as far as known, and what is wrong."""
    found = _TOML_WHERE.fullmatch(message)
    if found is None:
        return f": {message}"
    key = ".".join(dict(_keys_of(text)).get(int(found["line"]), []))
    return f", line {found['line']}{key and f', {key}'}: {found['what']}"


def _line_of(keys: list[str], text: str) -> int:
    """Return the line of the key, or of the nearest table or key around it."""
    best, best_line = 0, 1
    for number, written in _keys_of(text):
        if best < len(written) and keys[: len(written)] == written:
            best, best_line = len(written), number
    return best_line


def _keys_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines on which a table or a key begins, with its whole name."""
    table: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if found := _TABLE.match(line):
            table = _parts(found[1])
            yield number, table
        elif found := _KEY.match(line):
            yield number, [*table, *_parts(found[1])]


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in name.split(".")]
