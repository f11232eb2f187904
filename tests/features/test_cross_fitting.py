import numpy as np
import pytest

from perplexity_detector.errors import InputError
from perplexity_detector.features.cross_fitting import cross_fitted_table
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


def test_no_text_is_scored_by_what_saw_it():
    labels = np.arange(50) % 2
    table = cross_fitted_table(spy(), numbered(50), labels, np.zeros(50), group_folds(labels))
    assert (table[:, 0] == 0).all()
    assert (table[:, 1] == 40).all()


def test_no_text_is_scored_by_what_saw_its_prompt():
    labels = np.arange(60) % 2
    groups = [f"prompt {number // 6}" for number in range(60)]
    parts = group_folds(labels, groups=groups)
    assert sorted(np.concatenate([fold for _, fold in parts])) == list(range(60))
    for rest, fold in parts:
        assert not {groups[i] for i in rest} & {groups[i] for i in fold}
        assert set(labels[rest]) == {0, 1}


def test_whole_sources_take_turns_where_there_are_enough():
    labels = np.arange(80) % 2
    groups = [f"prompt {number // 5}" for number in range(80)]
    for sources, parted in ((np.arange(80) // 10, False), (np.arange(80) // 40, True)):
        parts = group_folds(labels, sources, groups)
        assert sorted(np.concatenate([fold for _, fold in parts])) == list(range(80))
        torn = any(set(sources[rest]) & set(sources[fold]) for rest, fold in parts)
        assert torn == parted
        for rest, fold in parts:
            assert not {groups[i] for i in rest} & {groups[i] for i in fold}


def test_sources_of_one_class_each_cannot_take_turns_alone():
    # two sources by people, three by models: fewer than four of a class
    labels = np.repeat([0, 0, 1, 1, 1], 10)
    sources = np.repeat(np.arange(5), 10)
    assert any(
        set(sources[rest]) & set(sources[fold]) for rest, fold in group_folds(labels, sources)
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
def test_too_few_prompts_are_parted(groups):
    labels = np.arange(20) % 2
    parts = group_folds(labels, groups=groups)
    assert sorted(np.concatenate([fold for _, fold in parts])) == list(range(20))
    assert all(set(labels[rest]) == {0, 1} for rest, _ in parts)


def test_missing_prompts_are_one_prompt():
    labels = np.arange(40) % 2
    groups = [None if n < 10 else n for n in range(40)]
    holding = [fold for _, fold in group_folds(labels, groups=groups) if set(fold) & set(range(10))]
    assert len(holding) == 1


def test_few_texts_are_enough():
    assert len(group_folds(np.array([0, 1, 0, 1]))) == 2
    with pytest.raises(InputError, match="at least two texts of each class"):
        group_folds(np.array([0, 1, 0, 0]))
