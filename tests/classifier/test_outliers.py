import numpy as np
import pytest

from perplexity_detector.classifier.outliers import OUTLIER_RATE, OutlierDetector

DRAW = np.random.default_rng(0)
#: Two features that go together, one of a size of its own, one that never moves.
FIRST = DRAW.normal(size=4000)
TABLE = np.column_stack(
    [FIRST, FIRST + 0.1 * DRAW.normal(size=4000), 50 + 9 * DRAW.normal(size=4000), np.zeros(4000)]
)
PARTS = [(np.arange(2000), np.arange(2000, 4000)), (np.arange(2000, 4000), np.arange(2000))]


@pytest.fixture(scope="module")
def novelty():
    return OutlierDetector.fit(TABLE, PARTS)


def test_few_texts_like_the_training_are_unlike(novelty):
    fresh = np.random.default_rng(1)
    first = fresh.normal(size=4000)
    near, far = fresh.normal(size=(2, 4000))
    table = np.column_stack([first, first + 0.1 * near, 50 + 9 * far, np.zeros(4000)])
    assert novelty.is_outlier(TABLE).mean() <= OUTLIER_RATE + 0.001
    assert novelty.is_outlier(table).mean() < 3 * OUTLIER_RATE


def test_it_is_the_mahalanobis_distance(novelty):
    plain = np.linalg.inv(np.cov(TABLE[:, :3].T))
    centred = TABLE[:50, :3] - np.median(TABLE[:, :3], axis=0)
    expected = np.sqrt(np.einsum("nf,fg,ng->n", centred, plain, centred) / 4)
    np.testing.assert_allclose(novelty.distances(TABLE[:50]), expected, rtol=0.2)


def test_what_breaks_a_rule_is_unlike_though_each_number_is_usual(novelty):
    kept, broken = [[1.5, 1.5, 50, 0]], [[1.5, -1.5, 50, 0]]
    assert not novelty.is_outlier(np.array(kept))[0]
    assert novelty.is_outlier(np.array(broken))[0]
    assert novelty.is_outlier(np.array([[0, 0, 150, 0]]))[0]
    assert not novelty.is_outlier(np.array([[0, 0, 50, 9]]))[0]  # what never moved says nothing


def test_no_rows_and_wild_rows(novelty):
    assert novelty.is_outlier(np.zeros((0, 4))).shape == (0,)
    assert np.isfinite(novelty.distances(np.full((1, 4), 1e30))).all()


def test_as_arrays_and_back(novelty):
    back = OutlierDetector.from_arrays(novelty.to_arrays())
    np.testing.assert_allclose(back.distances(TABLE), novelty.distances(TABLE), rtol=1e-4)
    assert back.threshold == novelty.threshold
