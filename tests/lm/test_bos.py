"""The token after which prose costs the fewest bits."""

import math

import pytest

from perplexity_detector.lm.bos import PASSAGES, bits_per_character
from perplexity_detector.lm.scorer import LanguageModelScorer


def test_bits_per_character(tiny_gpt2):
    scorer = LanguageModelScorer(str(tiny_gpt2))
    texts = ["It rains.", "The tide waits for nobody."]
    bits = bits_per_character(scorer, [0, 2], texts)
    assert list(bits) == [0, 2]
    assert scorer.bos_id == 0
    for bos_id, value in bits.items():
        scorer.bos_id = bos_id
        nats = sum(one.surprisal.sum() for one in scorer.score(texts))
        assert value == pytest.approx(nats / math.log(2) / (9 + 26), rel=1e-6)
    assert bits[0] != bits[2]


def test_the_first_token_is_put_back_after_an_error(tiny_gpt2):
    scorer = LanguageModelScorer(str(tiny_gpt2))
    with pytest.raises(IndexError):
        bits_per_character(scorer, [512], ["It rains."])
    assert scorer.bos_id == 0


def test_smollm2_reads_prose_best_after_the_token_it_was_given(smollm2_folder):
    scorer = LanguageModelScorer()
    bits = bits_per_character(scorer, [0, 1, 2], PASSAGES)
    assert min(bits, key=bits.__getitem__) == scorer.bos_id
    assert 0.5 < bits[scorer.bos_id] < 1.5
