"""`recalibrate`, and `evaluate` of one's own people."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from perplexity_detector.explanation.explainable import ExplainableClassifier
from tests.asked import log_of, refused
from tests.cli.running import MARKER, MODEL, run
from tests.labelled import two_styles

TEXTS, LABELS = two_styles(240, seed=3)


@pytest.fixture
def people(tmp_path):
    """120 texts by people, without labels."""
    rows = pd.DataFrame({"id": range(240), "text": TEXTS})
    rows[[label == 0 for label in LABELS]].to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


def test_people_set_the_thresholds_and_are_then_flagged_at_the_rate(here, people, detector):
    code, out, err = here("recalibrate", people, "--output=ours", f"--detector={detector}")
    assert code == 0, err
    before = ExplainableClassifier.from_pretrained(detector)
    texts = pd.read_csv(people)["text"].tolist()
    n_flagged = int(before.predict(texts).sum())
    assert out.startswith(f"At the thresholds before, these people had {n_flagged} of 120 flagged,")
    assert err == (
        "120 texts set the thresholds for a false-positive rate of 0.1. Saved to ours.\n"
    )
    assert json.loads(Path("ours/config.json").read_text())["training"]["recalibrated_on"] == 120
    # the thresholds are those of the library's own method
    after = ExplainableClassifier.from_pretrained("ours")
    before.recalibrate(texts)
    assert after.predict(texts).tolist() == before.predict(texts).tolist()
    assert after.predict(texts).sum() <= 12


def test_a_text_by_a_model_sets_no_threshold(here, people, detector, tmp_path):
    pd.DataFrame({"text": TEXTS, "generated": LABELS}).to_csv("both.csv", index=False)
    code, _, err = here("recalibrate", "both.csv", "--output=both", f"--detector={detector}")
    assert code == 0
    assert "labelled as written by a model" in err
    assert here("recalibrate", people, "--output=people", f"--detector={detector}")[0] == 0
    both, alone = (tmp_path / name / "calibrator.json" for name in ("both", "people"))
    assert both.read_bytes() == alone.read_bytes()


def test_people_hand_in_documents(here, people, detector, tmp_path):
    for number, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True)):
        file = tmp_path / "essays" / ("generated" if label else "a class") / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    shutil.make_archive("essays", "zip", "essays")
    assert here("recalibrate", people, "--output=table", f"--detector={detector}")[0] == 0
    expected = Path("table/calibrator.json").read_bytes()
    for dataset in ("essays", "essays.zip"):
        code, _, err = here("recalibrate", dataset, "--output=ours", f"--detector={detector}")
        assert code == 0, err
        assert "generated/1.txt: labelled as written by a model" in err
        assert Path("ours/calibrator.json").read_bytes() == expected
    code, out, err = here("evaluate", "essays", "--people", f"--detector={detector}")
    assert code == 0, err
    assert "of 120" in out


def test_another_rate_is_saved(here, people, detector):
    options = ["--output=ours", f"--detector={detector}"]
    assert here("recalibrate", people, *options, "--fpr=0.2")[0] == 0
    assert ExplainableClassifier.from_pretrained("ours").fpr == 0.2
    code, _, err = here("recalibrate", people, *options, "--fpr=0.001")
    assert code == 0
    assert "too few to promise a false-positive rate of 0.001" in err


def test_mistakes(here, people, detector, tmp_path):
    options = ["--output=ours", f"--detector={detector}"]
    few = tmp_path / "few.csv"
    pd.read_csv(people)[:99].to_csv(few, index=False)
    sentence = refused(here("recalibrate", few, *options))
    assert sentence == "99 texts set no thresholds: give 100 or more by people."
    (tmp_path / "empty.csv").touch()
    assert "is empty" in refused(here("recalibrate", "empty.csv", *options))
    assert "There is no file no.csv" in refused(here("recalibrate", "no.csv", *options))
    assert "did you mean --text_column?" in refused(
        here("recalibrate", people, *options, "--text_colum=a")
    )
    place = refused(here("recalibrate", people, "--output=.", f"--detector={detector}"))
    assert "holds other things than a detector" in place
    one_class = pd.DataFrame({"text": TEXTS[:9], "generated": 1})
    one_class.to_csv("models.csv", index=False)
    code, _, err = here("recalibrate", "models.csv", *options)
    assert code == 2
    assert err.splitlines()[-1] == "models.csv has no usable text by a person."
    assert not (tmp_path / "ours").exists()


def test_evaluate_says_how_often_ones_own_people_are_flagged(here, people, detector):
    code, out, err = here("evaluate", people, "--people", f"--detector={detector}", "--fpr=0.1")
    assert code == 0, err
    flagged = ExplainableClassifier.from_pretrained(detector).predict(pd.read_csv(people)["text"])
    assert f"Texts by people: {flagged.sum()} of 120 flagged, " in out
    assert "it takes 29 texts by people with none flagged" in out or "that promises" in out
    # with labels that say the same, the option is not needed
    pd.read_csv(people).assign(generated=0).to_csv("labelled.csv", index=False)
    assert here("evaluate", "labelled.csv", f"--detector={detector}", "--fpr=0.1")[1] == out
    pd.read_csv(people).assign(generated=1).to_csv("models.csv", index=False)
    sentence = refused(here("evaluate", "models.csv", f"--detector={detector}"))
    assert "none is labelled 0, written by a person" in sentence


def test_in_a_shell_without_logging_a_text(people, detector, tmp_path):
    rows = pd.read_csv(people)
    rows.assign(text=rows["text"] + f" {MARKER}").to_csv(people, index=False)
    done = run(
        MODEL, "recalibrate", people, "--output=ours", f"--detector={detector}", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "recalibrate: finished" in log_of(tmp_path)
    assert MARKER not in log_of(tmp_path)
