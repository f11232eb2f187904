import numpy as np

from perplexity_detector.evaluation.metrics import auroc
from perplexity_detector.features import linear_probes

LAYERS, WIDTH = 3, 6


def sample(texts=400, sources=4, seed=0):
    """Models differ along axis 0; each source has a topic of its own along axis 1."""
    draw = np.random.default_rng(seed)
    labels, origin = np.arange(texts) % 2, np.arange(texts) // 2 % sources
    states = draw.normal(size=(LAYERS, texts, WIDTH)).astype(np.float32)
    states[..., 0] += 2 * labels
    states[..., 1] += 5 * origin
    return states, labels, origin


def project(states, arrays):
    return np.stack([linear_probes.projections(one, arrays) for one in states.swapaxes(0, 1)])


def test_probes_find_what_differs_within_sources():
    states, labels, sources = sample()
    arrays = linear_probes.fit_probes(states, labels, sources)
    assert arrays["probe_directions"].shape == (LAYERS, len(linear_probes.KINDS), WIDTH)
    for of_layer in arrays["probe_directions"]:
        assert (np.argmax(np.abs(of_layer), axis=1) == 0).all()
    other, known, _ = sample(seed=1)
    found = project(other, arrays)
    assert found.shape == (400, LAYERS, 2)
    for layer in range(LAYERS):
        assert auroc(known, found[:, layer, 0]) > 0.9


def test_projections_of_the_training_texts_have_unit_spread_and_no_mean():
    states, labels, sources = sample()
    found = project(states, linear_probes.fit_probes(states, labels, sources))
    assert np.allclose(found.std(axis=0), 1, atol=1e-3)
    assert np.allclose(found.mean(axis=0), 0, atol=1e-3)


def test_a_source_counts_the_same_with_many_texts_as_with_few():
    states, labels, sources = sample(1600)
    states[:, (sources == 0) & (labels == 1), 2] += 4  # a habit of one source's models
    few = np.flatnonzero((sources > 0) | (np.arange(1600) < 320))
    whole = linear_probes.fit_probes(states, labels, sources)["probe_directions"]
    kept = (states[:, few], labels[few], sources[few])
    thinned = linear_probes.fit_probes(*kept)["probe_directions"]
    for one, other in zip(whole.reshape(-1, WIDTH), thinned.reshape(-1, WIDTH), strict=True):
        assert one @ other > 0.95 * np.linalg.norm(one) * np.linalg.norm(other)


def test_layers_after_those_of_the_fit_are_ignored():
    states, labels, sources = sample()
    arrays = linear_probes.fit_probes(states[:2], labels, sources)
    assert (project(states, arrays) == project(states[:2], arrays)).all()
