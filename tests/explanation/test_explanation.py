"""An explanation adds up: contributions to the probability, offsets to the text."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

import perplexity_detector
from perplexity_detector.classifier.passages import PassageDetector
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import InputError
from perplexity_detector.explanation.explanation import (
    LIMITS,
    MAX_FEATURES,
    STATISTICS_NOT_USED,
    Explanation,
)
from perplexity_detector.explanation.human_surprisal import WINDOW
from perplexity_detector.explanation.sentences import AUROC, EVIDENCE, SENTENCE_LOG_ODDS
from perplexity_detector.features import ngrams, representation
from perplexity_detector.features.sentence_evidence import SentenceEvidence
from perplexity_detector.lm import pooling
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.text import crop, lower, sentence_spans, words
from tests.labelled import light_detector, sample, small_detector, two_styles

FAMILIES = ["perplexity", "rank", "stylometry", "contrast", "representation"]
ESSAY = " ".join(sample()["text"].iloc[0].split())
ODD = [
    "", " \n ", "Word", "👩‍👩‍👧‍👦🎉 yes 🎉", "Привет, как дела? Хорошо.", "我喜欢学习。你呢?",
    "...", "İstanbul'da. İİİ ok.", "\ud800 broken\u200b", "No. x", "<|endoftext|>",
]  # fmt: skip


@pytest.fixture(scope="module")
def detector(tiny_llama: Path) -> TextDetector:
    fitted: TextDetector = small_detector(tiny_llama, FAMILIES)
    return fitted


@pytest.fixture(scope="module")
def early(tiny_llama: Path) -> TextDetector:
    """A detector that uses half of the language model, as `fast` does."""
    fitted: TextDetector = small_detector(
        tiny_llama, ["stylometry", "contrast", "representation"], depth=0.5
    )
    return fitted


@pytest.fixture(scope="module")
def of_text() -> TextDetector:
    """A detector without a language model."""
    fitted: TextDetector = light_detector().fit(*two_styles(60))
    return fitted


def contrast_of(explanation: Explanation) -> np.ndarray:
    assert explanation.tokens.contrast is not None
    return explanation.tokens.contrast


@pytest.fixture(scope="module")
def explained(detector: TextDetector) -> Explanation:
    return detector.explain(ESSAY, "s01", "tiny")


# --- contributions --------------------------------------------------------------------------


def test_contributions_add_up_to_the_probability(
    detector: TextDetector, explained: Explanation
) -> None:
    probability = detector.predict_proba([ESSAY])[0, 1]
    assert explained.probability == pytest.approx(probability)
    for entries in (explained.features, explained.families):
        assert explained.base is not None
        total = explained.base + sum(entry.contribution for entry in entries)
        assert total == pytest.approx(logit(probability), abs=1e-5)
    (margin,) = detector.decision_function([ESSAY])
    calibrated = detector.calibrator_.slope * margin + detector.calibrator_.intercept
    assert calibrated == pytest.approx(logit(probability))


def test_families_are_the_sums_of_their_features(explained: Explanation) -> None:
    assert {family.name for family in explained.families} == set(FAMILIES)
    for family in explained.families:
        members = [one for one in explained.features if one.family == family.name]
        assert all(one.name.startswith(f"{family.name}_") for one in members)
        total = sum(one.contribution for one in members)
        assert total == pytest.approx(family.contribution)


def test_the_largest_contributions_come_first(explained: Explanation) -> None:
    for entries in (explained.families, explained.features):
        sizes = [abs(entry.contribution) for entry in entries]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] > 0


def test_features_have_their_values(detector: TextDetector, explained: Explanation) -> None:
    names = list(detector.extractor_.get_feature_names_out())
    (row,) = detector.extractor_.transform([ESSAY])
    assert {one.name for one in explained.features} == set(names)
    for one in explained.features:
        column = names.index(one.name)
        assert (one.value, one.typical) == (row[column], detector.human_medians_[column])


# --- tokens ---------------------------------------------------------------------------------


def test_tokens_have_the_statistics_of_the_language_model(
    explained: Explanation, tiny_llama: Path
) -> None:
    (expected,) = LanguageModelScorer(str(tiny_llama)).score([explained.text])
    tokens = explained.tokens
    np.testing.assert_allclose(tokens.surprisal, expected.surprisal, atol=1e-5)
    np.testing.assert_array_equal(tokens.rank, expected.rank)
    np.testing.assert_allclose(tokens.entropy, expected.entropy, atol=1e-5)
    spans = list(zip(tokens.start.tolist(), tokens.end.tolist(), strict=True))
    assert spans == sorted(spans)
    # a character of several bytes can be several tokens
    assert {place for span in spans for place in range(*span)} == set(range(len(explained.text)))


def test_the_full_model_reads_the_tokens_if_the_detector_uses_half(
    early: TextDetector, tiny_llama: Path
) -> None:
    explained = early.explain(ESSAY)
    (expected,) = LanguageModelScorer(str(tiny_llama)).score([explained.text])
    np.testing.assert_allclose(explained.tokens.surprisal, expected.surprisal, atol=1e-5)
    assert all((sentence.perplexity or 0) >= 1 for sentence in explained.sentences)
    assert explained.probability == pytest.approx(early.predict_proba([ESSAY])[0, 1])
    assert explained.warnings == (STATISTICS_NOT_USED,)


def test_there_is_no_warning_where_the_detector_uses_the_statistics(
    explained: Explanation, of_text: TextDetector
) -> None:
    assert explained.warnings == of_text.explain(ESSAY).warnings == ()


def test_contrast_keeps_its_sum(detector: TextDetector, explained: Explanation) -> None:
    (tokens,) = detector.extractor_.scorer().tokens([lower(explained.text)])
    human, generated = ngrams.log_probabilities(
        detector.extractor_.learned_["contrast"], [tokens.ids]
    )
    contrast = contrast_of(explained)
    assert contrast.sum() == pytest.approx((generated - human).sum(), abs=1e-3)
    assert contrast.min() < 0 < contrast.max()


def test_capitals_do_not_change_the_contrast(detector: TextDetector) -> None:
    plain = contrast_of(detector.explain("we went to the lake. it was cold there."))
    capitals = contrast_of(detector.explain("we went to the LAKE. it was cold there."))
    assert capitals.sum() == pytest.approx(plain.sum(), abs=1e-4)
    np.testing.assert_allclose(capitals[-3:], plain[-3:], atol=1e-5)


def test_without_a_language_model_there_are_no_tokens(of_text: TextDetector) -> None:
    explained = of_text.explain(ESSAY)
    assert len(explained.tokens.start) == 0
    assert explained.tokens.contrast is None
    assert explained.people is None
    assert {sentence.perplexity for sentence in explained.sentences} == {None}
    assert explained.families


# --- sentences ------------------------------------------------------------------------------


def test_sentences(explained: Explanation) -> None:
    spans = [(one.start, one.end) for one in explained.sentences]
    assert spans == sentence_spans(explained.text)
    assert [one.words for one in explained.sentences] == [
        len(words(explained.text[start:end])) for start, end in spans
    ]
    ends = np.asarray(explained.tokens.end)
    first = explained.tokens.surprisal[ends <= spans[0][1]]
    assert explained.sentences[0].perplexity == pytest.approx(math.exp(first.mean()), rel=1e-5)
    assert len({one.score for one in explained.sentences}) > 1
    assert explained.sentence_score.neutral == 0


def test_a_sentence_of_another_style_stands_out() -> None:
    detector = light_detector().fit(*two_styles(160, mixed=0.0))
    (short, long), _ = two_styles(2, seed=1, mixed=0.0)
    own, inserted = short.split(". "), long.split(". ")[0]
    text = ". ".join([*own[:3], inserted, *own[3:]])
    explained = detector.explain(text)
    assert explained.sentence_score.name == SENTENCE_LOG_ODDS
    scores = [sentence.score for sentence in explained.sentences]
    assert len(scores) == 7
    assert np.argmax(scores) == 3


def test_hidden_states_and_wording_score_sentences_where_both_were_fitted(
    detector: TextDetector, explained: Explanation
) -> None:
    assert explained.sentence_score.name == EVIDENCE
    evidence = SentenceEvidence.from_learned(detector.extractor_.learned_)
    assert evidence is not None
    (document,) = detector.read_documents([explained.text_as_given])
    scores = [one.score for one in explained.sentences]
    assert scores == pytest.approx(evidence.of(document), abs=1e-4)
    # where passages are marked, the scores are calibrated
    detector.passage_detector_ = PassageDetector(0.5, -1.0, 1.0, 100.0, 1.0, 10.0, 2.0)
    try:
        calibrated = [one.score for one in detector.explain(explained.text_as_given).sentences]
    finally:
        detector.passage_detector_ = None
    assert calibrated == pytest.approx([0.5 * score - 1 for score in scores], abs=1e-4)


def test_the_auroc_of_the_scores_is_given_where_it_was_measured(
    early: TextDetector, tmp_path: Path
) -> None:
    assert early.explain(ESSAY).sentence_score.auroc is None
    loaded = TextDetector.from_pretrained(early.save_pretrained(tmp_path / "model"))
    loaded.metrics_[AUROC] = 0.75
    again = TextDetector.from_pretrained(loaded.save_pretrained(tmp_path / "model"))
    assert again.explain(ESSAY).sentence_score.auroc == 0.75


# --- hidden states of sentences ---------------------------------------------------------------


def feature_of(explanation: Explanation, name: str) -> float:
    (value,) = [one.value for one in explanation.features if one.name == name]
    return value


def test_hidden_states_of_sentences_are_what_the_network_makes_of_them(
    detector: TextDetector, early: TextDetector
) -> None:
    for one in (detector, early):
        (document,) = one.read_documents([ESSAY])
        arrays = one.extractor_.learned_["representation"]
        expected = representation.sentence_log_odds(document, arrays)
        found = [sentence.hidden_states for sentence in one.explain(ESSAY).sentences]
        assert found == pytest.approx(expected, abs=1e-4)
        assert len(set(found)) > 1


def test_the_hidden_states_of_the_only_sentence_are_those_of_the_text(
    detector: TextDetector,
) -> None:
    explained = detector.explain("We went down to the lake and it was cold there")
    (sentence,) = explained.sentences
    log_odds = feature_of(explained, "representation_log_odds")
    assert sentence.hidden_states == pytest.approx(log_odds, abs=1e-4)


def test_a_last_sentence_of_a_single_token_has_no_hidden_states(detector: TextDetector) -> None:
    explained = detector.explain("We went to the lake. It was cold there. I")
    first, second, last = explained.sentences
    assert first.hidden_states is not None
    assert second.hidden_states is not None
    assert last.hidden_states is None
    assert last.perplexity is not None


def test_sentences_that_were_averaged_together_have_no_hidden_states(
    detector: TextDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "We went to the lake. It was cold there. Nobody swam. We left."
    assert None not in {one.hidden_states for one in detector.explain(text).sentences}
    monkeypatch.setattr(pooling, "MAX_SENTENCES", 2)
    assert {one.hidden_states for one in detector.explain(text).sentences} == {None}


def test_without_the_family_there_are_no_hidden_states(of_text: TextDetector) -> None:
    assert {one.hidden_states for one in of_text.explain(ESSAY).sentences} == {None}


# --- human range ---------------------------------------------------------------------------------


def test_the_range_of_human_texts(
    detector: TextDetector, explained: Explanation, tmp_path: Path
) -> None:
    texts = [crop(text, 40) for text in sample()["text"]]
    human = [t for t, label in zip(texts, sample()["generated"], strict=True) if not label]
    averages = [
        np.convolve(one.statistics.surprisal, np.full(WINDOW, 1 / WINDOW), "valid")
        for one in detector.read_documents(human)
    ]
    found = explained.people
    assert found is not None
    assert (found.low, found.median, found.high) == pytest.approx(
        np.quantile(np.concatenate(averages), [0.1, 0.5, 0.9]), rel=1e-5
    )
    assert found.window == WINDOW
    loaded = TextDetector.from_pretrained(detector.save_pretrained(tmp_path / "model"))
    assert loaded.explain(ESSAY).people == found


def test_a_detector_saved_without_the_range_has_none(early: TextDetector, tmp_path: Path) -> None:
    assert early.surprisal_range_ is None
    loaded = TextDetector.from_pretrained(early.save_pretrained(tmp_path / "model"))
    assert loaded.surprisal_range_ is None
    assert loaded.explain(ESSAY).people is None  # the shipped one uses another language model


# --- the rest -------------------------------------------------------------------------------


def test_plain_values(explained: Explanation) -> None:
    values = explained.to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert list(values) == [
        "format", "id", "detector", "probability", "verdict", "note", "fpr", "thresholds",
        "words", "token_count", "text", "tokens", "passages", "share_generated", "sentences",
        "sentence_score", "families", "features", "base", "reasons", "people", "limits", "warnings",
        "flags", "text_as_given", "text_sha256", "provenance", "left_out",
    ]  # fmt: skip
    assert (values["format"], values["id"], values["detector"]) == (1, "s01", "tiny")
    assert {len(column) for column in values["tokens"].values()} == {values["token_count"]}
    assert len(values["features"]) == MAX_FEATURES < len(explained.features)
    assert set(values["sentences"][0]) == {
        "start", "end", "score", "perplexity", "words", "hidden_states",
    }  # fmt: skip
    assert set(values["people"]["surprisal"]) == {"low", "median", "high", "window"}
    labels = {family["name"]: family["label"] for family in values["families"]}
    assert labels["representation"] == "Hidden states"
    assert values["limits"] == list(LIMITS)
    assert len(values["limits"]) == 2


def test_explain_agrees_with_assess(detector: TextDetector) -> None:
    texts = [ESSAY, "Too short.", "uno dos tres cuatro cinco seis siete ocho nueve diez " * 6]
    for text, row in zip(texts, detector.assess(texts).to_dict("records"), strict=True):
        explained = detector.explain(text)
        assert explained.probability == pytest.approx(row["probability"], abs=1e-6)
        assert (explained.verdict, explained.note) == (row["verdict"], row["note"])
        assert explained.words == row["words"]


def test_thresholds(of_text: TextDetector) -> None:
    strict = of_text.explain(ESSAY)
    assert strict.generated_threshold is None  # 30 human texts cannot guarantee 1 %
    lenient = light_detector(fpr=0.2).fit(*two_styles(60))
    for text in two_styles(12, seed=1)[0]:
        explained = lenient.explain(text)
        expected = "uncertain"
        if explained.probability >= explained.generated_threshold:
            expected = "generated"
        elif explained.probability < explained.human_threshold:
            expected = "human"
        assert explained.verdict == expected


@pytest.mark.parametrize("text", ODD)
def test_odd_texts(detector: TextDetector, early: TextDetector, text: str) -> None:
    for one in (detector, early):
        explained = one.explain(text)
        values = explained.to_dict()
        json.dumps(values, allow_nan=False)
        assert explained.verdict == "uncertain"
        assert explained.base is not None
        total = explained.base + sum(family.contribution for family in explained.families)
        assert total == pytest.approx(logit(explained.probability), abs=1e-5)
        for start, end in zip(values["tokens"]["start"], values["tokens"]["end"], strict=True):
            assert 0 <= start < end <= len(explained.text)


def test_a_long_text(detector: TextDetector) -> None:
    long = " ".join(sample()["text"])
    explained = detector.explain(long[: 5000 * 6])
    assert explained.words > 5000
    assert len(explained.sentences) > 200
    assert np.isfinite([one.score for one in explained.sentences]).all()


@pytest.mark.parametrize("text", [None, 7, b"bytes"])
def test_other_types_than_text_raise(of_text: TextDetector, text: Any) -> None:
    with pytest.raises(InputError):
        of_text.explain(text)


def test_explanation_is_public_and_immutable(explained: Explanation) -> None:
    assert perplexity_detector.Explanation is Explanation
    assert "Explanation" in dir(perplexity_detector)
    with pytest.raises(dataclasses.FrozenInstanceError):
        explained.probability = 0.0  # type: ignore[misc]


def test_the_text_as_given_and_its_hash(detector: TextDetector) -> None:
    given = "\u201cWe ran,\u201d he said \u2026 and it was cold."
    explained = detector.explain(given, detector="tiny")
    assert explained.text_as_given == given != explained.text
    assert explained.text_sha256 == hashlib.sha256(given.encode()).hexdigest()
    assert explained.provenance.detector == "tiny"
    assert explained.provenance.language_model == detector.language_model_
    assert explained.to_dict()["provenance"] == explained.provenance.to_dict()
