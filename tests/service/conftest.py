"""A service for a small detector."""

from contextlib import ExitStack

import pytest

from perplexity_detector.service.settings import Settings
from tests.labelled import light_detector, two_styles
from tests.service.serving import WatchedEngine, listening


@pytest.fixture(scope="session")
def detector():
    """A detector of enough texts to call some generated, one in ten wrongly."""
    return light_detector(fpr=0.1).fit(*two_styles(160))


@pytest.fixture(scope="session")
def texts():
    """By a person and by a model, in turn, as the detector has it."""
    return two_styles(6, seed=1)[0]


@pytest.fixture
def engine(detector):
    watched = WatchedEngine(detector)
    yield watched
    watched.let_go()


class Services:
    """Begins services with settings of one's own; `engine` is the engine of all of them."""

    def __init__(self, engine, data):
        self.engine = engine
        self._data = data
        self._running = ExitStack()

    def __call__(self, **settings):
        service = listening(lambda: self.engine, Settings(**settings), self._data)
        return self._running.enter_context(service)

    def end(self):
        self.engine.let_go()
        self._running.close()


@pytest.fixture
def serve(engine, tmp_path):
    services = Services(engine, tmp_path)
    yield services
    services.end()


@pytest.fixture(scope="module")
def client(detector, tmp_path_factory):
    """A service for tests that only ask."""
    data = tmp_path_factory.mktemp("data")
    with listening(lambda: WatchedEngine(detector), Settings(), data) as client:
        yield client
