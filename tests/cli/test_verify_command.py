"""The command `verify`: it accepts a report, and refuses one in which something was changed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from perplexity_detector.detectors.loading import load_detector
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.web import report_html
from tests.asked import log_of, refused
from tests.cli.running import MODEL, TEXTS, run

CHECKS = ["text", "version", "detector", "probability", "verdict", "evidence"]
#: A text that its canonical form changes.
TEXT = f"“{TEXTS[1]}” — zanzibar"


@pytest.fixture(scope="module")
def report(detector: Path) -> dict[str, Any]:
    loaded = load_detector(Path("data"), str(detector))
    return loaded.explain(TEXT, id="r1", detector="light").to_dict()


@pytest.fixture
def verify(here, detector, tmp_path):
    """Verify values, or the content of a file: exit code and what was printed."""

    def verify_report(content: Any, *options: str) -> tuple[int, str, str]:
        if not isinstance(content, bytes | str):
            content = json.dumps(content)
        file = tmp_path / "report"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        outcome: tuple[int, str, str] = here(
            "verify", file, *(options or [f"--detector={detector}"])
        )
        return outcome

    return verify_report


def found(outcome: tuple[int, str, str]) -> dict[str, str]:
    """What was said of each part."""
    code, out, err = outcome
    assert err == ""
    table, _, conclusion = out.partition("\n\n")
    rows = [re.split(r"  +", line, maxsplit=2) for line in table.splitlines()]
    said = {name: verdict for name, verdict, _ in rows}
    assert code == (0 if set(said.values()) == {"holds"} else 1)
    assert conclusion.startswith("The report holds." if code == 0 else "The report does not hold: ")
    return said


def failed(outcome: tuple[int, str, str]) -> set[str]:
    return {name for name, said in found(outcome).items() if said == "DOES NOT HOLD"}


def changed(report: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy of a report with another value at a place such as `provenance.time`."""
    copy: dict[str, Any] = json.loads(json.dumps(report))
    inner: Any = copy
    *outer, name = place.split(".")
    for step in outer:
        inner = inner[int(step) if step.isdigit() else step]
    inner[name] = value
    return copy


