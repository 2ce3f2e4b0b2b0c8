"""A real browser without a network, as a reader has one; where there is none the tests that need it are skipped."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium here: apt-get install chromium")

Colours = Literal["light", "dark"]


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_at(
    browser: Browser, path: Path, colours: Colours = "light", *, bypass_csp: bool = False
) -> Iterator[tuple[Page, list[str]]]:
    """Open a file; what the page complains of, or asks for besides itself, is listed as it happens."""
    context = browser.new_context(offline=True, color_scheme=colours, bypass_csp=bypass_csp)
    try:
        page = context.new_page()
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: trouble.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        yield page, trouble
    finally:
        context.close()
