"""The trees alone, as a scikit-learn classifier: all of scikit-learn's own checks."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from perplexity_detector.detectors.boosted_trees import BoostedTrees
from tests.labelled import light_detector, two_styles


@parametrize_with_checks([BoostedTrees(n_estimators=20, learning_rate=0.2, n_jobs=1)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_its_trees_are_the_detectors():
    texts, labels = two_styles(60)
    detector = light_detector(max_depth=2).fit(texts, labels)
    table = detector.extractor_.transform(texts)
    rounds = detector.booster_.num_boosted_rounds()
    ours = BoostedTrees(rounds, learning_rate=0.2, max_depth=2, n_jobs=1).fit(table, labels)
    np.testing.assert_array_equal(ours.decision_function(table), detector.raw_scores(table))


def test_a_search_on_a_table_made_once():
    texts, labels = two_styles(60)
    table = light_detector().new_extractor().set_output(transform="pandas").fit_transform(texts)
    names = np.array(["human", "generated"])[labels]
    trees = BoostedTrees(n_estimators=20, learning_rate=0.2, n_jobs=1)
    search = GridSearchCV(trees, {"max_depth": [1, 3]}, scoring="roc_auc", error_score="raise")
    search.fit(table, names)
    assert search.best_score_ > 0.9
    assert search.best_estimator_.feature_names_in_.tolist() == list(table.columns)
    assert set(search.predict(table)) == {"human", "generated"}


def test_sources_weigh_alike():
    """Ten rows of one source say the opposite of a thousand of another, and weigh as much."""
    draw = np.random.default_rng(0)
    labels = draw.integers(2, size=1010)
    sources = np.where(np.arange(1010) < 1000, "many", "few")
    table = np.where(sources == "many", labels, 1 - labels)[:, None].astype(float)
    trees = BoostedTrees(50, learning_rate=0.2, n_jobs=1)
    alone = trees.fit(table, labels).predict_proba(table)[:, 1]
    balanced = trees.fit(table, labels, sources=sources).predict_proba(table)[:, 1]
    assert np.abs(alone - 0.5).min() > 0.3
    assert np.abs(balanced - 0.5).max() < 0.1


def test_columns_of_another_length_are_refused():
    with pytest.raises(ValueError, match="4 labels and 3 sources"):
        BoostedTrees().fit([[0.0]] * 4, [0, 1, 0, 1], sources=["a", "b", "c"])
