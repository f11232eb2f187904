"""Help, imports, signals, pipes and terminals."""

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.logs import LOG_FILE
from perplexity_detector.pipelines.predict import DETAILS
from perplexity_detector.version import __version__
from tests.asked import log_of
from tests.cli.running import HEAVY, MODEL, frame, run


@pytest.mark.parametrize(
    "arguments", [["--help"], ["predict", "--help"], ["predict", "a.csv", "-h"], ["pull", "-h"]]
)
def test_help_runs_nothing(here, tmp_path, arguments):
    code, out, err = here(*arguments)
    assert code == 0
    assert "SYNOPSIS" in out + err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", [[MODEL], ["-m", "perplexity_detector"]])
def test_version(tmp_path, program):
    done = run(*program, "--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["perplexity-detector", __version__]
    assert list(tmp_path.iterdir()) == []


def test_commands_that_do_not_exist(here, tmp_path):
    code, _, err = here("guess", "a.csv")
    assert code == 2
    assert "Could not consume arg: guess" in err
    for command in ("explain", "mcp", "models", "predict", "pull", "recalibrate", "serve"):
        assert f" {command} |" in " ".join(err.split())
    code, _, err = here("predict")
    assert code == 2
    assert "no value for the required argument: dataset" in err


@pytest.mark.parametrize(
    "arguments",
    [[MODEL, "--help"], ["-c", "import perplexity_detector"]],
    ids=["help", "import"],
)
def test_help_and_import_are_light(arguments, tmp_path):
    names = imported_by(*arguments, cwd=tmp_path)
    assert "perplexity_detector" in names
    assert names.isdisjoint(HEAVY)


def imported_by(*arguments, cwd):
    report = run("-X", "importtime", *arguments, cwd=cwd).stderr
    return {line.rpartition("|")[2].strip() for line in report.splitlines()}


def test_an_unknown_option_is_reported_before_any_work(tmp_path):
    names = imported_by(MODEL, "train", "a.csv", "--typo=1", cwd=tmp_path)
    assert "perplexity_detector.cli.options" in names
    assert names.isdisjoint({"torch", "transformers", "xgboost", "sklearn"})


def test_names_of_the_package_are_found_when_asked_for():
    import perplexity_detector

    assert perplexity_detector.TextDetector is TextDetector
    assert set(perplexity_detector.__all__) <= set(dir(perplexity_detector))
    for name in set(perplexity_detector.__all__) - {"__version__"}:
        assert getattr(perplexity_detector, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = perplexity_detector.nothing


def test_the_class_is_at_the_root_and_works_in_any_folder(tmp_path):
    code = "from model import My_TextClassifier_Model as M; M('kept').models()"
    done = run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "command: models" in log_of(tmp_path / "kept")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_interrupted(detector, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "results.csv").write_text("earlier\n")
    # what is started in the background of a shell inherits that it ignores the signal
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, str(MODEL), "predict", "-", f"--detector={detector}"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, inherited)
    # results are begun, and standard input never ends
    until = time.monotonic() + 60
    while not list(data.glob("*.part")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    err = process.stderr.read()
    process.communicate()
    assert process.returncode == 130
    assert err == "Stopped; earlier results are as they were.\n"
    assert (data / "results.csv").read_text() == "earlier\n"
    assert {file.name for file in data.iterdir()} == {LOG_FILE, "results.csv"}
    assert "predict: stopped by KeyboardInterrupt" in log_of(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_leaves_early(detector, tmp_path):
    many = pd.DataFrame({"id": range(5000), "text": "Short."})
    many.to_csv(tmp_path / "many.csv", index=False)
    process = subprocess.Popen(
        [sys.executable, str(MODEL), "predict", "many.csv", "--details", "--output=-",
         f"--detector={detector}"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout.readline() == ",".join(DETAILS) + "\n"
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert err == ""


def test_ids_that_a_terminal_cannot_show(detector, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    data = frame().assign(id=["é", *"bcdef"]).to_json(orient="records", lines=True)
    done = run(MODEL, "predict", "-", "--show", f"--detector={detector}", cwd=tmp_path, stdin=data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("\\xe9 ")
    assert "\né," in (tmp_path / "data" / "results.csv").read_text(encoding="utf-8")
