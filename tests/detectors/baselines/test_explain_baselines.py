"""Every model explains itself as far as it can."""

import json

import numpy as np
import pytest
from scipy.special import logit

from perplexity_detector.detectors.registry import CLASSES
from tests.labelled import two_styles

(TEXT, *_), _ = two_styles(2, seed=1)
#: Models that report contributions.
WITH_CONTRIBUTIONS = {"detector", "gltr", "diveye", "repreguard"}


@pytest.mark.parametrize("name", CLASSES)
def test_every_model_explains(name, fitted):
    model = fitted(name)
    explained = model.explain(TEXT)
    json.dumps(explained.to_dict(), allow_nan=False)
    assert explained.probability == pytest.approx(model.predict_proba([TEXT])[0, 1], abs=1e-5)
    assert len(explained.sentences) == 6
    assert np.isfinite([sentence.score for sentence in explained.sentences]).all()
    reads = model.language_model_ is not None
    assert bool(len(explained.tokens.start)) == reads
    if name in WITH_CONTRIBUTIONS:
        total = explained.base + sum(feature.contribution for feature in explained.features)
        assert total == pytest.approx(logit(explained.probability), abs=1e-5)
    else:
        assert explained.families == explained.features == ()
        assert explained.base is None
    if name not in {"encoder", "first_layers"}:
        assert explained.reasons
