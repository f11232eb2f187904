"""PDFs that Chromium prints."""

import pytest

from benchmarks.document_files import printer
from perplexity_detector.io.documents import SCAN
from perplexity_detector.io.documents.parser import Parser
from perplexity_detector.text import canonicalise
from tests.browser import open_chromium, require_chromium

PAGE = "<p style='break-before: page'>{}</p>"


@pytest.fixture(scope="module")
def parser():
    with Parser() as started:
        yield started


@pytest.fixture(scope="module")
def chromium():
    """A browser's page, which prints."""
    with open_chromium() as browser:
        yield browser.new_page()


def printed(page, body):
    page.set_content(f"<html lang=en><style>body {{ font: 12pt/1.4 serif }}</style>{body}</html>")
    return page.pdf(format="A5")


def test_essays_are_recovered_word_for_word(parser, essays):
    require_chromium()
    with printer() as print_pdf:
        for essay in (essays[1], essays[11], essays[25]):  # with lists, with markdown
            for columns in (1, 2):
                extracted = parser.parse("a.pdf", print_pdf(essay, columns))
                assert canonicalise(extracted.text) == canonicalise(essay)
                assert set(extracted.left_out) == {"header and footer lines"}


def test_running_headers_footnotes_tables_and_sources_are_left_out(chromium, parser):
    rows = "".join(f"<tr><td>{n}</td><td>{n * n}</td></tr>" for n in range(4))
    prose = [
        f"We walked to the {one} before it rained, and nobody had thought of bringing a coat. " * 3
        for one in ("lake", "sea", "river")
    ]
    pages = "".join(
        PAGE.format(f"History of Lakes<br>{part}")
        + f"<p style='font-size: 8pt'>{number} A {'far ' * number}lake.</p><p>{number}</p>"
        for number, part in enumerate(prose, 1)
    )
    table = f"<table cellspacing=40>{rows}</table>"
    sources = "<h2>References</h2><p>Smith, A. (2001). Lakes. Cambridge.</p>"
    last = f"<div style='break-before: page'>{table}{sources}</div>"
    extracted = parser.parse("a.pdf", printed(chromium, f"{pages}{last}"))
    assert extracted.text.split() == " ".join(prose).split()
    assert extracted.left_out["header and footer lines"] == 6
    assert extracted.left_out["footnote lines"] == 3
    assert extracted.left_out["table lines"] == 4
    assert extracted.left_out["references"] == 1


def test_a_pdf_without_text_is_a_scan(chromium, parser):
    extracted = parser.parse("a.pdf", printed(chromium, "<svg><circle r=50 /></svg>"))
    assert (extracted.text, extracted.note) == ("", SCAN)
