"""Scorers that differ in depth alone: one copy of the weights, and the same numbers."""

import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from perplexity_detector.lm.kernels.int8_linear import can_quantise
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.scorer_cache import load_scorer, shared_scorer
from perplexity_detector.lm.weights.packed import WEIGHTS_FILE, PackedWeights

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


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_only_the_missing_blocks_are_loaded(smollm2_folder, monkeypatch, precision):
    if precision == "int8" and not can_quantise():
        pytest.skip("int8 needs x86")
    read = []
    load = PackedWeights.__getitem__

    def recorded(self, name):
        read.append(name)
        return load(self, name)

    monkeypatch.setattr(PackedWeights, "__getitem__", recorded)
    load_scorer.cache_clear()
    lm = str(smollm2_folder)
    shared_scorer(options(lm, depth=0.1, precision=precision))
    assert any(".layers.2." in name for name in read)
    read.clear()
    whole = shared_scorer(options(lm, precision=precision))
    assert any(".layers.3." in name for name in read)
    assert not any(f".layers.{number}." in name for name in read for number in range(3))
    monkeypatch.undo()
    alone = LanguageModelScorer(lm, device="cpu", precision=precision)
    for ours, theirs in zip(whole.score(TEXTS), alone.score(TEXTS), strict=True):
        np.testing.assert_array_equal(ours.surprisal, theirs.surprisal)


def test_a_model_whose_files_have_changed_is_loaded_whole(smollm2_folder, tmp_path):
    folder = tmp_path / "lm"
    shutil.copytree(smollm2_folder, folder)
    load_scorer.cache_clear()
    before = shared_scorer(options(folder, depth=0.1))
    with safe_open(folder / WEIGHTS_FILE, framework="pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    weights["model.layers.0.input_layernorm.weight"] *= 2
    (folder / WEIGHTS_FILE).unlink()  # the file itself may be the original, linked
    save_file(weights, folder / WEIGHTS_FILE, metadata)
    changed = shared_scorer(options(folder))
    assert not set(before.model.modules()) & set(changed.model.modules())
    alone = LanguageModelScorer(str(folder), device="cpu", precision="float32")
    for ours, theirs in zip(changed.score(TEXTS), alone.score(TEXTS), strict=True):
        np.testing.assert_array_equal(ours.surprisal, theirs.surprisal)
