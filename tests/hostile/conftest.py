"""A service of a small detector, and a browser for which a stranger's name leads to it."""

import pytest

from perplexity_detector.service.settings import Settings
from tests.browser import open_chromium
from tests.labelled import light_detector, two_styles
from tests.service.conftest import Services
from tests.service.serving import WatchedEngine, listening


@pytest.fixture(scope="module")
def engine():
    return WatchedEngine(light_detector(fpr=0.1).fit(*two_styles(120)))


@pytest.fixture(scope="module")
def client(engine, tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    with listening(lambda: engine, Settings(trusted_hosts="essays.example"), data) as client:
        yield client


@pytest.fixture
def serve(engine, tmp_path):
    """Begins services with settings of one's own."""
    services = Services(engine, tmp_path)
    yield services
    services.end()


@pytest.fixture(scope="module")
def browser():
    """Chromium, for which a stranger's name resolves to this machine."""
    with open_chromium("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
        yield browser
