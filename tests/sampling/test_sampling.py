"""Balanced samples, splits that keep prompts together, and weights."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.sampling.balance import balanced_sample, balancing_weights, stable_order
from perplexity_detector.sampling.splits import MIN_PROMPTS, assign_splits

FRAME = pd.DataFrame(
    {
        "id": [f"row{number}" for number in range(60)],
        "source": ["essays"] * 40 + ["news"] * 15 + [None] * 5,
        "generated": [0, 1] * 20 + [0] * 10 + [1] * 5 + [0] * 5,
    },
    index=range(100, 160),
)


def sizes(frame):
    return frame.groupby(["source", "generated"], dropna=False).size().tolist()


# --- order and samples ----------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=4), max_size=30, unique=True), st.integers(0, 30), st.integers(0, 9)
)
def test_a_row_keeps_its_place_among_the_others_when_rows_are_added(ids, kept, seed):
    everyone, some = pd.Series(ids, dtype=object), pd.Series(ids[:kept], dtype=object)
    ordered = everyone.iloc[stable_order(everyone, seed)].tolist()
    assert sorted(ordered) == sorted(ids)
    expected = [one for one in ordered if one in set(some)]
    assert some.iloc[stable_order(some, seed)].tolist() == expected


def test_rows_of_one_id_keep_their_order():
    order = stable_order(pd.Series(["a", "b"] * 50))
    assert order.tolist() in (
        [*range(0, 100, 2), *range(1, 100, 2)],
        [*range(1, 100, 2), *range(0, 100, 2)],
    )


def test_the_seed_and_nothing_else_changes_the_order():
    ids = FRAME["id"]
    order = stable_order(ids)
    assert order.tolist() != sorted(order)
    assert order.tolist() == stable_order(ids.reset_index(drop=True)).tolist()
    assert order.tolist() != stable_order(ids, seed=1).tolist()
    # known ids, so that a sample drawn today is drawn again tomorrow
    assert stable_order(pd.Series(list("abcdef"))).tolist() == [5, 3, 0, 2, 1, 4]


def test_a_sample_takes_as_many_of_each_source_and_class():
    assert sizes(balanced_sample(FRAME, 7)) == [7, 7, 7, 5, 5]
    assert sizes(balanced_sample(FRAME, None)) == sizes(FRAME)
    assert len(balanced_sample(FRAME, 0)) == 0
    without_sources = balanced_sample(FRAME.drop(columns="source"), 7)
    assert without_sources["generated"].tolist().count(0) == 7
    assert len(without_sources) == 14


def test_a_sample_holds_whole_rows_once_in_an_order_without_a_pattern():
    sample = balanced_sample(FRAME, 20)
    pd.testing.assert_frame_equal(sample.sort_index(), FRAME.loc[sorted(sample.index)])
    assert sample["generated"].tolist() != sorted(sample["generated"])
    assert sample["generated"].tolist() != sorted(sample["generated"], reverse=True)


def test_a_larger_sample_holds_the_smaller():
    assert set(balanced_sample(FRAME, 3)["id"]) <= set(balanced_sample(FRAME, 8)["id"])


def test_rows_that_are_added_leave_most_of_a_sample_as_it_was():
    before = balanced_sample(FRAME[FRAME["source"] != "news"], 5)
    after = balanced_sample(FRAME, 5)
    assert set(before["id"]) == set(after.loc[after["source"] != "news", "id"])


# --- splits ---------------------------------------------------------------------------------


def test_a_prompt_is_in_one_split():
    prompts = FRAME["id"].str[-1]  # ten of them
    splits = pd.Series(assign_splits(FRAME["id"], prompts, held_out=0.2), FRAME.index)
    assert (splits.groupby(prompts).nunique() == 1).all()
    assert splits.groupby(prompts).first().value_counts().to_dict() == {
        "train": 6,
        "valid": 2,
        "test": 2,
    }


def test_rows_are_parted_one_by_one_where_there_are_few_prompts():
    few = pd.Series(range(60)) % (MIN_PROMPTS - 1)
    for prompts in (few, None):
        splits = assign_splits(FRAME["id"].reset_index(drop=True), prompts, held_out=0.1)
        assert pd.Series(splits).value_counts().to_dict() == {"train": 48, "valid": 6, "test": 6}


def test_splits_do_not_depend_on_the_order_of_rows():
    shuffled = FRAME.iloc[::-1]
    ours, theirs = assign_splits(FRAME["id"]), assign_splits(shuffled["id"])
    assert ours.tolist() == theirs.tolist()[::-1]
    assert ours.tolist() != assign_splits(FRAME["id"], seed=1).tolist()


# --- weights --------------------------------------------------------------------------------


def test_weights_worked_by_hand():
    # class 0 has sources of 1 and 3 rows, class 1 one source of 2 rows
    weights = balancing_weights(
        np.array([0, 0, 0, 0, 1, 1]), np.array(["a", "b", "b", "b", "a", "a"])
    )
    np.testing.assert_allclose(weights, [1.5, 0.5, 0.5, 0.5, 1.5, 1.5])
    np.testing.assert_allclose(balancing_weights(np.array([0, 0, 0, 1])), [2 / 3] * 3 + [2])


cells = st.tuples(st.integers(0, 1), st.sampled_from(["a", "b", "c", None]))


@settings(deadline=None)
@given(st.lists(cells, min_size=1, max_size=40))
def test_each_class_and_each_source_of_a_class_weigh_alike(rows):
    labels = np.array([label for label, _ in rows])
    sources = np.array([source for _, source in rows], object)
    weights = balancing_weights(labels, sources)
    assert weights.dtype == np.float64
    assert weights.mean() == pytest.approx(1)
    frame = pd.DataFrame({"label": labels, "source": sources, "weight": weights})
    assert np.ptp(frame.groupby("label")["weight"].sum()) == pytest.approx(0, abs=1e-9)
    for _, one in frame.groupby("label"):
        assert np.ptp(one.groupby("source", dropna=False)["weight"].sum()) == pytest.approx(
            0, abs=1e-9
        )
