"""HTML pages: their main text, without navigation."""

from __future__ import annotations

import lxml.etree
import lxml.html
import trafilatura

from perplexity_detector.io.documents.extracted import ExtractedText, UnreadableError
from perplexity_detector.io.documents.prose import without_references
from perplexity_detector.io.limits import Limits

#: XPath of what is no running text, or not to be seen -> what it is.
_LEFT_OUT = {
    "//table": "tables",
    "//pre": "code blocks",
    "//*[@hidden or contains(translate(@style, ' ', ''), 'display:none') or "
    # no "hidden passages", which have a flag: pages hide menus and labels for screen readers
    "contains(translate(@style, ' ', ''), 'visibility:hidden')]": "hidden elements",
    "//*[@role='doc-endnotes' or @role='doc-footnote' or contains(@class, 'footnotes')]": (
        "footnotes"
    ),
}
_LANDMARKS = "//nav | //header | //footer | //aside | //script | //style | //noscript | //template"


def read_html(content: bytes, limits: Limits) -> ExtractedText:
    """The main text of a page, as trafilatura finds it, without the page's title.

    Raises:
        UnreadableError: it is no HTML.
    """
    page = trafilatura.load_html(content)
    if page is None:
        raise UnreadableError("not HTML, though its name says so")
    left_out: dict[str, int] = {}
    for path, name in _LEFT_OUT.items():
        found = [one for one in page.xpath(path) if "".join(one.itertext()).strip()]
        for one in found:
            one.drop_tree()
        left_out[name] = len(found)
    for heading in page.xpath("//h1"):
        words = " ".join(heading.text_content().split())
        if words and words in " ".join(str(page.findtext(".//title")).split()):
            heading.drop_tree()
            left_out["page titles"] = 1
    whole = lxml.html.tostring(page)
    text = trafilatura.extract(
        page, favor_recall=True, include_comments=False, include_tables=False, deduplicate=False,
        with_metadata=False,
    )  # fmt: skip
    # trafilatura gives up on a page of few words, such as a text typed into Moodle
    paragraphs = _paragraphs(text or _all_text(whole))
    kept, left_out["references"] = without_references(paragraphs)
    return ExtractedText(
        "\n\n".join(kept), left_out={name: count for name, count in left_out.items() if count}
    )


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _all_text(page: bytes) -> str:
    """All text of a page but that of its landmarks, a line for each block."""
    tree = lxml.html.fromstring(page)
    for one in tree.xpath(_LANDMARKS):
        one.drop_tree()
    for block in tree.iter("p", "div", "li", "br", "h1", "h2", "h3", "h4", "h5", "h6"):
        block.tail = "\n" + (block.tail or "")
    return str(tree.text_content())
