"""An error that a user can correct is one sentence."""

import gzip

import pytest

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.logs import LOG_FILE
from tests.asked import log_of, refused
from tests.cli.running import MARKER, TEXTS, frame


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
        (["train", "no.csv", "--seed=x"], "--seed is a whole number of at least 0, not x."),
        (
            ["train", "no.csv", "--per_group=0"],
            "--per_group is a whole number of at least 1, not 0.",
        ),
        (["train", "no.csv", "--max_words=1.5"], "--max_words is a whole number of at least 1"),
        (["evaluate", "no.csv", "--max_words=-3"], "--max_words is a whole number of at least 1"),
        (["train", "no.csv", "--track=maybe"], "--track is True or False, not maybe."),
        (["train", "no.csv", "--families=typo"], "There is no feature family 'typo'; choose from"),
        (["features", "no.csv", "--families="], "There is no feature family ''"),
        (["train", "no.csv", "--families=rank"], "There is no file no.csv: check the path."),
        (["predict", ".", "--format=csv"], ". is a folder: name a file in it."),
        (["predict", "{rows}", "--detector=no"], "There is no detector in no (no config.json)"),
        (["predict", "{rows}", "--output=."], ". is a folder: name a file in it for the results."),
        (["predict", "{rows}", "--text_column=essay"], "has no column 'essay'; it has 'id', "),
        (["predict", "{rows}", "--format=xml"], "There is no format 'xml': --format is csv, "),
        (
            ["predict", "{rows}", "--encoding=morse"],
            "'morse': try --encoding=utf-8",
        ),
        (["train", "{rows}", "--label_column=label"], "has no column 'label'"),
    ],
)
def test_mistakes_are_one_sentence(here, rows, detector, arguments, sentence, tmp_path):
    if arguments[0] == "predict" and not any("--detector" in one for one in arguments):
        arguments = [*arguments, f"--detector={detector}"]
    printed = refused(here(*(one.format(rows=rows) for one in arguments)))
    assert sentence in printed
    log = log_of(tmp_path)
    assert f"command: {arguments[0]} --dataset=" in log
    assert f"ERROR {printed}" in log
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
        (
            "half.csv.gz",
            gzip.compress(MARKED.encode() * 99, mtime=0)[:60],
            "is damaged or cut short",
        ),
        ("array.jsonl", f'[{{"text": "{MARKER}"}}]'.encode(), "is one JSON array"),
        ("odd.parquet", MARKED.encode(), "is damaged or cut short"),
        ("rows.data", MARKED.encode(), "has no known extension"),
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
