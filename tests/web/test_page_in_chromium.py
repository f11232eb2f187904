"""The page in a real browser, with a real service."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.document_files import as_docx
from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.web import embedded_in
from tests.hidden import LEFT_OUT, SENTENCES, hidden_docx
from tests.labelled import light_detector, two_styles
from tests.paths import ROOT
from tests.web.explanations import TEXT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FilePayload, Page

LONG = " ".join([TEXT] * 3)
KEY = "a key for tests"
_READY = "Listening on "


class _Service:
    """A service in its own process."""

    def __init__(self, detector: Path, folder: Path) -> None:
        command = [sys.executable, str(ROOT / "model.py"), "serve", "--port=0"]
        self.process = subprocess.Popen(
            [*command, f"--detector={detector}"],
            cwd=folder,
            env=os.environ
            | {
                "PERPLEXITY_DETECTOR_API_KEY": KEY,
                "PERPLEXITY_DETECTOR_MAX_RECALIBRATED_DETECTORS": "2",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr
        line = next((line for line in self.process.stderr if line.startswith(_READY)), "")
        self.address = line.removeprefix(_READY).split()[0]

    def wait_until_ready(self) -> None:
        while self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/readyz"):
                    return
            except urllib.error.URLError:  # it does not listen yet, or loads
                time.sleep(0.1)
        pytest.fail(f"the service ended with {self.process.returncode}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate()


@pytest.fixture(scope="module")
def service(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Service]:
    """One for all tests, with a detector without a language model; the last test stops it."""
    pytest.importorskip("fastapi", reason="the extra `service` is not installed")
    folder = tmp_path_factory.mktemp("served")
    detector = light_detector(fpr=0.1).fit(*two_styles(160)).save_pretrained(folder / "light")
    service = _Service(detector, folder)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()


@pytest.fixture
def visited(page: Page, service: _Service) -> Page:
    """The page, opened."""
    page.goto(service.address)
    return page


def drop(page: Page, name: str, content: str) -> None:
    """Drops a file on the page."""
    transfer = page.evaluate_handle(
        """([name, content]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([content], name));
            return transfer;
        }""",
        [name, content],
    )
    for event in ("dragover", "drop"):
        page.dispatch_event("main", event, {"dataTransfer": transfer})


def choose(page: Page, *files: tuple[str, bytes]) -> None:
    """Chooses several files, as the file dialogue does."""
    payloads: list[FilePayload] = [
        {"name": name, "mimeType": "", "buffer": content} for name, content in files
    ]
    page.set_input_files("#file", payloads)


def enter_key(page: Page) -> None:
    """Enters the API key; the page then repeats its request."""
    page.get_by_label("needs an API key").fill(KEY)
    page.keyboard.press("Enter")


def csv_of(*texts: str) -> str:
    rows = [f'{place},"{text}"' for place, text in enumerate(texts)]
    return "\n".join(["id,text", *rows])


def test_a_pasted_text_is_explained_as_the_report_does(visited: Page, tmp_path: Path) -> None:
    visited.get_by_role("textbox", name="Text").fill(f"{TEXT} {TEXT}")
    assert visited.get_by_text(f"{2 * len(TEXT.split())} words").is_visible()
    visited.keyboard.press("Control+Enter")
    enter_key(visited)
    visited.locator("#result .headline").wait_for()
    assert visited.locator(".prose").inner_text() == f"{TEXT} {TEXT}"
    assert visited.get_by_role("button", name="Sentence 1, score").is_visible()
    assert not visited.locator("#key-row").is_visible()
    assert visited.evaluate("document.activeElement.id") == "result"
    status = visited.get_by_role("status").inner_text()
    assert status == visited.locator(".headline").inner_text() + "."
    with visited.expect_download() as download:
        visited.get_by_role("button", name="Download report").click()
    assert download.value.suggested_filename == "report.html"
    report = tmp_path / "report.html"
    download.value.save_as(report)
    visited.goto(report.as_uri())
    assert visited.locator(".prose").inner_text() == f"{TEXT} {TEXT}"
    assert visited.locator(".headline").inner_text() + "." == status


def test_flags_of_a_pasted_text_and_of_a_file(visited: Page) -> None:
    disguised = LONG.replace("a", "\u0430").replace("e", "e\u200b")
    letters, invisible = find_flags(disguised)
    visited.get_by_role("textbox", name="Text").fill(disguised)
    visited.keyboard.press("Control+Enter")
    enter_key(visited)
    flags = visited.locator("#result .flags li")
    flags.first.wait_for()
    assert [text.partition(". ")[0] for text in flags.all_inner_texts()] == [
        letters.sentence,
        invisible.sentence,
    ]
    drop(visited, "essays.csv", csv_of(disguised))
    visited.get_by_role("table").wait_for()
    assert letters.sentence in visited.locator("tbody td").last.inner_text()


def test_the_key_row_repeats_the_request_and_the_button_checks_the_text_there_is(
    visited: Page,
) -> None:
    box = visited.get_by_role("textbox", name="Text")
    box.fill(TEXT)
    visited.get_by_role("button", name="Check text").click()
    key = visited.get_by_label("needs an API key")
    key.fill(KEY)
    box.fill(LONG)
    visited.get_by_role("button", name="Check text").click()
    visited.locator("#result .headline").wait_for()
    assert visited.locator(".prose").inner_text() == LONG

    visited.reload()
    drop(visited, "essays.csv", csv_of(TEXT))
    key.fill(KEY)
    box.fill(LONG)
    visited.get_by_role("button", name="Continue").click()
    visited.get_by_role("heading", name="essays.csv").wait_for()


def test_a_dropped_csv_becomes_a_table_that_sorts(visited: Page) -> None:
    drop(visited, "essays.csv", csv_of(TEXT, "Too short.", ""))
    enter_key(visited)
    table = visited.get_by_role("table")
    table.wait_for()
    assert visited.get_by_role("heading", name="essays.csv").is_visible()
    assert visited.get_by_text("3 texts: ").is_visible()
    assert visited.get_by_role("img", name="Probabilities: ").is_visible()
    probability = visited.get_by_role("columnheader", name="Probability")
    assert probability.get_attribute("aria-sort") == "descending"
    ids = visited.locator("tbody th")
    assert sorted(ids.all_inner_texts()) == ["0", "1", "2"]
    visited.get_by_role("button", name="Words").press("Enter")
    assert ids.all_inner_texts() == ["0", "1", "2"]
    visited.get_by_role("button", name="Words").press("Enter")
    assert ids.all_inner_texts() == ["2", "1", "0"]
    assert probability.get_attribute("aria-sort") is None
    with visited.expect_download() as download:
        visited.get_by_role("button", name="Download results.csv").click()
    assert download.value.path().read_text("utf-8").startswith("id,generated,verdict")


def test_several_documents_are_shown_before_their_verdicts(visited: Page) -> None:
    choose(
        visited, ("a.txt", TEXT.encode()), ("b.docx", as_docx(LONG)), ("c.pdf", b"%PDF-1.4 no")
    )  # fmt: skip
    enter_key(visited)
    visited.get_by_role("heading", name="3 documents").wait_for()
    assert visited.get_by_text("damaged or cut short").is_visible()
    assert not visited.locator("#result").is_visible()
    visited.locator("summary", has_text="a.txt").click()
    box = visited.get_by_role("textbox", name="Text of a.txt")
    assert box.input_value() == TEXT
    box.fill(f"{LONG} {LONG}")
    visited.get_by_role("button", name="Check 2 texts").click()
    visited.get_by_role("table").wait_for()
    assert visited.locator("tbody th").count() == 2
    words = visited.locator("tbody tr", has_text="a.txt").locator("td").nth(2)
    assert words.inner_text() == str(2 * len(LONG.split()))
    visited.get_by_role("searchbox", name="Show ids").fill("b.d")
    assert visited.locator("tbody th").all_inner_texts() == ["b.docx"]


def test_a_document_fills_the_box_without_a_verdict(visited: Page) -> None:
    choose(visited, ("essay.docx", as_docx(TEXT)))
    enter_key(visited)
    visited.get_by_text("This is the text of essay.docx").wait_for()
    assert visited.get_by_role("textbox", name="Text").input_value() == TEXT
    assert not visited.locator("#result").is_visible()


def test_hidden_text_of_a_document_has_flags(visited: Page, tmp_path: Path) -> None:
    choose(visited, ("essay.docx", hidden_docx(LONG)))
    enter_key(visited)
    visited.get_by_text("Left out: 1 hidden passage, 1 white passage.").wait_for()
    check = visited.get_by_role("button", name="Check text")
    check.click()
    flags = visited.locator(".flags li")
    flags.first.wait_for()
    assert [text.strip() for text in flags.all_inner_texts()] == [f"{one}." for one in SENTENCES]
    with visited.expect_download() as download:
        visited.get_by_role("button", name="Download report").click()
    report = embedded_in(download.value.path().read_text("utf-8"))
    assert report is not None
    assert json.loads(report)["left_out"] == LEFT_OUT

    # a text that replaces the document's has none of them
    box = visited.get_by_role("textbox", name="Text")
    box.press("ControlOrMeta+a")
    visited.keyboard.insert_text(LONG)
    with visited.expect_response("**/v1/explain") as answer:
        check.click()
    assert answer.value.json()["flags"] == []


def test_hidden_text_of_several_documents_has_flags(visited: Page) -> None:
    choose(visited, ("a.docx", hidden_docx(LONG)), ("b.pdf", b"%PDF-1.4"), ("c.txt", LONG.encode()))
    enter_key(visited)
    listed = visited.locator("summary", has_text="a.docx")
    listed.wait_for()
    assert all(sentence in listed.inner_text() for sentence in SENTENCES)
    visited.get_by_role("button", name="Check 2 texts").click()
    visited.get_by_role("table").wait_for()
    reasons = visited.locator("tbody tr", has_text="a.docx").locator("td").last.inner_text()
    assert f"Flags: {'; '.join(SENTENCES)}." in reasons
    assert "Left out: 1 hidden passage, 1 white passage" in reasons
    with visited.expect_download() as download:
        visited.get_by_role("button", name="Download results.csv").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8"))))
    assert [row["id"] for row in rows] == ["a.docx", "c.txt"]
    assert [row["flags"] for row in rows] == ["; ".join(SENTENCES), ""]
    assert [row["words"] for row in rows] == [str(len(LONG.split()))] * 2


def test_a_large_file_shows_its_progress(visited: Page) -> None:
    drop(visited, "essays.jsonl", "\n".join(f'{{"id": {n}, "text": "{LONG}"}}' for n in range(250)))
    enter_key(visited)
    visited.get_by_role("progressbar", name="Texts read").wait_for()
    visited.get_by_role("table").wait_for()
    assert visited.locator("tbody tr").count() == 200
    visited.get_by_role("button", name="Show more").click()
    assert visited.locator("tbody tr").count() == 250
    assert visited.get_by_role("progressbar").count() == 0


def test_a_large_file_can_be_stopped(visited: Page) -> None:
    drop(visited, "essays.csv", csv_of(*[LONG] * 4_000))
    enter_key(visited)
    visited.get_by_role("button", name="Stop").click()
    alert = visited.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "Stopped. The file was deleted."
    assert not visited.locator("#result").is_visible()


def test_an_invalid_file_gives_an_error_message(visited: Page) -> None:
    drop(visited, "essays.csv", "name,words\nAnna,12\n")
    enter_key(visited)
    visited.get_by_text("column").filter(
        has=visited.locator("xpath=self::*[@role='alert']")
    ).wait_for()
    drop(visited, "picture.png", "PNG")
    visited.get_by_text("format is not known").wait_for()


def test_examples_and_text_files_fill_the_box(visited: Page) -> None:
    visited.get_by_role("button", name="a text too short for a verdict").click()
    enter_key(visited)
    visited.get_by_text("Fewer than 50 words").wait_for()
    assert visited.get_by_role("textbox", name="Text").input_value().startswith("The bees are fine")
    drop(visited, "note.txt", "We lifted one lid. It was empty!")
    visited.get_by_role("button", name="Sentence 2, score").wait_for()
    assert (
        visited.get_by_role("textbox", name="Text").input_value()
        == "We lifted one lid. It was empty!"
    )


def test_an_empty_text_gives_an_error_message(visited: Page) -> None:
    visited.get_by_role("button", name="Check text").click()
    assert "There is no text yet" in visited.get_by_role("alert").inner_text()
    assert visited.evaluate("document.activeElement.id") == "text"


def test_the_first_stops_of_the_keyboard(visited: Page) -> None:
    visited.keyboard.press("Tab")
    assert visited.evaluate("document.activeElement.textContent") == "Skip to the text"
    visited.keyboard.press("Enter")
    visited.keyboard.press("Tab")
    assert visited.evaluate("document.activeElement.id") == "text"


def test_on_a_phone_nothing_runs_over_the_edge(visited: Page) -> None:
    visited.set_viewport_size({"width": 360, "height": 740})
    assert visited.evaluate("document.documentElement.scrollWidth") == 360


def test_the_page_keeps_its_content_security_policy(browser: Browser, service: _Service) -> None:
    page = browser.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    response = page.goto(service.address)
    assert response
    assert "default-src 'self'" in response.headers["content-security-policy"]
    page.get_by_role("button", name="a casual text").wait_for()
    assert messages == []
    page.close()


def test_an_operator_makes_a_detector_of_their_own_people(visited: Page, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    essays = two_styles(240, seed=3)[0][::2]
    documents = [f"{number}.txt" for number in range(20)]
    for name, essay in zip(documents, essays, strict=False):
        (tmp_path / name).write_text(essay)
    with zipfile.ZipFile(tmp_path / "others.zip", "w") as archive:
        for number, essay in enumerate(essays[20:]):
            archive.writestr(f"{number}.txt", essay)
    handed_in = [tmp_path / name for name in ("others.zip", *documents)]
    assert not visited.get_by_text("For operators").is_visible()
    visited.get_by_label("needs an API key").fill("a wrong key")
    visited.keyboard.press("Enter")
    visited.get_by_text("Send the service's API key").wait_for()
    enter_key(visited)
    visited.get_by_text("For operators").click()
    assert not visited.locator("#key-row").is_visible()
    assert not visited.get_by_label("Detector", exact=True).is_visible()  # there is but one
    visited.get_by_label("Texts by people").set_input_files(handed_in)
    visited.get_by_label("Name of the detector").fill("our_people")
    visited.get_by_role("button", name="Make the detector").click()
    visited.get_by_role("heading", name="The detector our_people").wait_for()
    assert visited.get_by_text("120 texts by your own people set its thresholds").is_visible()
    chosen = visited.get_by_label("Detector", exact=True)
    assert chosen.input_value() == "our_people"
    chosen_label = "our_people, calibrated on 120 texts"
    assert chosen.locator("option:checked").inner_text() == chosen_label

    def name_of_the_answer() -> str:
        with visited.expect_response("**/v1/explain") as answer:
            visited.get_by_role("button", name="Check text").click()
        return str(answer.value.json()["detector"])

    visited.get_by_role("textbox", name="Text").fill(LONG)
    assert name_of_the_answer() == "our_people"
    chosen.select_option("light")
    assert name_of_the_answer() == "light"

    # too few is a sentence
    people.write_text(csv_of(*["Too few."] * 9))
    visited.get_by_label("Texts by people").set_input_files(people)
    visited.get_by_role("button", name="Make the detector").click()
    visited.get_by_text("9 texts set no thresholds: give 100 or more by people.").wait_for()


def test_a_stopped_service_gives_an_error_and_the_text_stays(
    visited: Page, service: _Service
) -> None:
    visited.get_by_role("textbox", name="Text").fill(TEXT)
    service.stop()
    visited.get_by_role("button", name="Check text").click()
    visited.get_by_text("The service does not respond.").wait_for()
    assert visited.get_by_role("textbox", name="Text").input_value() == TEXT
