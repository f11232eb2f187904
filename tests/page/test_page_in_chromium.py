"""The page as its users handle it: a real service with the shipped detector, a real browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from explanations import TEXT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LONG = " ".join([TEXT] * 3)
KEY = "a key for tests"
#: Answers files of up to 400 tokens at once, so that three essays are a job.
_SERVE = """
import sys
from pathlib import Path
from perplexity_detector import TextDetector
from perplexity_detector.service.engine import Engine
from perplexity_detector.service.server import serve
from perplexity_detector.service.settings import Settings

settings = Settings(data=Path(sys.argv[1]), api_key=sys.argv[2] or None, at_once_tokens=400)
serve(lambda: Engine(TextDetector.from_pretrained("fast"), "fast"), settings, "127.0.0.1", 0)
"""
_READY = "Listening on "
_WAIT = 60_000


class _Service:
    """A service in a process of its own, which can be stopped before its users are done."""

    def __init__(self, data: Path, key: str) -> None:
        command = [sys.executable, "-c", _SERVE, str(data), key]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        line = next((line for line in self.process.stderr if line.startswith(_READY)), "")
        self.address = line.removeprefix(_READY).split()[0]

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def service(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Service]:
    """One for all tests; the last of them stops it."""
    pytest.importorskip("fastapi", reason="the extra `service` is not installed")
    service = _Service(tmp_path_factory.mktemp("data"), KEY)
    yield service
    service.stop()


@pytest.fixture
def visited(page: Page, service: _Service) -> Page:
    """The page, by someone who will show the key when asked."""
    page.set_default_timeout(_WAIT)
    page.goto(service.address)
    return page


def drop(page: Page, name: str, content: str) -> None:
    """Drops a file on the page, as a mouse does."""
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


def show_key(page: Page) -> None:
    """Answers the question for the key, after which what was asked before is done."""
    page.get_by_label("asks for a key").fill(KEY)
    page.keyboard.press("Enter")


def csv_of(*texts: str) -> str:
    rows = [f'{place},"{text}"' for place, text in enumerate(texts)]
    return "\n".join(["id,text", *rows])


def test_a_pasted_text_is_explained_as_the_report_does(visited: Page) -> None:
    visited.get_by_label("The text").fill(f"{TEXT} {TEXT}")
    assert visited.get_by_text("70 words").is_visible()
    visited.keyboard.press("Control+Enter")
    show_key(visited)
    visited.locator("#result .headline").wait_for()
    assert visited.locator(".prose").inner_text() == f"{TEXT} {TEXT}"
    assert visited.get_by_role("button", name="Sentence 1, score").is_visible()
    assert not visited.locator("#key-row").is_visible()
    assert visited.evaluate("document.activeElement.id") == "result"
    said = visited.get_by_role("status").inner_text()
    assert said == visited.locator(".headline").inner_text() + "."
    with visited.expect_download() as download:
        visited.get_by_role("button", name="Download the report").click()
    report = download.value.path().read_text("utf-8")
    assert download.value.suggested_filename == "report.html"
    assert "The hives stood behind the shed" in report
    visited.goto(download.value.path().as_uri())
    assert visited.locator(".headline").inner_text() + "." == said


def test_a_dropped_csv_becomes_a_table_that_sorts(visited: Page) -> None:
    drop(visited, "essays.csv", csv_of(TEXT, "Too short.", ""))
    show_key(visited)
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


def test_a_large_file_shows_how_far_it_is(visited: Page) -> None:
    drop(visited, "essays.jsonl", "\n".join(f'{{"id": {n}, "text": "{LONG}"}}' for n in range(9)))
    show_key(visited)
    visited.get_by_role("progressbar", name="Texts read").wait_for()
    visited.get_by_role("table").wait_for()
    assert visited.locator("tbody tr").count() == 9
    assert visited.get_by_role("progressbar").count() == 0


def test_a_large_file_can_be_stopped(visited: Page) -> None:
    drop(visited, "essays.csv", csv_of(*[LONG] * 50))
    show_key(visited)
    visited.get_by_role("button", name="Stop").click()
    alert = visited.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "Stopped; nothing of the file is kept."
    assert not visited.locator("#result").is_visible()


def test_a_wrong_file_is_refused_in_a_sentence(visited: Page) -> None:
    drop(visited, "essays.csv", "name,words\nAnna,12\n")
    show_key(visited)
    visited.get_by_text("column").filter(
        has=visited.locator("xpath=self::*[@role='alert']")
    ).wait_for()
    drop(visited, "picture.png", "PNG")
    visited.get_by_text("Say what the file is").wait_for()


def test_examples_and_text_files_fill_the_box(visited: Page) -> None:
    visited.get_by_role("button", name="one too short to tell").click()
    show_key(visited)
    visited.get_by_text("Fewer than 50 words").wait_for()
    assert visited.get_by_label("The text").input_value().startswith("The bees are fine")
    drop(visited, "note.txt", "We lifted one lid. It was empty!")
    visited.get_by_role("button", name="Sentence 2, score").wait_for()
    assert visited.get_by_label("The text").input_value() == "We lifted one lid. It was empty!"


def test_nothing_to_read_is_said(visited: Page) -> None:
    visited.get_by_role("button", name="Look at it").click()
    assert "There is no text yet" in visited.get_by_role("alert").inner_text()
    assert visited.evaluate("document.activeElement.id") == "essay"


def test_the_first_stops_of_the_keyboard(visited: Page) -> None:
    visited.keyboard.press("Tab")
    assert visited.evaluate("document.activeElement.textContent") == "Skip to the text"
    visited.keyboard.press("Enter")
    visited.keyboard.press("Tab")
    assert visited.evaluate("document.activeElement.id") == "essay"


def test_on_a_phone_nothing_runs_over_the_edge(visited: Page) -> None:
    visited.set_viewport_size({"width": 360, "height": 740})
    assert visited.evaluate("document.documentElement.scrollWidth") == 360


def test_the_page_breaks_no_rule_of_its_policy(browser: Browser, service: _Service) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    response = page.goto(service.address)
    assert response
    assert "default-src 'self'" in response.headers["content-security-policy"]
    page.get_by_role("button", name="a casual text").wait_for()
    assert said == []
    page.close()


def test_a_service_that_is_gone_is_named_and_the_text_stays(
    visited: Page, service: _Service
) -> None:
    visited.get_by_label("The text").fill(TEXT)
    service.stop()
    visited.get_by_role("button", name="Look at it").click()
    visited.get_by_text("The service does not answer.").wait_for()
    assert visited.get_by_label("The text").input_value() == TEXT
