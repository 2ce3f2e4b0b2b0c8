"""Misfits: what `msgspec` says of content that does not fit a structure, as a place and words for people."""

import re
from ast import literal_eval
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, get_args, get_type_hints

import msgspec

_WHERE: Final = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_INDEX: Final = re.compile(r"\[[0-9.]*\]")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_PATTERN: Final = re.compile(r"Expected `str` matching regex (?P<pattern>'.*')")
_NAMED: Final = re.compile(r"(?P<key>[a-z_]+): (?P<what>.*)", re.DOTALL)


class Misfit(NamedTuple):
    """The keys that lead to what does not fit, none for the whole, and what is wrong with it."""

    keys: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (".".join(self.keys), self.what)))


def misfit(problem: msgspec.ValidationError, kind: type, in_words: Mapping[str, str] | None = None) -> Misfit:
    """Return what does not fit a structure. `in_words`: what patterns of its texts mean to people."""
    found = _WHERE.fullmatch(str(problem))
    what, path = (str(problem), "") if found is None else (found["what"], found["path"] or "")
    keys = tuple(key for key in _INDEX.sub("", path).split(".") if key)
    if pattern := _PATTERN.fullmatch(what):
        return Misfit(keys, (in_words or {}).get(literal_eval(pattern["pattern"]), what))
    if what.startswith("Invalid enum value"):
        return Misfit(keys, f"{what}, but {', '.join(map(repr, _choices(keys, kind)))} are known")
    if unknown := _UNKNOWN.fullmatch(what):
        return Misfit((*keys, unknown["key"]), "there is no such key")
    if named := _NAMED.fullmatch(what):
        return Misfit((*keys, named["key"]), named["what"])
    return Misfit(keys, what)


def _choices(keys: tuple[str, ...], kind: Any) -> tuple[str, ...]:
    """Return the words that a key may be."""
    for key in keys:
        kind = get_type_hints(kind)[key]
    return get_args(kind)
