import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from perplexity_detector.lm.kernels import attention
from perplexity_detector.lm.kernels.attention import BLOCKWISE, attend
from perplexity_detector.lm.scorer import LanguageModelScorer

SHAPES = [(9, 3, 1), (9, 3, 5), (4, 4, 128), (6, 1, 129), (9, 3, 300)]


def states(heads, shared, length, width=16):
    draw = torch.Generator().manual_seed(length)
    return [
        torch.randn(2, count, length, width, generator=draw) for count in (heads, shared, shared)
    ]


@pytest.mark.parametrize(("heads", "shared", "length"), SHAPES)
def test_it_is_causal_attention(heads, shared, length):
    query, key, value = states(heads, shared, length)
    attended = attend(query, key, value, 0.25)
    expected = scaled_dot_product_attention(
        query.double(), key.double(), value.double(), is_causal=True, enable_gqa=True
    ).transpose(1, 2)
    assert attended.dtype == torch.float32
    assert attended.shape == expected.shape
    assert float((attended - expected).abs().max()) < 0.05
    assert float((attended - expected).abs().mean()) < 0.005


def test_what_comes_later_is_not_seen():
    query, key, value = states(4, 2, 200)
    before = attend(query, key, value, 0.25)
    key[:, :, 150:], value[:, :, 150:] = 7.0, -7.0
    after = attend(query, key, value, 0.25)
    assert torch.equal(before[:, :150], after[:, :150])
    assert not torch.equal(before[:, 150:], after[:, 150:])


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama"])
def test_a_scorer_uses_it_where_bfloat16_is_fast(model, essays, monkeypatch, request):
    folder = str(request.getfixturevalue(model))
    exact = LanguageModelScorer(folder)
    assert exact.model.config._attn_implementation == "sdpa"
    monkeypatch.setattr(attention, "multiplies_bfloat16", lambda: False)
    plain = LanguageModelScorer(folder, precision="bfloat16")
    monkeypatch.setattr(attention, "multiplies_bfloat16", lambda: True)
    quick = LanguageModelScorer(folder, precision="bfloat16")
    assert plain.model.config._attn_implementation == "sdpa"
    assert quick.model.config._attn_implementation == BLOCKWISE
    far, near = (
        np.mean(
            [
                np.abs(one.surprisal - other.surprisal).mean()
                for one, other in zip(
                    scorer.score(essays[:3]), exact.score(essays[:3]), strict=True
                )
            ]
        )
        for scorer in (plain, quick)
    )
    assert near < 1.5 * far + 1e-3


def test_a_mask_or_another_position_is_left_to_transformers():
    query, key, value = states(4, 4, 6)
    module = torch.nn.Module()
    mask = torch.ones(6, 6, dtype=torch.bool).tril().triu(-1)[None, None]  # a window of two
    attended, _ = attention._attention(module, query, key, value, mask, is_causal=False)
    expected = scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2)
    assert torch.allclose(attended, expected, atol=1e-5)
    attended, _ = attention._attention(module, query[:, :, -1:], key, value, None)
    expected = scaled_dot_product_attention(query[:, :, -1:], key, value).transpose(1, 2)
    assert torch.allclose(attended, expected, atol=1e-5)
