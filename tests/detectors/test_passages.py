"""Marked passages in verdicts: which text is mixed, and which says too little."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perplexity_detector.classifier.passages import MIN_PEOPLE, PassageDetector
from perplexity_detector.detectors.text_detector import TextDetector
from tests.labelled import sample, small_detector, two_styles

FAMILIES = ["stylometry", "contrast", "representation"]
ESSAYS = [" ".join(text.split()) for text in sample()["text"].iloc[:4]]


@pytest.fixture(scope="module")
def fitted(tiny_llama: Path) -> TextDetector:
    found: TextDetector = small_detector(tiny_llama, FAMILIES)
    found.fpr = 0.3  # so few people set no threshold for less
    return found


@pytest.fixture
def marking(fitted: TextDetector) -> Iterator[TextDetector]:
    """It marks every sentence that favours a model at all."""
    fitted.passage_detector_ = PassageDetector(1.0, 0.0, 0.0, 0.01, 0.001, 10.0, 2.0)
    yield fitted
    fitted.passage_detector_ = None


def test_a_detector_of_few_people_marks_nothing(fitted: TextDetector) -> None:
    assert fitted.passage_detector_ is None
    (assessment,) = fitted.assess_texts(ESSAYS[:1])
    assert assessment.passages is None
    assert fitted.assess(ESSAYS[:1])["share_generated"].isna().all()


def test_marked_texts_are_mixed_unless_the_whole_is_generated(marking: TextDetector) -> None:
    for one in marking.assess_texts(ESSAYS):
        assert one.passages is not None
        assert one.passages.spans
        assert one.verdict == "mixed" or (
            one.verdict == "generated" and one.passages.share.high >= 0.9
        )
        assert one.note == ""


def test_spans_are_of_whole_sentences(marking: TextDetector) -> None:
    (assessment,) = marking.assess_texts(ESSAYS[:1])
    assert assessment.passages is not None
    starts = {start for start, _ in assessment.document.sentence_spans}
    ends = {end for _, end in assessment.document.sentence_spans}
    for start, end in assessment.passages.spans:
        assert start in starts
        assert end in ends
    explained = marking.explain(ESSAYS[0])
    assert explained.passages == assessment.passages.spans
    assert explained.share_generated == assessment.passages.share
    values = explained.to_dict()
    assert values["passages"] == [list(span) for span in explained.passages]
    assert set(values["share_generated"]) == {"value", "low", "high"}


def test_a_text_that_says_too_little_has_no_passages(marking: TextDetector) -> None:
    short = "Much too short for any verdict. It has two sentences."
    odd = "1 2 3 4 5 6 7 8 9 0 " * 20
    for one in marking.assess_texts([short, odd]):
        assert (one.verdict, one.passages) == ("uncertain", None)


def test_passages_do_not_depend_on_the_batch(marking: TextDetector) -> None:
    together = [one.passages for one in marking.assess_texts(ESSAYS)]
    alone = [marking.assess_texts([text])[0].passages for text in ESSAYS]
    assert together == alone


def test_no_more_is_marked_where_verdicts_may_be_wrong_more_often(marking: TextDetector) -> None:
    documents, features = marking.extract(ESSAYS)
    often, rarely = (
        marking.assess_documents(ESSAYS, documents, features, fpr) for fpr in (0.5, 0.3)
    )
    assert [one.passages for one in often] == [one.passages for one in rarely]


def test_training_sets_passages_where_there_are_people_enough(
    tiny_llama: Path, tmp_path: Path
) -> None:
    texts, labels = two_styles(2 * MIN_PEOPLE)
    detector = small_detector(tiny_llama, FAMILIES)
    documents = detector.read_documents(texts)
    detector.fit_passages(documents, labels)
    assert detector.passage_detector_ is not None
    assert detector.training_["passages_set_on"] == len(texts)
    loaded = TextDetector.from_pretrained(detector.save_pretrained(tmp_path / "model"))
    assert loaded.passage_detector_ == detector.passage_detector_
