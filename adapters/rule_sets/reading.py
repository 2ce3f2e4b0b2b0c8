"""A file of rule sets and options, read; what is wrong in it is told with the file, the table and the key."""

import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, structs

from huissier.adapters.errors import UnreadableError
from huissier.domain.rule_set import SHIPPED, Options, RuleSet
from huissier.domain.vocabulary.address import Domain
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.identifiers import parse_referentiel
from huissier.domain.vocabulary.ins import mentions_ins, without_ins
from huissier.domain.vocabulary.misfits import misfit
from huissier.domain.what_if import Instead

_SCHEMA: Final = 1
_NOT_IN_FILES: Final = {"options", "label"}  # fields of a rule set that come from the engine it is used in
_UNKNOWABLE: Final = "the log does not keep an address that could not be read, so nobody can tell what would change"


S = TypeVar("S")


class RulesFileError(UnreadableError):
    """A file of rules that cannot be read; the message names the file, the table and the key."""


class _File(Struct, forbid_unknown_fields=True):
    """The file as TOML has it."""

    schema: int
    options: dict[str, Any] = {}
    rule_set: list[dict[str, Any]] = []


def shipped() -> str:
    """Return the file of the rule sets that huissier ships, with a word about each key."""
    return files("huissier.adapters.rule_sets").joinpath("shipped.toml").read_text("utf-8")


def read_rules(path: Path) -> Instead:
    """Read other rules for a what-if; without a rule set they are the shipped ones. Raises `RulesFileError`."""
    try:
        return rules_in(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError:
        raise RulesFileError(f"{path}: not text in UTF-8") from None
    except OSError as problem:
        raise RulesFileError(f"{path}: {problem.strerror}") from None


def rules_in(text: str, name: str) -> Instead:
    """Read the content of a file of rules. Raises `RulesFileError` with the file's name."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:  # RecursionError: brackets in brackets
        raise RulesFileError(f"{name}: {problem}") from None
    file = _converted(content, _File, name)
    if file.schema != _SCHEMA:
        raise RulesFileError(f"{name}: schema: this huissier reads schema {_SCHEMA}")
    options = _options(file.options, f"{name}: [options]")
    rule_sets = [_rule_set(table, f"{name}: [[rule_set]] {place}") for place, table in enumerate(file.rule_set, 1)]
    _refuse_twice(rule_sets, name)
    return Instead(tuple(rule_sets) or SHIPPED, options)


def _options(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    if "ins_key" in table:
        raise RulesFileError(f"{where}: ins_key: {_UNKNOWABLE}")
    read = _converted(_with_times(table), Options, where)
    return {name: getattr(read, name) for name in table}


def _rule_set(table: Mapping[str, Any], where: str) -> RuleSet:
    named = f"{where} ({without_ins(table['name'])})" if isinstance(table.get("name"), str) else where
    if unknown := _NOT_IN_FILES & table.keys():
        raise RulesFileError(f"{named}: {min(unknown)}: there is no such key")
    rules = _converted(_with_times(table), RuleSet, named)
    if mentions_ins(rules.name):
        raise RulesFileError(f"{where}: name: an INS has no place here")
    _parsed(rules.usagers_since_referentiel, parse_referentiel, f"{named}: usagers_since_referentiel")
    domains = [_parsed(text, lambda one: Domain.parse(one).name, f"{named}: size_limits") for text in rules.size_limits]
    if len(set(domains)) < len(domains):
        raise RulesFileError(f"{named}: size_limits: a domain has two limits")
    return structs.replace(rules, size_limits=dict(zip(domains, rules.size_limits.values(), strict=True)))


def _with_times(table: Mapping[str, Any]) -> dict[str, Any]:
    """Take a date without a time for the beginning of that day in UTC."""
    return {key: datetime.combine(value, time(), UTC) if type(value) is date else value for key, value in table.items()}


def _converted(content: Mapping[str, Any], kind: type[S], where: str) -> S:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as problem:
        raise RulesFileError(f"{where}: {misfit(problem, kind)}") from None


def _parsed(text: str, parse: Callable[[str], str], where: str) -> str:
    try:
        return parse(text)
    except VocabularyError as problem:
        raise RulesFileError(f"{where}: {problem}") from None


def _refuse_twice(rule_sets: list[RuleSet], name: str) -> None:
    for what in ("name", "since"):
        values = [getattr(rules, what) for rules in rule_sets]
        for place, value in enumerate(values):
            if value in values[:place]:
                raise RulesFileError(f"{name}: [[rule_set]] {place + 1}: {what}: another rule set has the same")
