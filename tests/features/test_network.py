"""A small network: what it learns, and that numpy runs it as torch does."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from perplexity_detector.evaluation.metrics import auroc
from perplexity_detector.features import network

INPUTS = 12


def sample(rows=400, gap=1.5, seed=0):
    """Rows of noise; those of models differ from those of people along the first input."""
    draw = np.random.default_rng(seed)
    labels, sources = np.arange(rows) % 2, np.arange(rows) // 2 % 3
    inputs = draw.normal(2.0, 3.0, size=(rows, INPUTS))
    inputs[:, 0] += 3.0 * gap * labels
    return inputs.astype(np.float32), labels, sources


@pytest.fixture(scope="module")
def arrays():
    return network.fit_networks(*sample())


def in_torch(inputs, arrays):
    """The networks one after the other, written with torch's own layers."""
    given = {name: torch.from_numpy(array).float() for name, array in arrays.items()}
    rows = (torch.from_numpy(inputs) - given["centre"]) / given["scale"]
    hidden_weights = given["hidden_weight"].T.chunk(network.SEEDS)
    hidden_biases = given["hidden_bias"].chunk(network.SEEDS)
    by_network = [
        functional.linear(
            functional.gelu(functional.linear(rows, hidden_weight, hidden_bias)),
            output_weight[None],
            output_bias[None],
        )
        for hidden_weight, hidden_bias, output_weight, output_bias in zip(
            hidden_weights, hidden_biases, given["output_weight"], given["output_bias"],
            strict=True,
        )
    ]  # fmt: skip
    return torch.cat(by_network, dim=1).numpy()


def test_arrays_have_their_shapes_and_types(arrays):
    units = network.SEEDS * network.HIDDEN_UNITS
    assert {name: (array.shape, array.dtype.name) for name, array in arrays.items()} == {
        "centre": ((INPUTS,), "float32"),
        "scale": ((INPUTS,), "float32"),
        "hidden_weight": ((INPUTS, units), "float16"),
        "hidden_bias": ((units,), "float32"),
        "output_weight": ((network.SEEDS, network.HIDDEN_UNITS), "float32"),
        "output_bias": ((network.SEEDS,), "float32"),
    }


@pytest.mark.parametrize("prepare", [dict, network.in_single_precision], ids=["half", "single"])
def test_numpy_runs_the_networks_as_torch_does(arrays, prepare):
    inputs, _, _ = sample(seed=1)
    found = network.log_odds(inputs, prepare(arrays))
    assert (found.shape, found.dtype) == ((len(inputs), network.SEEDS), np.float32)
    np.testing.assert_allclose(found, in_torch(inputs, arrays), atol=1e-5)


def test_single_precision_is_of_all_arrays(arrays):
    converted = network.in_single_precision(arrays)
    assert list(converted) == list(arrays)
    assert {array.dtype.name for array in converted.values()} == {"float32"}


def test_each_network_learns_what_parts_the_classes(arrays):
    inputs, labels, _ = sample(1000, seed=1)
    found = network.log_odds(inputs, arrays)
    best = auroc(labels, inputs[:, 0])
    for log_odds in found.T:
        assert auroc(labels, log_odds) > best - 0.05
    assert np.ptp(found, axis=1).min() > 0  # they start differently


def test_what_no_single_input_shows_is_learned():
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(3000, 2)).astype(np.float32).repeat(6, axis=1)
    labels = (inputs[:, 0] * inputs[:, -1] > 0).astype(np.int64)
    arrays = network.fit_networks(inputs[:2000], labels[:2000], np.zeros(2000, np.int64))
    found = network.log_odds(inputs[2000:], arrays).mean(axis=1)
    assert auroc(labels[2000:], found) > 0.95


def test_both_classes_count_the_same():
    inputs, _, _ = sample(1000, gap=0)
    labels = (np.arange(1000) % 20 == 0).astype(np.int64)
    arrays = network.fit_networks(inputs, labels, np.zeros(1000, np.int64))
    # one row in 20 is generated, which must not show
    assert np.median(network.log_odds(inputs, arrays)) == pytest.approx(0, abs=0.3)


def test_all_sources_of_a_class_count_the_same():
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 0, 1], [950, 50, 1000])
    sources = np.repeat([0, 1, 0], [950, 50, 1000])
    high = np.repeat([0.0, 1.0, 1.0], [950, 50, 1000])
    noise = draw.normal(scale=0.1, size=(2000, INPUTS))
    arrays = network.fit_networks((high[:, None] + noise).astype(np.float32), labels, sources)
    found = network.log_odds(np.ones((1, INPUTS), np.float32), arrays).mean()
    # half of the human weight has high inputs; as counted, it would be ln 20
    assert found == pytest.approx(np.log(2), abs=0.3)


def test_few_rows_are_enough():
    inputs, labels, sources = sample(6, gap=5.0)
    found = network.log_odds(inputs, network.fit_networks(inputs, labels, sources)).mean(axis=1)
    assert found[labels == 1].min() > found[labels == 0].max()


def test_an_input_that_never_changes_does_no_harm():
    inputs, labels, sources = sample()
    inputs[:, 3] = 7.0
    found = network.log_odds(inputs, network.fit_networks(inputs, labels, sources))
    assert np.isfinite(found).all()


def test_two_fits_give_the_same_bytes_and_another_seed_does_not():
    inputs, labels, sources = sample(60)
    fits = [network.fit_networks(inputs, labels, sources, seed) for seed in (0, 0, 1)]
    first, second, other = ({name: a.tobytes() for name, a in fit.items()} for fit in fits)
    assert first == second
    assert first["hidden_weight"] != other["hidden_weight"]


def test_the_random_numbers_of_the_caller_stay_as_they_were():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    network.fit_networks(*sample(60))
    assert torch.equal(torch.rand(3), expected)
