import json

import pandas as pd
import pytest

from benchmarks.quality.baselines import main
from benchmarks.quality.fold_results import MAIN_KINDS
from benchmarks.quality.protocol import folds
from benchmarks.quality.samples import corpus
from perplexity_detector.text import crop
from tests.labelled import two_styles


@pytest.fixture
def measured(tmp_path):
    """A small corpus of short texts, and a json that says what was trained on."""
    texts = iter(two_styles(54, mixed=0)[0])
    rows = [
        {
            "id": f"{source}{number}{label}",
            "text": crop(next(texts), 10),
            "generated": label,
            "domain": "essay",
            "generator": "gpt-4" if label else "human",
            "attack": "none",
            "prompt_id": f"{source}{number}",
            "source": source,
            "split": ("train", "valid", "test")[number % 3],
        }
        for source in ("lastde", "outfox", "raidar")
        for number in range(9)
        for label in (0, 1)
    ]
    file = tmp_path / "corpus.csv"
    pd.DataFrame(rows).to_csv(file, index=False)
    sampled = corpus(str(file), 100, 60)
    record = [
        {
            "kind": fold.kind,
            "name": fold.name,
            "n_calibrating": int((fold.train & sampled["calibration_mask"]).sum()),
            "detectors": {"standard": {"auroc": 0.5}},
        }
        for fold in folds(sampled)
    ]
    output = tmp_path / "quality.json"
    output.write_text(json.dumps({"folds": record}))
    return str(file), output


def test_a_baseline_joins_the_folds_that_are_measured(measured, tmp_path, smollm2_folder):
    file, output = measured
    before = json.loads(output.read_text())["folds"]
    main(file, ["tfidf", "gltr"], cache=str(tmp_path / "cache"), output=str(output))
    after = json.loads(output.read_text())["folds"]
    for then, now in zip(before, after, strict=True):
        added = {"tfidf", "gltr"} if now["kind"] in MAIN_KINDS else set()
        assert now["detectors"].keys() == {"standard", *added}
        assert now["detectors"]["standard"] == then["detectors"]["standard"]
    found = [fold["detectors"] for fold in after if fold["kind"] == "source"]
    assert [one["gltr"]["n_human"] for one in found] == [9, 9, 9]
    assert all(one["tfidf"]["auroc"] == 1 for one in found)
    assert "intervals" in found[0]["tfidf"]
    assert "intervals" not in found[0]["gltr"]


def test_other_texts_are_refused(measured):
    file, output = measured
    with pytest.raises(ValueError, match=r"test split trains on 30 texts; .* says 36"):
        main(file, "tfidf", per_group=2, output=str(output))
