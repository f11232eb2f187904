"""A service of a small detector, and a browser for which a stranger's name leads to it."""

import shutil

import pytest

from perplexity_detector.service.settings import Settings
from tests.labelled import light_detector, two_styles
from tests.service.serving import WatchedEngine, listening


@pytest.fixture(scope="module")
def engine():
    return WatchedEngine(light_detector(fpr=0.1).fit(*two_styles(120)))


@pytest.fixture(scope="module")
def client(engine, tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    with listening(lambda: engine, Settings(trusted_hosts="essays.example"), data) as client:
        yield client


@pytest.fixture(scope="module")
def browser():
    """Chromium, for which a stranger's name resolves to this machine."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    options = ["--no-sandbox", "--disable-gpu", "--no-first-run",
               "--host-resolver-rules=MAP evil.example 127.0.0.1"]  # fmt: skip
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=options)
        yield browser
        browser.close()
