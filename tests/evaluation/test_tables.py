import numpy as np
import pandas as pd
import pytest

from perplexity_detector.evaluation.measure import measure
from perplexity_detector.evaluation.tables import evaluation, interval, metrics_by_split, readable
from perplexity_detector.pipelines.predict import DETAILS
from tests.labelled import two_styles

WHY = "high average word length; low use of the first person and of other personal pronouns"


@pytest.fixture(autouse=True)
def _terminal_of_80_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def results(*rows):
    columns = ["id", "generated", "verdict", "note", "words", "tokens", "why", "flags", "problem"]
    frame = pd.DataFrame(rows, columns=columns).assign(passages=0)
    return frame.reindex(columns=list(DETAILS))


def test_a_table_for_people():
    table = readable(
        results(
            ("a", 0.98765, "generated", "", 200, 250, WHY, "", ""),
            ("b12", 0.5, "uncertain", "", 0, 0, "", "", "no text"),
            ("c", 0.1, "human", "", 80, 99, "", "2 odd letters; 1 odd space", ""),
            (
                "d",
                0.5,
                "uncertain",
                "between the thresholds",
                80,
                99,
                "low use of commas",
                "3 odd letters",
                "",
            ),
        )
    )
    assert table.splitlines() == [
        "id           probability  verdict    why",
        "a                  0.988  generated  high average word length; low use of the",
        "                                     first person and of other personal pronouns",
        "b12                0.500  uncertain  no text",
        "c                  0.100  human      Flags: 2 odd letters; 1 odd space",
        "d                  0.500  uncertain  between the thresholds. low use of commas.",
        "                                     Flags: 3 odd letters",
    ]
    assert all(len(line) <= 82 for line in table.splitlines())


def test_marked_passages_are_counted():
    row = results(("e", 0.3, "mixed", "", 300, 350, "low use of commas", "", "")).assign(passages=2)
    assert readable(row).splitlines()[1:] == [
        "e                  0.300  mixed      2 passages marked. low use of commas"
    ]


def test_a_table_without_header():
    assert (
        readable(results(("a", 0.5, "human", "", 1, 1, "", "", "")), header=False).count("\n") == 0
    )


@pytest.mark.parametrize(
    ("row_id", "shown"),
    [
        ("exactly12345", "exactly12345"),
        ("4fbc8a1e-0b1c-4a52", "4fbc8a1e-..."),
        ("two\n lines", "two lines"),
        ("many words in it", "many word..."),
        (7, "7"),
    ],
)
def test_long_ids_are_shortened_and_not_lost(row_id, shown):
    line = readable(results((row_id, 0.5, "human", "", 1, 1, "", "", "")), header=False)
    assert line == f"{shown:<12}       0.500  human"


def test_intervals():
    assert interval(0.98765, 0.9, 1.0) == "0.988 [0.900, 1.000]"
    assert interval(0.5, None, None) == "0.500"
    assert interval(None, None, None) == "-"


def test_figures_of_a_training():
    predictions = pd.DataFrame(
        {
            "split": ["out-of-fold"] * 4 + ["test"] * 4,
            "generated": [0, 0, 1, 1] * 2,
            "probability": [0.1, 0.6, 0.7, 0.9, 0.5, 0.9, 0.2, 0.8],
            "flagged": [False, False, True, True, False, True, False, True],
        }
    )
    lines = metrics_by_split(measure(predictions, 0.05)).splitlines()
    assert lines[0].split() == ["out-of-fold", "test"]
    assert [line.partition("  ")[0] for line in lines[1:]] == [
        "AUROC", "TPR at 1 % FPR", "TPR at 5 % FPR", "Brier", "ECE", "FPR at threshold",
        "TPR at threshold",
    ]  # fmt: skip
    assert lines[1].startswith("AUROC             1.000 [1.000, 1.000]  0.250 [")


def scored(**columns):
    _, labels = two_styles(40)
    labels = np.array(labels)
    probabilities = 0.25 + 0.5 * labels
    return pd.DataFrame(
        {"generated": labels, "probability": probabilities, "flagged": labels == 1, **columns}
    )


def test_an_evaluation():
    lines = evaluation(scored(), 0.1).splitlines()
    assert lines[0] == "40 texts, thresholds for a false-positive rate of 0.1"
    assert lines[1] == "AUROC              1.000 [1.000, 1.000]"
    assert lines[4] == "Brier              0.062 [0.062, 0.062]"
    assert len(lines) == 11
    assert lines[9] == "Texts by people: 0 of 20 flagged, 0 % [0 %, 16.8 %]"


def test_an_evaluation_of_people_alone():
    people = scored(source=["pupils", "news"] * 20).assign(generated=0)
    lines = evaluation(people, 0.1).splitlines()
    assert lines[2] == "Texts by people: 20 of 40 flagged, 50 % [33.8 %, 66.2 %]"
    assert lines[-2].startswith("source news: 20 of 20 flagged, 100 %")
    assert lines[-1].startswith("source pupils: 0 of 20 flagged, 0 %")


def test_an_evaluation_by_group():
    groups = ["pupils"] * 20 + ["news"] * 19 + ["lone"]
    report = evaluation(scored(source=groups, domain="essays", attack=groups[::-1]), 0.1)
    blocks = report.split("\n\n")
    assert len(blocks) == 4  # a column of one value breaks nothing down
    del blocks[1]  # the rate of people
    assert blocks[1].splitlines()[0].split()[:3] == ["texts", "human", "generated"]
    assert blocks[1].splitlines()[1].strip() == "source"
    rows = {line.split()[0]: line.split()[1:] for line in blocks[1].splitlines()[2:]}
    assert list(rows) == ["lone", "news", "pupils"]
    assert rows["pupils"][:4] == ["20", "10", "10", "1.000"]
    assert rows["lone"][:4] == ["1", "0", "1", "-"]
    assert blocks[2].splitlines()[1].strip() == "attack"
