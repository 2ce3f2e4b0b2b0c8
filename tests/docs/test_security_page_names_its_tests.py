"""Each promise on docs/security.md names the tests that fail when it no longer holds."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")


def promises() -> list[tuple[str, str]]:
    section = PAGE.partition("\n## What is promised\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", section, re.MULTILINE)
    return [(promise, tests) for promise, tests in rows if promise != "promise"]


def test_every_promise_names_tests_and_nothing_else() -> None:
    assert len(promises()) > 30
    for promise, tests in promises():
        assert re.fullmatch(r"`tests/[\w/]+\.py`(, `tests/[\w/]+\.py`)*", tests), promise


def test_every_file_that_is_named_has_tests() -> None:
    named = {file for _, tests in promises() for file in re.findall(r"`(tests/[^`]+)`", tests)}
    for file in named:
        text = (ROOT / file).read_text("utf-8")
        assert re.search(r"^(async )?def test_|atheris", text, re.MULTILINE), file


def test_every_heading_that_is_linked_to_is_there() -> None:
    headings = {
        re.sub(r"[^\w -]", "", found).lower().replace(" ", "-") for found in re.findall(r"^#+ (.+)$", PAGE, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
