"""`predict` as its users run it."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.document_files import as_docx, as_site
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.logs import LOG_FILE
from perplexity_detector.pipelines.predict import DETAILS
from tests.asked import log_of
from tests.cli.running import HEAVY, MARKER, MODEL, TEXTS, frame, run
from tests.labelled import SAMPLE, detector_of_documents, long_document, sample


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
    assert results["why"].str.contains(" than | resemble").all()
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


def test_raw_scores_in_a_shell(rows, detector, tmp_path):
    options = ["--raw", "--details", "--output=out/a.csv", f"--detector={detector}"]
    done = run(MODEL, "predict", rows, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = pd.read_csv(tmp_path / "out" / "a.csv")
    loaded = TextDetector.from_pretrained(detector)
    assert results["raw_score"].tolist() == pytest.approx(loaded.decision_function(TEXTS))
    metadata = json.loads((tmp_path / "out" / "a.meta.json").read_text())
    assert metadata["provenance"]["detector"] == detector.name
    assert [text["id"] for text in metadata["texts"]] == frame()["id"].tolist()


def test_documents_give_the_results_of_a_table(here, tmp_path, detector, rows):
    folder = tmp_path / "essays"
    folder.mkdir()
    for number, text in enumerate(TEXTS):
        name = ("docx", "html", "md", "txt")[number % 4]
        made = {"docx": as_docx, "html": as_site}.get(name, str.encode)(text)
        (folder / f"r{number}.{name}").write_bytes(made)
    shutil.make_archive("essays", "zip", folder)
    found = []
    for dataset in (rows, "essays", "essays.zip"):
        code, out, err = here("predict", dataset, "--output=-", f"--detector={detector}")
        assert code == 0, err
        found.append([line.split(",")[1] for line in out.splitlines()])
    assert found[0] == found[1] == found[2]


def test_a_broken_document_is_a_row_with_a_problem(here, tmp_path, detector):
    folder = tmp_path / "essays"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXTS[0])
    (folder / "b.pdf").write_bytes(b"%PDF-1.4 rubbish")
    code, out, err = here("predict", "essays", "--details", "--output=-", f"--detector={detector}")
    assert code == 0
    assert out.splitlines()[2] == "b.pdf,0.5,uncertain,,0,0,0,0,,,,,,damaged or cut short,"
    assert "b.pdf: damaged or cut short" in err
    assert here("predict", "essays/b.pdf", f"--detector={detector}")[0] == 2


def test_reports_and_their_index(here, tmp_path, detector):
    data = frame(TEXTS[:2] + [""] * 4).assign(id=["x/a", "x a", "c", "d", "e", "index"])
    data.loc[5, "text"] = TEXTS[2]
    data.to_csv("rows.csv", index=False)
    code, _, err = here("predict", "rows.csv", "--reports=r", f"--detector={detector}")
    assert code == 0
    assert err.rstrip().endswith("Reports: r/index.html")
    names = sorted(path.name for path in (tmp_path / "r").iterdir())
    assert names == ["index-2.html", "index.html", "x_a-2.html", "x_a.html"]
    index = (tmp_path / "r" / "index.html").read_text("utf-8")
    assert all(f'"report":"{name}"' in index for name in names if name != "index.html")
    assert '"problem":"no text"' in index
    code, _, err = here("predict", "rows.csv", "--reports=r", "--resume")
    assert (code, "--resume" in err) == (2, True)


def test_a_sample_of_a_long_document_is_read_if_asked(here, tmp_path):
    folder = detector_of_documents().save_pretrained(tmp_path / "documents")
    assert "exhaustive" not in (folder / "config.json").read_text()
    (tmp_path / "long.txt").write_text(long_document(1, 6000))
    options = ("predict", "long.txt", "--details", "--output=-", f"--detector={folder}")
    code, out, err = here(*options)
    assert code == 0, err
    (whole,) = csv.DictReader(out.splitlines())
    assert whole["words_read"] == whole["words"] == "6000"
    explained = TextDetector.from_pretrained(folder).explain(long_document(1, 6000))
    assert float(whole["generated"]) == pytest.approx(explained.probability, abs=1e-6)
    code, out, err = here(*options, "--exhaustive=False")
    assert code == 0, err
    (sampled,) = csv.DictReader(out.splitlines())
    assert int(sampled["words_read"]) < int(sampled["words"]) / 2
    assert whole["verdict"] == sampled["verdict"]
    code, out, err = here("predict", "long.txt", "--detector=auto", "--exhaustive=False")
    assert code == 2
    assert "reads all of long documents: leave out --exhaustive, or choose" in err
    code, out, err = here(*options, "--exhaustive=maybe")
    assert code == 2
    assert "--exhaustive is True or False" in err
