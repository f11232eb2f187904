import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.classifier.prose_check import is_prose
from tests.paths import ROOT

SAMPLE = ROOT / "data" / "sample"
ODD = pd.read_csv(SAMPLE / "odd.csv")
ESSAYS = pd.read_csv(SAMPLE / "essays.csv")


@pytest.mark.parametrize("row", ODD.itertuples(), ids=lambda row: f"{row.kind}: {row.id}")
def test_other_forms_are_no_prose(row):
    assert not is_prose(row.text)


def test_essays_are_prose():
    assert all(map(is_prose, ESSAYS["text"]))


def test_verse_is_known_by_its_lines_or_by_their_capitals():
    verse = ODD[ODD["kind"] == "poetry"].set_index("id")["text"]
    on_one_line = verse.str.replace(r"\s+", " ", regex=True)
    assert [name for name, text in on_one_line.items() if is_prose(text)] == ["whitman"]
    # wrapped as an editor would, prose stays prose
    essay = ESSAYS["text"][0]
    words = essay.split()
    wrapped = "\n".join(" ".join(words[i : i + 12]) for i in range(0, len(words), 12))
    assert is_prose(wrapped)


def test_capitals_that_prose_has():
    title = "I read The Lord of the Rings and then it was my sister who took it to the sea. "
    said = 'He said, "And you?" but I had no answer to that, and so we went on in the rain. '
    assert is_prose(title + said)


@given(st.text())
def test_any_string_has_an_answer(text):
    assert is_prose(text) in (True, False)


def test_nothing_and_much():
    assert is_prose("")
    assert is_prose("!!! ??? ...")
    assert is_prose(ESSAYS["text"][0] + " " + "The dog ran. " * 3)
    assert not is_prose("The dog ran across the garden and barked at the cat. " * 5000)
