"""The command `explain`: a dataset and an id, or a text, in; a report out."""

import io
import json
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

from perplexity_detector.augmentation.attacks import attack
from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.classifier.passages import Share
from perplexity_detector.cli.explain import summary
from perplexity_detector.detectors.text_detector import TextDetector
from tests.asked import log_of, refused
from tests.cli.running import MODEL
from tests.labelled import two_styles

TEXTS, _ = two_styles(4, seed=1)


@pytest.fixture
def rows(tmp_path):
    frame = pd.DataFrame({"id": ["007", "8", "r9", "r10"], "text": [*TEXTS[:3], None]})
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    return path


def output_of(outcome):
    code, out, err = outcome
    assert code == 0, err
    assert "Traceback" not in err
    return out


def test_a_report_by_default(here, rows, detector, tmp_path):
    code, out, err = here("explain", f"--dataset={rows}", "--id=007", f"--detector={detector}")
    assert (code, err) == (0, "Report: data/report.html\n")
    verdict, *reasons = out.splitlines()
    assert verdict.endswith(", 60 words")
    assert "probability 0." in verdict
    assert reasons
    assert all(reason.startswith("- ") for reason in reasons)
    page = (tmp_path / "data" / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "007" in page
    assert " sea " in page


def test_the_report_of_a_disguised_essay_shows_its_flags(here, detector, tmp_path):
    disguised = attack(attack(TEXTS[0], "homoglyph"), "zero_width_space")
    sentences = [flag.sentence for flag in find_flags(disguised)]
    assert len(sentences) == 2
    options = [f"--text={disguised}", f"--detector={detector}"]
    printed = output_of(here("explain", *options, "--output=report.html"))
    assert printed.splitlines()[-2:] == [f"Flag: {sentence}" for sentence in sentences]
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(sentence in report for sentence in sentences)
    disguise = json.loads(output_of(here("explain", *options, "--output=-")))
    plain = json.loads(output_of(here("explain", f"--text={TEXTS[0]}", *options[1:], "--output=-")))
    assert [flag["sentence"] for flag in disguise["flags"]] == sentences
    assert plain["flags"] == []
    assert disguise["probability"] == plain["probability"]


def test_a_warning_is_a_note_and_no_reason():
    loaded = TextDetector.from_pretrained("fast")
    explanation = loaded.explain(TEXTS[0])
    lines = summary(explanation).splitlines()
    assert lines[1:-1] == [f"- {reason}" for reason in explanation.reasons]
    assert lines[-1] == f"Note: {explanation.warnings[0]}"


def test_marked_passages_are_named_by_their_beginnings():
    explanation = TextDetector.from_pretrained("fast").explain(TEXTS[0])
    start, end = explanation.sentences[0].start, explanation.sentences[2].end
    marked = replace(
        explanation, passages=((start, end),), share_generated=Share(0.5, 0.123, 0.8), warnings=()
    )
    *_, passage, share = summary(marked).splitlines()
    assert passage.startswith(f"Marked passage: {explanation.text[:40]}")
    assert passage.endswith(" ...")
    assert share == "Sentences by a model: 12% to 80%"
    assert "Marked" not in summary(explanation)


def test_numbers(here, rows, detector, tmp_path):
    printed = output_of(
        here("explain", str(rows), "007", f"--detector={detector}", "--output=a/b.json")
    )
    explanation = json.loads((tmp_path / "a" / "b.json").read_text(encoding="utf-8"))
    assert (explanation["id"], explanation["detector"]) == ("007", detector.name)
    assert explanation["text"] == TEXTS[0]
    assert printed.startswith(
        f"{explanation['verdict']}, probability {explanation['probability']:.3f}"
    )
    piped = output_of(here("explain", str(rows), "007", f"--detector={detector}", "--output=-"))
    again = json.loads(piped)
    assert again.pop("provenance") | {"time": ""} == explanation.pop("provenance") | {"time": ""}
    assert again == explanation


def test_a_text_is_taken_as_it_is(here, detector):
    # to Fire, a tuple, a number, a list, a string in quotes
    for text in ["well, yes", "7", "[one]", "'quoted'", "No. Why?"]:
        printed = here("explain", f"--text={text}", f"--detector={detector}", "--output=-")
        explanation = json.loads(output_of(printed))
        assert explanation["text"] == text
        assert explanation["id"] is None
        assert explanation["verdict"] == "uncertain"


def test_standard_input(here, detector, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(TEXTS[1]))
    printed = output_of(here("explain", "--text=-", f"--detector={detector}", "--output=-"))
    assert json.loads(printed)["text"] == TEXTS[1]


def test_the_rate_of_the_verdict(here, detector):
    options = ["--text=" + TEXTS[1], f"--detector={detector}", "--output=-"]
    assert json.loads(output_of(here("explain", *options, "--fpr=0.25")))["fpr"] == 0.25
    assert "between 0 and 1" in refused(here("explain", *options, "--fpr=7"))


def test_no_text_is_logged(here, detector, tmp_path):
    output_of(here("explain", f"--text={TEXTS[0]} zanzibar", f"--detector={detector}"))
    log = log_of(tmp_path)
    assert "command: explain --text=... --output=data/report.html" in log
    assert "zanzibar" not in log


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Give either --text, or --dataset and --id."),
        (["--text=a", "--dataset=rows.csv"], "Give either --text, or --dataset and --id."),
        (["--dataset=rows.csv"], "Name a text of the dataset with --id."),
        (["--dataset=rows.csv", "--id=no"], "None of the 4 rows of rows.csv has the id no"),
        (["--dataset=rows.csv", "--id=r10"], "The text r10 in rows.csv cannot be read: "),
        (["--dataset=none.csv", "--id=8"], "There is no file none.csv"),
        (["--text=a", "--detector=nowhere"], "There is no detector in nowhere"),
        (["--text=a", "--ouput=b.html"], "did you mean --output?"),
    ],
)
def test_what_the_user_can_mend(here, rows, options, sentence):
    assert sentence in refused(here("explain", *options))


def test_a_place_that_cannot_be_written(here, detector, tmp_path):
    (tmp_path / "file").touch()
    options = ["--text=One text.", f"--detector={detector}"]
    assert "is a folder" in refused(here("explain", *options, f"--output={tmp_path}"))
    assert "cannot be written" in refused(here("explain", *options, "--output=file/report.html"))
    assert not list(tmp_path.glob("**/*.part"))


def test_in_a_shell(rows, detector, tmp_path):
    done = subprocess.run(
        [sys.executable, MODEL, "explain", "--help"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "--dataset" in done.stdout + done.stderr
    assert "report" in done.stdout + done.stderr
