import numpy as np
import pytest

from perplexity_detector.features import contrast, ngrams
from perplexity_detector.features.document import Document
from perplexity_detector.lm.outputs import TokenIds


def document(*words):
    """One token a word, a sentence every four words."""
    written = [word + ("." if i % 4 == 3 else "") for i, word in enumerate(words)]
    ends = np.cumsum([len(word) + 1 for word in written]) - 1
    starts = ends - [len(word) for word in written]
    ids = np.array([sum(map(ord, word)) for word in words], np.int64)
    return Document(
        " ".join(written), tokens=TokenIds(ids, np.stack([starts, ends], axis=1).astype(np.int32))
    )


PEOPLE = [document(*["the", "cat", "sat", "down", "on", "the", "mat"]) for _ in range(4)]
MODELS = [document(*["moreover", "we", "shall", "delve", "into", "the", "realm"]) for _ in range(4)]
ARRAYS = contrast.fit_contrast(
    [*PEOPLE, *MODELS], np.array([0] * 4 + [1] * 4), np.zeros(8, np.int64)
)


def test_each_side_is_recognised():
    people = contrast.contrast_features(PEOPLE[0], ARRAYS)
    models = contrast.contrast_features(MODELS[0], ARRAYS)
    for name in ("mean", "p50", "favour_models", "span_lowest", "span_highest"):
        assert people[name] < models[name]
    assert people["favour_people"] > models["favour_people"]
    assert people["mean"] < 0 < models["mean"]


def test_values_are_those_of_the_formulas():
    mixed = document(*["the", "cat", "sat", "down", "moreover", "we", "shall", "delve"])
    people, models = ngrams.log_probabilities(ARRAYS, [mixed.tokens.ids]).astype(np.float64)
    gain = models - people
    values = contrast.contrast_features(mixed, ARRAYS)
    assert values["mean"] == pytest.approx(gain.mean())
    assert values["std"] == pytest.approx(gain.std())
    assert values["p25"] == pytest.approx(np.quantile(gain, 0.25))
    assert values["favour_models"] == (gain > 0.5).mean()
    assert values["favour_people"] == (gain < -0.5).mean()
    sentences = [gain[:4].sum() / 14, gain[4:].sum() / 14]
    assert contrast.sentence_log_ratios(mixed, ARRAYS) == pytest.approx(sentences)
    assert values["span_lowest"] == values["span_highest"] == pytest.approx(gain.mean())
    assert values["surprise"] == pytest.approx(-(people + models).mean() / 2)


def test_spans_of_a_long_text():
    words = ["the", "cat", "sat", "down", "on", "the", "mat"] * 10 + (
        ["moreover", "we", "shall", "delve", "into", "the", "realm"] * 10
    )
    values = contrast.contrast_features(document(*words), ARRAYS)
    assert values["span_lowest"] < values["mean"] < values["span_highest"]


def test_a_text_without_tokens_has_zeros():
    values = contrast.contrast_features(Document(""), ARRAYS)
    assert list(values) == list(contrast.LABELS)
    assert set(values.values()) == {0.0}
