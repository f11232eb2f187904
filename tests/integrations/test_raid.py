"""RAID's own detection and evaluation, on files in its format."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.boards import raid as board
from perplexity_detector.detectors.text_detector import TextDetector
from tests.labelled import light_detector, sample, two_styles

raid = pytest.importorskip("raid", reason="pip install --no-deps raid-bench")

#: The keys of RAID's leaderboard/template-metadata.json, in order.
TEMPLATE = [
    "date_released",
    "detector_name",
    "website",
    "paper_link",
    "huggingface_link",
    "github_link",
    "contact_info",
]
WRITERS = {0: "human", 1: "chatgpt"}


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    fitted = light_detector(fpr=0.1).fit(*two_styles(160))
    return str(fitted.save_pretrained(tmp_path_factory.mktemp("detector") / "model"))


def corpus(texts, labels, domain="news"):
    """Rows as the corpus has them; every tenth is a paraphrase by DIPPER."""
    return pd.DataFrame(
        {
            "id": [f"r{n}" for n in range(len(texts))],
            "text": texts,
            "generated": labels,
            "domain": domain,
            "generator": [WRITERS[label] for label in labels],
            "attack": ["dipper" if n % 10 == 1 else "none" for n in range(len(texts))],
            "split": "test",
        }
    )


def test_scores_are_raw(detector):
    texts, _ = two_styles(40, seed=7)
    scores = board.detector(texts, detector)
    assert isinstance(scores, list)
    assert {type(score) for score in scores} == {float}
    loaded = TextDetector.from_pretrained(detector)
    np.testing.assert_array_equal(scores, loaded.decision_function(texts))
    probabilities = loaded.predict_proba(texts)[:, 1]
    # calibrated probabilities have fewer steps, and end at 0 and 1
    assert len(set(scores)) >= len(set(probabilities))
    assert min(scores) < 0
    assert max(scores) > 1
    assert board.detector([], detector) == []


def test_a_file_in_raids_format():
    texts, labels = sample()["text"].tolist(), sample()["generated"].tolist()
    frame = board.in_raid_format(corpus(texts, labels, "review"), 10, 5, 2)
    assert list(frame.columns) == list(board.COLUMNS)
    assert frame["id"].is_unique
    assert frame["generation"].str.strip().ne("").all()
    counts = frame.groupby(["model", "attack"]).size()
    assert counts["human", "none"] == 10
    assert counts["chatgpt", "none"] == 5
    assert counts["chatgpt", "paraphrase"] == 2
    assert all(counts["chatgpt", attack] == 5 for attack in board.ATTACKS.values())
    assert set(frame["domain"]) == {"reviews"}
    assert frame.loc[frame["model"] == "human", "decoding"].isna().all()
    texts_of = frame.set_index("id")["generation"]
    attacked = frame[frame["attack"] == "zero_width_space"]
    for row_id, source in zip(attacked["id"], attacked["source_id"], strict=True):
        assert texts_of[row_id].replace("\u200b", "") == texts_of[source]
        assert texts_of[row_id] != texts_of[source]


def test_their_evaluation(detector):
    texts, labels = two_styles(120, seed=9)
    frame = board.in_raid_format(corpus(texts, labels), 60, 10, 3)
    found = board.evaluate(lambda given: board.detector(given, detector), frame)
    assert found["fpr"]["news"] == pytest.approx(0.05)
    plain = found["attacks"]["none"]
    assert plain["auroc"] > 0.8
    assert found["attacks"]["zero_width_space"] == plain  # canonical form takes them away
    assert set(found["attacks"]) == {"none", "paraphrase", "all", *board.ATTACKS.values()}
    # their share at their threshold, worked out here
    scores = np.array(board.detector(frame["generation"].tolist(), detector))
    undisguised = ((frame["model"] != "human") & (frame["attack"] == "none")).to_numpy()
    share = float((scores[undisguised] >= found["thresholds"]["news"]).mean())
    assert plain["tpr"] == pytest.approx(share)


def test_a_submission(detector, tmp_path, capsys):
    texts, labels = two_styles(8)
    test_csv = board.in_raid_format(corpus(texts, labels), 4, 3, 1)[["id", "generation"]]
    test_csv.loc[0, "generation"] = None
    test_csv.to_csv(tmp_path / "test.csv", index=False)
    folder = tmp_path / "submission"
    board.submission(str(tmp_path / "test.csv"), str(folder), "ada@example.org", detector)
    predictions = json.loads((folder / "predictions.json").read_text())
    assert [one["id"] for one in predictions] == test_csv["id"].tolist()
    assert all(set(one) == {"id", "score"} for one in predictions)
    written = json.loads((folder / "metadata.json").read_text())
    assert list(written) == TEMPLATE
    assert all(isinstance(value, str) for value in written.values())
    assert written["contact_info"] == "ada@example.org"
    assert f"{len(test_csv)} scores" in capsys.readouterr().out
