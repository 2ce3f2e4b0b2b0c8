"""Whoever looks for a public name finds it in the reference."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
DIRECTIVES = re.findall(r"^::: (\S+)\n((?: {4}.*\n|\n(?= {4}))*)", f"{PAGE}\n", re.MULTILINE)
PACKAGES = ("huissier", "huissier.adapters.testing", "huissier.adapters.testing.strategies")


def shown(path: str, options: str) -> set[str]:
    """Return the names that a directive shows: itself, or what stands in its module."""
    parent, _, name = path.rpartition(".")
    found: Any = getattr(import_module(parent), name, None)
    if not isinstance(found, ModuleType):
        return {name}
    if members := re.search(r"members: \[(.*)\]", options):
        return set(members[1].split(", "))
    return {
        name
        for name, value in vars(found).items()
        if getattr(value, "__module__", path) == path and not name.startswith("_")
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_stands_on_the_page(package: str) -> None:
    on_the_page = {name for directive in DIRECTIVES for name in shown(*directive)}
    assert set(import_module(package).__all__) - on_the_page == set()
