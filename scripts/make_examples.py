"""Record the examples of the API's description: ask a real service, and keep what it answers.

    python -m scripts.make_examples

Writes perplexity_detector/service/examples.json. Long lists and texts are cut, so that a person
can read them.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from fastapi.testclient import TestClient

from perplexity_detector import TextDetector
from perplexity_detector.logs import configure
from perplexity_detector.service import examples
from perplexity_detector.service.app import create_app
from perplexity_detector.service.engine import Engine
from perplexity_detector.service.schemas import EXAMPLE
from perplexity_detector.service.settings import load_settings

#: Items of a list, characters of a string and lines of a table that are kept.
ITEMS, CHARACTERS, LINES = 2, 600, 8
JSON, CSV, FORM = "application/json", "text/csv", "multipart/form-data"
KEY = "an example"
ROWS = f'id,text\ne1,"{EXAMPLE}"\ne2,"And another."\n'
DOCUMENT = f"{EXAMPLE}[^1]\n\n[^1]: In Leeds.\n"
Recorded = dict[str, Any]


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        configure(data)
        app = create_app(
            load_settings(api_key=KEY, max_recalibrated_detectors=1),
            lambda: Engine(TextDetector.from_pretrained("standard"), "standard"),
            data=data,
        )
        with TestClient(app, "http://localhost", headers={"X-API-Key": KEY}) as client:
            while client.get("/readyz").status_code != 200:
                time.sleep(0.1)
            recorded: dict[str, list[Recorded]] = {}
            for operation, one in record(client):
                recorded.setdefault(operation, []).append(one)
    target = Path(examples.__file__).with_name(examples.FILE)
    target.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def record(client: httpx2.Client) -> Iterator[tuple[str, Recorded]]:
    """Ask every route; yield what OpenAPI calls the operation, and the example."""

    def ask(operation: str, summary: str, body: Any = None, place: str = "", **more: Any) -> Any:
        method, path = operation.split()
        media_type, shown, sent = encoded(path, body)
        sent["headers"] = {**sent.get("headers", {}), **more.pop("headers", {})}
        answer = client.request(method, place or path, **sent, **more)
        assert answer.is_success, (operation, answer.text)
        one = {
            "summary": summary,
            "media_type": media_type,
            "body": shown,
            "status": str(answer.status_code),
            **answer_of(answer),
        }
        return (operation, one), answer

    job = "/v1/jobs/{job_id}"
    texts = {"texts": [EXAMPLE, "And another."]}
    yield ask("POST /v1/predict", "one text", {"text": EXAMPLE})[0]
    yield ask("POST /v1/predict", "several texts", texts)[0]
    yield ask("POST /v1/predict", "documents", {"documents": [EXAMPLE]})[0]
    yield ask("POST /v2/predict/text", "one document", {"document": EXAMPLE})[0]
    yield ask("POST /v1/features", "one text", {"text": EXAMPLE})[0]
    one_text = {"text": EXAMPLE, "id": "e1"}
    yield ask("POST /v1/explain", "an explanation", one_text)[0]
    yield ask("POST /v1/explain", "a report", one_text, headers={"Accept": "text/html"})[0]
    yield ask("GET /v1/model", "the shipped detector")[0]
    yield ask("POST /v1/documents", "a document", {"essay.md": DOCUMENT})[0]
    yield ask("POST /v1/files", "a small file", ROWS)[0]
    example, answer = ask("POST /v1/files", "a job", ROWS, headers={"Prefer": "respond-async"})
    yield example
    place = answer.headers["Location"]
    while client.get(place).json()["state"] != "done":
        time.sleep(0.1)
    yield ask(f"GET {job}", "a finished job", place=place)[0]
    yield ask(f"GET {job}/results", "its results", place=f"{place}/results")[0]
    yield ask(f"DELETE {job}", "a job", place=place)[0]
    own = "id,text\n" + "".join(f'e{number},"{EXAMPLE}"\n' for number in range(120))
    place = "/v1/detectors/recalibrate?name=our_people"
    example, answer = ask("POST /v1/detectors/recalibrate", "a file of essays", own, place)
    yield example
    while client.get(answer.headers["Location"]).json()["state"] != "done":
        time.sleep(0.1)
    yield ask("GET /v1/detectors", "after a recalibration")[0]
    yield ask("GET /healthz", "the process is alive")[0]
    yield ask("GET /readyz", "the detector is loaded")[0]
    yield ask("GET /metrics", "some metrics")[0]
    yield ask("GET /logs", "the last lines", place="/logs?lines=2")[0]
    yield ask("GET /logs/download", "a log")[0]


def encoded(path: str, body: Any) -> tuple[str, Any, dict[str, Any]]:
    """Media type of a request, the body that the example shows, and what the client is given."""
    if path == "/v1/documents":
        files = [("file", (name, content.encode())) for name, content in body.items()]
        return FORM, {"file": list(body)}, {"files": files}
    if isinstance(body, str):
        return CSV, cut(body), {"content": body.encode(), "headers": {"Content-Type": CSV}}
    return JSON, body, {} if body is None else {"json": body}


def answer_of(answer: httpx2.Response) -> Recorded:
    """Media type and content of an answer, cut."""
    if not answer.content:
        return {"answer_type": None, "answer": None}
    kind = answer.headers["content-type"].partition(";")[0]
    return {"answer_type": kind, "answer": cut(answer.json() if kind == JSON else answer.text)}


def cut(value: Any) -> Any:
    """The same value with short lists, texts and tables."""
    if isinstance(value, dict):
        return {name: cut(one) for name, one in list(value.items())[:30]}
    if isinstance(value, list):
        return [cut(one) for one in value[:ITEMS]]
    if isinstance(value, str):
        lines = re.sub(r"(?m)^# .*\n", "", value).splitlines()[:LINES]
        shown = "\n".join(lines)
        return shown if len(shown) <= CHARACTERS else shown[:CHARACTERS] + " ..."
    return value


if __name__ == "__main__":
    main()
