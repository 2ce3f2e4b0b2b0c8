"""Writes the tables of `docs/rules.md` from the code: `python -m tests.docs.render_rules`."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from inspect import cleandoc
from pathlib import Path
from typing import Final

from msgspec import inspect

from huissier.domain.reasons import TABLE
from huissier.domain.rule_set import SHIPPED, Options, RuleSet
from tests.docs.tables import NONE, Tables, filled, table

PAGE: Final = Path(__file__).parents[2] / "docs" / "rules.md"


def rendered(page: str) -> str:
    """Return the page with its tables as the code has them now."""
    return filled(page, TABLES)


def reasons_table() -> str:
    header = ("Code", "Kind", "Requirement", "French", "English", "What would change it")
    return table(header, ((f"`{e.code}`", e.kind, e.requirement, e.fr, e.en, e.remedy or NONE) for e in TABLE.values()))


def options_table() -> str:
    meanings = option_meanings()
    rows = (
        (f"`{field.name}`", f"`{_word(field.default)}`", _alternatives(field), meanings[field.name])
        for field in _option_fields()
    )
    return table(("Option", "Default", "Alternatives", "What it decides"), rows)


def option_meanings() -> dict[str, str]:
    """Return what the list in the docstring of `Options` says about each option."""
    _, *items = cleandoc(Options.__doc__ or "").split("\n- ")
    named = (re.fullmatch(r"`(\w+)`: (.*)", " ".join(item.split())) for item in items)
    return {item[1]: item[2] for item in named if item is not None}


def _option_fields() -> tuple[inspect.Field, ...]:
    described = inspect.type_info(Options)
    if not isinstance(described, inspect.StructType):
        raise TypeError("Options is not a Struct")
    return described.fields


def _alternatives(field: inspect.Field) -> str:
    match field.type:
        case inspect.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in values if value != field.default)
        case inspect.BoolType():
            return f"`{_word(not field.default)}`"
        case inspect.IntType(ge=least, le=most):
            return f"`{least}` to `{most}`"
        case inspect.DateTimeType():
            return "any RFC 3339 time"
        case inspect.VarTupleType():
            return "words with commas between them"
        case kind:
            raise TypeError(f"say here how the alternatives of a {kind} are written")


def _word(value: object) -> str:
    """Write a value as `--option NAME=VALUE` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    return _moment(value) if isinstance(value, datetime) else str(value)


def rule_sets_table() -> str:
    header = ("Rule set", "In force from", "Usagers", "Mixed recipients", "Pharmacies", "Size limits", "Commitment")
    return table(header, (_rule_set(rules) for rules in SHIPPED))


def _rule_set(rules: RuleSet) -> tuple[str, ...]:
    commitment = f"{rules.usagers_since_referentiel} or later; deadline {_moment(rules.commitment_deadline)}"
    return (
        f"`{rules.name}`",
        _moment(rules.since),
        "yes" if rules.usagers else "no",
        "yes" if rules.mixed_recipients else "no",
        ", ".join(sorted(rules.pharmacy_secteurs)) or NONE,
        ", ".join(_size_limits(rules)) or NONE,
        commitment if rules.usagers else NONE,
    )


def _size_limits(rules: RuleSet) -> Iterable[str]:
    if rules.usagers_size_limit is not None:
        yield f"usagers' domains: {rules.usagers_size_limit:,} bytes"
    yield from (f"{domain}: {limit:,} bytes" for domain, limit in sorted(rules.size_limits.items()))


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


TABLES: Final[Tables] = {
    "options": options_table,
    "rule-sets": rule_sets_table,
    "reasons": reasons_table,
}

if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8")
