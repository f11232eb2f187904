"""Averages of hidden states against plain transformers, in float64."""

import numpy as np
import pytest
import torch
import transformers

from perplexity_detector.errors import InputError, LanguageModelError
from perplexity_detector.lm import pooling
from perplexity_detector.lm.bos import PASSAGES
from perplexity_detector.lm.kernels.blocks import blocks_of
from perplexity_detector.lm.pooling import PooledStates, capture_hidden_states
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.text import sentence_spans

TEXTS = [
    "The ferry is late. It comes twice a day, and nobody minds! Why would they?",
    "One two",
    "a",
    "",
    "No end in sight and no stop either " * 3,
]
LONG = " ".join(PASSAGES)


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"], scope="module")
def folder(request):
    return str(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def scorer(folder):
    return LanguageModelScorer(folder)


def first_token_seen(t, window):
    """Where the window that predicts token t starts: each later one adds half a window."""
    stride = window - (window + 1) // 2
    return 0 if t < window else ((t - window) // stride + 1) * stride


@torch.inference_mode()
def states_plainly(folder, ids, window):
    """State after each block of each token but the last, (blocks, n - 1, width), in float64."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    # transformers gives what the final norm made of the last block's output
    last = []
    blocks = model.transformer.h if model.config.model_type == "gpt2" else model.model.layers
    blocks[-1].register_forward_hook(
        lambda _, __, out: last.append(out[0] if isinstance(out, tuple) else out)
    )
    states = []
    for t in range(1, len(ids)):
        start = first_token_seen(t, window)
        inputs = torch.tensor([[0, *ids[start:t]]])
        hidden = model(inputs, output_hidden_states=True).hidden_states
        states.append(torch.cat([*hidden[1:-1], last.pop()])[:, -1])
    return torch.stack(states, dim=1).numpy()


def sentences_plainly(text, offsets):
    """The sentence whose start is the last one before the last character of each token."""
    spans = sentence_spans(text)
    return np.array([
        max(i for i, (start, _) in enumerate(spans) if i == 0 or start < end) for _, end in offsets
    ])  # fmt: skip


@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[1], "To", LONG])
def test_averages_by_sentence(folder, scorer, text):
    read = scorer.read([text], (1, 2))[0].states
    encoding = scorer.encode([text])[0]
    states = states_plainly(folder, encoding.ids, scorer.window)
    of = sentences_plainly(text, encoding.offsets[:-1])
    means = [states[:, of == sentence].mean(axis=1) for sentence in np.unique(of)]
    assert read.layers == (1, 2)
    np.testing.assert_allclose(read.means, np.stack(means, axis=1), atol=1e-4)
    np.testing.assert_allclose(read.mean(), states.mean(axis=1), atol=1e-4)
    assert read.tokens.tolist() == np.unique(of, return_counts=True)[1].tolist()
    assert read.tokens.sum() == len(encoding.ids) - 1


def test_the_long_text_has_sentences_over_several_windows(scorer):
    encoding = scorer.encode([LONG])[0]
    assert len(encoding.ids) > 3 * scorer.window
    assert len(sentence_spans(LONG)) > 3


def test_of_thousands_of_sentences_neighbours_share_an_average(scorer, monkeypatch):
    text = "So. " * 2050 + "A cat. " * 2050  # four too many for each to have its own
    together = scorer.read([text], (1,), statistics=False)[0].states
    monkeypatch.setattr(pooling, "MAX_SENTENCES", 4100)
    apart = scorer.read([text], (1,), statistics=False)[0].states
    assert (together.means.shape[1], apart.means.shape[1]) == (2050, 4100)
    assert together.tokens.tolist() == (apart.tokens[::2] + apart.tokens[1::2]).tolist()
    np.testing.assert_allclose(together.mean(), apart.mean(), atol=1e-4)


@pytest.mark.parametrize("text", ["", "a"])
def test_texts_of_no_and_of_one_token_have_no_states(scorer, text):
    (read,) = scorer.read([text], (1, 2))
    assert len(read.statistics) == len(text)
    assert read.states.means.shape == (2, 0, 32)
    assert read.states.tokens.tolist() == []
    assert read.states.mean().shape == (2, 32)
    assert not read.states.mean().any()


def test_two_tokens_have_the_state_of_the_first(folder, scorer):
    ids = scorer.encode(["zz"])[0].ids
    assert len(ids) == 2
    read = scorer.read(["zz"], (1, 2))[0].states
    states = states_plainly(folder, ids, scorer.window)
    np.testing.assert_allclose(read.means, states, atol=1e-4)
    assert read.tokens.tolist() == [1]


@pytest.mark.parametrize("batch_tokens", [1, 150, 1024, 10_000])
def test_the_batch_does_not_matter(folder, scorer, batch_tokens):
    texts = [*TEXTS, LONG, *(LONG[start : 4 * start] for start in range(0, 90, 9))]
    expected = [scorer.read([text], (1, 2))[0] for text in texts]
    others = LanguageModelScorer(folder, batch_tokens=batch_tokens).read(texts, (1, 2))
    for one, other in zip(expected, others, strict=True):
        np.testing.assert_array_equal(one.states.tokens, other.states.tokens)
        np.testing.assert_allclose(one.states.means, other.states.means, atol=1e-4)


def test_what_states_are_made_of(scorer):
    (read,) = scorer.read([LONG], (1, 2))
    assert read.states.means.dtype == np.float32
    assert read.states.mean().dtype == np.float32
    assert read.states.tokens.dtype == np.int32


def test_statistics_are_the_same_with_states_and_without(scorer):
    with_states = [one.statistics for one in scorer.read(TEXTS, (1, 2))]
    for one, other in zip(with_states, scorer.score(TEXTS), strict=True):
        np.testing.assert_array_equal(one.surprisal, other.surprisal)


def test_no_texts(scorer):
    assert scorer.read([], (1,)) == []


def test_the_states_of_no_text():
    assert PooledStates.empty().mean().size == 0


# --- where the pass ends --------------------------------------------------------------------


def test_a_pass_that_is_left_early_has_the_same_states(folder, scorer, monkeypatch):
    shallow = LanguageModelScorer(folder, depth=0.5)
    monkeypatch.setattr(shallow, "head", None)  # which it never needs
    assert shallow.depth == 1
    assert len(blocks_of(shallow.model)) == 1
    read = shallow.read(TEXTS, (1,), statistics=False)
    for one, other in zip(read, scorer.read(TEXTS, (1,)), strict=True):
        assert one.statistics is None
        np.testing.assert_array_equal(one.states.means, other.states.means)


def test_what_a_pass_does_not_reach_is_refused(folder, scorer):
    shallow = LanguageModelScorer(folder, depth=0.5)
    with pytest.raises(
        InputError, match=r"stops after block 1 gives no statistics: .* with depth=1"
    ):
        shallow.score(["One."])
    with pytest.raises(InputError, match="read to block 1: it has no state after 2"):
        shallow.read(["One."], (2,), statistics=False)
    with pytest.raises(InputError, match=r"must increase, and \(2, 1\) do not"):
        scorer.read(["One."], (2, 1))
    with pytest.raises(InputError, match="it has no state after 3"):
        scorer.read(["One."], (3,))


@pytest.mark.parametrize("depth", [0, 1.01, -0.5])
def test_a_depth_is_a_share_of_the_blocks(folder, depth):
    with pytest.raises(InputError, match="a share of the model's blocks"):
        LanguageModelScorer(folder, depth=depth)


def test_a_share_is_rounded_to_blocks_of_the_whole_model(folder):
    shallow = LanguageModelScorer(folder, depth=0.5)
    assert [shallow.layer_at(share) for share in (0.01, 0.5, 0.74, 0.76, 1)] == [1, 1, 1, 2, 2]


# --- hooks ----------------------------------------------------------------------------------


def test_hooks_are_gone_after_a_pass(scorer):
    def hooks():  # transformers may have some of its own
        return [len(block._forward_hooks) for block in blocks_of(scorer.model)]

    before = hooks()
    scorer.read(TEXTS, (1, 2))
    with pytest.raises(KeyboardInterrupt), capture_hidden_states(scorer.model, (1, 2)):
        assert hooks() == [count + 1 for count in before]
        raise KeyboardInterrupt
    assert hooks() == before


@pytest.mark.parametrize(
    "config",
    [
        transformers.GPTNeoXConfig(vocab_size=50, hidden_size=8, intermediate_size=8,
                                   num_attention_heads=2, num_hidden_layers=3),
        transformers.OPTConfig(vocab_size=50, hidden_size=8, word_embed_proj_dim=8, ffn_dim=8,
                               num_attention_heads=2, num_hidden_layers=3),
        transformers.Qwen2Config(vocab_size=50, hidden_size=8, intermediate_size=8,
                                 num_attention_heads=2, num_key_value_heads=1,
                                 num_hidden_layers=3),
    ],
    ids=lambda config: config.model_type,
)  # fmt: skip
def test_blocks_of_other_architectures(config):
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    ids = torch.tensor([[1, 2, 3]])
    with capture_hidden_states(model, (1, 3)) as taken, torch.inference_mode():
        hidden = model(ids, output_hidden_states=True).hidden_states
    assert len(taken) == 2
    torch.testing.assert_close(taken[0], hidden[1])


def test_a_model_without_blocks_says_so():
    # it runs one block over and over
    config = transformers.AlbertConfig(
        vocab_size=50, embedding_size=8, hidden_size=8, intermediate_size=8, num_attention_heads=2
    )
    odd = transformers.AutoModelForMaskedLM.from_config(config)
    with (
        pytest.raises(LanguageModelError, match=r"cannot be found, .* choose families that"),
        capture_hidden_states(odd, (1,)),
    ):
        pass
    with capture_hidden_states(odd, ()) as taken:  # none is asked for
        assert taken == []
