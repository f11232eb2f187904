"""What every request passes: the key, limits of bodies, slow clients, protecting headers."""

import json
import socket
import time
from http.client import HTTPResponse

import pytest

from perplexity_detector.service.settings import Settings
from tests.service.serving import WatchedEngine, is_problem, listening, wait_for

KEY = "a long random value"
NEEDS_KEY = [
    ("POST", "/v1/predict"),
    ("POST", "/v1/features"),
    ("POST", "/v1/explain"),
    ("POST", "/v1/files"),
    ("GET", "/v1/model"),
    ("GET", "/v1/jobs/aaaaaaaaaaaaaaaaaaaaaa"),
    ("GET", "/logs"),
    ("GET", "/logs/download"),
    ("GET", "/metrics"),
    ("GET", "/nothing"),
]
PUBLIC_PATHS = ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/static/js/page.js"]


def connected(client):
    return socket.create_connection((client.base_url.host, client.base_url.port), timeout=15)


def head(length, path="/v1/predict", media_type="application/json"):
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def answer_of(connection):
    """Status and document of the next answer, however many pieces it arrives in."""
    with HTTPResponse(connection) as answer:
        answer.begin()
        return answer.status, json.loads(answer.read())


@pytest.fixture(scope="module")
def locked(detector, tmp_path_factory):
    """A service that has a key."""
    data = tmp_path_factory.mktemp("data")
    with listening(lambda: WatchedEngine(detector), Settings(api_key=KEY), data) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), NEEDS_KEY)
def test_the_key_is_needed(locked, method, path):
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEY}"},
        {"X-API-Key": KEY + "x"},
        {"X-API-Key": "é".encode()},
        {"Authorization": "Bearer"},
    ):
        answer = locked.request(method, path, headers=headers)
        assert is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert KEY not in answer.text
    for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}):
        assert locked.request(method, path, headers=headers).status_code != 401


def test_what_is_open_without_the_key(locked):
    for path in PUBLIC_PATHS:
        assert locked.get(path).status_code == 200
    for path in ("/static/../logs", "/static/%2e%2e/logs", "/healthz/", "/static"):
        assert locked.get(path).status_code in (401, 404)


def test_without_the_key_no_body_is_waited_for(locked):
    with connected(locked) as connection:
        start = time.monotonic()
        connection.sendall(head(1_000_000) + b"{")
        status, _ = answer_of(connection)
        assert (status, time.monotonic() - start < 10) == (401, True)


def test_a_body_that_is_too_large(serve, texts):
    client = serve(max_body_bytes=1000, max_file_bytes=2000)
    for route, options, advice in (
        ("/v1/predict", {"json": {"texts": ["a" * 2000]}}, "1,000 bytes: send fewer texts"),
        (
            "/v1/files",
            {"files": {"file": ("a.csv", b"a" * 3000)}},
            "2,000 bytes: send the file in pieces",
        ),
        # no length is declared of chunks
        ("/v1/files", {"content": iter([b"a" * 1500] * 2)}, "2,000 bytes: send the file in pieces"),
        ("/v1/predict", {"content": iter([b"a" * 900] * 2)}, "1,000 bytes: send fewer texts"),
    ):
        answer = client.post(route, **options)
        assert is_problem(answer, 413)
        assert advice in answer.json()["detail"]
    assert not list(client.service.jobs.folder.iterdir())
    assert client.post("/v1/predict", json={"text": "a"}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/files"])
def test_a_slow_body(serve, path):
    client = serve(body_seconds=0.3, body_rate=1e9)
    with connected(client) as connection:
        connection.sendall(head(1000, path, "text/csv" if "files" in path else "application/json"))
        for _ in range(10):
            time.sleep(0.1)
            try:
                connection.sendall(b"{")
            except OSError:  # closed already
                break
        status, document = answer_of(connection)
    assert (status, document["detail"]) == (408, "The body arrived too slowly; send it again.")
    assert not len(client.service.jobs)


def test_a_client_that_goes_within_its_body(serve):
    client = serve()
    for path in ("/v1/predict", "/v1/files?format=csv"):
        with connected(client) as connection:
            connection.sendall(head(1000, path, "application/json") + b"{")
        wait_for(lambda: not len(client.service.jobs))
    wait_for(lambda: client.get("/metrics").text.count('status="499"} 1.0') == 2, 3)


def test_a_head_that_never_ends(serve):
    client = serve(head_seconds=0.3)
    with connected(client) as connection:
        connection.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n")
        assert connection.recv(1000) == b""
    with connected(client) as connection:
        assert connection.recv(1000) == b""


def test_a_connection_is_kept_after_an_answer_that_took_long(serve):
    client = serve(head_seconds=1)
    with connected(client) as connection:
        connection.sendall(head(2))
        time.sleep(1.8)  # the check after one second finds the request under way
        connection.sendall(b"{}")
        assert answer_of(connection)[0] == 422
        time.sleep(0.4)  # and the one after two seconds that it has just been answered
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer_of(connection)[0] == 200


def test_an_answer_that_is_not_taken(serve):
    client = serve(head_seconds=0.3)
    asked = b"GET /static/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connected(client) as connection:
        connection.sendall(asked * 20)  # whose answers fill every buffer
        time.sleep(0.2)
        assert client.connections()
        wait_for(lambda: not client.connections())


def test_protecting_headers(client):
    for path in ("/", "/v1/model", "/nothing", "/logs"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in headers


def test_bytes_that_are_no_http(client):
    with connected(client) as connection:
        connection.sendall(b"zanzibar\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")
