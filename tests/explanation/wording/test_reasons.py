"""Reasons are sentences that are true of the text."""

import re

import numpy as np
import pytest

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.explanation.wording.phrases import (
    FAMILIES,
    SINGLE_STATEMENT_FAMILIES,
    phrase_of,
)
from perplexity_detector.explanation.wording.reasons import (
    MAX_REASONS,
    MAX_REASONS_AGAINST,
    MIN_LOG_ODDS_AGAINST,
    OTHER_SIDE,
    describe_contributions,
)
from perplexity_detector.features.registry import available_families

EVERY = [
    (family, f"{family.name}_{feature}", label)
    for family in available_families(1.0).values()
    for feature, label in family.labels.items()
]


@pytest.mark.parametrize(("family", "name", "label"), EVERY, ids=[name for _, name, _ in EVERY])
def test_every_feature_has_words(family, name, label):
    assert family.name in FAMILIES
    if family.name in SINGLE_STATEMENT_FAMILIES:
        return
    phrase = phrase_of(name, label)
    assert phrase.high != phrase.low
    for words in phrase[:2]:
        assert re.search(r"\b(more|less|fewer|\w+er)\b", words), words
        assert not re.search(r"[.:_%]", words)
        assert "higher use" not in words
        assert len(words) < 90


def spoken(*features, middle=None):
    """Name, contribution, value and what is typical of people, of each feature."""
    names, added, values, typical = zip(*features, strict=True)
    labels = {name: label for _, name, label in EVERY}
    return Contributions(
        np.array([added], float),
        np.zeros(1),
        names,
        [name.split("_")[0] for name in names],
        [labels[name] for name in names],
        np.array([values], float),
        np.array(typical, float),
        None if middle is None else np.array(middle, float),
    )


def test_numbers_are_told_beside_peoples():
    spoke = spoken(("rank_top_10", 0.5, 0.914, 0.71), middle=[0.75])
    assert describe_contributions(spoke, 0, generated=True) == [
        "more words are among the model's first ten guesses than in people's texts "
        "(91%; people: 71%)"
    ]


def test_what_speaks_for_a_person_is_beside_most_texts():
    spoke = spoken(("burstiness_sentence_length_std", -0.5, 9.2, 8.7), middle=[6.0])
    assert describe_contributions(spoke, 0, generated=False) == [
        "sentences differ more in length than in most texts (9 words of spread; as people's)"
    ]


def test_the_other_side_is_told_last():
    spoke = spoken(
        ("burstiness_sentence_length_std", 0.5, 3.0, 9.0),
        ("contrast_mean", -MIN_LOG_ODDS_AGAINST, -0.2, 0.0),
        ("spectrum_low", -0.01, 0.1, 0.2),
        middle=[6.0, 0.1, 0.15],
    )
    first, last = describe_contributions(spoke, 0, generated=True)
    assert first.startswith("sentences are more even in length than in people's texts (3")
    assert last == f"{OTHER_SIDE}its wording is closer to people's prose than to models'"


def test_families_are_ranked_by_all_that_they_added():
    spoke = spoken(
        ("rank_top_10", 0.3, 0.9, 0.7),
        ("rank_first", -0.2, 0.2, 0.3),
        ("stylometry_sentence_length", 0.2, 25, 17),
        ("representation_probe_50", 0.6, 1.0, -0.6),
        middle=[0.75, 0.35, 20, 0.0],
    )
    first, second, third = describe_contributions(spoke, 0, generated=True)
    assert first == "inside the language model it looks like texts by models"
    assert second == "sentences are longer than in people's texts (25 words; people: 17)"
    assert third.startswith("more words are among")


def test_what_lies_to_the_wrong_side_is_not_told():
    # models' sentences are longer than people's, and these are shorter: whatever the trees saw
    spoke = spoken(("stylometry_sentence_length", 0.4, 12, 17), middle=[20])
    assert describe_contributions(spoke, 0, generated=True) == []
    also = spoken(
        ("stylometry_sentence_length", 0.4, 12, 17),
        ("stylometry_word_length", 0.1, 5.2, 4.6),
        middle=[20, 4.8],
    )
    assert describe_contributions(also, 0, generated=True) == [
        "words are longer than in people's texts (5.2 letters; people: 4.6)"
    ]


def test_what_cannot_be_seen_is_not_told():
    spoke = spoken(("rank_top_10", 0.5, 0.7121, 0.7119), middle=[0.75])
    assert describe_contributions(spoke, 0, generated=True) == []


def test_without_the_middle_people_are_the_measure():
    spoke = spoken(("rank_top_10", -0.5, 0.6, 0.7))
    (reason,) = describe_contributions(spoke, 0, generated=False)
    assert reason.startswith(
        "fewer words are among the model's first ten guesses than in most texts"
    )


def test_no_more_than_a_few():
    names = ["rank_top_10", "perplexity_text", "entropy_std", "spectrum_low", "compression_zlib",
             "curvature_text", "burstiness_surprisal_cv"]  # fmt: skip
    spoke = spoken(*((name, 0.2, 1.0, 0.5) for name in names))
    assert len(describe_contributions(spoke, 0, generated=True)) == MAX_REASONS
    assert len(describe_contributions(spoke, 0, generated=False)) == MAX_REASONS_AGAINST
