"""A pass that stops and goes on, against one that does neither."""

import numpy as np
import pytest

from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.paused_reading import PausedReading, can_pause
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.text import crop

LAYERS, DEEPER = (2, 5), (9, 30)


@pytest.fixture(scope="module")
def scorer(smollm2_folder):
    # a small window, so that some texts are read in several
    return LanguageModelScorer(device="cpu", window=24)


@pytest.fixture(scope="module")
def texts(essays):
    return [crop(essays[0], 40), "", crop(essays[1], 12), "Hi", crop(essays[2], 30)]


@pytest.fixture(scope="module")
def whole(scorer, texts):
    return scorer.read(texts, (*LAYERS, *DEEPER))


@pytest.fixture(scope="module")
def paused(scorer, texts):
    return PausedReading(scorer, texts, LAYERS)


def assert_alike(found, expected):
    assert found.states.layers == expected.states.layers
    np.testing.assert_array_equal(found.states.tokens, expected.states.tokens)
    scale = np.abs(expected.states.means).max(initial=1)
    np.testing.assert_allclose(found.states.means / scale, expected.states.means / scale, atol=1e-4)
    np.testing.assert_allclose(found.statistics.surprisal, expected.statistics.surprisal, atol=2e-3)
    np.testing.assert_array_equal(found.statistics.offsets, expected.statistics.offsets)


@pytest.mark.parametrize("chosen", [[0, 1, 2, 3, 4], [4, 0], [2], [1, 3], []])
def test_what_goes_on_is_what_one_pass_gives(paused, scorer, whole, chosen):
    found = paused.go_on(scorer, chosen, DEEPER)
    assert len(found) == len(chosen)
    for index, output in zip(chosen, found, strict=True):
        assert_alike(output, whole[index])


def test_it_stops_at_the_last_layer(paused, whole, scorer):
    ran = []
    handles = [
        layer.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, layer in enumerate(scorer.model.model.layers, start=1)
    ]
    PausedReading(scorer, ["We ran to the sea."], LAYERS)
    for handle in handles:
        handle.remove()
    assert ran == [1, 2, 3, 4, 5]
    for output, expected in zip(paused.outputs, whole, strict=True):
        assert output.statistics is None
        assert output.states.layers == LAYERS
        np.testing.assert_allclose(
            output.states.means, expected.states.to_layer(5).means, rtol=1e-3, atol=1e-3
        )


def test_a_scorer_of_the_first_blocks_can_begin(scorer, texts, whole):
    shallow = LanguageModelScorer(device="cpu", window=24, depth=0.2)
    assert shallow.depth == 6
    found = PausedReading(shallow, texts, LAYERS).go_on(scorer, [3, 0], DEEPER)
    assert_alike(found[0], whole[3])
    assert_alike(found[1], whole[0])


def test_it_goes_on_without_further_states(paused, scorer, whole):
    (found,) = paused.go_on(scorer, [0], ())
    assert found.states.layers == LAYERS
    np.testing.assert_allclose(found.statistics.entropy, whole[0].statistics.entropy, atol=2e-3)


def test_which_passes_can_pause(scorer, tiny_gpt2, tmp_path):
    assert can_pause(scorer)
    assert not can_pause(CachedScorer(scorer, tmp_path))
    assert not can_pause(LanguageModelScorer(str(tiny_gpt2), device="cpu"))
