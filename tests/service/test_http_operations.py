"""Health, readiness, figures, the log, the page and the docs."""

import logging
import re
import threading

import pytest

from perplexity_detector import logs
from perplexity_detector.service.routes.operations import tail
from perplexity_detector.service.settings import Settings
from tests.service.serving import WatchedEngine, is_problem, listening, wait_for


def test_health_before_and_after_the_detector_is_loaded(detector, tmp_path):
    may_load = threading.Event()

    def load():
        assert may_load.wait(10)
        return WatchedEngine(detector)

    with listening(load, Settings(), tmp_path, until_ready=False) as client:
        assert client.get("/healthz").json() == {"status": "alive", "needs_key": False}
        for answer in (
            client.get("/readyz"),
            client.post("/v1/predict", json={"text": "a"}),
            client.post("/v1/files", content=b"id,text\n"),
            client.get("/v1/model"),
        ):
            assert is_problem(answer, 503)
            assert int(answer.headers["retry-after"]) > 0
        assert "perplexity_detector_ready 0.0" in client.get("/metrics").text
        may_load.set()
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/readyz").json() == {"status": "ready", "detector": "light"}
        assert "perplexity_detector_ready 1.0" in client.get("/metrics").text


def test_a_detector_that_cannot_be_loaded_is_reported(tmp_path):
    def load():
        raise ValueError("broken")

    with listening(load, Settings(), tmp_path, until_ready=False) as client:
        wait_for(lambda: client.failures)
        assert is_problem(client.get("/readyz"), 503)
    assert [str(error) for error in client.failures] == ["broken"]


def test_figures(serve, texts):
    client = serve()
    client.post("/v1/predict", json={"texts": texts})
    client.post("/v1/features", json={"text": texts[0]})
    client.get("/v1/jobs/secret-id-of-somebody")
    client.get("/zanzibar")
    client.request("ZANZIBAR", "/healthz")
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=")
    for line in (
        'requests_total{method="POST",route="/v1/predict",status="200"} 1.0',
        'requests_total{method="GET",route="/v1/jobs/{job_id}",status="404"} 1.0',
        'requests_total{method="GET",route="unknown",status="404"} 1.0',
        'requests_total{method="other",route="/healthz",status="405"} 1.0',
        'request_seconds_count{route="/v1/predict"} 1.0',
        'texts_total{kind="predict"} 6.0',
        'texts_total{kind="features"} 1.0',
        "queue_texts 0.0",
        "jobs 0.0",
        "batch_texts_count 2.0",
    ):
        assert f"perplexity_detector_{line}" in metrics.text.splitlines()
    tokens = re.search(r'tokens_total\{kind="predict"\} (\d+)', metrics.text)
    assert tokens is not None
    assert int(tokens[1]) > 6 * 60
    assert "process_resident_memory_bytes" in metrics.text
    assert "secret" not in metrics.text and "zanzibar" not in metrics.text.lower()


@pytest.fixture
def logged(serve, tmp_path):
    """A client of a service that keeps a log, as a command sets it up."""
    logs.configure(tmp_path)
    yield serve()
    logs.configure(None)
    logs.get_logger().propagate = True


def test_the_log(logged, tmp_path):
    for number in range(300):
        logs.get_logger().info("line %d", number)
    last = logged.get("/logs").text.splitlines()
    assert len(last) == 200
    assert last[-1].endswith("INFO line 299")
    few = logged.get("/logs?lines=3")
    assert len(few.text.splitlines()) == 3
    assert few.headers["content-type"] == "text/plain; charset=utf-8"
    whole = logged.get("/logs/download")
    assert 'filename="log_file.log"' in whole.headers["content-disposition"]
    assert "INFO line 0\n" in whole.text
    assert is_problem(logged.get("/logs?lines=0"), 422)
    assert is_problem(logged.get("/logs?lines=..%2f..%2fetc"), 422)


def test_no_log(client):
    assert is_problem(client.get("/logs"), 404)
    assert is_problem(client.get("/logs/download"), 404)


def test_nothing_that_was_sent_is_in_the_log(logged, tmp_path, texts, caplog):
    marker = "zanzibar"
    marked = f"{marker} {texts[0]}"
    headers = {"Content-Type": "application/json", "X-Zanzibar": marker, "User-Agent": marker}
    with caplog.at_level(logging.DEBUG):
        logged.post("/v1/predict", json={"text": marked}, headers=headers)
        logged.post("/v1/predict", json={"texts": ["poison", marked]})
        logged.post("/v1/explain", json={"text": marked, "id": marker})
        logged.post("/v1/predict", json={"text": [marked], marker: 1})
        logged.post("/v1/predict", content=f'{{"text": "{marker}', headers=headers)
        logged.post("/v1/files", files={"file": (f"{marker}.csv", f"id,{marker}\n{marker},1\n")})
        csv = f"id,text\n{marker},{marked}\n{marker},\n{marker},poison\n"
        logged.post("/v1/files", files={"file": (f"{marker}.csv", csv)})
        logged.get(f"/v1/jobs/{marker}", params={marker: marker})
        logged.get(f"/{marker}")
        logged.request(marker.upper(), f"/v1/{marker}")
    log = (tmp_path / logs.LOG_FILE).read_text()
    assert "POST /v1/predict 500" in log
    assert "a request failed: ValueError" in log
    assert marker not in log.lower()
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    assert marker not in "".join(record.getMessage() for record in ours).lower()
    assert "poison" not in log


def test_tail(tmp_path):
    file = tmp_path / "log"
    file.write_bytes(b"one\ntwo\nthree")
    assert tail(file, 2) == b"two\nthree"
    assert tail(file, 10) == b"one\ntwo\nthree"


def test_the_page_and_its_files(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    wanted = re.findall(r'(?:href|src)="([^"#]+)"', page.text)
    assert len(wanted) > 5
    for path in wanted:
        assert client.get(f"/{path}").status_code == 200, path
    script = client.get("/static/js/page.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    [
        "__init__.py", "report.py", "../classifier.py", "%2e%2e/%2e%2e/pyproject.toml", "", "js",
        "/etc/passwd", "%2fetc%2fpasswd", "js/../../report.py", "js\\page.js", "js/page.js%00",
        "js/./page.js",
    ],
)  # fmt: skip
def test_nothing_else_is_served(client, name):
    answer = client.get(f"/static/{name}")
    if answer.status_code == 200:  # a client that tidies the path itself asks for a file
        assert name == "js/./page.js"
    else:
        assert is_problem(answer, 404)


def test_docs_come_from_this_machine(client):
    docs = client.get("/docs").text
    assert "http" not in docs
    for path in re.findall(r'(?:href|src)="([^"]+)"', docs):
        assert client.get(f"/{path}").status_code == 200, path


def test_the_description_has_examples_and_problems(client):
    described = client.get("/openapi.json").json()
    paths = described["paths"]
    assert {"/v1/predict", "/v1/features", "/v1/explain", "/v1/files", "/logs"} <= set(paths)
    problem = paths["/v1/predict"]["post"]["responses"]["422"]["content"]
    assert list(problem) == ["application/problem+json"]
    schemas = described["components"]["schemas"]
    assert "ProblemDocument" in schemas
    assert "HTTPValidationError" not in str(paths)
    (one, several) = schemas["Texts"]["examples"]
    for example in (one, several):
        assert client.post("/v1/predict", json=example).status_code == 200
    for operations in paths.values():
        for operation in operations.values():
            assert operation["description"]
    assert "securitySchemes" not in described["components"]
