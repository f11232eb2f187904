"""Jobs one after another, with batches in flight while earlier ones are collected."""

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
def test_a_stream_gives_what_read_gives(tiny_llama, lag):
    scorer = LanguageModelScorer(str(tiny_llama), device="cpu", batch_tokens=64)
    texts = [PASSAGES[0], "", "a", PASSAGES[1], PASSAGES[2], "One two three."]
    expected = scorer.read(texts, layers=[1, 2])
    scorer._lag = lag  # as on a GPU
    counted: list[int] = []
    jobs = (scorer.read_job(texts[first : first + 2], layers=[1, 2]) for first in (0, 2, 4))
    streamed = [one for outputs in scorer.stream(jobs, counted.append) for one in outputs]
    assert sum(counted) == sum(len(one.statistics.surprisal) for one in expected if one.statistics)
    for one, other in zip(streamed, expected, strict=True):
        for name in ("surprisal", "rank", "entropy", "variance"):
            ours, theirs = (getattr(each.statistics, name) for each in (one, other))
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(one.states.means, other.states.means, rtol=1e-4, atol=1e-4)
