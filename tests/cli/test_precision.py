"""`--precision=auto` as a user meets it: results and reports name what it was, and hold."""

import json

import pytest

from perplexity_detector.classifier.fastest_precision import candidates
from perplexity_detector.web import embedded_in
from tests.cli.running import MODEL, run
from tests.labelled import small_detector


@pytest.fixture(scope="module")
def folder(tiny_gpt2, tmp_path_factory):
    fitted = small_detector(tiny_gpt2, ["perplexity", "stylometry"])
    return fitted.save_pretrained(tmp_path_factory.mktemp("read") / "model")


def test_results_and_reports_name_what_auto_was(folder, rows, tmp_path, here, monkeypatch):
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(tmp_path / "home"))
    options = [f"--detector={folder}", "--device=cpu", "--precision=auto"]
    done = run(MODEL, "predict", rows, "--details", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "data" / "results.meta.json").read_text())["provenance"]
    assert made["precision"] in candidates()
    # another process measured it
    code, _, err = here("explain", rows, "--id=r1", "--output=report.html", *options)
    assert code == 0, err
    report = json.loads(embedded_in((tmp_path / "report.html").read_text()) or "")
    assert report["provenance"]["precision"] == made["precision"]
    code, out, err = here("verify", "report.html", f"--detector={folder}", "--device=cpu")
    assert code == 0, out + err
    assert "The report holds." in out


def test_where_nothing_can_be_kept_a_sentence_says_so(folder, rows, tmp_path, monkeypatch):
    if candidates() == ["float32"]:
        pytest.skip("this processor is quick in one precision alone, which needs no measurement")
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(rows))  # a file
    done = run(
        MODEL, "predict", rows, f"--detector={folder}", "--device=cpu", "--precision=auto",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "The precision auto is float32 here" in done.stderr
    assert "Traceback" not in done.stderr
