"""A service for a small detector."""

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


@pytest.fixture
def serve(engine, tmp_path):
    """Begin a service with settings of one's own; `serve.engine` is its engine."""
    stack = []

    def end():
        engine.let_go()
        while stack:
            stack.pop().__exit__(None, None, None)

    def begin(**settings):
        context = listening(lambda: engine, Settings(**settings), tmp_path)
        stack.append(context)
        return context.__enter__()

    begin.engine, begin.end = engine, end
    yield begin
    end()


@pytest.fixture(scope="module")
def client(detector, tmp_path_factory):
    """A service for tests that only ask."""
    data = tmp_path_factory.mktemp("data")
    with listening(lambda: WatchedEngine(detector), Settings(), data) as client:
        yield client
