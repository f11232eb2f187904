"""A service that really listens, in a thread, and an engine that can be held."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager

import httpx2
import uvicorn

from perplexity_detector.service.app import create_app
from perplexity_detector.service.engine import Engine
from perplexity_detector.service.micro_batching import Handler
from perplexity_detector.service.server import configuration
from perplexity_detector.service.state import ServiceState

#: A text that breaks the detector; by name, for tracebacks show the line that raises.
POISON = "poison"


class WatchedEngine(Engine):
    """An engine that records the batches it scores, and waits while it is held.

    Attributes:
        batches: texts of each batch of predictions or of a file.
        reading: is set when one has begun.
    """

    def __init__(self, detector):
        super().__init__(detector, "light")
        self.batches = []
        self.reading = threading.Event()
        self._may_go = threading.Event()
        self._may_go.set()

    def hold(self):
        self.reading.clear()
        self._may_go.clear()

    def let_go(self):
        self._may_go.set()

    def handlers(self):
        handlers = super().handlers()
        watched = {kind: self._watched(handlers[kind]) for kind in ("predict", "file")}
        return {**handlers, **watched}

    def _watched(self, handler):
        def function(texts):
            self.batches.append(list(texts))
            self.reading.set()
            assert self._may_go.wait(20)
            if POISON in texts:
                raise ValueError(f"the {POISON} text")
            return handler.function(texts)

        return Handler(function, handler.batchable)


class Client(httpx2.Client):
    """A client that also knows the service that it talks to."""

    service: ServiceState
    failures: list[BaseException]
    connections: Callable[[], int]


@contextmanager
def listening(load, settings, data, until_ready=True):
    """A client of a service that runs in a thread of this process; its end is awaited."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        failures: list[BaseException] = []
        app = create_app(settings, load, failures.append, data)
        server = uvicorn.Server(configuration(app, settings))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with Client(base_url=url, timeout=20, trust_env=False) as client:
                client.service, client.failures = app.state.service, failures
                client.connections = lambda: len(server.server_state.connections)
                if until_ready:
                    wait_for(lambda: client.get("/readyz").status_code == 200)
                yield client
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def wait_for(condition, seconds=10):
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def is_problem(response, status):
    """Whether a response is a problem document of this status, with a sentence."""
    body = response.json()
    return (
        response.status_code == status == body["status"]
        and response.headers["content-type"] == "application/problem+json"
        and body["detail"].endswith((".", "...", "...`"))
        and "Traceback" not in response.text
    )
