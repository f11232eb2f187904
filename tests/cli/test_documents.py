"""Commands on documents: verdicts of all formats, and what Word does not show."""

import csv
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.document_files import as_docx, as_site, printer, sample_rows
from perplexity_detector.web import embedded_in
from tests.asked import refused
from tests.browser import require_chromium
from tests.cli.running import TEXTS
from tests.hidden import LEFT_OUT, SENTENCES, hidden_docx

#: Rows of the sample: half by people, half by models, each verdict of `fast` among them.
CHOSEN = slice(21, 27)


@pytest.fixture(scope="module")
def print_pdf():
    require_chromium()
    with printer() as function:
        yield function


def results():
    with Path("data/results.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_every_format_gets_the_verdict_of_the_table(here, print_pdf):
    rows = sample_rows()[CHOSEN]
    pd.DataFrame(rows).to_csv("essays.csv", index=False)
    for row in rows:
        name, text = row["id"], row["text"]
        files = {
            "pdf": print_pdf(text, 1), "docx": as_docx(text), "html": as_site(text),
            "txt": text.encode(),
        }  # fmt: skip
        for kind, content in files.items():
            place = Path("essays") / kind / f"{name}.{kind}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    shutil.copytree("essays", "some", ignore=shutil.ignore_patterns("*.txt", "*.html"))
    shutil.make_archive("essays", "zip", "some")
    found = {}
    for dataset in ("essays.csv", "essays", "essays.zip"):
        code, _, err = here("predict", dataset, "--details", "--detector=fast")
        assert code == 0, err
        found[dataset] = results()
    expected = {name: row["verdict"] for name, row in found["essays.csv"].items()}
    assert len(expected) == 6
    assert {"human", "generated"} <= set(expected.values())
    assert len(found["essays"]) == 4 * len(rows)
    for path, row in found["essays"].items():
        assert row["verdict"] == expected[Path(path).stem], path
    zipped = {path: row for path, row in found["essays"].items() if path[:3] in ("pdf", "doc")}
    assert len(zipped) == 2 * len(rows)
    assert found["essays.zip"] == zipped


@pytest.fixture
def essays(tmp_path):
    """Two Word files with the same text; one has hidden passages besides."""
    folder = tmp_path / "essays"
    folder.mkdir()
    (folder / "hidden.docx").write_bytes(hidden_docx(TEXTS[0]))
    (folder / "plain.docx").write_bytes(as_docx(TEXTS[0]))
    return folder


def test_hidden_text_has_flags_in_results_and_reports(here, essays, detector):
    options = ["--details", "--reports=reports", f"--detector={detector}"]
    code, _, err = here("predict", essays, *options)
    assert code == 0, err
    rows = results()
    hidden, plain = rows["hidden.docx"], rows["plain.docx"]
    assert hidden["flags"] == "; ".join(SENTENCES)
    assert hidden["left_out"] == "1 hidden passage, 1 white passage"
    assert (plain["flags"], plain["left_out"]) == ("", "")
    # nothing else changes
    same = set(hidden) - {"id", "flags", "left_out"}
    assert {name: hidden[name] for name in same} == {name: plain[name] for name in same}
    report = Path("reports/hidden.docx.html").read_text("utf-8")
    assert [flag["sentence"] for flag in explanation_in(report)["flags"]] == SENTENCES
    index = Path("reports/index.html").read_text("utf-8")
    (data,) = re.findall(r'id="rows">(.*?)</script>', index)
    assert [row["flags"] for row in json.loads(data)["rows"]] == ["; ".join(SENTENCES), ""]


def test_a_document_of_nothing_but_hidden_text_has_flags(here, tmp_path, detector):
    (tmp_path / "a.docx").write_bytes(hidden_docx(""))
    code, _, err = here("predict", "a.docx", "--details", f"--detector={detector}")
    assert code == 0, err
    row = results()["a.docx"]
    assert (row["problem"], row["verdict"]) == ("no text", "uncertain")
    assert row["flags"] == "; ".join(SENTENCES)


def test_hidden_text_has_flags_in_an_explanation_that_verifies(here, essays, detector):
    options = [f"--detector={detector}"]
    for name in ("a.json", "a.html"):
        code, out, err = here("explain", essays / "hidden.docx", f"--output={name}", *options)
        assert code == 0, err
        assert [line for line in out.splitlines() if line.startswith("Flag: ")] == [
            f"Flag: {sentence}" for sentence in SENTENCES
        ]
        assert "Note: Left out of the document: 1 hidden passage, 1 white passage." in out
        code, out, err = here("verify", name, *options)
        assert code == 0, out + err
        assert "left out of the document 1 hidden passage, 1 white passage" in out
    explanation = json.loads(Path("a.json").read_text())
    assert explanation["left_out"] == LEFT_OUT
    assert [one["name"] for one in explanation["flags"]] == ["hidden_text", "white_text"]
    assert [one["positions"] for one in explanation["flags"]] == [[], []]
    # a flag that nothing was left out for does not hold
    Path("a.json").write_text(json.dumps({**explanation, "left_out": {"hidden passages": 1}}))
    code, out, _ = here("verify", "a.json", *options)
    assert code == 1
    assert "The report does not hold: evidence" in out
    wrong: list[object] = [[], {"hidden passages": "1"}, {"hidden passages": -1}]
    for damaged in wrong:
        Path("a.json").write_text(json.dumps({**explanation, "left_out": damaged}))
        assert "left_out is missing or cannot be right" in refused(here("verify", "a.json"))


def explanation_in(page):
    data = embedded_in(page)
    assert data is not None
    return json.loads(data)
