"""`docs/rules.md` says what the code does: its tables, its rules, its codes, its options, its functions.

Where a table differs, `python -m tests.docs.render_rules` writes it again.
"""

import re
from pathlib import Path

import pytest
from msgspec import structs

from huissier.domain.reasons import TABLE, Code
from huissier.domain.rule_set import Options
from tests.docs.render_rules import PAGE, TABLES, option_meanings, rendered

ROOT = Path(__file__).parents[2]
LABELS = ("What huissier does", "Since", "Source", "Open", "Reasons", "Code")


def page() -> str:
    return PAGE.read_text("utf-8")


def sections() -> dict[str, str]:
    """Return the text under each heading of the second level."""
    _, *found = re.split(r"^## ", page(), flags=re.MULTILINE)
    return {heading: text for heading, _, text in (section.partition("\n") for section in found)}


def rules() -> dict[int, str]:
    """Return the section of each rule by its number."""
    named = ((re.match(r"Rule ([0-9]+): ", heading), text) for heading, text in sections().items())
    return {int(match[1]): text for match, text in named if match is not None}


def codes_in(text: str) -> set[str]:
    return set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", text))


def test_the_tables_are_those_of_the_code() -> None:
    expected = rendered(page())
    assert page() == expected, f"run `python -m tests.docs.render_rules`; the page should be:\n{expected}"


def test_the_reason_table_has_every_code_in_the_order_of_the_contract() -> None:
    assert re.findall(r"^\| `([A-Z_]+)` \|", TABLES["reasons"](), re.MULTILINE) == list(TABLE) == list(Code)


def test_rules_1_to_14_have_a_section_each_in_order() -> None:
    assert list(rules()) == list(range(1, 15))


@pytest.mark.parametrize("number", range(1, 15))
def test_a_rule_says_what_since_when_how_sure_and_where(number: int) -> None:
    text = rules()[number]
    assert [label for label in LABELS if f"**{label}.**" not in text] == []


def test_every_code_is_explained_in_a_rule_or_among_rejected_commands() -> None:
    explained = codes_in("".join(rules().values()) + sections()["Rejected commands"])
    assert {str(code) for code in Code} - explained == set()


def test_the_page_names_no_code_that_the_table_lacks() -> None:
    capitals = {name for name in codes_in(page()) if not name.startswith("HUISSIER_")}  # environment variables
    assert capitals - {str(code) for code in Code} == set()


def test_every_option_is_explained_where_it_is_defined_and_in_a_rule() -> None:
    names = {field.name for field in structs.fields(Options)}
    assert set(option_meanings()) == names
    assert {name for name in names if f"`{name}`" not in "".join(rules().values())} == set()


def test_every_function_the_page_names_stands_in_its_file() -> None:
    named = re.findall(r"`((?:domain|adapters)/[\w/]+\.py)`((?:[:,]\s`[\w.]+`)*)", page())
    assert named
    for file, functions in named:
        text = (ROOT / file).read_text("utf-8")
        for function in re.findall(r"`(?:\w+\.)?(\w+)`", functions):
            assert re.search(rf"\b(?:def|class) {function}\b|^{function}\b.* = ", text, re.MULTILINE), (file, function)


@pytest.mark.parametrize("file", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_no_page_holds_what_could_be_an_ins(file: Path) -> None:
    assert re.search(r"[0-9]{5}[0-9AB]{2}[0-9]{6}", file.read_text("utf-8")) is None
