"""/v1/predict, /v1/features, /v1/explain and /v1/model: what is asked and what is answered."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.classifier.provenance import Provenance
from tests.service.serving import is_problem

MARKER = "zanzibar"


def post(client, route, body, **options):
    return client.post(f"/v1/{route}", json=body, **options)


def test_a_batch_gets_the_assessments_of_the_library(client, detector, texts):
    answer = post(client, "predict", {"texts": texts}).json()
    assessed = detector.assess(texts)
    assert (answer["detector"], answer["fpr"]) == ("light", 0.1)
    results = answer["results"]
    for name in ("verdict", "note", "words", "words_read", "tokens", "why"):
        assert [one[name] for one in results] == assessed[name].tolist()
    assert [one["probability"] for one in results] == pytest.approx(
        assessed["probability"], abs=1e-6
    )
    assert {"human", "generated"} <= set(assessed["verdict"])


def test_flags_are_those_of_the_library(client, detector, texts):
    disguised = texts[0].replace("a", "\u0430").replace("e", "e\u200b")
    plain, odd = post(client, "predict", {"texts": [texts[0], disguised]}).json()["results"]
    expected = [json.loads(json.dumps(asdict(flag))) for flag in find_flags(disguised)]
    assert (plain["flags"], odd["flags"]) == ([], expected)
    assert [one["name"] for one in expected] == ["look_alike_letters", "invisible_characters"]
    assert plain["probability"] == odd["probability"]
    assert post(client, "explain", {"text": disguised}).json()["flags"] == expected
    report = post(client, "explain", {"text": disguised}, headers={"Accept": "text/html"})
    assert expected[0]["sentence"] in report.text


def test_verdicts_follow_from_the_thresholds(client, texts):
    for one in post(client, "predict", {"texts": texts}).json()["results"]:
        limits = one["thresholds"]
        if one["verdict"] == "generated":
            assert one["probability"] >= limits["generated"]
        if one["verdict"] == "human":
            assert one["probability"] < limits["human"]
        assert one["warnings"] == []


def test_one_text(client, texts):
    (one,) = post(client, "predict", {"text": texts[0]}).json()["results"]
    (same, _) = post(client, "predict", {"texts": [texts[0], texts[1]]}).json()["results"]
    assert one == same


def test_an_empty_text_has_a_note(client):
    (one,) = post(client, "predict", {"text": ""}).json()["results"]
    assert (one["verdict"], one["note"], one["words"]) == (
        "uncertain",
        "fewer than 50 words",
        0,
    )


def test_a_rate_that_no_threshold_keeps_is_a_warning(serve, texts, detector):
    serve.engine.warnings[:] = []
    before = detector.fpr
    try:
        detector.set_params(fpr=1e-6)
        serve.engine.__init__(detector)
        (one,) = post(serve(), "predict", {"text": texts[1]}).json()["results"]
    finally:
        detector.set_params(fpr=before)
    assert one["thresholds"]["generated"] is None
    assert "No threshold keeps a false-positive rate of 1e-06" in one["warnings"][0]


def test_features(client, detector, texts):
    answer = post(client, "features", {"texts": texts}).json()
    assert answer["names"] == list(detector.extractor_.get_feature_names_out())
    assert answer["values"] == detector.extractor_.transform(texts).tolist()


def test_an_explanation(client, detector, texts):
    explanation = post(client, "explain", {"text": texts[1], "id": "e1"}).json()
    ours = json.loads(json.dumps(detector.explain(texts[1], id="e1", detector="light").to_dict()))
    assert without_time(explanation.pop("provenance")) == without_time(ours.pop("provenance"))
    assert explanation == ours


def test_predictions_say_what_they_were_made_with(client, detector, texts):
    answer = post(client, "predict", {"texts": texts}).json()
    ours = Provenance.of(detector, "light").to_dict()
    assert without_time(answer["provenance"]) == without_time(ours)
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    assert [one["text_sha256"] for one in answer["results"]] == hashes


def without_time(provenance):
    time = datetime.fromisoformat(provenance["time"])
    assert abs(datetime.now(timezone.utc) - time) < timedelta(minutes=1)
    return {**provenance, "time": None}


@pytest.mark.parametrize(
    ("accept", "query", "html"),
    [
        ("text/html", "", True),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "", True),
        ("application/json, text/html", "", False),
        ("*/*", "", False),
        ("*/*", "?format=html", True),
        ("text/html", "?format=json", False),
    ],
)
def test_an_explanation_is_json_or_a_report(client, texts, accept, query, html):
    answer = post(client, f"explain{query}", {"text": texts[1]}, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html" if html else "application/json")
    if html:
        assert answer.text.startswith("<!doctype html>")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("sandbox allow-scripts") and "default-src 'none'" in policy


def test_the_card(client, detector):
    card = client.get("/v1/model").json()
    assert card["name"] == "light"
    assert card["training"]["texts"] == 160
    assert card["features"] == len(detector.extractor_.get_feature_names_out())
    assert card["card"].startswith("# Model card")
    assert "160, of which 80 by people" in card["card"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Give `text`, a string, or `texts`, a list of strings."),
        ({"text": "a", "texts": ["b"]}, "Give `text`, a string, or `texts`, a list of strings."),
        ({"texts": []}, "`texts` is empty: give one text or more."),
        ({"text": 3}, "`text` must be a string."),
        ({"texts": ["a", None]}, "`texts[1]` must be a string."),
        ({"texts": MARKER}, "`texts` must be a list."),
        ({"text": "a", MARKER: 1}, "There is a field that is not known; see /docs."),
        ([MARKER], "Send a JSON object"),
        (MARKER, "Send a JSON object"),
        (None, "Send a JSON object"),
        ({"text": MARKER + "\ud800"}, "A string holds half a surrogate pair"),
    ],
)
def test_a_body_that_cannot_be_used(client, body, sentence):
    answer = client.post(
        "/v1/predict", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert is_problem(answer, 422)
    assert answer.json()["detail"].startswith(sentence)
    assert MARKER not in answer.text


@pytest.mark.parametrize(
    ("content", "media_type", "sentence"),
    [
        (b'{"text": "zanz', "application/json", "The body is not valid JSON."),
        (b"\xff\xfe", "application/json", "The body"),
        (b"", "application/json", "Send a JSON object"),
        (b'{"text": "zanzibar"}', "text/plain", "Send a JSON object"),
        (b"[" * 100_000, "application/json", "The body"),
    ],
)
def test_a_body_that_is_no_json(client, content, media_type, sentence):
    answer = client.post("/v1/predict", content=content, headers={"Content-Type": media_type})
    assert answer.status_code in (400, 422)
    assert is_problem(answer, answer.status_code)
    assert answer.json()["detail"].startswith(sentence)
    assert MARKER not in answer.text


def test_limits_of_texts(serve):
    client = serve(max_texts=2, max_characters=10, queue_tokens=5)
    for body, status, sentence in (
        ({"texts": ["a"] * 3}, 422, "3 texts are too many: send at most 2 at once"),
        ({"texts": ["a", "b" * 11]}, 422, "Text 2 has 11 characters: send at most 10."),
        ({"texts": ["b" * 10, "b" * 10]}, 413, "These texts are too much at once"),
    ):
        answer = post(client, "predict", body)
        assert is_problem(answer, status)
        assert answer.json()["detail"].startswith(sentence)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["text", "texts", "id", "else"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(route=st.sampled_from(["predict", "features", "explain"]), body=JSON)
def test_whatever_is_sent_is_answered_in_order(client, route, body):
    answer = client.post(
        f"/v1/{route}", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200 or is_problem(answer, 422)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=60), media_type=st.sampled_from(["application/json", "", "x/y"]))
def test_whatever_bytes_are_sent_are_answered_in_order(client, content, media_type):
    answer = client.post("/v1/predict", content=content, headers={"Content-Type": media_type})
    assert answer.status_code in (400, 422)
    assert is_problem(answer, answer.status_code)


def test_a_route_that_is_not_there(client):
    assert is_problem(client.get("/v1/nothing"), 404)
    assert is_problem(client.get("/v1/predict"), 405)
