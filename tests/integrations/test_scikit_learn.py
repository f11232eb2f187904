"""scikit-learn's own tools around TextDetector and FeatureExtractor."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import estimator_checks

from perplexity_detector.detectors.baselines.tfidf import Tfidf
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.extractor import FeatureExtractor
from tests.labelled import LIGHT, light_detector, two_styles

TEXTS, LABELS = two_styles(60)
#: Ten prompts and four sources, each of both classes.
GROUPS = [number // 2 % 10 for number in range(60)]
SOURCES = [f"source {number // 2 % 4}" for number in range(60)]

#: The checks of scikit-learn that need no table of numbers. `check_estimator` would call next to
#: nothing with `two_d_array=False`, and those of `set_output` then return at once.
CHECKS_OF_ANY_ESTIMATOR = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
]
CHECKS_OF_CLASSIFIERS = [
    estimator_checks.check_estimators_unfitted,
    estimator_checks.check_requires_y_none,
    estimator_checks.check_supervised_y_no_nan,
]


def light_extractor():
    return FeatureExtractor(["stylometry"])


@pytest.mark.parametrize("check", CHECKS_OF_ANY_ESTIMATOR, ids=lambda check: check.__name__)
@pytest.mark.parametrize("make", [light_detector, light_extractor, Tfidf])
def test_checks_of_any_estimator(make, check):
    check(make.__name__, make())


@pytest.mark.parametrize("check", CHECKS_OF_CLASSIFIERS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("make", [light_detector, Tfidf])
def test_checks_of_classifiers(make, check):
    check(make.__name__, make())


@pytest.mark.parametrize("estimator", [TextDetector, FeatureExtractor, Tfidf])
def test_defaults_are_as_scikit_learn_wants_them(estimator):
    estimator_checks.check_parameters_default_constructible(estimator.__name__, estimator())


# --- the detector inside their tools --------------------------------------------------------


def test_the_detector_in_a_pipeline_that_is_searched_over():
    pipeline = Pipeline(
        [("strip", FunctionTransformer(strip_each)), ("detector", light_detector())]
    )
    search = GridSearchCV(
        pipeline,
        {"detector__max_depth": [1, 2], "detector__extractor__families": [["stylometry"], LIGHT]},
        cv=2,
        scoring="roc_auc",
        error_score="raise",
    ).fit(TEXTS, LABELS)
    assert search.best_score_ > 0.9
    best = search.best_estimator_.named_steps["detector"]
    assert best.max_depth == search.best_params_["detector__max_depth"]
    np.testing.assert_array_equal(
        search.predict_proba(["  " + text for text in TEXTS[:4]]),
        search.predict_proba(TEXTS[:4]),
    )


def strip_each(texts):
    return [text.strip() for text in texts]


def test_cross_val_score():
    scores = cross_val_score(light_detector(), TEXTS, LABELS, cv=3, scoring="roc_auc")
    assert scores.shape == (3,)
    assert scores.min() > 0.8
    shuffled = np.random.default_rng(0).permutation(LABELS)
    assert cross_val_score(light_detector(), TEXTS, shuffled, cv=3, scoring="roc_auc").mean() < 0.7


def test_features_next_to_others_as_a_data_frame():
    union = FeatureUnion([("ours", light_extractor()), ("length", Lengths())])
    pipeline = make_pipeline(union, StandardScaler(), LogisticRegression(max_iter=1000))
    pipeline.set_output(transform="pandas")
    pipeline.fit(pd.Series(TEXTS), LABELS)
    frame = pipeline[:-1].transform(TEXTS)
    assert list(frame.columns) == [
        *(f"ours__{name}" for name in light_extractor().get_feature_names_out()),
        "length__characters",
    ]
    assert pipeline[-1].feature_names_in_.tolist() == list(frame.columns)
    assert pipeline.score(TEXTS, LABELS) > 0.9


class Lengths(TransformerMixin, BaseEstimator):
    """One column: the number of characters."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([[float(len(text))] for text in X])

    def get_feature_names_out(self, input_features=None):
        return np.array(["characters"], object)

    def __sklearn_is_fitted__(self):
        return True


# --- groups and sources ---------------------------------------------------------------------


class Recorder(TextDetector):
    """Keeps the groups that it was fitted with."""

    def fit(self, X, y, groups=None, sources=None):
        self.fitted_groups_ = None if groups is None else set(groups)
        return super().fit(X, y, groups, sources)


def recorder():
    settings = light_detector().get_params(deep=False)
    return Recorder(**settings)


def test_groups_and_sources_reach_a_detector_in_a_cross_validated_pipeline():
    with sklearn.config_context(enable_metadata_routing=True):
        asked = recorder().set_fit_request(groups=True, sources=True)
        pipeline = Pipeline([("strip", FunctionTransformer(strip_each)), ("detector", asked)])
        found = cross_validate(
            pipeline,
            TEXTS,
            LABELS,
            cv=GroupKFold(3),
            params={"groups": GROUPS, "sources": SOURCES},
            return_estimator=True,
            return_indices=True,
            error_score="raise",
        )
    groups = np.array(GROUPS)
    for fitted, train, test in zip(
        found["estimator"], found["indices"]["train"], found["indices"]["test"], strict=True
    ):
        detector = fitted.named_steps["detector"]
        assert detector.fitted_groups_ == set(groups[train])
        assert not detector.fitted_groups_ & set(groups[test])  # prompts stay together
        assert detector.training_["sources"] == sorted(set(SOURCES))


def test_a_detector_that_did_not_ask_for_sources_gets_none():
    with sklearn.config_context(enable_metadata_routing=True):
        asked = recorder().set_fit_request(groups=True, sources=False)
        pipeline = make_pipeline(asked).fit(TEXTS, LABELS, groups=GROUPS)
        assert pipeline[-1].fitted_groups_ == set(GROUPS)
        assert pipeline[-1].training_["sources"] == []
        unclear = make_pipeline(recorder())
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sources"):
            unclear.fit(TEXTS, LABELS, sources=SOURCES)


def test_requests_survive_a_clone():
    with sklearn.config_context(enable_metadata_routing=True):
        asked = light_detector().set_fit_request(groups=True, sources=True)
        requests = clone(asked).get_metadata_routing().fit.requests
    assert requests == {"groups": True, "sources": True}


def test_sources_reach_an_extractor_that_learns(tiny_gpt2):
    families = ["stylometry", "contrast"]
    extractor = FeatureExtractor(families, lm=str(tiny_gpt2))
    expected = clone(extractor).fit_transform(TEXTS, LABELS, groups=GROUPS, sources=SOURCES)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = clone(extractor).set_fit_request(groups=True, sources=True)
        pipeline = make_pipeline(asked, Recording()).fit(
            TEXTS, LABELS, groups=GROUPS, sources=SOURCES
        )
    np.testing.assert_array_equal(pipeline[-1].table_, expected)  # out-of-fold, by source
    without = clone(extractor).fit_transform(TEXTS, LABELS)
    assert not np.array_equal(without, expected)


class Recording(LogisticRegression):
    """Keeps the table that it was fitted on."""

    def fit(self, X, y):
        self.table_ = np.array(X)
        return super().fit(StandardScaler().fit_transform(X), y)
