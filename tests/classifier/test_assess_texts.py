"""One path from a text to its verdict, whatever asks for it."""

import numpy as np
import pytest

from perplexity_detector.detectors.baselines.rules import Rules
from perplexity_detector.explanation.explainable import SEPARATOR
from tests.labelled import light_detector, two_styles

TEXTS = [*two_styles(8, seed=3)[0], "Too short for a verdict."]


@pytest.fixture(scope="module", params=["detector", "rules"])
def detector(request):
    made = light_detector(fpr=0.2) if request.param == "detector" else Rules(fpr=0.2)
    return made.fit(*two_styles(120))


def test_every_method_gives_what_the_assessment_holds(detector):
    assessed = detector.assess_texts(TEXTS)
    probabilities = [one.probability for one in assessed]
    assert detector.predict_proba(TEXTS)[:, 1].tolist() == probabilities
    assert detector.decision_function(TEXTS).tolist() == [one.raw_score for one in assessed]
    flagged = [one.probability >= one.generated_threshold for one in assessed]
    assert detector.predict(TEXTS).tolist() == flagged
    frame = detector.assess(TEXTS)
    assert frame["probability"].tolist() == probabilities
    assert frame["verdict"].tolist() == [one.verdict for one in assessed]
    assert frame["note"].tolist() == [one.note for one in assessed]
    assert frame["why"].tolist() == [SEPARATOR.join(why) for why in detector.reasons(assessed)]


def test_an_explanation_holds_the_same(detector):
    assessed = detector.assess_texts(TEXTS)
    for text, one, reasons in zip(TEXTS, assessed, detector.reasons(assessed), strict=True):
        explained = detector.explain(text)
        assert (explained.probability, explained.verdict) == (one.probability, one.verdict)
        assert explained.generated_threshold == one.generated_threshold
        assert list(explained.reasons) == reasons


def test_thresholds_do_not_cross(detector):
    for one in detector.assess_texts(TEXTS):
        assert one.human_threshold <= one.generated_threshold
        assert one.n_words == len(one.document.words)


def test_texts_are_assessed_independently_of_each_other(detector):
    together = [one.probability for one in detector.assess_texts(TEXTS)]
    alone = [detector.assess_texts([text])[0].probability for text in TEXTS]
    np.testing.assert_allclose(together, alone)
