"""Where trees are trained, and where they predict."""

import numpy as np
import pytest
import torch

from perplexity_detector.detectors import trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import InputError
from perplexity_detector.features.extractor import FeatureExtractor

HAS_CARD = torch.cuda.is_available()


def test_trees_grow_where_the_language_model_runs():
    chosen = {
        device: TextDetector(FeatureExtractor(device=device)).boosting_params().parameters["device"]
        for device in ("auto", "cpu")
    }
    assert chosen == {"auto": "cuda" if HAS_CARD else "cpu", "cpu": "cpu"}


@pytest.mark.skipif(HAS_CARD, reason="this machine has a card")
def test_a_card_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no device 'cuda'"):
        TextDetector(FeatureExtractor(device="cuda")).boosting_params()


@pytest.mark.parametrize(
    "device",
    ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not HAS_CARD, reason="no card"))],
)
def test_trees_of_any_device_predict_on_the_cpu(device):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(400, 5))
    labels = (table[:, 0] + 0.5 * table[:, 1] > 0).astype(int)
    training = trees.TrainingMatrix(table, labels, np.ones(400), list("abcde"))
    params = TextDetector(FeatureExtractor(device=device), n_jobs=1).boosting_params()
    booster = trees.train(training, params, 30)
    assert '"device":"cpu"' in booster.save_config().replace(" ", "")
    margins = trees.margins(booster, table, 1)
    assert ((margins > 0) == labels).mean() > 0.9
    again = trees.margins(trees.from_bytes(trees.to_bytes(booster), 1), table, 1)
    np.testing.assert_array_equal(margins, again)
