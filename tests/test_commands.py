"""The commands as their users run them: in a shell, or where that adds nothing, in this process."""

import csv
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from asked import log_of, refused
from labelled import SAMPLE, light_detector, sample, two_styles

from perplexity_detector.detector import TextDetector
from perplexity_detector.features.registry import FAMILIES
from perplexity_detector.logs import LOG_FILE
from perplexity_detector.metrics import FIGURES
from perplexity_detector.prediction import DETAILS

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "model.py"
TEXTS, LABELS = two_styles(6, seed=1)
#: Stands in every text of `marked` and may stand in no log.
MARKER = "zanzibar"
HEAVY = ["torch", "transformers", "xgboost", "mlflow", "pandas", "sklearn", "matplotlib"]


def run(*arguments, cwd, stdin="", **options):
    """A command in a shell: one thread, since many on so few texts only wait for each other."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        **options,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which the sample was trained on, and what the command said."""
    folder = tmp_path_factory.mktemp("trained")
    done = run(
        MODEL, "train", SAMPLE, "--families=stylometry,compression", "--track=False", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A detector of enough texts to call some generated, one in ten wrongly."""
    fitted = light_detector(fpr=0.1).fit(*two_styles(160))
    return fitted.save_pretrained(tmp_path_factory.mktemp("detector") / "model")


@pytest.fixture
def rows(tmp_path):
    """A csv of six texts, ids and labels."""
    path = tmp_path / "rows.csv"
    frame().to_csv(path, index=False)
    return path


def frame(texts=TEXTS):
    return pd.DataFrame(
        {"id": [f"r{n}" for n in range(len(texts))], "text": texts, "generated": LABELS}
    )


# --- train ----------------------------------------------------------------------------------


def test_train_saves_publishes_and_prints(trained):
    folder, done = trained
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["left", "out", "test"]
    for line, name in zip(lines[1:], FIGURES.values(), strict=True):
        assert line.startswith(name)
    assert "Saved to model, published to data/model." in done.stderr
    assert "Traceback" not in done.stderr
    for place in ("model", "data/model"):
        loaded = TextDetector.from_pretrained(folder / place)
        assert list(loaded.extractor.families) == ["stylometry", "compression"]
    assert sorted(file.name for file in folder.iterdir()) == ["data", "model"]
    assert sorted(file.name for file in (folder / "data").iterdir()) == [LOG_FILE, "model"]


def test_train_warns_of_what_48_texts_cannot_promise(trained):
    _, done = trained
    (sentence,) = [line for line in done.stderr.splitlines() if "too few" in line]
    assert sentence.startswith("20 texts by people are too few to promise")


def test_train_logs_command_timings_and_no_text(trained):
    log = log_of(trained[0])
    assert f"command: train --dataset={SAMPLE} " in log
    assert "--families=stylometry,compression" in log
    for what in ("features", "training", "measuring", "train"):
        assert f"{what}: started" in log
        assert f"{what}: finished after " in log
    assert "prohibition" not in log  # a word of the sample
    assert "prohibition" in SAMPLE.read_text(encoding="utf-8")


def test_train_with_options(here, tmp_path):
    data = sample().rename(
        columns={"id": "name", "text": "essay", "generated": "label", "prompt_id": "prompt"}
    )
    data.to_csv("essays.tsv", index=False, sep="\t")
    code, out, err = here(
        "train", "essays.tsv", "--families=compression", "--track=false", "--fpr=0.25", "--seed=3",
        "--max_words=50", "--per_group=8", "--id_column=name", "--text_column=essay",
        "--label-column=label", "--prompt_column=prompt",
    )  # fmt: skip
    assert (code, err) == (0, "Saved to model, published to data/model.\n")
    loaded = TextDetector.from_pretrained("model")
    assert (loaded.fpr, loaded.random_state) == (0.25, 3)
    assert loaded.training_["texts"] == 24
    assert loaded.training_["max_words"] == 50
    assert "AUROC" in out


@pytest.mark.parametrize("prompts", [[], ["--prompt_column=few"]])
def test_train_without_prompts_warns(here, prompts):
    data = sample().drop(columns="prompt_id")
    data["few"] = data.index % 4
    data.to_csv("essays.csv", index=False)
    code, _, err = here("train", "essays.csv", "--families=compression", "--track=False", *prompts)
    assert code == 0
    assert "no column of prompts or fewer than 5 of them" in err.splitlines()[0]


def test_train_does_not_replace_what_is_not_its_own(here, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").touch()
    sentence = refused(here("train", SAMPLE, "--families=compression", "--track=False"))
    assert "model holds other things than a detector (thesis.txt)" in sentence
    assert "training: started" not in log_of(tmp_path)


# --- predict --------------------------------------------------------------------------------


def test_predict_by_default(trained, tmp_path):
    folder = tmp_path / "elsewhere"
    shutil.copytree(trained[0] / "data" / "model", folder / "data" / "model")
    script = (
        "import sys; from perplexity_detector.command_line import main; main();"
        f"print(*(m for m in {HEAVY} if m in sys.modules))"
    )
    done = run("-c", script, "predict", SAMPLE, cwd=folder)
    assert done.returncode == 0, done.stderr
    with (folder / "data" / "results.csv").open(encoding="utf-8", newline="") as file:
        header, *results = csv.reader(file)
    assert header == ["id", "generated"]
    assert [row_id for row_id, _ in results] == sample()["id"].tolist()
    loaded = TextDetector.from_pretrained(folder / "data" / "model")
    expected = loaded.predict_proba(sample()["text"])[:, 1]
    assert [float(value) for _, value in results] == pytest.approx(expected, abs=1e-6)
    assert done.stderr.startswith("48 texts: ")
    assert done.stderr.endswith("Results: data/results.csv\n")
    assert "mlflow" not in done.stdout.split()
    assert "matplotlib" not in done.stdout.split()
    assert "xgboost" in done.stdout.split()  # so what is not in the list was not imported


def test_predict_from_a_pipe_to_a_pipe(detector, tmp_path):
    done = run(
        "-m", "perplexity_detector", "predict", "-", "--output=-", f"--detector={detector}",
        cwd=tmp_path, stdin=frame().to_csv(index=False),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "id,generated"
    assert [line.split(",")[0] for line in done.stdout.splitlines()[1:]] == frame()["id"].tolist()
    assert [file.name for file in (tmp_path / "data").iterdir()] == [LOG_FILE]


def test_predict_details(here, rows, detector):
    code, out, err = here("predict", rows, "--details", f"--detector={detector}")
    assert (code, out) == (0, "")
    results = pd.read_csv("data/results.csv", keep_default_na=False)
    assert tuple(results.columns) == DETAILS
    assert results["words"].tolist() == [60] * 6
    assert set(results["verdict"]) <= {"human", "generated", "uncertain"}
    assert results["why"].str.contains("high|low").all()
    counts = results["verdict"].value_counts()
    for verdict, count in counts.items():
        assert f"{count} {verdict}" in err
    assert "at a false-positive rate of 0.1" in err


@pytest.mark.parametrize("no", ["--details=False", "--details=false", "--nodetails"])
def test_predict_without_details(here, rows, detector, no):
    assert here("predict", rows, no, f"--detector={detector}")[0] == 0
    assert Path("data/results.csv").read_text().startswith("id,generated\n")


def test_predict_shows_a_table(here, tmp_path, detector):
    many = pd.concat([frame()] * 50)
    many.to_csv("many.csv", index=False)
    code, out, _ = here("predict", "many.csv", "--show", f"--detector={detector}")
    assert code == 0
    assert out.startswith("id           probability  verdict    why\nr0 ")
    assert out.count("probability") == 1
    assert sum(line.startswith("r") for line in out.splitlines()) == 300
    # results and table do not get mixed
    code, out, err = here("predict", "many.csv", "--show", "--output=-", f"--detector={detector}")
    assert out.splitlines()[0] == "id,generated"
    assert len(out.splitlines()) == 301
    assert err.startswith("id           probability")


def test_every_format_gives_the_same_results(here, tmp_path, detector):
    data = frame()
    data.to_csv("a.csv", index=False)
    data.to_csv("a.tsv", index=False, sep="\t")
    data.to_parquet("a.parquet")
    Path("a.jsonl").write_text(data.to_json(orient="records", lines=True))
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        Path(f"{name}.gz").write_bytes(gzip.compress(Path(name).read_bytes()))
    shutil.copy("a.csv", "a.txt")
    data.to_csv("latin.csv", index=False, encoding="utf-16")
    found = {}
    for dataset, *options in (
        ["a.csv"], ["a.tsv"], ["a.jsonl"], ["a.parquet"], ["a.csv.gz"], ["a.jsonl.gz"],
        ["a.parquet.gz"], ["a.txt", "--format=csv"], ["latin.csv", "--encoding=utf-16"],
    ):  # fmt: skip
        code, out, err = here("predict", dataset, "--output=-", f"--detector={detector}", *options)
        assert code == 0, err
        found[dataset] = out
    assert len(set(found.values())) == 1
    assert len(found["a.csv"].splitlines()) == 7


def test_bad_rows_keep_their_ids_and_are_named(here, tmp_path, detector):
    (tmp_path / "bad.csv").write_text(f"id,text\na,{TEXTS[0]}\nb,\nc,{MARKER},too many\n")
    code, out, err = here("predict", "bad.csv", "--output=-", f"--detector={detector}")
    assert code == 0
    assert [line.split(",")[0] for line in out.splitlines()] == ["id", "a", "b", "c"]
    assert out.splitlines()[2:] == ["b,0.5", "c,0.5"]
    assert err.splitlines()[:2] == [
        "line 3 (id b): no text", "line 4 (id c): 3 fields instead of 2"
    ]  # fmt: skip
    assert "line 4 (id c)" in log_of(tmp_path)

    lines = [{"id": "a", "text": TEXTS[0]}, {"id": "b"}, {"id": "c", "text": 7}]
    broken = '{"id": "d", "text": "' + MARKER
    Path("bad.jsonl").write_text("\n".join([*map(json.dumps, lines), broken, "[]"]))
    code, out, err = here("predict", "bad.jsonl", "--output=-", f"--detector={detector}")
    assert code == 0
    assert [line.split(",")[0] for line in out.splitlines()][1:] == ["a", "b", "c", "d", "line-5"]
    assert [line.partition(":")[0] for line in err.splitlines()[:-1]] == [
        "line 2 (id b)", "line 3 (id c)", "line 4 (id d)", "line 5 (id line-5)"
    ]  # fmt: skip
    assert MARKER not in log_of(tmp_path)


def test_numbers_are_names_too(here, tmp_path, detector):
    shutil.copytree(detector, "2023")
    frame().rename(columns={"text": "1"}).to_csv("7.csv", index=False)
    outcome = here("predict", "7.csv", "--text_column=1", "--detector=2023", "--output=2024")
    assert outcome[0] == 0
    assert len(pd.read_csv("2024")) == 6


def test_another_rate_is_for_this_time(here, rows, detector):
    _, _, err = here("predict", rows, f"--detector={detector}", "--fpr=0.5")
    assert "at a false-positive rate of 0.5" in err
    _, _, err = here("predict", rows, f"--detector={detector}")
    assert "at a false-positive rate of 0.1" in err


# --- features, evaluate, models, pull -------------------------------------------------------


def test_features_of_each_text(here, rows):
    code, out, err = here("features", rows, "--families=stylometry,compression")
    assert (code, out) == (0, "")
    assert err == "6 texts. Table: data/features.csv\n"
    table = pd.read_csv("data/features.csv")
    assert list(table.columns) == [
        "id", *FAMILIES["stylometry"].feature_names, *FAMILIES["compression"].feature_names
    ]  # fmt: skip
    assert table["id"].tolist() == frame()["id"].tolist()
    assert table.notna().all(axis=None)
    code, out, _ = here("features", rows, "--families=compression", "--output=-")
    assert out.splitlines()[0] == ",".join(["id", *FAMILIES["compression"].feature_names])
    assert len(out.splitlines()) == 7


def test_features_with_a_language_model(here, rows, tiny_gpt2, tmp_path):
    options = [f"--lm={tiny_gpt2}", "--families=rank,perplexity", "--cache=kept"]
    assert here("features", rows, *options)[0] == 0
    first = Path("data/features.csv").read_bytes()
    assert list((tmp_path / "kept").rglob("*.safetensors"))
    assert here("features", rows, *options)[0] == 0
    assert Path("data/features.csv").read_bytes() == first
    assert pd.read_csv("data/features.csv").notna().all(axis=None)


def test_evaluate_prints_figures_with_intervals(here, detector):
    texts, labels = two_styles(60, seed=2)
    data = pd.DataFrame({"text": texts, "generated": labels, "prompt_id": [*range(20)] * 3})
    data.to_csv("plain.csv", index=False)
    code, out, err = here("evaluate", "plain.csv", f"--detector={detector}")
    assert (code, err) == (0, "")
    assert out.startswith("60 texts, thresholds for a false-positive rate of 0.1\n")
    for line, name in zip(out.splitlines()[1:], FIGURES.values(), strict=True):
        assert line.startswith(name)
        assert line.endswith("]")

    data["source"] = ["pupils"] * 30 + ["news"] * 30
    data["split"] = ["valid", "valid", "test", "test"] * 15
    data.to_csv("grouped.csv", index=False)
    _, out, _ = here("evaluate", "grouped.csv", f"--detector={detector}", "--fpr=0.2")
    _, by_source = out.split("\n\n")
    assert [line.split()[0] for line in by_source.splitlines()[2:]] == ["news", "pupils"]
    _, out, _ = here("evaluate", "grouped.csv", f"--detector={detector}", "--split=test")
    assert out.startswith("30 texts,")
    outcome = here("evaluate", "grouped.csv", f"--detector={detector}", "--split=best")
    assert "No row has 'best' in a column `split`" in refused(outcome)


def test_models_lists_what_was_pulled(here, tmp_path, monkeypatch):
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(tmp_path))
    pin = {"commit": "0123abc", "licence": "mit", "bytes": 500_000_000}
    (tmp_path / "pins.json").write_text(json.dumps({"some/model": pin}))
    code, out, _ = here("models")
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.startswith("some/model")]
    assert line.split() == ["some/model", "500", "MB", "mit", "commit", "0123abc"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pull", "--typo=1"], "pull has no option --typo."),
        (["pull", "gpt2", "--from=a.whl"], "--from is for smollm2"),
        (["pull", "--revision=main"], "smollm2 comes in one version"),
    ],
)
def test_pull_with_options_that_do_not_fit(here, arguments, sentence):
    assert refused(here(*arguments)).startswith(sentence)


# --- what a user can mend -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "no.csv", "--typo=1"], "There is no option --typo"),
        (["train", "no.csv", "--familes=rank"], "did you mean --families?"),
        (["predict", "no.csv", "--text_colum=a"], "did you mean --text_column?"),
        (["evaluate", "no.csv", "--xyz"], "There is no option --xyz; see --help."),
        (["features", "no.csv", "--command=1"], "There is no option --command"),
        (["train", "no.csv", "--fpr=2"], "--fpr is a rate between 0 and 1, such as 0.01, not 2."),
        (["train", "no.csv", "--fpr=1%"], "--fpr is a rate"),
        (["predict", "no.csv", "--fpr=0"], "--fpr is a rate"),
        (["evaluate", "no.csv", "--fpr"], "--fpr is a rate"),
        (["train", "no.csv", "--seed=x"], "--seed is a whole number from 0 on, not x."),
        (["train", "no.csv", "--per_group=0"], "--per_group is a whole number from 1 on, not 0."),
        (["train", "no.csv", "--max_words=1.5"], "--max_words is a whole number from 1 on"),
        (["evaluate", "no.csv", "--max_words=-3"], "--max_words is a whole number from 1 on"),
        (["train", "no.csv", "--track=maybe"], "--track is True or False, not maybe."),
        (["train", "no.csv", "--families=typo"], "There is no feature family 'typo'; choose from"),
        (["features", "no.csv", "--families="], "There is no feature family ''"),
        (["train", "no.csv", "--families=rank"], "There is no file no.csv: check the path."),
        (["predict", "."], ". is a folder: name a file in it."),
        (["predict", "{rows}", "--detector=no"], "There is no detector in no (no config.json)"),
        (["predict", "{rows}", "--output=."], ". is a folder: name a file in it for the results."),
        (["predict", "{rows}", "--text_column=essay"], "has no column 'essay'; it has 'id', "),
        (["predict", "{rows}", "--format=xml"], "--format=xml is unknown: it is csv"),
        (["predict", "{rows}", "--encoding=morse"], "--encoding=morse is unknown: try utf-8"),
        (["train", "{rows}", "--label_column=label"], "has no column 'label'"),
    ],
)
def test_mistakes_are_one_sentence(here, rows, detector, arguments, sentence, tmp_path):
    if arguments[0] == "predict" and not any("--detector" in one for one in arguments):
        arguments = [*arguments, f"--detector={detector}"]
    said = refused(here(*(one.format(rows=rows) for one in arguments)))
    assert sentence in said
    log = log_of(tmp_path)
    assert f"command: {arguments[0]} --dataset=" in log
    assert f"ERROR {said}" in log
    assert "Traceback (most recent call last)" in log
    left = {file.name for file in tmp_path.rglob("*") if file.is_file()}
    assert left == {"rows.csv", LOG_FILE}


def png():
    return b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


MARKED = f"id,text,generated\na,{MARKER} wrote,0\nb,{MARKER} spoke,1\n"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.csv", b"", "empty.csv is empty: give a file with a row for each text."),
        ("header.csv", b"id,text,generated\n", "header.csv has no rows"),
        ("picture.csv", png(), "picture.csv is not "),
        ("latin.csv", MARKED.replace("wrote", "é").encode("latin-1"), "is not utf-8 at line 2"),
        ("wide.csv", MARKED.encode("utf-16"), "is in UTF-16: pass --encoding=utf-16."),
        ("half.csv.gz", gzip.compress(MARKED.encode() * 99)[:60], "is damaged or cut short"),
        ("array.jsonl", f'[{{"text": "{MARKER}"}}]'.encode(), "is one JSON array"),
        ("odd.parquet", MARKED.encode(), "is damaged or cut short"),
        ("rows.doc", MARKED.encode(), "has no known extension"),
        ("blank.csv", b"id,text,generated\na,,0\nb, ,1\n", None),
    ],
)
def test_files_that_cannot_be_read(here, tmp_path, detector, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "results.csv").write_text("earlier\n")
    outcome = here("predict", name, f"--detector={detector}")
    if sentence is None:  # rows without text are results all the same
        assert outcome[0] == 0
        return
    assert sentence in refused(outcome)
    assert (tmp_path / "data" / "results.csv").read_text() == "earlier\n"
    assert {file.name for file in (tmp_path / "data").iterdir()} == {LOG_FILE, "results.csv"}
    assert "Traceback" in log_of(tmp_path)
    assert MARKER not in log_of(tmp_path)


def test_labels_that_cannot_be_used(here, tmp_path, rows):
    options = ["--families=compression", "--track=False"]
    one_class = frame().assign(generated=1)
    one_class.to_csv("one.csv", index=False)
    sentence = refused(here("train", "one.csv", *options))
    assert sentence.startswith("Of 6 usable rows none is labelled 0, written by a person")

    odd = frame().assign(generated=["0", "1", "0", "1", "perhaps", "0"])
    odd.to_csv("odd.csv", index=False)
    code, _, err = here("train", "odd.csv", *options)
    assert code == 2
    assert err.splitlines()[0] == "line 6 (id r4): generated is 'perhaps', not 0 or 1"
    assert "Traceback" not in err
    assert not (tmp_path / "model").exists()

    code, _, err = here("train", rows, *options)
    assert code == 2
    assert "not both classes among them; give more texts" in err.splitlines()[-1]


def test_an_error_of_ours_is_one_sentence_too(here, rows, detector, tmp_path, monkeypatch):
    def fail(self, texts, why=True):
        raise RuntimeError("Odd.")

    monkeypatch.setattr(TextDetector, "assess", fail)
    code, out, err = here("predict", rows, f"--detector={detector}")
    assert (code, out) == (1, "")
    assert err == (
        "Something went wrong that should not (RuntimeError); "
        "the details are in data/log_file.log.\n"
    )
    assert "RuntimeError: Odd." in log_of(tmp_path)
    assert "predict: stopped by RuntimeError after" in log_of(tmp_path)
    assert not (tmp_path / "data" / "results.csv").exists()


def test_no_log_holds_a_text(here, tmp_path, detector):
    texts = [f"{MARKER} {text}" for text in TEXTS]
    frame(texts).to_csv("marked.csv", index=False)
    assert here("predict", "marked.csv", "--details", "--show", f"--detector={detector}")[0] == 0
    assert here("features", "marked.csv", "--families=compression")[0] == 0
    assert here("evaluate", "marked.csv", f"--detector={detector}")[0] == 0
    assert here("train", "marked.csv", "--families=compression", "--track=False")[0] == 2
    assert log_of(tmp_path).count("command: ") == 4
    assert MARKER not in log_of(tmp_path)


# --- the shell ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [["--help"], ["predict", "--help"], ["predict", "a.csv", "-h"], ["pull", "-h"]]
)
def test_help_runs_nothing(here, tmp_path, arguments):
    code, out, err = here(*arguments)
    assert code == 0
    assert "SYNOPSIS" in out + err
    assert list(tmp_path.iterdir()) == []


def test_commands_that_do_not_exist(here, tmp_path):
    code, _, err = here("guess", "a.csv")
    assert code == 2
    assert "Could not consume arg: guess" in err
    commands = "evaluate | explain | features | models | predict | pull | serve | train"
    assert commands in " ".join(err.split())
    code, _, err = here("predict")
    assert code == 2
    assert "no value for the required argument: dataset" in err


@pytest.mark.parametrize(
    "arguments",
    [[MODEL, "--help"], ["-c", "import perplexity_detector"]],
    ids=["help", "import"],
)
def test_help_and_import_are_quick_and_light(arguments, tmp_path):
    took = []
    for _ in range(3):
        start = time.perf_counter()
        done = run(*arguments, cwd=tmp_path)
        took.append(time.perf_counter() - start)
    assert "Traceback" not in done.stderr
    assert min(took) < 0.5
    names = imported_by(*arguments, cwd=tmp_path)
    assert "perplexity_detector" in names
    assert names.isdisjoint(HEAVY)


def imported_by(*arguments, cwd):
    report = run("-X", "importtime", *arguments, cwd=cwd).stderr
    return {line.rpartition("|")[2].strip() for line in report.splitlines()}


def test_an_unknown_option_is_told_before_any_work(tmp_path):
    names = imported_by(MODEL, "train", "a.csv", "--typo=1", cwd=tmp_path)
    assert "perplexity_detector.options" in names
    assert names.isdisjoint({"torch", "transformers", "xgboost", "sklearn"})


def test_names_of_the_package_are_found_when_asked_for():
    import perplexity_detector

    assert perplexity_detector.TextDetector is TextDetector
    assert set(perplexity_detector.__all__) <= set(dir(perplexity_detector))
    for name in perplexity_detector.__all__:
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
