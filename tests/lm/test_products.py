"""Layers that multiply in another way than torch's: packed, and in 8-bit integers."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers.activations import NewGELUActivation
from transformers.pytorch_utils import Conv1D

from perplexity_detector.errors import InputError
from perplexity_detector.lm.kernels.int8_linear import Int8Linear, can_quantise
from perplexity_detector.lm.kernels.packed_linear import (
    MIN_WIDE_OUTPUTS,
    PackedLinear,
    can_pack,
    is_faster_packed,
    packed_linear,
    replace_linear_layers,
)
from perplexity_detector.lm.kernels.precision import fuse_gelu, precision_of
from perplexity_detector.lm.scorer import LanguageModelScorer

TEXT = "The keys to the cabinet are on the table, said the man who had lost them twice."
quantised = pytest.mark.skipif(not can_quantise(), reason="no 8-bit products on this machine")


@pytest.mark.parametrize("dtype, rounding", [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
def test_packed_layers_give_the_same_products(dtype, rounding):
    if not can_pack(dtype):
        pytest.skip(f"oneDNN packs no {dtype} on this machine")
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(24, 40), nn.Sequential(nn.Linear(40, 8, bias=False), nn.Tanh()), Conv1D(3, 8)
    ).to(dtype)
    inputs = torch.randn(5, 7, 24, dtype=dtype)
    with torch.inference_mode():
        expected = model(inputs)
        replace_linear_layers(model, PackedLinear)
        assert sum(isinstance(layer, PackedLinear) for layer in model.modules()) == 3
        torch.testing.assert_close(model(inputs), expected, rtol=10 * rounding, atol=rounding)
        assert model(inputs[0, :1]).shape == (1, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("outputs", [40, MIN_WIDE_OUTPUTS])
def test_every_type_runs_packed_or_not(dtype, outputs):
    linear = nn.Linear(24, outputs).to(dtype)
    weight = linear.weight
    model = nn.Sequential(linear)
    replace_linear_layers(model, packed_linear)
    assert isinstance(model[0], PackedLinear) == is_faster_packed(weight)
    with torch.inference_mode():
        assert model(torch.ones(2, 24, dtype=dtype)).shape == (2, outputs)


def test_the_activation_of_gpt2_is_one_step():
    model = nn.Sequential(nn.Linear(24, 40), NewGELUActivation())
    inputs = torch.randn(5, 24)
    expected = model(inputs)
    fuse_gelu(model)
    assert type(model[1]) is nn.GELU
    torch.testing.assert_close(model(inputs), expected, rtol=1e-5, atol=1e-6)


# --- 8-bit integers -------------------------------------------------------------------------


@quantised
def test_products_of_integers_are_near():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(96, 40), nn.Linear(40, 64, bias=False), Conv1D(8, 64))
    inputs = torch.randn(5, 7, 96) * torch.logspace(-3, 3, 7)[:, None]
    with torch.inference_mode():
        expected = model(inputs)
        replace_linear_layers(model, Int8Linear)
        assert all(type(layer) is Int8Linear for layer in model)
        found = model(inputs)
    # each row has its own scale: a small one is as exact as a large one
    error = (found - expected).norm(dim=-1) / expected.norm(dim=-1)
    assert 0 < float(error.max()) < 0.06


@quantised
def test_the_largest_integers_do_not_run_over():
    layer = nn.Linear(512, 8)
    nn.init.ones_(layer.weight)
    inputs = torch.ones(2, 512)
    with torch.inference_mode():
        torch.testing.assert_close(Int8Linear(layer)(inputs), layer(inputs), rtol=1e-4, atol=0)


@quantised
def test_a_row_is_multiplied_as_if_it_were_alone():
    torch.manual_seed(0)
    layer = Int8Linear(nn.Linear(64, 32))
    rows = torch.randn(9, 64)
    rows[4] *= 1e4
    rows[5] = 0
    with torch.inference_mode():
        together = layer(rows)
        alone = torch.cat([layer(row[None]) for row in rows])
    np.testing.assert_array_equal(together.numpy(), alone.numpy())
    np.testing.assert_allclose(together[5].numpy(), layer.bias.detach().numpy())


@quantised
@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama"])
def test_a_model_reads_in_integers(model, request):
    folder = str(request.getfixturevalue(model))
    exact, whole = (LanguageModelScorer(folder, precision=p) for p in ("float32", "int8"))
    ours, theirs = exact.score([TEXT])[0], whole.score([TEXT])[0]
    difference = np.abs(ours.surprisal - theirs.surprisal)
    assert 0 < difference.mean() < 0.3
    assert exact.identity != whole.identity  # so a cache keeps them apart


def test_integers_are_not_for_a_gpu():
    with pytest.raises(InputError, match="int8 is for x86 processors: use precision=auto"):
        precision_of("int8", torch.device("cuda"))
