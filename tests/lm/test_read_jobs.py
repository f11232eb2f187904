"""Tasks one after another, some of them under way while others are gathered."""

import numpy as np
import pytest

from perplexity_detector.lm.bos import PASSAGES
from perplexity_detector.lm.read_jobs import delayed
from perplexity_detector.lm.scorer import LanguageModelScorer


def test_items_come_once_others_have_been_made():
    made = []

    def items():
        for number in range(5):
            made.append(number)
            yield number

    seen = [(item, len(made)) for item in delayed(items(), 2)]
    assert seen == [(0, 3), (1, 4), (2, 5), (3, 5), (4, 5)]
    assert list(delayed([], 2)) == []
    assert list(delayed("abc", 0)) == ["a", "b", "c"]


@pytest.mark.parametrize("lag", [0, 2, 100])
def test_a_stream_says_what_reading_says(tiny_llama, lag):
    scorer = LanguageModelScorer(str(tiny_llama), device="cpu", batch_tokens=64)
    texts = [PASSAGES[0], "", "a", PASSAGES[1], PASSAGES[2], "One two three."]
    expected = scorer.read(texts, layers=[1, 2])
    scorer._lag = lag  # as on a GPU
    counted = []
    tasks = (scorer.read_job(texts[first : first + 2], layers=[1, 2]) for first in (0, 2, 4))
    told = [one for readings in scorer.stream(tasks, counted.append) for one in readings]
    assert sum(counted) == sum(len(one.statistics) for one in expected)
    for one, other in zip(told, expected, strict=True):
        for name in ("surprisal", "rank", "entropy", "variance"):
            ours, theirs = (getattr(each.statistics, name) for each in (one, other))
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(one.states.means, other.states.means, rtol=1e-4, atol=1e-4)
