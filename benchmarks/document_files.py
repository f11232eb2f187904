"""The sample essays as the files that people hand in: PDF, Word, HTML and plain text."""

from __future__ import annotations

import csv
import html
import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docx

from benchmarks.records import SAMPLE

_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
_EDGE = '<div style="font-size: 9px; margin-left: 2cm">{}</div>'
_HEADER = _EDGE.format("English 10B, spring term, Jane Doe")
_FOOTER = _EDGE.format('Page <span class="pageNumber"></span> of <span class="totalPages"></span>')
_STYLE = """
body {{ font: 12pt/1.5 serif; columns: {columns}; column-gap: 1cm; hyphens: auto;
        text-align: justify; }}
"""
#: A page of a school's site: what surrounds the essay is no part of it.
_SITE = """<!doctype html>
<html lang="en">
<head><title>{title} - Northfield School</title><style>nav {{ display: flex }}</style></head>
<body>
<header><a href="/">Northfield School</a>
<nav><ul><li><a href="/news">News</a></li><li><a href="/classes">Classes</a></li>
<li><a href="/library">Library</a></li><li><a href="/contact">Contact</a></li></ul></nav></header>
<main><article><h1>{title}</h1>{body}</article></main>
<aside><h2>More essays</h2><ul><li><a href="/1">An essay by a friend</a></li>
<li><a href="/2">The winner of last year</a></li></ul></aside>
<footer><p>Copyright Northfield School. <a href="/privacy">Privacy</a></p></footer>
</body>
</html>
"""


def sample_rows() -> list[dict[str, str]]:
    """The rows of the sample: id, text and generated."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_docx(text: str) -> bytes:
    """A Word file with a running header and a page of default style."""
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "English 10B, Jane Doe"
    document.sections[0].footer.paragraphs[0].text = "Northfield School"
    for paragraph in text.split("\n\n"):
        document.add_paragraph(paragraph)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def as_site(text: str, title: str = "Essay") -> bytes:
    """A page of a site with navigation."""
    return _SITE.format(title=html.escape(title), body=_paragraphs(text)).encode()


@contextmanager
def printer() -> Iterator[Callable[[str, int], bytes]]:
    """A function that prints a text to PDF with Chromium, in so many columns.

    Pages are A5, with a header and a footer; words are hyphenated where Chromium can.

    Raises:
        FileNotFoundError: there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise FileNotFoundError("There is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_OPTIONS)
        page = browser.new_page()

        def print_pdf(text: str, columns: int) -> bytes:
            style = _STYLE.format(columns=columns)
            page.set_content(
                f'<!doctype html><html lang="en"><style>{style}</style>{_paragraphs(text)}</html>'
            )
            return page.pdf(
                format="A5",
                display_header_footer=True,
                header_template=_HEADER,
                footer_template=_FOOTER,
                margin={"top": "2cm", "bottom": "2cm", "left": "2cm", "right": "2cm"},
            )

        yield print_pdf
        browser.close()


def _paragraphs(text: str) -> str:
    return "".join(
        f"<p>{html.escape(paragraph).replace(chr(10), '<br>')}</p>"
        for paragraph in text.split("\n\n")
    )
