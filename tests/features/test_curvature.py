"""Family `curvature` by hand."""

import numpy as np
import pytest

from perplexity_detector.features.curvature import FAMILY


def test_four_tokens_by_hand(document_of):
    document = document_of(
        [1, 1, 5, 2],
        entropy=[3, 2, 3, 2],
        variance=[4, 4, 4, 4],
        tokens=["Go", ".", " Stay", "."],
    )
    values = FAMILY.compute(document)
    assert list(values) == list(FAMILY.labels)
    assert values["text"] == pytest.approx(1 / 4)
    assert values["per_token"] == pytest.approx(1 / 8)
    # a text of fewer than 50 tokens is one span
    assert values["span_lowest"] == values["span_median"] == values["span_highest"]
    assert values["span_highest"] == pytest.approx(values["per_token"])
    assert values["span_std"] == 0
    # sentences: (3 / sqrt(8)) / sqrt(2) and (-2 / sqrt(8)) / sqrt(2), that is 0.75 and -0.5
    assert values["sentence_std"] == pytest.approx(0.625)


def test_surprisal_equal_to_entropy_has_no_curvature(document_of):
    entropy = np.linspace(0.5, 6, 120)
    values = FAMILY.compute(document_of(entropy, entropy=entropy, variance=np.ones(120)))
    assert set(values.values()) == {0.0}


def test_the_form_per_token_does_not_grow_with_the_text(document_of):
    def values(n):
        return FAMILY.compute(document_of(np.ones(n), entropy=np.full(n, 2), variance=np.ones(n)))

    assert values(400)["text"] == pytest.approx(2 * values(100)["text"])
    assert values(400)["per_token"] == pytest.approx(values(100)["per_token"])


def test_spans_find_the_passage_that_is_unlike_the_rest(document_of):
    entropy = np.full(150, 2.0)
    surprisal = np.concatenate([np.full(100, 1.0), np.full(50, 4.0)])
    values = FAMILY.compute(document_of(surprisal, entropy=entropy, variance=np.ones(150)))
    assert values["span_highest"] == pytest.approx(1)
    assert values["span_lowest"] == pytest.approx(-2)
    assert values["span_std"] > 0


def test_samples_of_the_model_are_standard_normal(document_of):
    generator = np.random.default_rng(7)
    shares = generator.dirichlet(np.ones(30), size=200)
    information = -np.log(shares)
    entropy = (shares * information).sum(axis=1)
    variance = (shares * information**2).sum(axis=1) - entropy**2
    drawn = []
    for _ in range(200):
        picks = [generator.choice(30, p=row) for row in shares]
        surprisal = information[np.arange(200), picks]
        drawn.append(FAMILY.compute(document_of(surprisal, entropy=entropy, variance=variance)))
    discrepancies = [values["text"] for values in drawn]
    assert np.mean(discrepancies) == pytest.approx(0, abs=0.25)
    assert np.std(discrepancies) == pytest.approx(1, abs=0.2)


def test_no_variance_and_no_tokens_give_zero(document_of):
    assert set(FAMILY.compute(document_of([3.0], entropy=[1.0])).values()) == {0.0}
    assert set(FAMILY.compute(document_of()).values()) == {0.0}
