"""RepreGuard: pairs and directions by hand, and its score token by token over transformers."""

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.detectors.baselines.repreguard import RepreGuard, pairs_within
from perplexity_detector.detectors.registry import make_detector
from perplexity_detector.errors import InputError
from tests.labelled import two_styles

TEXT = "The ferry leaves twice a day, and it is late."


def test_pairs_share_a_prompt():
    prompts = np.array([0, 0, 1, 1, 1, 2, -1, -1])
    labels = np.array([1, 0, 0, 1, 1, 0, 0, 1])
    assert pairs_within(prompts, labels).tolist() == [[1, 0], [2, 3]]
    assert pairs_within(prompts, np.zeros(8, int)).shape == (0, 2)


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 1)), max_size=40))
def test_pairs_are_as_many_as_the_rarer_class_allows(texts):
    groups, labels = np.array(texts, int).reshape(-1, 2).T
    human, generated = (pairs := pairs_within(groups, labels)).T
    assert (labels[human] == 0).all()
    assert (labels[generated] == 1).all()
    assert (groups[human] == groups[generated]).all()
    assert len(set(pairs.ravel())) == 2 * len(pairs)
    counts = [[((groups == g) & (labels == label)).sum() for label in (0, 1)] for g in range(5)]
    assert len(pairs) == sum(map(min, counts))


def test_a_direction_is_that_of_most_variance_towards_generated():
    rng = np.random.default_rng(0)
    human = rng.normal(size=(200, 2, 4))
    # the layers differ along one axis each, the second one downwards, and always by another amount
    shift = np.zeros((200, 2, 4))
    shift[:, 0, 1] = rng.uniform(0, 20, 200)
    shift[:, 1, 3] = -rng.uniform(0, 20, 200)
    generated = human + shift + rng.normal(size=(200, 2, 4))
    features = np.concatenate([human, generated])
    labels, prompts = np.repeat([0, 1], 200), np.tile(np.arange(200), 2)
    fitted = RepreGuard().fit_features(features, labels, prompts)
    np.testing.assert_allclose(fitted["directions"], [[0, 1, 0, 0], [0, 0, 0, -1]], atol=0.05)
    _, _, axes = np.linalg.svd((generated - human)[:, 0])
    np.testing.assert_allclose(abs(fitted["directions"][0]), abs(axes[0]), atol=1e-5)
    np.testing.assert_allclose(
        RepreGuard().score_features(features, fitted),
        (features[:, 0] @ fitted["directions"][0] + features[:, 1] @ fitted["directions"][1]) / 2,
    )


def test_the_score_is_the_mean_over_tokens_and_layers(small, tiny_gpt2, bpe):
    texts, labels = two_styles(60, mixed=0.1)
    model = small("repreguard", cache=None).fit(texts, labels, groups=np.arange(60) // 2)
    ids = torch.tensor(bpe.encode(TEXT, add_special_tokens=False).ids)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tiny_gpt2, dtype=torch.float64)
    outputs = []
    for block in theirs.transformer.h:
        block.register_forward_hook(
            lambda _, __, output: outputs.append(output[0] if isinstance(output, tuple) else output)
        )
    with torch.inference_mode():
        theirs.eval()(torch.cat([torch.tensor([0]), ids[:-1]])[None])
    (document,) = model.read_documents([TEXT])
    by_token = [
        outputs[layer - 1].reshape(len(ids), -1)[1:].numpy() @ direction  # without that of BOS
        for layer, direction in zip(
            document.states.layers, model.fitted_["directions"], strict=True
        )
    ]
    assert model.decision_function([TEXT])[0] == pytest.approx(np.mean(by_token), rel=1e-4)


def test_prompts_make_the_pairs(small):
    texts, labels = two_styles(80, mixed=0.1)
    by_prompt = small("repreguard").fit(texts, labels, groups=np.arange(80) // 2)
    # with other pairs, other directions
    shifted = small("repreguard").fit(texts, labels, groups=(np.arange(80) + 1) // 2)
    one_source = small("repreguard").fit(texts, labels)
    few = small("repreguard").fit(texts, labels, groups=[0, 0, *[""] * 78])
    of_all = [one.fitted_["directions"] for one in (by_prompt, shifted, one_source, few)]
    assert not np.allclose(of_all[0], of_all[1], atol=1e-3)
    # the first text of each class is paired with the first of the other, as these prompts have it
    np.testing.assert_array_equal(of_all[2], of_all[0])
    np.testing.assert_array_equal(of_all[3], of_all[0])


def test_texts_without_states(small):
    with pytest.raises(InputError, match="No text has two tokens or more"):
        small("repreguard").fit(["", "", "", ""], [0, 1, 0, 1])
    assert make_detector("repreguard").extractor.families == ("representation",)
