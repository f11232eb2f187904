"""The examples of the API's description: for every route, valid, and to be asked."""

import json
from importlib import resources

import jsonschema
import pytest
import referencing
import referencing.jsonschema

from perplexity_detector.service import examples

RECORDED = json.loads(
    (resources.files("perplexity_detector.service") / examples.FILE).read_text(encoding="utf-8")
)
#: Operations whose answer has no body.
WITHOUT_ANSWER = {("/v1/jobs/{job_id}", "delete")}


@pytest.fixture(scope="module")
def described(client):
    return client.get("/openapi.json").json()


def contents(described):
    """Every content of a request or of a successful answer, with where it stands."""
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {})
            answers = [
                (status, media_type, content)
                for status, answer in operation["responses"].items()
                if status.startswith("2")
                for media_type, content in answer.get("content", {}).items()
            ]
            assert answers or (path, method) in WITHOUT_ANSWER
            for media_type, content in body.items():
                yield f"{method} {path} {media_type}", content
            for status, media_type, content in answers:
                yield f"{method} {path} {status} {media_type}", content


def test_every_route_has_an_example_that_is_valid(described):
    registry = referencing.Registry().with_resource(
        "api:", referencing.jsonschema.DRAFT202012.create_resource(described)
    )
    without = []
    for place, content in contents(described):
        found = content.get("examples", {})
        if not found and "example" not in content:
            without.append(place)
        for one in found.values():
            schema = _absolute(content.get("schema", {}))
            jsonschema.Draft202012Validator(schema, registry=registry).validate(one["value"])
    assert without == []


def _absolute(schema):
    """A schema whose references are to the whole description."""
    return json.loads(json.dumps(schema).replace('"#/', '"api:#/'))


@pytest.mark.parametrize(
    ("operation", "example"),
    [
        (operation, one)
        for operation, recorded in RECORDED.items()
        for one in recorded
        if one["body"] is not None and "recalibrate" not in operation
    ],
)
def test_an_example_can_be_asked(client, operation, example):
    method, path = operation.split()
    body = example["body"]
    headers = {"Accept": example["answer_type"]}
    headers |= {"Prefer": "respond-async"} if example["status"] == "202" else {}
    if example["media_type"] == "multipart/form-data":
        files = [("file", (name, b"It rained.")) for name in body["file"]]
        answer = client.request(method, path, files=files, headers=headers)
    else:
        content = body if isinstance(body, str) else json.dumps(body)
        headers["Content-Type"] = example["media_type"]
        answer = client.request(method, path, content=content.encode(), headers=headers)
    assert str(answer.status_code) == example["status"]
    assert answer.headers["content-type"].startswith(example["answer_type"])
    if isinstance(example["answer"], dict):
        assert set(example["answer"]) == set(answer.json())
