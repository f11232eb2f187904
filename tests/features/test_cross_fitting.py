import numpy as np
import pytest

from perplexity_detector.errors import InputError
from perplexity_detector.features.cross_fitting import cross_fit, out_of_fold_table
from perplexity_detector.features.document import Document
from perplexity_detector.features.family import LearnedFamily
from perplexity_detector.sampling.splits import group_folds


def spy():
    """A family that remembers which texts it learned from, by their numbers."""

    def learn(documents, labels, sources):
        return {"seen": np.array([float(document.text) for document in documents])}

    def compute(document, arrays):
        return {"seen": float(float(document.text) in arrays["seen"]), "texts": len(arrays["seen"])}

    return LearnedFamily("spy", 1, {"seen": "", "texts": ""}, learn, compute, "text")


def numbered(count):
    return [Document(str(number)) for number in range(count)]


def test_no_text_is_scored_by_a_family_fitted_to_it():
    labels = np.arange(50) % 2
    documents = numbered(50)
    fits = cross_fit([spy()], documents, labels, np.zeros(50), group_folds(labels))
    table = out_of_fold_table(spy(), documents, fits)
    assert (table[:, 0] == 0).all()
    assert (table[:, 1] == 40).all()


def test_no_text_is_scored_by_a_family_fitted_to_its_prompt():
    labels = np.arange(60) % 2
    groups = [f"prompt {number // 6}" for number in range(60)]
    splits = group_folds(labels, groups=groups)
    assert sorted(np.concatenate([test_idx for _, test_idx in splits])) == list(range(60))
    for train_idx, test_idx in splits:
        assert not {groups[i] for i in train_idx} & {groups[i] for i in test_idx}
        assert set(labels[train_idx]) == {0, 1}


def test_folds_hold_whole_sources_if_there_are_enough():
    labels = np.arange(80) % 2
    groups = [f"prompt {number // 5}" for number in range(80)]
    for sources, is_split in ((np.arange(80) // 10, False), (np.arange(80) // 40, True)):
        splits = group_folds(labels, sources, groups)
        assert sorted(np.concatenate([test_idx for _, test_idx in splits])) == list(range(80))
        split = any(
            set(sources[train_idx]) & set(sources[test_idx]) for train_idx, test_idx in splits
        )
        assert split == is_split
        for train_idx, test_idx in splits:
            assert not {groups[i] for i in train_idx} & {groups[i] for i in test_idx}


def test_few_sources_are_split():
    # two sources by people, three by models: fewer than four of a class
    labels = np.repeat([0, 0, 1, 1, 1], 10)
    sources = np.repeat(np.arange(5), 10)
    assert any(
        set(sources[train_idx]) & set(sources[test_idx])
        for train_idx, test_idx in group_folds(labels, sources)
    )


def test_folds_of_one_seed_are_the_same():
    labels = np.arange(40) % 2
    groups = list(np.arange(40) // 2)
    first, second = (
        group_folds(labels, None, groups, seed=3),
        group_folds(labels, None, groups, seed=3),
    )
    assert all((a[1] == b[1]).all() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("groups", [["one"] * 20, [f"prompt {n % 2}" for n in range(20)]])
def test_too_few_prompts_are_split(groups):
    labels = np.arange(20) % 2
    splits = group_folds(labels, groups=groups)
    assert sorted(np.concatenate([test_idx for _, test_idx in splits])) == list(range(20))
    assert all(set(labels[train_idx]) == {0, 1} for train_idx, _ in splits)


def test_missing_prompts_are_one_prompt():
    labels = np.arange(40) % 2
    groups = [None if n < 10 else n for n in range(40)]
    holding = [
        test_idx
        for _, test_idx in group_folds(labels, groups=groups)
        if set(test_idx) & set(range(10))
    ]
    assert len(holding) == 1


def test_few_texts_are_enough():
    assert len(group_folds(np.array([0, 1, 0, 1]))) == 2
    with pytest.raises(InputError, match="at least two texts of each class"):
        group_folds(np.array([0, 1, 0, 0]))
