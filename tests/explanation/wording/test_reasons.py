"""Reasons are short statements that are true of the text."""

from __future__ import annotations

import re

import numpy as np
import pytest

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.explanation.explainable import SEPARATOR
from perplexity_detector.explanation.wording.phrases import (
    FAMILY_LABELS,
    SINGLE_STATEMENT_FAMILIES,
    phrase_of,
)
from perplexity_detector.explanation.wording.reasons import (
    AGAINST,
    MAX_REASONS,
    MAX_REASONS_AGAINST,
    MIN_LOG_ODDS_AGAINST,
    describe_contributions,
)
from perplexity_detector.features.family import Family
from perplexity_detector.features.registry import available_families

MAX_CHARACTERS = 110
LABELS = {
    f"{family.name}_{feature}": label
    for family in available_families(1.0).values()
    for feature, label in family.labels.items()
}
COMPARED = [name for name in LABELS if name.split("_")[0] not in SINGLE_STATEMENT_FAMILIES]


def contributions(
    *features: tuple[str, float, float, float], overall: list[float] | None = None
) -> Contributions:
    """Of one text: name, contribution, value and human median of each feature."""
    names, added, values, medians = zip(*features, strict=True)
    return Contributions(
        shap_values=np.array([added], float),
        base_values=np.zeros(1),
        names=names,
        families=[name.split("_")[0] for name in names],
        labels=[LABELS[name] for name in names],
        features=np.array([values], float),
        human_medians=np.array(medians, float),
        overall_medians=None if overall is None else np.array(overall, float),
    )


def reasons(
    *features: tuple[str, float, float, float],
    overall: list[float] | None = None,
    generated: bool = True,
) -> list[str]:
    return describe_contributions(contributions(*features, overall=overall), 0, generated)


@pytest.mark.parametrize("family", available_families(1.0).values(), ids=lambda one: one.name)
def test_every_family_has_a_name(family: Family) -> None:
    assert family.name in FAMILY_LABELS


@pytest.mark.parametrize("generated", [False, True], ids=["human", "generated"])
@pytest.mark.parametrize("high", [False, True], ids=["low", "high"])
@pytest.mark.parametrize("name", COMPARED)
def test_every_feature_gives_a_short_statement(name: str, high: bool, generated: bool) -> None:
    value, median = (0.9, 0.2) if high else (0.2, 0.9)
    added = 0.5 if generated else -0.5
    overall = [(value + median) / 2 if generated else median]
    (reason,) = reasons((name, added, value, median), overall=overall, generated=generated)
    others = "typical human writing" if generated else "in most texts"
    found = re.fullmatch(rf"([A-Z].*) than {others}( \([^()]+\))?", reason)
    assert found
    assert re.search(r"\b(more|less|fewer|\w+er)\b", found[1].lower())
    assert not re.search(r"\b(its|it has)\b|_", reason)
    assert SEPARATOR not in reason
    assert len(reason) <= MAX_CHARACTERS


@pytest.mark.parametrize("name", COMPARED)
def test_high_and_low_are_not_the_same(name: str) -> None:
    phrase = phrase_of(name, LABELS[name])
    assert phrase.high != phrase.low


def test_no_two_families_share_a_phrase() -> None:
    owner: dict[tuple[str, str], str] = {}
    for name in COMPARED:
        family = name.split("_")[0]
        phrase = phrase_of(name, LABELS[name])
        assert owner.setdefault((phrase.high, phrase.low), family) == family, phrase


def test_a_number_stands_with_the_human_median() -> None:
    assert reasons(("rank_top_10", 0.5, 0.914, 0.71), overall=[0.75]) == [
        "More words among the language model's top 10 guesses than typical human writing "
        "(91%, human median 71%)"
    ]
    assert reasons(("perplexity_text", 0.5, 12.3, 25.1), overall=[20]) == [
        "More predictable words than typical human writing (perplexity 12, human median 25)"
    ]


def test_a_reason_for_human_compares_with_all_texts() -> None:
    feature = ("burstiness_sentence_length_std", -0.5, 9.2, 8.7)
    assert reasons(feature, overall=[6.0], generated=False) == [
        "More varied sentence lengths than in most texts (standard deviation 9 words, median 6)"
    ]


def test_a_reason_against_comes_last() -> None:
    first, last = reasons(
        ("burstiness_sentence_length_std", 0.5, 3.0, 9.0),
        ("contrast_mean", -MIN_LOG_ODDS_AGAINST, -0.2, 0.0),
        ("spectrum_low", -0.01, 0.1, 0.2),
        overall=[6.0, 0.1, 0.15],
    )
    assert first.startswith("More even sentence lengths than typical human writing (standard")
    assert last == f"{AGAINST}word choice resembles human writing"


def test_families_are_ranked_by_their_total_contribution() -> None:
    assert reasons(
        ("rank_top_10", 0.3, 0.9, 0.7),
        ("rank_first", -0.2, 0.2, 0.3),
        ("stylometry_sentence_length", 0.2, 25, 17),
        ("representation_log_odds", 0.6, 1.0, -0.6),
        overall=[0.75, 0.35, 20, 0.0],
    ) == [
        "Hidden states resemble model-written text",
        "Longer sentences than typical human writing (25 words, human median 17)",
        "More words among the language model's top 10 guesses than typical human writing "
        "(90%, human median 70%)",
    ]


def test_a_feature_on_the_unexpected_side_is_skipped() -> None:
    # generated texts have longer sentences than human ones, and these are shorter
    shorter = ("stylometry_sentence_length", 0.4, 12.0, 17.0)
    assert reasons(shorter, overall=[20]) == []
    longer_words = ("stylometry_word_length", 0.1, 5.2, 4.6)
    assert reasons(shorter, longer_words, overall=[20, 4.8]) == [
        "Longer words than typical human writing (5.2 letters, human median 4.6)"
    ]


def test_a_difference_too_small_to_show_is_skipped() -> None:
    assert reasons(("rank_top_10", 0.5, 0.7121, 0.7119), overall=[0.75]) == []


def test_without_overall_medians_the_comparison_is_with_human_texts() -> None:
    assert reasons(("rank_top_10", -0.5, 0.6, 0.7), generated=False) == [
        "Fewer words among the language model's top 10 guesses than typical human writing "
        "(60%, human median 70%)"
    ]


def test_each_text_gets_its_own_reasons() -> None:
    two = Contributions(
        shap_values=np.array([[0.5], [0.5]]),
        base_values=np.zeros(2),
        names=["stylometry_commas"],
        families=["stylometry"],
        labels=["use of commas"],
        features=np.array([[2.0], [9.0]]),
        human_medians=np.array([5.0]),
    )
    fewer, more = (describe_contributions(two, text, generated=True) for text in range(2))
    assert fewer[0].startswith("Fewer commas than typical human writing (2.0 per 100 words")
    assert more[0].startswith("More commas than typical human writing (9.0 per 100 words")


def test_there_are_only_a_few_reasons() -> None:
    names = ["rank_top_10", "perplexity_text", "entropy_std", "spectrum_low", "compression_zlib",
             "curvature_text", "burstiness_surprisal_cv"]  # fmt: skip
    features = [(name, 0.2, 1.0, 0.5) for name in names]
    assert len(reasons(*features)) == MAX_REASONS
    assert len(reasons(*features, generated=False)) == MAX_REASONS_AGAINST
