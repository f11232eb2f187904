"""Scores against their papers' formulas, over plain transformers' logits in float64."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import transformers

from perplexity_detector.detectors.registry import CLASSES, make_detector
from perplexity_detector.errors import InputError, LanguageModelError

TEXT = "The ferry leaves twice a day, and it is late."


@pytest.fixture(scope="module")
def predictions(tiny_gpt2, tiny_llama, bpe):
    """Tokens of TEXT and, of both models, ln p of every next token, (tokens, vocabulary)."""
    ids = torch.tensor(bpe.encode(TEXT, add_special_tokens=False).ids)
    log_probabilities = []
    for folder in (tiny_gpt2, tiny_llama):
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
        with torch.inference_mode():
            logits = model.eval()(torch.cat([torch.tensor([0]), ids[:-1]])[None]).logits[0]
        log_probabilities.append(torch.log_softmax(logits, dim=-1).numpy())
    assert len(ids) < 48  # one window of either model
    return ids.numpy(), *log_probabilities


@pytest.fixture(scope="module")
def by_hand(predictions):
    """The scores of TEXT, higher for generated."""
    ids, log_p, log_q = predictions
    p = np.exp(log_p)
    log_likelihoods = log_p[np.arange(len(ids)), ids]
    ranks = (log_p > log_likelihoods[:, None]).sum(axis=1) + 1
    entropies = -(p * log_p).sum(axis=1)
    expected = (p * log_p).sum(axis=1)
    variances = (p * log_p**2).sum(axis=1) - expected**2
    crossed = -(p * log_q).sum(axis=1)
    return {
        "log_likelihood": log_likelihoods.mean(),
        "log_rank": -np.log(ranks).mean(),
        "entropy": -entropies.mean(),
        "lrr": -log_likelihoods.sum() / np.log(ranks).sum(),
        "fast_detect_gpt": (log_likelihoods - expected).sum() / math.sqrt(variances.sum()),
        "binoculars": log_q[np.arange(len(ids)), ids].sum() / crossed.sum(),
        "lastde": log_likelihoods.mean() / np.std(scale_entropies(-log_likelihoods)),
    }


def scale_entropies(values, scales=15, width=4):
    """Of Xu et al. (2025), in loops, over the most that so many cosines can reach."""
    found = []
    for scale in range(1, scales + 1):
        averages = [values[i : i + scale].mean() for i in range(len(values) - scale + 1)]
        runs = [np.array(averages[i : i + width]) for i in range(len(averages) - width + 1)]
        cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairwise(runs)]
        if len(cosines) < 2:
            break
        shares = np.histogram(cosines, bins=8 * len(values), range=(-1, 1))[0] / len(cosines)
        shares = shares[shares > 0]
        found.append(-(shares * np.log(shares)).sum() / math.log(len(cosines)))
    return np.array(found)


SCORES = ["log_likelihood", "log_rank", "entropy", "lrr", "fast_detect_gpt", "binoculars", "lastde"]


@pytest.mark.parametrize("name", SCORES)
def test_a_score_is_that_of_its_paper(name, small, by_hand):
    model = small(name, cache=None)  # a cache rounds to half precision
    model.extractor_ = model.new_extractor()
    (ours,) = score(model, TEXT)
    assert ours == pytest.approx(by_hand[name], rel=1e-4)


def score(model, text):
    features = model.compute_features(model.extractor_.read_documents([text]))
    return model.score_features(features, model.fit_features(features, np.zeros(1), np.zeros(1)))


@pytest.mark.parametrize("name", SCORES)
def test_nothing_is_learned_but_the_calibrator(name, fitted):
    model = fitted(name)
    assert model.fitted_ == {}
    assert CLASSES[name].artefact_files == ()
    (why,) = model.assess([TEXT])["why"]
    label, _, value = why.rpartition(" ")
    assert label
    assert float(value) == pytest.approx(CLASSES[name].sign * model.decision_function([TEXT])[0],
                                         rel=0.01)  # fmt: skip


# --- two models -----------------------------------------------------------------------------


def test_binoculars_over_windows_and_chunks(tiny_gpt2, tiny_llama, essays):
    from perplexity_detector.lm.pair_scorer import PairScorer
    from perplexity_detector.lm.scorer import LanguageModelScorer

    pair = PairScorer(str(tiny_gpt2), str(tiny_llama), window=48, precision="float64")
    performer = LanguageModelScorer(str(tiny_llama), window=48, precision="float64")
    for ours, theirs in zip(pair.score(essays[:3]), performer.score(essays[:3]), strict=True):
        np.testing.assert_allclose(ours.surprisal, theirs.surprisal, rtol=1e-5)
        assert np.isfinite(ours.entropy).all()
    assert pair.window == 48
    assert performer.fingerprint in pair.fingerprint


def test_of_one_model_twice_the_cross_entropy_is_the_entropy(tiny_gpt2, essays):
    from perplexity_detector.lm.pair_scorer import PairScorer
    from perplexity_detector.lm.scorer import LanguageModelScorer

    twice = PairScorer(str(tiny_gpt2), str(tiny_gpt2)).score(essays[:2])
    alone = LanguageModelScorer(str(tiny_gpt2)).score(essays[:2])
    for ours, theirs in zip(twice, alone, strict=True):
        np.testing.assert_allclose(ours.entropy, theirs.entropy, rtol=1e-4)


def test_pairs_that_cannot_be(tiny_gpt2, save_model, tmp_path):
    with pytest.raises(InputError, match="name the second with performer"):
        make_detector("binoculars", lm=str(tiny_gpt2)).fit(["a", "b", "c", "d"], [0, 1, 0, 1])
    with pytest.raises(LanguageModelError, match=r"was given .* twice"):
        make_detector("binoculars", lm="a", performer="a").fit(["a", "b", "c", "d"], [0, 1, 0, 1])
    other = of_another_vocabulary(tmp_path)
    with pytest.raises(LanguageModelError, match="have different vocabularies"):
        make_detector("binoculars", lm=str(tiny_gpt2), performer=str(other)).fit(
            ["a"] * 4, [0, 1, 0, 1]
        )


def of_another_vocabulary(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>")
    fast.save_pretrained(folder)
    config = transformers.GPT2Config(
        vocab_size=512, n_positions=64, n_embd=32, n_layer=1, n_head=4, bos_token_id=0
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder
