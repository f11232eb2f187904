"""Scorers that differ in depth alone: one copy of the weights, and the same numbers."""

import numpy as np
import pytest
import torch

from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.scorer_cache import load_scorer, shared_scorer

TEXTS = ["We walked to the lake before it rained.", "Nobody had thought of a coat."]


def options(lm, **changes):
    defaults = {
        "lm": str(lm), "revision": None, "depth": 1.0, "device": "cpu", "precision": "float32",
        "batch_tokens": None, "cache": None,
    }  # fmt: skip
    return ReadingOptions(**{**defaults, **changes})


def storages(scorer):
    tensors = [*scorer.model.parameters(), *scorer.model.buffers()]
    # weights in oneDNN's layout have no address that Python can see
    return {id(one) if one.is_mkldnn else one.data_ptr() for one in tensors}


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama"])
@pytest.mark.parametrize("depths", [(0.5, 1.0), (1.0, 0.5)])
def test_a_deeper_model_has_the_shallow_ones_weights(request, model, depths):
    lm = request.getfixturevalue(model)
    load_scorer.cache_clear()
    shallow, deep = sorted(
        (shared_scorer(options(lm, depth=depth)) for depth in depths), key=lambda one: one.depth
    )
    assert storages(shallow) < storages(deep)
    assert deep.model.get_output_embeddings() is not shallow.model.get_output_embeddings()
    alone = LanguageModelScorer(str(lm), device="cpu", precision="float32")
    for one, other in zip(deep.score(TEXTS), alone.score(TEXTS), strict=True):
        np.testing.assert_array_equal(one.surprisal, other.surprisal)
    for ours, theirs in zip(
        shallow.read(TEXTS, (1,), False), alone.read(TEXTS, (1,), False), strict=True
    ):
        np.testing.assert_array_equal(ours.states.means, theirs.states.means)


def test_other_models_and_precisions_share_nothing(tiny_gpt2, tiny_llama):
    load_scorer.cache_clear()
    first = shared_scorer(options(tiny_gpt2))
    assert not storages(first) & storages(shared_scorer(options(tiny_llama)))
    first = shared_scorer(options(tiny_gpt2))
    other = shared_scorer(options(tiny_gpt2, precision="float64"))
    assert next(other.model.parameters()).dtype == torch.float64
    assert not storages(first) & storages(other)
