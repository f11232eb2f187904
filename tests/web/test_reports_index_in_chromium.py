"""The index of a folder of reports, in a real browser, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_detector.web.reports_index import index_html

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROWS = [
    {"id": "ann/a.docx", "generated": 0.2, "verdict": "human", "words": 90, "report": "a.html"},
    {"id": "bo/b.pdf", "generated": 0.9, "verdict": "generated", "words": 80, "report": "b.html"},
    {"id": "<b>c", "generated": 0.5, "verdict": "uncertain", "words": 0, "problem": "damaged"},
]


def test_the_index_sorts_filters_and_leads_to_reports(page: Page, tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text("<title>b</title>", encoding="utf-8")
    index = tmp_path / "index.html"
    rows = [{"note": "", "why": "", "problem": "", **row} for row in ROWS]
    index.write_text(index_html(rows, "fast", 0.01), encoding="utf-8")
    page.goto(index.as_uri())
    ids = page.locator("tbody th")
    assert ids.all_inner_texts() == ["bo/b.pdf", "<b>c", "ann/a.docx"]
    page.get_by_role("button", name="Id").click()
    assert ids.all_inner_texts() == ["<b>c", "ann/a.docx", "bo/b.pdf"]
    page.get_by_label("Show verdicts").select_option("uncertain")
    assert ids.all_inner_texts() == ["<b>c"]
    page.get_by_label("Show verdicts").select_option("all verdicts")
    page.get_by_role("searchbox").fill("BO/")
    assert ids.all_inner_texts() == ["bo/b.pdf"]
    page.get_by_role("link", name="bo/b.pdf").click()
    assert page.title() == "b"
