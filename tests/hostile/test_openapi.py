"""The API answers as its description says: whatever is sent, and with every status it names."""

import socket
import threading
from collections import defaultdict
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

from perplexity_detector.detectors.registry import make_detector
from perplexity_detector.logs import LOG_FILE
from perplexity_detector.service.settings import Settings
from tests.hostile.sizes import number
from tests.labelled import two_styles
from tests.service.serving import WatchedEngine, listening, wait_for

KEY = {"Authorization": "Bearer a key"}
OPERATED: dict[str, Any] = {"api_key": "a key", "max_recalibrated_detectors": 1}
TEXT = {"text": "We ran far out to sea and saw it go by in the sun."}
TEXTS, LABELS = two_styles(210)
CSV: dict[str, Any] = {
    "content": b"id,text\n1,We walked to the lake.\n",
    "headers": {"Content-Type": "text/csv"},
}
PEOPLE: dict[str, Any] = {
    "content": "\n".join(["text", *TEXTS[::2]]).encode(),
    "headers": {"Content-Type": "text/csv"},
    "params": {"name": "people"},
}
DOCUMENT = {"files": {"file": ("a.txt", b"We walked to the lake before it rained.")}}
#: Each operation, and a request that it answers.
GOOD: dict[str, dict[str, Any]] = {
    "POST /v1/predict": {"json": TEXT},
    "POST /v2/predict/text": {"json": {"document": TEXT["text"]}},
    "POST /v1/features": {"json": TEXT},
    "POST /v1/explain": {"json": TEXT},
    "POST /v1/files": CSV,
    "POST /v1/documents": DOCUMENT,
    "POST /v1/detectors/recalibrate": PEOPLE,
    "GET /v1/model": {},
    "GET /v1/detectors": {},
    "GET /v1/jobs/{job_id}": {},
    "GET /v1/jobs/{job_id}/results": {},
    "DELETE /v1/jobs/{job_id}": {},
    "GET /healthz": {},
    "GET /readyz": {},
    "GET /metrics": {},
    "GET /logs": {},
    "GET /logs/download": {},
}  # fmt: skip
#: What else these operations are asked: neither JSON, nor a table, nor a detector.
UNUSABLE: dict[str, dict[str, Any]] = {
    "GET /v1/model": {"params": {"detector": "nothing"}},
    "GET /logs": {"params": {"lines": 0}},
}
NO_FORM: dict[str, Any] = {
    "content": b"--no form",
    "headers": {"Content-Type": "multipart/form-data; boundary=a"},
}
#: Operations that can be asked wrongly.
WITH_INPUT = [one for one in GOOD if one.startswith("POST")] + list(UNUSABLE)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.ignored_auth,
]


@pytest.fixture(scope="module")
def operated(engine, tmp_path_factory):
    """A service with a key, which allows recalibration, and keeps a log."""
    data = tmp_path_factory.mktemp("operated")
    (data / LOG_FILE).write_text("a line\n")
    with listening(lambda: engine, Settings(**OPERATED), data) as client:
        client.headers.update(KEY)
        yield client


def finished(client):
    """The id of a job that is done."""
    headers = {**CSV["headers"], "Prefer": "respond-async"}
    place = client.post("/v1/files", content=CSV["content"], headers=headers).headers["location"]
    wait_for(lambda: client.get(place).json()["state"] == "done")
    return place.rpartition("/")[2]


# --- whatever is sent ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def described(operated):
    # what a query has beyond its parameters is passed over; the key is sent with every request
    config = schemathesis.Config.from_dict(
        {"generation": {"allow-extra-parameters": False, "with-security-parameters": False}}
    )
    schema = schemathesis.openapi.from_dict(operated.get("/openapi.json").json(), config=config)
    return {one.ok().label: one.ok() for one in schema.get_all_operations()}


@pytest.mark.parametrize(
    ("operation", "mode"),
    [
        *((one, schemathesis.GenerationMode.POSITIVE) for one in GOOD),
        *((one, schemathesis.GenerationMode.NEGATIVE) for one in WITH_INPUT),
    ],
    ids=lambda value: getattr(value, "value", value),
)
def test_answers_are_as_described(operated, described, operation, mode):
    @given(described[operation].as_strategy(generation_mode=mode), st.booleans())
    @settings(
        max_examples=number(12, 300), deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case, known):
        if known and "job_id" in case.path_parameters:  # which no chance would find
            case.path_parameters = {"job_id": finished(operated)}
        url = str(operated.base_url).rstrip("/")
        case.call_and_validate(base_url=url, headers=KEY, checks=CHECKS)

    ask()


