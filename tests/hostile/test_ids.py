"""Ids that act: on a terminal, in a log, in a spreadsheet, or through a link."""

import logging
import os
import pty
import subprocess
import sys

import pandas as pd
import pytest

from perplexity_detector import logs
from perplexity_detector.errors import InputError
from perplexity_detector.io.results_metadata import MetadataWriter
from perplexity_detector.io.results_writer import ResultsWriter, write_atomic
from tests.asked import log_of
from tests.cli.running import MODEL, TEXTS
from tests.labelled import light_detector, two_styles
from tests.paths import ROOT

#: Clears the screen, names the window, turns the direction, and begins another record of the log.
SEQUENCE = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m\r\n2026-01-01 00:00:00.000+00:00 1 ERROR forged"
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)"]


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    fitted = light_detector(fpr=0.1).fit(*two_styles(120))
    return fitted.save_pretrained(tmp_path_factory.mktemp("detector") / "model")


def acts(shown):
    return {character for character in shown if ord(character) < 32} - {"\n", "\t"} or [
        character for character in shown if character in "\x7f\x9b\u202e"
    ]


def test_sequences_reach_neither_terminal_nor_log(here, detector, tmp_path):
    rows = pd.DataFrame({"id": [SEQUENCE, SEQUENCE + "2"], "text": [TEXTS[0], ""]})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    code, out, err = here(
        "predict", "rows.csv", f"--detector={detector}", "--show", "--output=out.csv"
    )
    assert code == 0
    assert not acts(out)
    assert not acts(err)
    log = log_of(tmp_path)
    assert not acts(log)
    assert not any(line.endswith("ERROR forged") for line in log.splitlines() if line[0] == "2")
    # what is joined by id has it as it was given
    assert pd.read_csv(tmp_path / "out.csv")["id"].tolist() == rows["id"].tolist()


def test_a_message_cannot_forge_a_record(tmp_path):
    formatter = logs._FileFormatter()
    record = logging.LogRecord("a", logging.INFO, "", 0, "%s", (f"id {SEQUENCE}",), None)
    first, *others = formatter.format(record).splitlines()
    assert first.endswith(r"INFO id \x1b[2J\x1b]0;owned\x07\u202e\x9b31m\r")
    assert all(line.startswith("    ") for line in others)


def test_results_on_a_terminal_hold_no_sequences(detector, tmp_path):
    pd.DataFrame({"id": [SEQUENCE], "text": TEXTS[:1]}).to_csv(tmp_path / "rows.csv", index=False)
    terminal, stdout = pty.openpty()
    done = subprocess.run(
        [sys.executable, MODEL, "predict", "rows.csv", f"--detector={detector}", "--output=-"],
        cwd=tmp_path,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )
    os.close(stdout)
    shown = os.read(terminal, 1 << 16).decode().replace("\r\n", "\n")
    os.close(terminal)
    assert done.returncode == 0, done.stderr
    assert r"\x1b[2J" in shown
    assert not acts(shown)


# --- spreadsheets ----------------------------------------------------------------------------


def test_formulas_are_quoted_in_the_table_and_kept_in_the_csv(here, detector, tmp_path):
    texts = (TEXTS * 2)[: len(FORMULAS)]
    pd.DataFrame({"id": FORMULAS, "text": texts}).to_csv(tmp_path / "rows.csv", index=False)
    code, out, _ = here(
        "predict", "rows.csv", f"--detector={detector}", "--show", "--output=out.csv"
    )
    assert code == 0
    shown = [line.split()[0] for line in out.splitlines() if line[:1].strip()]
    assert shown == ["id", *(f"'{one}" for one in FORMULAS)]
    assert pd.read_csv(tmp_path / "out.csv", dtype=str)["id"].tolist() == FORMULAS


def test_the_page_quotes_formulas_in_its_download(browser, client):
    page = browser.new_page()
    page.goto(str(client.base_url))
    given = 'id,generated,note\n=1+1,0.5,\n"@a,""b""",-0.25,\n-2,1e-7,"+x\ny"\n\tb,0.1,plain\n'
    made = page.evaluate(
        "text => import('/static/js/csv.js').then(csv => csv.forSpreadsheets(text))", given
    )
    page.close()
    assert made == (
        'id,generated,note\n\'=1+1,0.5,\n"\'@a,""b""",-0.25,\n-2,1e-7,"\'+x\ny"\n\'\tb,0.1,plain\n'
    )


# --- links -----------------------------------------------------------------------------------


@pytest.fixture
def victim(tmp_path):
    file = tmp_path / "victim"
    file.write_text("precious")
    yield file
    assert file.read_text() == "precious"


@pytest.mark.parametrize("end", [".part", ".part.journal", ".part.lock"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_working_file_that_is_a_link_is_not_followed(victim, tmp_path, end, resume):
    target = tmp_path / "results.csv"
    target.with_name(target.name + end).symlink_to(victim)
    frame = pd.DataFrame({"id": ["a"]})
    read = pd.DataFrame({"id": ["a"], "text": ["b"], "problem": [""]})
    try:
        with ResultsWriter(target, ["id"], {"run": 1}, resume) as results:
            results.write(frame, read)
    except InputError as error:
        assert "is a link; remove it" in str(error) or end == ".part.lock"
        assert not target.exists()
    else:
        assert end == ".part.lock"  # a file system may have no locks


def test_other_working_files_that_are_links_are_not_followed(victim, tmp_path):
    (tmp_path / f".report.html.{os.getpid()}.part").symlink_to(victim)
    with pytest.raises(InputError, match="is a link; remove it"):
        write_atomic(tmp_path / "report.html", "new")
    (tmp_path / "results.meta.json.part").symlink_to(victim)
    with (
        pytest.raises(InputError, match="is a link; remove it"),
        MetadataWriter(tmp_path / "results.csv") as metadata,
    ):
        metadata.begin({"a": 1})


def test_a_final_file_that_is_a_link_still_leads_there(tmp_path):
    (tmp_path / "there.csv").write_text("old")
    (tmp_path / "results.csv").symlink_to(tmp_path / "there.csv")
    with ResultsWriter(tmp_path / "results.csv", ["id"]) as results:
        results.write(pd.DataFrame({"id": ["a"]}))
    assert (tmp_path / "there.csv").read_text() == "id\na\n"
