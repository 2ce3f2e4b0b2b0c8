"""The report as a reader sees it: in a real browser, in both languages, by day and by night, and on paper."""

import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from pypdf import PdfReader

import huissier as library
from huissier.adapters.testing import hospital as w
from huissier.domain.commands import SuspendMailbox
from tests.browser import Colours, browsing, needs_browser, page_at
from tests.command_line import huissier

pytestmark = [needs_browser, pytest.mark.long]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of a store with every kind of outcome, in both languages, signed and not."""
    folder = tmp_path_factory.mktemp("report")
    with library.open(f"sqlite:///{folder}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="first"))
        engine.handle(w.write(w.DOCTOR, w.USAGER, w.NOBODY, id="second"))
        engine.handle(w.received("second", w.USAGER))
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="third"))
        engine.handle(w.lost("third", w.DOCTOR))
    (folder / "log.vkey").write_text(huissier("audit", "key", "--name", "log.example/one", cwd=folder).stdout)
    (folder / "monday.txt").write_text(huissier("audit", "checkpoint", cwd=folder).stdout)
    with library.open(f"sqlite:///{folder}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle(SuspendMailbox(address=w.SURGEON, motive="<script>document.title = 'run'</script>"))
    signed = ("--checkpoint", "monday.txt", "--key", "log.vkey")
    for name, arguments in {
        "en.html": (*signed, "--lang", "en"),
        "fr.html": (*signed, "--lang", "fr"),
        "bare.html": (),
        "empty.html": ("--since", "2027-01-01"),
    }.items():
        assert huissier("audit", "report", "--out", name, *arguments, cwd=folder).returncode == 0
    return folder


SEEN = {
    "en.html": (
        "Audit report",
        "Proved: all facts up to position 19 are those that were signed.",
        "Decision 15: first: refused",
        "The usager has not yet received a message from this professionnel.",
        "The professionnel must write first, and the usager must have received that message.",
        "Decision 16: second: mixed",
        "behind the last checkpoint",
        "<script>document.title = 'run'</script>",
        "End of the report. Facts: 20; decisions among them: 3.",
    ),
    "fr.html": (
        "Rapport d'audit",
        "Prouvé : tous les faits jusqu'à la position 19 sont ceux qui ont été signés.",
        "Décision 15: first: refusé",
        "L'usager n'a encore reçu aucun message de ce professionnel.",
        "Le professionnel doit écrire le premier, et l'usager avoir reçu ce message.",
        "Décision 16: second: partagé",
        "après le dernier point de contrôle",
        "Fin du rapport. Faits : 20 ; décisions parmi eux : 3.",
    ),
}


@pytest.mark.parametrize("name", SEEN)
def test_the_reader_sees_timeline_reasons_and_proof_and_the_page_asks_for_nothing(
    browser: Browser, folder: Path, name: str
) -> None:
    with page_at(browser, folder / name) as (page, trouble):
        seen = page.inner_text("body")
        assert page.title().startswith(SEEN[name][0])
        assert page.evaluate("getComputedStyle(document.querySelector('caption')).textAlign") == "left"  # styled
        assert page.locator("script").count() == 0
    for text in SEEN[name]:
        assert text in seen
    assert trouble == []


@pytest.mark.parametrize(
    ("name", "colours", "rules"),
    [
        ("en.html", "light", RULES),
        ("fr.html", "light", RULES),
        ("empty.html", "light", RULES),
        ("en.html", "dark", ["cat.color"]),
        ("bare.html", "dark", ["cat.color"]),
    ],
)
def test_no_rule_of_accessibility_is_broken(
    browser: Browser, folder: Path, name: str, colours: Colours, rules: list[str]
) -> None:
    with page_at(browser, folder / name, colours, bypass_csp=True) as (page, _):
        found = Axe().run(page, options={"runOnly": rules})
    assert found.response["passes"]
    told = [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found.response["violations"]]
    assert told == []


def test_headings_stand_in_order_and_landmarks_are_named(browser: Browser, folder: Path) -> None:
    with page_at(browser, folder / "en.html") as (page, _):
        levels = page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(one => Number(one.tagName[1]))")
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        for landmark in ("banner", "main", "contentinfo"):
            assert page.get_by_role(landmark).count() == 1
        names = [page.get_by_role("region", name=name).count() for name in ("What this", "Proof that", "The facts")]
        assert names == [1, 1, 1]


def test_the_keyboard_reaches_the_facts_first(browser: Browser, folder: Path) -> None:
    with page_at(browser, folder / "en.html") as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the facts"
        page.keyboard.press("Enter")
        page.wait_for_url("**#timeline")


def test_dark_is_dark(browser: Browser, folder: Path) -> None:
    def paper(colours: Colours) -> object:
        with page_at(browser, folder / "en.html", colours) as (page, _):
            return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert (paper("light"), paper("dark")) == ("rgb(255, 255, 255)", "rgb(20, 23, 27)")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_paper_has_everything_also_what_the_reader_has_folded_away(
    browser: Browser, folder: Path, colours: Colours
) -> None:
    with page_at(browser, folder / "en.html", colours) as (page, _):
        page.eval_on_selector_all("details", "all => all.forEach(one => one.open = false)")
        assert "CONTACT_NOT_OPENED" not in page.inner_text("body")
        page.pdf(path=folder / "paper.pdf", prefer_css_page_size=True)
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pages = [unicodedata.normalize("NFKC", one.extract_text()) for one in PdfReader(folder / "paper.pdf").pages]
    assert len(pages) > 1
    paper = " ".join(" ".join(pages).split())
    for text in ("Decision 15: first: refused", "CONTACT_NOT_OPENED", "RECIPIENT_UNKNOWN", "1.4+pharmacies, in force"):
        assert text in paper
    assert "file://" not in paper
    assert "Skip to the facts" not in paper
    assert f"1 / {len(pages)}" in pages[0]
