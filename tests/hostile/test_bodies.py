"""JSON bodies of many megabytes that hold no texts: refused at once, and in little memory."""

import time
from threading import Event, Thread

import pytest

from perplexity_detector.service.bodies import DocumentFields, OurFields
from perplexity_detector.service.gptzero import Documents
from perplexity_detector.service.schemas import OneText, Texts
from perplexity_detector.service.settings import Settings
from tests.hostile.peak_memory import grown
from tests.labelled import light_detector, two_styles
from tests.service.serving import WatchedEngine, is_problem, listening

BYTES = 15_000_000
#: Longer than other processes on a busy machine hold up an answer, shorter than the faults were.
SECONDS = 1.0
WRONG = "The body is no object of texts and lists of texts, or has a field that is not known"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    detector = light_detector(fpr=0.1).fit(*two_styles(160))
    data = tmp_path_factory.mktemp("data")
    with listening(lambda: WatchedEngine(detector), Settings(), data) as client:
        yield client


def list_of(item):
    return b'{"texts":[' + b",".join([item] * (BYTES // (len(item) + 1))) + b"]}"


def unknown_fields(number):
    return b"{" + b",".join(b'"%x":1' % place for place in range(number)) + b"}"


def longest_silence(client, ended):
    """Seconds of the slowest health check until something has ended."""
    longest = 0.0
    while not ended.is_set():
        start = time.monotonic()
        client.get("/healthz")
        longest = max(longest, time.monotonic() - start)
        ended.wait(0.01)
    return longest


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (list_of(b"1"), WRONG),
        (list_of(b"[]"), WRONG),
        (list_of(b'{"a":1}'), WRONG),
        (list_of(b'"ab"'), "3000000 texts are too many: send at most 1000 at once"),
        (unknown_fields(1_200_000), WRONG),
        (unknown_fields(500), "There is a field that is not known"),
        (b'{"text":"a","left_out":' + unknown_fields(1_200_000) + b"}", "`left_out` is too long"),
        (list_of(b'"ab"')[:-2], "The body is not valid JSON."),
        (b'{"texts":' + b"[" * BYTES, "The body is not valid JSON."),
        (b'{"document":"a","documents":' + b"[" * BYTES, WRONG),
        (b'{"texts":[' + b"1," * 5_000 + b"1]}", "`texts[0]` must be a string."),
        (b"[" * BYTES, WRONG),
    ],
    ids=["numbers", "lists", "objects", "texts", "fields", "few fields", "left out", "cut",
         "nested", "nested document", "small", "array"],
)  # fmt: skip
def test_a_body_of_no_use_holds_nobody_up(client, body, sentence):
    silences = []
    ended = Event()
    watch = Thread(target=lambda: silences.append(longest_silence(client, ended)))
    with grown() as memory:
        watch.start()
        try:
            answer = client.post(
                "/v1/predict", content=body, headers={"Content-Type": "application/json"}
            )
        finally:
            ended.set()
            watch.join()
    assert is_problem(answer, 422)
    assert answer.json()["detail"].startswith(sentence)
    assert silences[0] < SECONDS
    assert memory.megabytes < 500


def test_a_large_body_of_texts_is_answered(client):
    text = "We walked to the lake. " * 400
    answer = client.post("/v1/predict", json={"texts": [text, text + "é"], "detector": None})
    assert [one["words"] for one in answer.json()["results"]] == [2000, 2001]
    explained = {"text": text * 2, "left_out": {"comments": 2}}
    assert client.post("/v1/explain", json=explained).json()["left_out"] == {"comments": 2}
    theirs = {"document": text * 3, "multilingual": False, "options": [{"depth": [1]}]}
    assert client.post("/v1/predict", json=theirs).status_code == 200
    mistyped = client.post("/v1/predict", json={"text": text * 3, "detectr": "light"})
    assert is_problem(mistyped, 422)


def test_the_fields_of_a_large_body_are_those_of_a_small_one():
    ours = {*OneText.model_fields, *Texts.model_fields}
    assert set(OurFields.__struct_fields__) == ours
    assert set(DocumentFields.__struct_fields__) == set(Documents.model_fields)
