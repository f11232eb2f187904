"""TF-IDF and GLTR: weights by hand, and scikit-learn's own pipelines."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from perplexity_detector.detectors.registry import make_detector
from perplexity_detector.errors import InputError
from tests.labelled import two_styles


def test_weights_of_terms_by_hand():
    texts = ["Red cat red", "blue cat", "red dog", "Blue dog!"]
    model = make_detector("tfidf", min_df=1).fit(texts * 2, [1, 0, 1, 0] * 2)
    terms = model.fitted_["terms"].tolist()
    assert terms == sorted(
        ["red", "cat", "blue", "dog", "red cat", "cat red", "blue cat", "red dog", "blue dog"]
    )
    idf = {"red": 1 + math.log(9 / 5), "cat": 1 + math.log(9 / 5), "red cat": 1 + math.log(9 / 3)}
    for term, expected in idf.items():
        assert model.fitted_["idf"][terms.index(term)] == pytest.approx(expected)
    row = {"red": (1 + math.log(2)) * idf["red"], "cat": idf["cat"],
           "red cat": idf["red cat"], "cat red": idf["red cat"]}  # fmt: skip
    length = math.sqrt(sum(value**2 for value in row.values()))
    margin = model.fitted_["intercept"][0] + sum(
        value / length * model.fitted_["coefficients"][terms.index(term)]
        for term, value in row.items()
    )
    assert model.decision_function(["RED cat, red"])[0] == pytest.approx(margin)
    assert model.decision_function(["unknown"])[0] == model.fitted_["intercept"][0]


def test_reasons_name_the_terms_that_contributed():
    model = make_detector("tfidf").fit(*two_styles(80))
    texts, labels = two_styles(20, seed=3, mixed=0.1)
    assessed = model.assess(texts)
    for why, label in zip(assessed["why"], labels, strict=True):
        assert ("furthermore" in why or "meaningful" in why or len(why) > 40) or not label
    assert assessed["why"].str.startswith('"').all()
    assert model.assess([""])["why"].tolist() == [""]


def test_characters_can_be_terms():
    model = make_detector("tfidf", analyzer="char_wb").fit(*two_styles(40))
    assert {len(term) for term in model.fitted_["terms"]} == {3, 4, 5}
    with pytest.raises(InputError, match="The analyzer is word or char_wb, not 'line'"):
        make_detector("tfidf", analyzer="line").fit(*two_styles(8))


def test_texts_without_words():
    with pytest.raises(InputError, match="The texts share no words to learn from"):
        make_detector("tfidf").fit(["...", "!", "?", "--"], [0, 1, 0, 1])


def test_rare_terms_are_left_out():
    texts, labels = two_styles(160)
    texts[0] += " unheard of."
    texts[2] += " unheard again."
    assert "unheard" not in make_detector("tfidf").fit(texts, labels).fitted_["terms"]
    assert len(make_detector("tfidf", max_features=10).fit(texts, labels).fitted_["terms"]) == 10


def test_gltr_is_a_regression_over_four_shares(fitted):
    model = fitted("gltr")
    texts, labels = two_styles(60, mixed=0.1)
    shares = model.compute_features(model.read_documents(texts))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    z = (shares - shares.mean(axis=0)) / (shares.std(axis=0) + 1e-9)  # none is beyond 512
    theirs = LogisticRegression().fit(z, labels).decision_function(z)
    np.testing.assert_allclose(model.decision_function(texts), theirs, atol=1e-3)