def test_in_a_shell(detector, tmp_path):
    name = "a.html"
    options = [f"--text={TEXT}", f"--detector={detector}", f"--output={name}"]
    made = run(MODEL, "explain", *options, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    accepted = run(MODEL, "verify", name, f"--detector={detector}", cwd=tmp_path)
    assert accepted.returncode == 0, accepted.stderr
    assert "The report holds." in accepted.stdout
    content = (tmp_path / name).read_text(encoding="utf-8")
    forged, count = re.subn(r'("probability": ?)0\.\d', r"\g<1>0.5", content, count=1)
    assert count == 1
    (tmp_path / name).write_text(forged, encoding="utf-8")
    denied = run(MODEL, "verify", name, f"--detector={detector}", cwd=tmp_path)
    assert denied.returncode == 1, denied.stderr
    assert "probability  DOES NOT HOLD  0.5" in denied.stdout
    assert "The report does not hold: probability" in denied.stdout
    assert "Traceback" not in denied.stdout + denied.stderr
    assert "zanzibar" not in accepted.stdout + denied.stdout + log_of(tmp_path)


def test_a_report_holds(verify, report):
    assert report["text"] != report["text_as_given"] == TEXT
    outcome = verify(report)
    assert found(outcome) == dict.fromkeys(CHECKS, "holds")
    assert f"id r1, time {report['provenance']['time']}" in outcome[1]
    page = report_html(report)
    assert found(verify(page)) == dict.fromkeys([*CHECKS, "page"], "holds")


def test_the_report_of_a_disguised_text_holds(verify, detector):
    disguised = TEXT.replace("o", "\u043e")
    report = TextDetector.from_pretrained(detector).explain(disguised).to_dict()
    assert report["flags"]
    assert found(verify(report)) == dict.fromkeys(CHECKS, "holds")


@pytest.mark.parametrize(
    ("place", "value", "parts"),
    [
        ("probability", 0.5, {"probability"}),
        ("verdict", "uncertain", {"verdict"}),
        ("note", "fewer than 50 words", {"verdict"}),
        ("text_as_given", "Another text.", {"text"}),
        ("text_sha256", "0" * 64, {"text"}),
        ("text", "Another text.", {"evidence"}),
        ("fpr", 0.2, {"evidence"}),
        ("thresholds.generated", 0.01, {"evidence"}),
        ("features.0.contribution", 9.5, {"evidence"}),
        ("sentences.0.score", 10**400, {"evidence"}),
        ("reasons", [], {"evidence"}),
        ("added", 1, {"evidence"}),
        ("provenance.precision", None, set()),
        ("provenance.time", "2000-01-01T00:00:00+00:00", set()),
    ],
)
def test_what_was_changed_does_not_hold(verify, report, place, value, parts):
    assert failed(verify(changed(report, place, value))) == parts


def test_a_changed_page_does_not_hold(verify, report):
    page = report_html(report)
    assert failed(verify(page.replace("Who wrote this text?", "Who did it?"))) == {"page"}
    title = f"probability {report['probability']:.3f}"
    assert title in page
    assert failed(verify(page.replace(title, "probability 1.000"))) == {"page"}
    assert failed(verify(report_html(changed(report, "probability", 0.5)))) == {"probability"}


def test_another_version_is_said(verify, report):
    outcome = verify(changed(report, "provenance.package_version", "0.0.1"))
    assert failed(outcome) == {"version"}
    assert "made by 0.0.1; this is " in outcome[1]
    assert "It was made by version 0.0.1: verify it with that one." in outcome[1]
    assert found(outcome)["probability"] == "not checked"


def test_another_detector_is_said(verify, report):
    for options in (["--detector=fast"], ["--device=cpu"]):  # and none that is shipped
        outcome = verify(report, *options)
        assert failed(outcome) == {"detector"}
        assert "It was made by another detector: name that one" in outcome[1]
        assert found(outcome)["probability"] == "not checked"


def test_the_published_detector_is_found_by_its_hash(verify, report, detector, tmp_path):
    shutil.copytree(detector, tmp_path / "data" / "model")
    assert failed(verify(report, "--device=cpu")) == set()


def test_at_the_rate_of_the_report(verify, detector):
    loaded = TextDetector.from_pretrained(detector).set_params(fpr=0.3)
    assert failed(verify(loaded.explain(TEXT).to_dict())) == set()


def test_a_report_cannot_write_to_the_terminal(verify, report):
    _, out, _ = verify(changed(report, "id", "\x1b[2J\nThe report holds."))
    assert "\x1b" not in out
    assert len(out.splitlines()) == len(verify(report)[1].splitlines())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no report: it is neither JSON nor a page"),
        (b"id,text\n1,a\n", "is no report: it is neither JSON nor a page"),
        (b"<!doctype html><p>A page.</p>", "is no report"),
        (b"<![x[", "is no report"),
        (b"\xff\xfe\x00", "cannot be read: it is no text in UTF-8"),
        (b'{"probability": 0.5', "is damaged: its JSON cannot be read."),
        (b'{"probability": NaN}', "is damaged: its JSON cannot be read."),
        (b'{"a": ' * 100_000, "is damaged: its JSON cannot be read."),
        (b"{}", "This is no report: it holds no explanation."),
        (b'{"probability": 0.5}', "This report has no provenance"),
    ],
)
def test_what_is_no_report(verify, content, sentence):
    assert sentence in refused(verify(content))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("probability", "high"),
        ("probability", 10**400),
        ("text_as_given", None),
        ("provenance", []),
        ("provenance.settings", {}),
        ("provenance.settings.fpr", 2),
        ("provenance.precision", ["float32"]),
        ("provenance.precision", "auto"),
        ("provenance.detector_sha256", 7),
    ],
)
def test_a_damaged_report(verify, report, place, value):
    assert "This report is damaged: " in refused(verify(changed(report, place, value)))


def test_other_mistakes(here, tmp_path, verify, report, detector):
    assert "none.html cannot be read: No such file" in refused(here("verify", "none.html"))
    assert "cannot be read: Is a directory" in refused(here("verify", tmp_path))
    assert "There is no detector in nowhere" in refused(verify(report, "--detector=nowhere"))
    two = report_html(report).replace(
        "</main>", '<script type="application/json" id="explanation">{}</script></main>'
    )
    assert "is no report" in refused(verify(two))
