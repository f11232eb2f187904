"""Which features each detector of a fold has, and what they are fitted on."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.auxiliary import CONTINUED
from benchmarks.quality.fold_data import (
    SINCE_0_2,
    FoldData,
    Texts,
    learned_families,
)
from benchmarks.quality.protocol import Fold
from benchmarks.quality.recipes import fit_detectors, training_data, version_0_2
from perplexity_detector.evaluation.metrics import auroc
from perplexity_detector.features.document import Document
from perplexity_detector.features.registry import FAMILIES, available_families, default_families
from perplexity_detector.features.representation import STATE_DEPTHS
from perplexity_detector.lm.outputs import TokenIds
from perplexity_detector.lm.pooling import PooledStates

LAYERS, WIDTH = len(STATE_DEPTHS), 6


def made_up(texts=160, sources=8, seed=0):
    """Hidden states of models differ from those of people along the first axis."""
    draw = np.random.default_rng(seed)
    labels = np.arange(texts) % 2
    source = np.arange(texts) // 2 % sources
    documents = []
    for place, label in enumerate(labels):
        means = draw.normal(size=(LAYERS, 3, WIDTH)).astype(np.float32)
        means[..., 0] += 2 * label
        ids = draw.integers(0, 50, 30)
        tokens = TokenIds(ids, np.stack([np.arange(30), np.arange(1, 31)], 1).astype(np.int32))
        states = PooledStates(tuple(range(LAYERS)), means, np.full(3, 10, np.int32))
        documents.append(
            Document(f"The text number {place} is here.", tokens=tokens, states=states)
        )
    rows = pd.DataFrame(
        {
            "id": [f"{place}" for place in range(texts)],
            "generated": labels,
            "source": [f"source {number}" for number in source],
            "prompt_id": [f"{place}" for place in range(texts)],
            "calibration_mask": True,
        }
    )
    width = sum(len(family.labels) for family in FAMILIES.values())
    return Texts(rows, documents, draw.normal(size=(texts, width)))


TEXTS = made_up()
TRAIN = (TEXTS.rows["source"] != "source 7").to_numpy()


@pytest.fixture(scope="module")
def data():
    return FoldData.from_texts(TEXTS, TRAIN, (1.0, 0.5))


def names_of(data, columns):
    return [data.feature_names[column] for column in columns]


@pytest.mark.parametrize("depth", [1.0, 0.5])
def test_a_detector_has_the_features_of_its_depth(data, depth):
    families = available_families(depth)
    wanted = [name for family in default_families(depth) for name in families[family].feature_names]
    assert names_of(data, data.columns_at_depth(depth)) == wanted


def test_hidden_states_are_fitted_once_a_depth(data):
    of_whole, of_half = (
        [c for c in data.columns_at_depth(depth) if data.feature_names[c].startswith("represent")]
        for depth in (1.0, 0.5)
    )
    assert not set(of_whole) & set(of_half)
    assert of_whole
    assert of_half
    kinds = [(family.name, depth) for family, depth in learned_families((1.0, 0.5))]
    assert kinds == [
        ("contrast", None),
        ("representation", 1.0),
        ("representation", 0.5),
    ]
    assert data.table.shape == (TRAIN.sum(), len(data.feature_names))
    assert data.transform(TEXTS, ~TRAIN).shape == ((~TRAIN).sum(), len(data.feature_names))


@pytest.mark.parametrize(("depth", "probes"), [(1.0, 14), (0.5, 8)])
def test_version_0_2_reads_hidden_states_by_linear_probes_alone(data, depth, probes):
    names = names_of(data, data.columns_of_version_0_2(depth))
    now = names_of(data, data.columns_at_depth(depth))
    assert names == [name for name in now if name not in SINCE_0_2]
    assert len(now) - len(names) == len(SINCE_0_2) == 2
    assert sum(name.startswith("representation") for name in names) == probes


def test_detectors_share_what_they_learn_from_the_same_texts():
    train = np.full(len(TEXTS.rows), True)
    data = training_data(["standard", "fast"], TEXTS, train)
    assert data["standard"] is data["fast"]
    rows = TEXTS.rows.assign(source=TEXTS.rows["source"].replace("source 6", CONTINUED))
    other = Texts(rows, TEXTS.documents, TEXTS.fixed_features)
    data = training_data(["standard", "fast"], other, train)
    assert len(data["fast"].index) < len(data["standard"].index) == len(train)
    for name, depth in (("standard", 1.0), ("fast", 0.5)):
        depths = {block.depth for block in data[name].blocks}
        assert depths == {None, depth}


def test_both_recipes_are_fitted_on_a_fold():
    fold = Fold("source", "source 7", TRAIN, ~TRAIN, ~TRAIN)
    fitted = fit_detectors(["fast"], TEXTS, fold, earlier=True)
    assert list(fitted) == ["fast", version_0_2("fast")]
    assert fitted["fast"].data is fitted["fast 0.2"].data
    assert list(fit_detectors(["fast"], TEXTS, fold, earlier=False)) == ["fast"]
    assert len(fitted["fast"].columns) > len(fitted["fast 0.2"].columns)
    features = fitted["fast"].data.transform(TEXTS, ~TRAIN)
    for one in fitted.values():
        assert auroc(TEXTS.labels[~TRAIN], one.probabilities(features)) > 0.9
        assert one.is_outlier(features).shape == ((~TRAIN).sum(),)
