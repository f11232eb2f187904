"""Evidence of sentences: the sum of what two families read, and where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features import contrast, representation
from perplexity_detector.features.document import Document
from perplexity_detector.features.sentence_evidence import RATIO_WEIGHT, SentenceEvidence
from tests.labelled import small_detector

TEXT = "We went down to the lake. It was cold there, and nobody swam. Then it rained all day. I"


@pytest.fixture(scope="module")
def detector(tiny_llama: Path) -> TextDetector:
    fitted: TextDetector = small_detector(tiny_llama, ["contrast", "representation"])
    return fitted


@pytest.fixture(scope="module")
def evidence(detector: TextDetector) -> SentenceEvidence:
    found = SentenceEvidence.from_learned(detector.extractor_.learned_)
    assert found is not None
    return found


def test_it_is_the_sum_of_hidden_states_and_wording(
    detector: TextDetector, evidence: SentenceEvidence
) -> None:
    (document,) = detector.read_documents([TEXT])
    learned = detector.extractor_.learned_
    wording = RATIO_WEIGHT * contrast.sentence_log_ratios(document, learned["contrast"])
    states = representation.sentence_evidence(document, learned["representation"])
    # the last sentence, a single token, has no states
    assert (len(wording), len(states)) == (4, 3)
    assert evidence.of(document) == pytest.approx(wording + np.r_[states, 0.0], abs=1e-5)


def test_states_alone_are_shrunk_towards_nothing(detector: TextDetector) -> None:
    (document,) = detector.read_documents([TEXT])
    arrays = detector.extractor_.learned_["representation"]
    towards_text = representation.sentence_log_odds(document, arrays)
    text = representation.text_log_odds(document, arrays).mean()
    weight = document.states.tokens / (document.states.tokens + 10.0)
    expected = towards_text - (1 - weight) * text
    assert representation.sentence_evidence(document, arrays) == pytest.approx(expected, abs=1e-5)


def test_there_is_none_where_states_were_not_kept_by_sentence(
    detector: TextDetector, evidence: SentenceEvidence
) -> None:
    (document,) = detector.read_documents([TEXT])
    assert len(evidence.of(replace(document, states=document.states.over_text()))) == 0
    assert len(evidence.of(Document(TEXT))) == 0


@pytest.mark.parametrize("family", ["contrast", "representation"])
def test_both_families_are_needed(detector: TextDetector, family: str) -> None:
    alone = {family: detector.extractor_.learned_[family]}
    assert SentenceEvidence.from_learned(alone) is None
