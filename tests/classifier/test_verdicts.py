import math

import numpy as np
import pytest

from perplexity_detector.classifier.verdicts import MIN_WORDS, decide, reasons

LABELS = ["average word length", "use of commas", "variation"]


def verdict(probability, upper=0.8, lower=0.3, words=200):
    return told(probability, upper, lower, words).verdict


def told(probability, upper=0.8, lower=0.3, words=200, unlike=False, prose=True):
    (found,) = decide(
        np.array([probability]), [words], np.array([upper]), lower, np.array([unlike]), [prose]
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
    # few generated texts lie under 0.6, few texts by people over 0.4
    assert verdict(0.4, upper=0.4, lower=0.6) == "generated"
    assert verdict(0.39, upper=0.4, lower=0.6) == "human"


def test_thresholds_that_do_not_exist():
    assert verdict(1.0, upper=math.inf) == "uncertain"
    assert verdict(0.0, lower=-math.inf) == "uncertain"
    assert verdict(0.2, upper=math.inf, lower=0.3) == "human"


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
        assert told(probability, unlike=True) == ("uncertain", "unlike the prose it was trained on")
        assert told(probability, prose=False) == ("uncertain", "no running English prose")


def test_an_uncertain_text_says_why_and_others_say_nothing():
    assert told(1.0, words=49).note == "fewer than 50 words"
    assert told(1.0, words=49, unlike=True).note == "fewer than 50 words"
    assert told(0.5).note == "between the thresholds"
    assert told(0.5, upper=math.inf).note == "too short for this false-positive rate"
    assert told(0.9).note == told(0.1).note == ""


def test_each_text_has_its_own_threshold():
    found = decide(np.array([0.7, 0.7]), [99, 99], np.array([0.6, 0.8]), 0.3, np.zeros(2), [1, 1])
    assert [one.verdict for one in found] == ["generated", "uncertain"]


def test_no_texts():
    assert decide(np.zeros(0), [], np.zeros(0), 0.3, np.zeros(0, bool), []) == []


def why(contributions, values, probability, families=("a", "b", "c"), **options):
    return reasons(np.array(contributions), np.array(values), np.zeros(3), LABELS, families,
                   probability, **options)  # fmt: skip


def test_reasons_are_the_strongest_of_the_side_it_came_out_on():
    assert why([0.1, 2, 1], [1, -1, 1], 0.9) == "low use of commas; high variation"
    assert why([-0.1, 2, -1], [1, -1, 1], 0.1) == "high variation; high average word length"


def test_reasons_are_only_what_spoke_for_it():
    assert why([0.5, -2, 0], [1, 1, 1], 0.5) == "high average word length"
    assert why([-1, -1, -1], [1, 1, 1], 0.7) == ""
    assert why([3, 2, 1], [1, 1, 1], 0.7, most=1) == "high average word length"
    assert why([1, 2, 3], [1, 1, 1], 0.7, most=9).count(";") == 2


def test_a_family_is_one_reason_and_is_as_strong_as_its_features_together():
    together = ("a", "b", "a")
    assert why([1, 1.5, 1.1], [1, 1, 1], 0.9, together) == "high variation; high use of commas"
    assert why([-3, 1, 2], [1, 1, 1], 0.9, together) == "high use of commas"
