"""Requests in the form of GPTZero's API, and their answers."""

from dataclasses import replace

import pytest

from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.classifier.provenance import text_sha256
from perplexity_detector.explanation.explanation import Sentence
from perplexity_detector.service.gptzero import to_answer
from perplexity_detector.service.routes.texts import form_of
from tests.service.serving import is_problem

MARKER = "zanzibar"
#: What its clients send besides the document.
OPTIONS = {"version": "2024-01-09", "multilingual": False, "anything_new": 1}


def test_documents_get_the_assessments_of_the_library(client, detector, texts):
    answer = client.post("/v1/predict", json={"documents": texts, **OPTIONS}).json()
    assessed = detector.assess(texts)
    classes = {"human": "human", "generated": "ai", "uncertain": None}
    assert [one["predicted_class"] for one in answer["documents"]] == [
        classes[verdict] for verdict in assessed["verdict"]
    ]
    assert {"human", "ai"} <= {one["predicted_class"] for one in answer["documents"]}
    for one, (_, row) in zip(answer["documents"], assessed.iterrows(), strict=True):
        assert one["completely_generated_prob"] == pytest.approx(row["probability"])
        assert one["class_probabilities"]["ai"] == pytest.approx(row["probability"])
        assert sum(one["class_probabilities"].values()) == pytest.approx(1)
        assert one["result_message"].startswith(row["verdict"])
        assert row["why"] in one["result_message"]
    assert answer["version"].endswith(", light")


def test_they_have_flags_and_provenance_as_the_plain_answer(client, texts):
    disguised = texts[0].replace("o", "\u043e")
    plain = client.post("/v1/predict", json={"text": disguised}).json()
    theirs = client.post("/v1/predict", json={"document": disguised}).json()
    (document,) = theirs["documents"]
    assert document["flags"] == plain["results"][0]["flags"]
    assert [one["sentence"] for one in document["flags"]] == [
        flag.sentence for flag in find_flags(disguised)
    ]
    assert document["text_sha256"] == text_sha256(disguised)
    assert theirs["provenance"]["detector_sha256"] == plain["provenance"]["detector_sha256"]


def test_sentences_are_those_of_the_text(client, texts):
    (one,) = client.post("/v1/predict", json={"document": texts[0]}).json()["documents"]
    assert " ".join(sentence["sentence"] for sentence in one["sentences"]) == texts[0]
    # a detector without a language model reads no hidden states
    assert {sentence["generated_prob"] for sentence in one["sentences"]} == {None}


def test_the_path_of_a_client_that_changes_only_the_host(client, texts):
    ours = client.post("/v1/predict", json={"document": texts[1]})
    theirs = client.post("/v2/predict/text", json={"document": texts[1], **OPTIONS})
    assert theirs.status_code == 200
    answers = [theirs.json(), ours.json()]
    for answer in answers:
        del answer["provenance"]["time"]  # the clock may tick between the two
    assert answers[0] == answers[1]


def test_the_key_is_sent_as_its_clients_do(serve, texts):
    client = serve(api_key="a key")
    body = {"document": texts[0]}
    assert is_problem(client.post("/v2/predict/text", json=body), 401)
    answer = client.post("/v2/predict/text", json=body, headers={"x-api-key": "a key"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"document": 3}, "`document` must be a string."),
        ({"documents": []}, "`documents` is empty: give one document or more."),
        ({"documents": MARKER}, "`documents` must be a list."),
        ({"documents": ["a", None]}, "`documents[1]` must be a string."),
        ({"document": MARKER, "documents": [MARKER]}, "Give `document`, a string, or `documents`"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/predict", "/v2/predict/text"])
def test_a_body_that_cannot_be_used(client, path, body, sentence):
    answer = client.post(path, json=body)
    assert is_problem(answer, 422)
    assert answer.json()["detail"].startswith(sentence)
    assert (
        answer.json()["errors"][0]["pointer"].startswith("#/document")
        or "Give" in sentence
        or ("empty" in sentence)
    )
    assert MARKER not in answer.text


def test_limits_hold_for_documents_too(serve):
    client = serve(max_texts=2, max_characters=10)
    assert is_problem(client.post("/v1/predict", json={"documents": ["a"] * 3}), 422)
    assert is_problem(client.post("/v1/predict", json={"document": "a" * 11}), 422)


def test_the_form_is_chosen_by_the_fields():
    assert form_of({"text": "a"}) == form_of([]) == form_of(None) == "Texts"
    assert form_of({"document": "a"}) == form_of({"documents": []}) == "Documents"


def test_a_mixed_text_and_its_marked_sentences(detector, texts):
    explanation = detector.explain(texts[0])
    second = explanation.sentences[1]
    marked = replace(explanation, verdict="mixed", passages=((second.start, second.end),))
    (document,) = to_answer([marked], {"detector": "fast"})["documents"]
    assert (document["predicted_class"], document["document_classification"]) == ("mixed", "MIXED")
    highlighted = [one["highlight_sentence_for_ai"] for one in document["sentences"]]
    assert highlighted == [False, True] + [False] * (len(highlighted) - 2)


def test_log_odds_of_a_sentence_become_a_probability(detector):
    sentence = Sentence(0, 3, 0.0, 7.0, 1, hidden_states=0.0)
    explanation = replace(
        detector.explain("We."), probability=0.25, verdict="uncertain",
        note="between the thresholds", reasons=("One", "Two"), sentences=(sentence,),
    )  # fmt: skip
    (document,) = to_answer([explanation], {"detector": "fast"})["documents"]
    assert document == {
        "class_probabilities": {"human": 0.75, "ai": 0.25},
        "completely_generated_prob": 0.25,
        "predicted_class": None,
        "document_classification": None,
        "result_message": "uncertain (between the thresholds); One; Two",
        "sentences": [
            {
                "sentence": "We.",
                "generated_prob": 0.5,
                "perplexity": 7.0,
                "highlight_sentence_for_ai": False,
            }
        ],
        "flags": [],
        "text_sha256": text_sha256("We."),
    }
