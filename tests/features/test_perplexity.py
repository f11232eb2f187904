"""Family `perplexity` by hand."""

import math

import numpy as np
import pytest

from perplexity_detector.features.perplexity import FAMILY, MAX_MEAN_SURPRISAL


def test_two_sentences_by_hand(document_of):
    tokens = ["Go", ".", " Stay", "."]
    values = FAMILY.compute(document_of([1, 3, 4, 8], tokens=tokens))
    assert list(values) == list(FAMILY.labels)
    assert values["mean"] == 4
    assert values["median"] == 3.5
    assert values["quantile_25"] == 2.5
    assert values["quantile_75"] == 5
    assert values["quantile_5"] == pytest.approx(1.3)
    assert values["quantile_95"] == pytest.approx(7.4)
    assert values["std"] == pytest.approx(math.sqrt(6.5))
    assert values["text"] == pytest.approx(math.exp(4))
    low, high = math.exp(2), math.exp(6)
    assert values["sentence_mean"] == pytest.approx((low + high) / 2)
    assert values["sentence_median"] == pytest.approx((low + high) / 2)
    assert values["sentence_quantile_10"] == pytest.approx(low + 0.1 * (high - low))
    assert values["sentence_quantile_90"] == pytest.approx(low + 0.9 * (high - low))
    assert values["bits_per_character"] == pytest.approx(16 / math.log(2) / 9)


def test_a_byte_of_eight_even_bits_has_eight_bits_per_character(document_of):
    values = FAMILY.compute(document_of(np.full(20, math.log(256))))
    assert values["bits_per_character"] == pytest.approx(8)
    assert values["text"] == pytest.approx(256)
    assert values["std"] == pytest.approx(0, abs=1e-6)


def test_a_hopeless_text_keeps_a_finite_perplexity(document_of):
    values = FAMILY.compute(document_of([5000.0]))
    assert values["mean"] == 5000
    assert values["text"] == values["sentence_mean"] == math.exp(MAX_MEAN_SURPRISAL)


def test_an_empty_text_is_all_zero(document_of):
    assert set(FAMILY.compute(document_of()).values()) == {0.0}
