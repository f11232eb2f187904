"""Shares that follow from what a detector makes of texts."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import scored
from benchmarks.quality.fold_data import FittedFold
from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.features.document import Document


class Fitted(FittedFold):
    """Its probability is the only feature. People are below .5, models mostly above."""

    def __init__(self):
        unset = Calibrator(1.0, 0.0, np.zeros(0), np.linspace(0.3, 1, 500), np.zeros(0))
        calibrator = unset.with_human_scores(np.linspace(0, 0.5, 500), np.zeros(500))
        object.__setattr__(self, "calibrator", calibrator)  # of a frozen data class

    def probabilities(self, table):
        return table[:, 0]

    def thresholds(self, documents, fpr):
        return self.calibrator.thresholds(fpr, np.zeros(len(documents), np.int64))

    def is_outlier(self, table):
        return table[:, 0] > 0.99


def made_up(probabilities, **columns):
    texts = len(probabilities)
    plain = {"source": "a", "generated": 0, "words": 100, "prose": True}
    rows = pd.DataFrame(plain | columns, index=range(texts))
    documents = [Document("")] * texts
    return scored.score_rows(Fitted(), rows, np.array(probabilities, float)[:, None], documents)


def test_each_source_of_people_has_its_rates():
    draw = np.random.default_rng(0)
    sources = ["many"] * 200 + ["few"] * 99
    found = scored.people(made_up(draw.uniform(0, 0.5, 299), source=sources))
    assert set(found) == {"many"}
    assert found["many"]["n_human"] == 200
    assert found["many"]["fpr_1"] <= found["many"]["fpr_5"] < 0.15
    assert found["many"]["fpr_5_low"] < found["many"]["fpr_5"] < found["many"]["fpr_5_high"]
    models = made_up(draw.uniform(0, 0.5, 200), generated=1)
    assert scored.people(models) == {}


def test_texts_without_a_verdict_are_counted_as_the_product_decides():
    # the human threshold lies near .33, the generated one near .495
    probabilities = [0.1, 0.4, 0.6, 0.6, 0.995, 0.4]
    rows = made_up(
        probabilities,
        generated=[0, 0, 1, 1, 1, 1],
        words=[50, 99, 100, 149, 200, 49],
        prose=[True, True, True, False, True, True],
    )
    assert scored.is_uncertain(Fitted(), rows).tolist() == [False, True, False, True, True, True]
    found = scored.without_verdict(Fitted(), rows)
    assert found["people"] == {"texts": 2, "share": 0.5}
    assert found["models"] == {"texts": 3, "share": pytest.approx(2 / 3)}  # not the short one
    assert found["all"] == {"texts": 5, "share": 0.6}
    assert found["50-99"] == {"texts": 2, "share": 0.5}
    assert found["100-149"] == {"texts": 2, "share": 0.5}
    assert found["150-200"] == {"texts": 1, "share": 1}
    only_people = scored.without_verdict(Fitted(), rows[rows["generated"] == 0])
    assert "models" not in only_people
    assert "150-200" not in only_people
