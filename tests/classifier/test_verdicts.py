"""Verdicts: which probability leads to which, and what a withheld one says."""

import math

import numpy as np
import pytest

from perplexity_detector.classifier.verdicts import MIN_WORDS, decide


def verdict(probability, generated=0.8, human=0.3, words=200):
    return decision(probability, generated, human, words).verdict


def decision(probability, generated=0.8, human=0.3, words=200, outlier=False, prose=True):
    (found,) = decide(
        np.array([probability]),
        [words],
        np.array([human]),
        np.array([generated]),
        np.array([outlier]),
        [prose],
    )
    return found


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (1.0, "generated"),
        (0.8, "generated"),
        (np.nextafter(0.8, 0), "uncertain"),
        (0.3, "uncertain"),
        (np.nextafter(0.3, 0), "human"),
        (0.0, "human"),
    ],
)
def test_boundaries(probability, expected):
    assert verdict(probability) == expected


def test_thresholds_that_cross_leave_no_gap():
    # few generated texts lie below 0.6, few human ones above 0.4
    assert verdict(0.4, generated=0.4, human=0.6) == "generated"
    assert verdict(0.39, generated=0.4, human=0.6) == "human"


def test_thresholds_that_do_not_exist():
    assert verdict(1.0, generated=math.inf) == "uncertain"
    assert verdict(0.0, human=-math.inf) == "uncertain"
    assert verdict(0.2, generated=math.inf, human=0.3) == "human"


def test_short_texts_are_uncertain():
    assert MIN_WORDS == 50
    assert [verdict(p, words=n) for p in (1.0, 0.0) for n in (49, 50)] == [
        "uncertain",
        "generated",
        "uncertain",
        "human",
    ]


def test_far_texts_are_uncertain_whatever_their_probability():
    for probability in (0.0, 0.5, 1.0):
        assert decision(probability, outlier=True) == (
            "uncertain",
            "unlike the prose it was trained on",
        )
        assert decision(probability, prose=False) == ("uncertain", "no running English prose")


def test_an_uncertain_text_says_why_and_others_say_nothing():
    assert decision(1.0, words=49).note == "fewer than 50 words"
    assert decision(1.0, words=49, outlier=True).note == "fewer than 50 words"
    assert decision(0.5).note == "between the thresholds"
    assert decision(0.5, generated=math.inf).note == "too short for this false-positive rate"
    assert decision(0.9).note == decision(0.1).note == ""


def test_each_text_has_its_own_threshold():
    found = decide(
        np.array([0.7, 0.7]),
        [99, 99],
        np.array([0.3, 0.3]),
        np.array([0.6, 0.8]),
        np.zeros(2, bool),
        [True, True],
    )
    assert [one.verdict for one in found] == ["generated", "uncertain"]


def test_no_texts():
    assert decide(np.zeros(0), [], np.zeros(0), np.zeros(0), np.zeros(0, bool), []) == []
