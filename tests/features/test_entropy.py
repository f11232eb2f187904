"""Family `entropy` by hand."""

import pytest

from perplexity_detector.features.entropy import FAMILY


def test_three_tokens_by_hand(document_of):
    values = FAMILY.compute(document_of([2, 2, 8], entropy=[1, 2, 3]))
    assert list(values) == list(FAMILY.labels)
    assert values["mean"] == 2
    assert values["median"] == 2
    assert values["quantile_5"] == pytest.approx(1.1)
    assert values["std"] == pytest.approx((2 / 3) ** 0.5)
    assert values["excess"] == 2
    assert values["relative_surprisal"] == 2


def test_a_text_as_surprising_as_expected_has_no_excess(document_of):
    values = FAMILY.compute(document_of([1, 4, 2], entropy=[1, 4, 2]))
    assert values["excess"] == 0
    assert values["relative_surprisal"] == 1


def test_a_certain_model_gives_no_division_by_zero(document_of):
    assert FAMILY.compute(document_of([1, 1], entropy=[0, 0]))["relative_surprisal"] == 0


def test_an_empty_text_is_all_zero(document_of):
    assert set(FAMILY.compute(document_of()).values()) == {0.0}
