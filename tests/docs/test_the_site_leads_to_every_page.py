"""The site's navigation names every page there is, and no other; `.ci/run` builds the site without a warning."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_navigation_names_every_page_once() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2].partition("\n\n")[0]
    named = re.findall(r"^ +- [^#\n]*: (\S+\.md)$", navigation, re.MULTILINE)
    pages = [page.name for page in (ROOT / "docs").glob("*.md")]
    assert sorted(named) == sorted([*pages, "adr/README.md"])
