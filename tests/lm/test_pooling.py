"""Averages of hidden states against plain transformers, in float64."""

import numpy as np
import pytest
import torch
import transformers

from perplexity_detector.errors import InputError, LanguageModelError
from perplexity_detector.lm.pooling import PooledStates, blocks_of, sentence_of_token, taking
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.text import sentence_spans

TEXTS = [
    "The ferry is late. It comes twice a day, and nobody minds! Why would they?",
    "One two",
    "a",
    "",
    "No end in sight and no stop either " * 3,
]


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"], scope="module")
def folder(request):
    return str(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def scorer(folder):
    return LanguageModelScorer(folder)


def outputs_of_blocks(scorer, ids):
    """States after every block at the positions that read the tokens, (blocks, n - 1, width)."""
    with taking(scorer.model, range(1, scorer.blocks + 1)) as taken, torch.inference_mode():
        scorer.model(torch.tensor([[scorer.bos_id, *ids[:-1]]]))
    return np.stack([state[0, 1:].double().numpy() for state in taken])


def test_averages_by_sentence_and_spread(scorer):
    for text, read in zip(TEXTS, scorer.read(TEXTS, (1, 2)), strict=True):
        encoding = scorer.encode([text])[0]
        if len(encoding.ids) < 2:
            assert read.states.tokens.size == 0
            assert read.states.mean().shape == read.states.spread.shape
            assert not read.states.mean().any()
            continue
        states = outputs_of_blocks(scorer, encoding.ids)
        ends = [end for _, end in encoding.offsets[:-1]]
        spans = sentence_spans(text)
        of = [max(i for i, (start, _) in enumerate(spans) if i == 0 or start < end) for end in ends]
        present = sorted(set(of))
        expected = [states[:, np.array(of) == sentence].mean(axis=1) for sentence in present]
        np.testing.assert_allclose(read.states.means, np.stack(expected, axis=1), atol=1e-4)
        np.testing.assert_allclose(read.states.spread, states.std(axis=1), atol=1e-3)
        np.testing.assert_allclose(read.states.mean(), states.mean(axis=1), atol=1e-4)
        assert read.states.tokens.tolist() == [of.count(sentence) for sentence in present]
        assert read.states.tokens.sum() == len(encoding.ids) - 1


def test_states_are_those_that_transformers_names(scorer):
    ids = scorer.encode([TEXTS[0]])[0].ids
    with torch.inference_mode():
        whole = scorer.model(
            torch.tensor([[scorer.bos_id, *ids[:-1]]]), output_hidden_states=True
        ).hidden_states
    # after the last block transformers gives what its final norm made of it, so the first
    np.testing.assert_allclose(outputs_of_blocks(scorer, ids)[0], whole[1][0, 1:], atol=1e-5)


def test_the_batch_does_not_matter(folder, scorer):
    alone = LanguageModelScorer(folder, batch_tokens=1).read(TEXTS, (1, 2))
    for one, other in zip(scorer.read(TEXTS, (1, 2)), alone, strict=True):
        np.testing.assert_allclose(one.states.means, other.states.means, atol=1e-4)
        np.testing.assert_allclose(one.states.spread, other.states.spread, atol=1e-3)


def test_every_token_of_a_long_text_counts_once(scorer):
    text = "Word after word. " * 60
    (read,) = scorer.read([text], (1,))
    (statistics,) = scorer.score([text])
    assert len(statistics) > scorer.window
    assert read.states.tokens.sum() == len(statistics) - 1


def test_statistics_are_the_same_with_states_and_without(scorer):
    with_states = [one.statistics for one in scorer.read(TEXTS, (1, 2))]
    for one, other in zip(with_states, scorer.score(TEXTS), strict=True):
        np.testing.assert_array_equal(one.surprisal, other.surprisal)


def test_no_texts(scorer):
    assert scorer.read([], (1,)) == []


def test_a_token_belongs_to_the_sentence_it_ends_in():
    text = "One. Two"
    offsets = np.array([[0, 3], [3, 4], [4, 8]])  # " Two" carries its space
    assert sentence_of_token(text, offsets).tolist() == [0, 0, 1]
    assert sentence_of_token("", np.zeros((0, 2), int)).tolist() == []
    assert sentence_of_token(" ", np.array([[0, 1]])).tolist() == [0]


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
    with pytest.raises(InputError, match="left after block 1 gives no statistics"):
        shallow.score(["One."])
    with pytest.raises(InputError, match="read to block 1: it has no state after 2"):
        shallow.read(["One."], (2,), statistics=False)
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
    with pytest.raises(KeyboardInterrupt), taking(scorer.model, (1, 2)):
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
    with taking(model, (1, 3)) as taken, torch.inference_mode():
        hidden = model(ids, output_hidden_states=True).hidden_states
    assert len(taken) == 2
    torch.testing.assert_close(taken[0], hidden[1])


def test_a_model_without_blocks_says_so(scorer):
    odd = LanguageModelScorer(scorer.name)
    odd.model.config.num_hidden_layers = 7
    with pytest.raises(LanguageModelError, match="blocks of this language model cannot be found"):
        blocks_of(odd.model)