# --- every status ----------------------------------------------------------------------------


def ask(client, operation, job="nothing", **changes):
    method, path = operation.split()
    request = {**GOOD[operation], **changes}
    if "headers" in changes:
        request["headers"] = {**GOOD[operation].get("headers", {}), **changes["headers"]}
    return client.request(method, path.replace("{job_id}", job), **request).status_code


def half_a_body(client, operation):
    """The status of a request whose second half does not come."""
    method, path = operation.split()
    with socket.create_connection((client.base_url.host, client.base_url.port)) as sock:
        head = f"{method} {path}?name=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        head += f"Authorization: {KEY['Authorization']}\r\n"
        sock.sendall(f"{head}Content-Type: text/csv\r\n\r\nid".encode())
        return int(sock.recv(1_000).split()[1])


def test_every_documented_status_is_seen_and_no_other(operated, serve, engine, tmp_path):
    paths = operated.get("/openapi.json").json()["paths"]
    documented = {
        f"{method.upper()} {path}": {int(status) for status in operation["responses"]}
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert set(documented) == set(GOOD)
    seen: dict[str, set[int]] = defaultdict(set)
    posts = [operation for operation in GOOD if operation.startswith("POST")]
    for operation in GOOD:
        job = finished(operated) if "{job_id}" in operation else "nothing"
        seen[operation] |= {
            ask(operated, operation, job, headers={"Authorization": "Bearer another"}),
            ask(operated, operation, job, headers={"Host": "evil.example"}),
            ask(operated, operation, job, headers={"Sec-Fetch-Site": "cross-site"}),
            ask(operated, operation, job),
            ask(operated, operation),
        }
    seen["POST /v1/files"].add(ask(operated, "POST /v1/files", headers={"Prefer": "respond-async"}))
    for operation in posts:
        seen[operation].add(ask(operated, operation, **{**NO_FORM, "files": None, "json": None}))
    for operation, request in UNUSABLE.items():
        seen[operation].add(ask(operated, operation, **request))
    for operation in ("POST /v1/files", "POST /v1/documents", "POST /v1/detectors/recalibrate"):
        empty = {"content": b"\0", "files": None, "json": None}
        seen[operation].add(ask(operated, operation, **empty))

    small = serve(**OPERATED, max_body_bytes=20, max_file_bytes=20)
    small.headers.update(KEY)
    slow = serve(**OPERATED, body_seconds=0.05, body_rate=1e9)
    for operation in posts:
        seen[operation] |= {ask(small, operation), half_a_body(slow, operation)}
    without_log = {"GET /logs", "GET /logs/download"}
    for operation in without_log:
        seen[operation].add(ask(small, operation))

    held = serve(max_jobs=2)
    serve.engine.hold()
    begun = held.post(
        "/v1/files", **{**CSV, "headers": {**CSV["headers"], "Prefer": "respond-async"}}
    )
    running = begun.json()["id"]
    seen["GET /v1/jobs/{job_id}/results"].add(ask(held, "GET /v1/jobs/{job_id}/results", running))
    seen["POST /v1/documents"].add(ask(held, "POST /v1/documents"))  # the address has its share
    serve.engine.let_go()

    tfidf = make_detector("tfidf").fit(TEXTS, LABELS)
    with listening(lambda: WatchedEngine(tfidf), Settings(), tmp_path / "tfidf") as no_table:
        seen["POST /v1/features"].add(ask(no_table, "POST /v1/features"))

    may_load = threading.Event()
    loading = listening(
        lambda: may_load.wait(20) and engine, Settings(**OPERATED), tmp_path, until_ready=False
    )
    with loading as client:
        client.headers.update(KEY)
        for operation in GOOD:
            seen[operation].add(ask(client, operation))
        may_load.set()

    for operation in GOOD:
        assert sorted(seen[operation]) == sorted(documented[operation]), operation
