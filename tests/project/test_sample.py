"""The labelled sample in data/sample: its columns, its balance, and its texts."""

import csv
from collections import Counter

import pytest

from perplexity_detector.text import canonicalise, words
from tests.paths import ROOT

SAMPLE = ROOT / "data" / "sample" / "essays.csv"


@pytest.fixture(scope="module")
def essays():
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_columns_are_those_of_the_competition():
    header = SAMPLE.read_text(encoding="utf-8").splitlines()[0]
    assert header == "id,prompt_id,text,generated"


def test_every_row_is_complete(essays):
    assert len(essays) >= 40
    for essay in essays:
        assert None not in essay  # csv puts surplus fields under None
        assert all(essay.values())


def test_labels_are_balanced(essays):
    labels = Counter(essay["generated"] for essay in essays)
    assert labels == {"0": len(essays) / 2, "1": len(essays) / 2}


def test_each_prompt_has_both_labels(essays):
    labels_of: dict[int, set[str]] = {}
    for essay in essays:
        labels_of.setdefault(int(essay["prompt_id"]), set()).add(essay["generated"])
    assert labels_of == {prompt: {"0", "1"} for prompt in range(12)}


def test_texts_have_80_to_300_words(essays):
    lengths = {essay["id"]: len(words(canonicalise(essay["text"]))) for essay in essays}
    assert {name: n for name, n in lengths.items() if not 80 <= n <= 300} == {}


def test_ids_are_unique(essays):
    assert len({essay["id"] for essay in essays}) == len(essays)


def test_no_text_occurs_twice(essays):
    assert len({canonicalise(essay["text"]).casefold() for essay in essays}) == len(essays)


def test_some_texts_hold_line_breaks(essays):
    for label in "01":
        assert any("\n" in essay["text"] for essay in essays if essay["generated"] == label)
