"""`mcp`: the tools, called by the package's own client over standard input and output."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys

import pytest

from perplexity_detector.classifier.provenance import detector_sha256
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.pipelines.predict import DOCUMENT_DETAILS
from tests.asked import log_of, refused
from tests.cli.running import MARKER, MODEL, TEXTS, frame
from tests.hidden import SENTENCES, hidden_docx
from tests.paths import ROOT

mcp = pytest.importorskip("mcp", reason="the extra `mcp` is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("called")


@pytest.fixture(scope="module")
def answers(folder, detector):
    """The answers to all calls of these tests, by one server: (name, arguments) -> result."""
    data = folder / "data"
    recalibrated = ExplainableClassifier.from_pretrained(detector)
    recalibrated.recalibrate([f"{text} {number}" for number in range(25) for text in TEXTS[:4]])
    recalibrated.save_pretrained(data / "detectors" / "our_people")
    recalibrated.save_pretrained(data / "detectors" / "damaged")
    (data / "detectors" / "damaged" / "calibrator.json").write_text("{}")
    rows = frame([f"{text} {MARKER}" for text in TEXTS])
    rows.to_csv(folder / "rows.csv", index=False)
    rows.rename(columns={"id": "name", "text": "essay"}).to_json(
        folder / "essays.jsonl", orient="records", lines=True
    )
    (folder / "broken.parquet").write_bytes(b"PAR1 nothing else")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "essays").mkdir()
    (folder / "essays" / "a.txt").write_text(TEXTS[0])
    (folder / "essays" / "b.docx").write_bytes(hidden_docx(TEXTS[1]))
    (folder / "essays" / "c.pdf").write_bytes(b"%PDF-1.4")
    shutil.make_archive(str(folder / "essays"), "zip", folder / "essays")
    paths = ["rows.csv", "broken.parquet", "empty.csv", "none.csv", "-"]
    calls = {
        "text": ("detect_text", {"text": TEXTS[1]}),
        "short": ("detect_text", {"text": "Few words."}),
        "other": ("detect_text", {"text": TEXTS[1], "detector": "our_people"}),
        "no detector": ("detect_text", {"text": MARKER, "detector": "nobody"}),
        "no string": ("detect_text", {"text": [MARKER]}),
        "no text": ("detect_text", {}),
        "no tool": ("guess", {"text": MARKER}),
        "files": ("detect_files", {"paths": paths}),
        "columns": (
            "detect_files",
            {
                "paths": ["essays.jsonl"],
                "id_column": "name",
                "text_column": "essay",
                "max_texts": 4,
            },
        ),
        "documents": ("detect_files", {"paths": ["essays", "essays.zip", "essays/b.docx"]}),
        "explain": ("explain", {"text": TEXTS[0]}),
        "list": ("list_detectors", {}),
    }
    return asyncio.run(_call(folder, detector, calls))


async def _call(folder, detector, calls):
    server = mcp.StdioServerParameters(
        command=sys.executable,
        args=[str(MODEL), "mcp", f"--detector={detector}"],
        cwd=str(folder),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    with (folder / "stderr").open("w") as errors:
        async with mcp.Client(mcp.stdio_client(server, errlog=errors)) as client:
            answers = {name: await client.call_tool(*call) for name, call in calls.items()}
            return {**answers, "tools": (await client.list_tools()).tools}


def test_the_tools_are_described(answers):
    tools = {tool.name: tool for tool in answers["tools"]}
    assert set(tools) == {"detect_text", "detect_files", "explain", "list_detectors"}
    for tool in tools.values():
        assert tool.annotations.read_only_hint
        assert tool.description.split("\n")[0].endswith(".")
    assert tools["detect_text"].input_schema["required"] == ["text"]
    assert tools["detect_files"].input_schema["required"] == ["paths"]


def test_a_text_gets_the_librarys_verdict(answers, detector):
    answer = answers["text"].structured_content
    assessed = TextDetector.from_pretrained(detector).assess([TEXTS[1]]).iloc[0]
    assert answer["probability"] == pytest.approx(assessed["probability"], abs=1e-6)
    assert (answer["verdict"], answer["why"]) == (assessed["verdict"], assessed["why"])
    assert (answer["detector"], answer["fpr"]) == (detector.name, 0.1)
    short = answers["short"].structured_content
    assert (short["verdict"], short["note"]) == ("uncertain", "fewer than 50 words")


def test_another_detector_has_other_thresholds(answers):
    ours, other = answers["text"].structured_content, answers["other"].structured_content
    assert other["detector"] == "our_people"
    assert other["probability"] == ours["probability"]
    assert other["thresholds"]["generated"] != ours["thresholds"]["generated"]


def test_the_detectors_are_listed(answers, detector):
    listed = answers["list"].structured_content
    named = {one["name"]: one for one in listed["detectors"]}
    assert listed["default"] == detector.name
    assert "is missing or not what was saved" in named.pop("damaged")["problem"]
    assert set(named) == {"our_people", "fast", "standard"}
    assert named["our_people"]["recalibrated_on"] == 100
    assert named["our_people"]["training_texts"] == 160
    assert named["our_people"]["fpr"] == 0.1


def test_files_are_scored_and_a_broken_one_costs_no_other(answers, detector):
    rows, broken, empty, missing, standard_input = answers["files"].structured_content["files"]
    expected = TextDetector.from_pretrained(detector).assess([f"{one} {MARKER}" for one in TEXTS])
    assert [one["id"] for one in rows["results"]] == frame()["id"].tolist()
    assert [one["verdict"] for one in rows["results"]] == expected["verdict"].tolist()
    assert rows["verdicts"] == expected["verdict"].value_counts().to_dict()
    assert rows["complete"]
    assert "is damaged or cut short" in broken["problem"]
    assert "is empty" in empty["problem"]
    assert "There is no file" in missing["problem"]
    assert "There is no file" in standard_input["problem"]


def test_documents_are_scored(answers, detector):
    folder, packed, alone = answers["documents"].structured_content["files"]
    assert folder["results"] == packed["results"]
    assert [one["id"] for one in folder["results"]] == ["a.txt", "b.docx", "c.pdf"]
    expected = TextDetector.from_pretrained(detector).assess(TEXTS[:2])
    assert [one["verdict"] for one in folder["results"][:2]] == expected["verdict"].tolist()
    assert [one["problem"] for one in folder["results"]] == ["", "", "damaged or cut short"]
    assert folder["results"][1] == alone["results"][0]
    assert folder["results"][1]["flags"] == "; ".join(SENTENCES)
    assert set(folder["results"][0]) == set(DOCUMENT_DETAILS)


def test_answers_say_what_they_were_made_with(answers, detector):
    expected = detector_sha256(TextDetector.from_pretrained(detector))
    for call in ("text", "files", "explain"):
        provenance = answers[call].structured_content["provenance"]
        assert (provenance["detector_sha256"], provenance["detector"]) == (expected, detector.name)


def test_columns_and_a_limit_of_texts(answers):
    (file,) = answers["columns"].structured_content["files"]
    assert [one["id"] for one in file["results"]] == frame()["id"].tolist()[:4]
    assert not file["complete"]


def test_an_explanation_has_reasons_and_sentences(answers, detector):
    explanation = answers["explain"].structured_content
    expected = TextDetector.from_pretrained(detector).explain(TEXTS[0]).to_dict()
    for name in ("verdict", "reasons", "sentences", "features", "limits"):
        assert explanation[name] == expected[name]
    assert "tokens" not in explanation


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            "no detector",
            "There is no detector of this name: choose from damaged, our_people, fast,",
        ),
        ("no string", "text"),
        ("no text", "text"),
        ("no tool", "guess"),
    ],
)
def test_a_mistake_is_an_answer(answers, call, sentence):
    answer = answers[call]
    assert answer.is_error
    assert sentence in answer.content[0].text
    assert "Traceback" not in answer.content[0].text


def test_no_text_is_logged(answers, folder):
    log, errors = log_of(folder), (folder / "stderr").read_text()
    assert "command: mcp --detector=" in log
    assert MARKER not in log
    assert errors == ""


def test_mistakes_on_the_command_line(here, tmp_path):
    assert "--fpr is a rate" in refused(here("mcp", "--fpr=3"))
    here_is_nothing = subprocess.run(
        [sys.executable, str(MODEL), "mcp"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert here_is_nothing.returncode == 0  # a client that leaves ends the server
    assert here_is_nothing.stdout == ""


def test_the_package_that_is_missing_is_named(tmp_path):
    code = (
        "import sys; sys.modules['mcp'] = None; sys.argv[1:] = ['mcp'];"
        "from perplexity_detector.command_line import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'perplexity-detector[mcp]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_needs_no_http_service():
    code = "import sys; sys.modules['fastapi'] = None; import perplexity_detector.mcp_server"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
