"""A block of Llama in 8-bit integers, against the block itself."""

import copy
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.lm.kernels.attention import attend
from perplexity_detector.lm.kernels.int8_block import Int8Block, normed, turned, use_int8_blocks
from perplexity_detector.lm.kernels.int8_linear import Int8Linear, can_quantise, quantised
from perplexity_detector.lm.kernels.packed_linear import replace_linear_layers
from perplexity_detector.lm.llama import Llama, LlamaConfig, RMSNorm, rotary, rotated
from perplexity_detector.lm.scorer import LanguageModelScorer

pytestmark = pytest.mark.skipif(not can_quantise(), reason="no 8-bit products on this machine")

CONFIG = LlamaConfig(
    vocab_size=300,
    hidden_size=96,
    intermediate_size=160,
    num_hidden_layers=2,
    num_attention_heads=6,
    num_key_value_heads=2,
    max_position_embeddings=512,
    rms_norm_eps=1e-5,
    rope_theta=500.0,
    bos_token_id=0,
)


@pytest.fixture(scope="module")
def exact():
    torch.manual_seed(0)
    shapes = {name: one.shape for name, one in Llama(CONFIG).state_dict().items()}
    weights = {
        name: torch.rand(shape) + 0.5 if "norm" in name else torch.randn(shape) * 0.1
        for name, shape in shapes.items()
    }
    model, missing = Llama.from_weights(CONFIG, weights)
    assert missing == []
    return model


@pytest.fixture(scope="module")
def states(exact):
    ids = torch.randint(300, (3, 50), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        states = exact.get_input_embeddings()(ids)
        states[:, 0] *= 1e3  # as the first token's state in models that were trained
        return states


def in_integers(exact):
    """The first block with layers of integers, and in one piece."""
    layer_by_layer = copy.deepcopy(exact.model.layers[0])
    replace_linear_layers(layer_by_layer, Int8Linear)
    return layer_by_layer, Int8Block(layer_by_layer)


def errors(found, expected):
    """Relative error of each state's change."""
    return (found - expected).norm(dim=-1) / expected.norm(dim=-1)


def test_it_is_as_near_as_its_layers_are(exact, states):
    rotation = rotary(CONFIG, states.shape[1], states)
    layer_by_layer, block = in_integers(exact)
    before = states.clone()
    with torch.inference_mode():
        expected = exact.model.layers[0](states, rotation) - states
        by_layers = layer_by_layer(states, rotation) - states
        found = block(states, rotation) - states
    assert torch.equal(states, before)  # a reading that pauses keeps them
    ours, theirs = errors(found, expected)[:, 1:], errors(by_layers, expected)[:, 1:]
    assert 0 < ours.mean() < 1.05 * theirs.mean() < 0.05
    assert ours.max() < 0.1


def test_other_texts_of_a_batch_change_nothing(exact, states):
    rotation = rotary(CONFIG, states.shape[1], states)
    _, block = in_integers(exact)
    others = torch.cat([states[:1], 1e4 * states[1:]])
    with torch.inference_mode():
        found = [block(batch, rotation)[0] for batch in (states, others, states[:1])]
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)
    # a product of fewer rows may sum in another order, which can round to the next integer
    assert errors(found[2] - states[0], found[0] - states[0]).max() < 0.01


@settings(deadline=None)
@given(st.integers(1, 6), st.floats(-15, 15), st.integers(0, 2**32 - 1))
def test_the_norm_goes_into_the_scale(n_rows, exponent, seed):
    generator = torch.Generator().manual_seed(seed)
    rows = 10**exponent * torch.randn(n_rows, 96, generator=generator)
    rows[0] = 0
    norm = RMSNorm(CONFIG)
    norm.load_state_dict({"weight": torch.rand(96, generator=generator) + 0.5}, assign=True)
    with torch.inference_mode():
        integers, scale = normed(rows.clone(), norm)
        expected = norm(rows)
        alone = [normed(row[None], norm) for row in rows]
    assert integers.dtype == torch.uint8
    assert integers.min() >= 1 and integers.max() <= 255
    found = (integers.float() - 128) * scale
    # half a step of the row's scale, and rounding
    assert ((found - expected).abs() <= 0.501 * scale + 1e-30).all()
    assert torch.equal(torch.cat([one.integers for one in alone]), integers)
    torch.testing.assert_close(torch.cat([one.scale for one in alone]), scale, rtol=1e-6, atol=0)


def test_layers_share_rows_without_a_change():
    torch.manual_seed(0)
    rows = torch.randn(7, 64) * torch.logspace(-3, 3, 7)[:, None]
    layers = [Int8Linear(torch.nn.Linear(64, outputs)) for outputs in (8, 40)]
    with torch.inference_mode():
        before, shared = rows.clone(), quantised(rows)
        assert torch.equal(rows, before)
        for layer in layers:
            assert torch.equal(layer.product(shared), layer(rows))


def test_positions_turn_queries_as_they_do_in_the_block():
    torch.manual_seed(0)
    states = torch.randn(2, 9, 6, 16)
    rotation = rotary(CONFIG, 9, states)
    expected = rotated(states.transpose(1, 2), rotation).transpose(1, 2)
    torch.testing.assert_close(turned(states, rotation), expected)


def test_attention_can_still_be_chosen(exact, states):
    model = copy.deepcopy(exact)
    replace_linear_layers(model, Int8Linear)
    use_int8_blocks(model)
    use_int8_blocks(model)  # a second time changes nothing
    assert all(type(layer) is Int8Block for layer in model.model.layers)
    block = model.model.layers[0]
    run = partial(block, rotation=rotary(CONFIG, states.shape[1], states))
    with torch.inference_mode():
        first = run(states)
        model.set_attention(attend)
        second = run(states)
    assert block.self_attn.attention is attend
    difference = errors(second - states, first - states)[:, 1:]
    assert 0 < difference.mean() < 0.05


def test_only_the_models_own_blocks_are_replaced(tiny_llama, tiny_gpt2):
    for folder in (tiny_llama, tiny_gpt2):
        for precision in ("float32", "int8"):
            scorer = LanguageModelScorer(str(folder), precision=precision)
            replaced = [isinstance(one, Int8Block) for one in scorer.model.modules()]
            assert any(replaced) == (isinstance(scorer.model, Llama) and precision == "int8")


def test_what_was_cached_before_the_blocks_is_not_read(tiny_gpt2):
    scorer = LanguageModelScorer(str(tiny_gpt2), precision="int8")
    assert scorer.identity.endswith(" int8-2")


def test_the_shipped_model_reads_in_integers(smollm2_folder):
    """Its states have outliers, which random weights have not."""
    text = "The keys to the cabinet are on the table, said the man who had lost them twice."
    exact, whole = (LanguageModelScorer(precision=one) for one in ("float32", "int8"))
    assert all(type(layer) is Int8Block for layer in whole.model.model.layers)
    ours, theirs = exact.score([text])[0], whole.score([text])[0]
    difference = abs(ours.surprisal - theirs.surprisal)
    assert 0 < difference.mean() < 0.4
