"""A real Chromium for the tests of pages, which are skipped without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perplexity_detector.web import report_html
from tests.browser import open_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_OPTIONS = [
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from the system; one per module, because the event loop cannot be shared."""
    with open_chromium(*_OPTIONS) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of a wide window; an error on its console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def shown(page: Page, tmp_path: Path) -> Callable[[dict[str, Any]], Page]:
    """Opens the report of an explanation from a file."""

    def show(explanation: dict[str, Any]) -> Page:
        file = tmp_path / "report.html"
        file.write_text(report_html(explanation), encoding="utf-8")
        page.goto(file.as_uri())
        return page

    return show
