"""A browser for tests: Chromium from the system."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def require_chromium() -> str:
    """The path of Chromium; the test is skipped where there is none."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    return chromium


@contextmanager
def open_chromium(*options: str) -> Iterator[Browser]:
    """Start Chromium, with these options too; the test is skipped where there is none."""
    chromium = require_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", *options]
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()
