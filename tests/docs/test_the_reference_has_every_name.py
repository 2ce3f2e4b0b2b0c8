"""Whoever looks for a public name finds it in the reference, and where it is imported from."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import huissier

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
DIRECTIVE = re.compile(r"^::: (\S+)\n((?: {4}.*\n|\n(?= {4}))*)", re.MULTILINE)
PACKAGES = ("huissier", "huissier.adapters.testing", "huissier.adapters.testing.strategies")


def shown(path: str, options: str) -> set[str]:
    """Return the names that a directive shows: itself, or what stands in its module and is not filtered out."""
    parent, _, name = path.rpartition(".")
    found: Any = getattr(import_module(parent), name, None)
    if not isinstance(found, ModuleType):
        return {name}
    if members := re.search(r"members: \[(.*)\]", options):
        return set(members[1].split(", "))
    hidden = re.findall(r'"!\^(\w+)\$"', options)
    defined = set(defined_in(found, constants="show_if_no_docstring: true" in options))
    return {name for name in defined if not name.startswith("_") and name not in hidden}


def defined_in(module: ModuleType, *, constants: bool) -> Iterator[str]:
    """Yield the names that a module defines and does not import; constants only where they are asked for."""
    for line in ast.parse(inspect.getsource(module)).body:
        match line:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if constants:
                yield name


def names_on(part: str) -> set[str]:
    """Return the names that a part of the page shows; fixtures are not among them, for pytest finds those itself."""
    directives = [found for found in DIRECTIVE.findall(f"{part}\n") if not found[0].endswith(".plugin")]
    return {name for directive in directives for name in shown(*directive)}


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_stands_on_the_page(package: str) -> None:
    assert set(import_module(package).__all__) - names_on(PAGE) == set()


def test_everything_down_to_evidence_is_imported_from_the_package() -> None:
    promised = names_on(PAGE.partition("\n## Evidence\n")[0])
    assert len(promised) > 30
    assert promised - set(huissier.__all__) == set()


@pytest.mark.parametrize("heading", ["Evidence", "Testing"])
def test_the_other_sections_say_where_each_name_is_imported_from(heading: str) -> None:
    (imports,) = re.findall(r"```python\n(.*?)```", section(heading), re.DOTALL)
    imported: dict[str, Any] = {}
    exec(compile(imports, "api.md", "exec"), imported)  # noqa: S102 our own page
    in_modules = {name for value in imported.values() if isinstance(value, ModuleType) for name in vars(value)}
    assert names_on(section(heading)) - imported.keys() - in_modules == set()
