"""An explanation -> one self-contained HTML file, and back."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

#: Holds index.html, the service's page, and the css and js of page and report.
FOLDER = Path(__file__).parent

_STYLES = ("base.css", "cover.css", "drawing.css", "text.css", "charts.css", "print.css")
#: What `make bundle` makes of js/report.js and the modules it imports.
BUNDLE = FOLDER / "report.bundle.js"

#: The head of a self-contained page.
HEAD = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="perplexity-detector">
<title>{title}</title>
<style>{style}</style>
</head>
"""
_REPORT = (
    HEAD
    + """\
<body>
<header class="masthead"><h1>Who wrote this text?</h1>\
<p>A report by perplexity-detector</p></header>
<main>
<noscript><p>{summary} The charts need JavaScript; this file loads nothing else.</p></noscript>
<div id="cover"></div>
<div id="drawing" class="drawing"></div>
<div id="guide"></div>
</main>
<script type="application/json" id="explanation">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""
)


def report_html(explanation: Mapping[str, Any]) -> str:
    """The report on a text, for a browser and for paper.

    The file is self-contained and cannot load anything: its Content-Security-Policy allows only
    its own style and script, by their hashes.

    Args:
        explanation: the result of `Explanation.to_dict`.

    Returns:
        An HTML document, to be encoded as UTF-8.

    Raises:
        ValueError: a number is not finite.
    """
    style = "".join((FOLDER / "css" / name).read_text("utf-8") for name in _STYLES)
    script = BUNDLE.read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {csp_hash(script)}; style-src {csp_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    result = f"{explanation['verdict']}, probability {explanation['probability']:.3f}"
    name = f"{explanation['id']}: " if explanation.get("id") else ""
    flags = [f"{flag['sentence']}." for flag in explanation.get("flags", ())]
    summary = " ".join([f"Verdict: {result}.", *flags, *explanation["limits"]])
    return _REPORT.format(
        policy=policy,
        title=escape(f"{name}{result}"),
        style=style,
        summary=escape(summary),
        data=embedded(explanation),
        script=script,
    )


def embedded(explanation: Mapping[str, Any]) -> str:
    """JSON that is safe in a script element: nothing in it can end the element.

    Args:
        explanation: values that JSON can hold.

    Returns:
        ASCII without `<`, `>` and `&`.

    Raises:
        ValueError: a number is not finite.
    """
    plain = json.dumps(explanation, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        plain = plain.replace(character, f"\\u{ord(character):04x}")
    return plain


def embedded_in(page: str) -> str | None:
    """The JSON of the explanation in a report; None if the page holds none, or several.

    Args:
        page: what `report_html` returned, perhaps altered since.
    """
    parser = _ExplanationParser()
    try:
        parser.feed(page)
        parser.close()
    except AssertionError:  # how Python's parser refuses a broken declaration
        return None
    return parser.found[0] if len(parser.found) == 1 else None


class _ExplanationParser(HTMLParser):
    """Finds the content of the script elements that hold an explanation."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self._inside = tag == "script" and attributes.get("id") == "explanation"
        if self._inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def csp_hash(content: str) -> str:
    """The source expression that allows this content in a Content-Security-Policy."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def escape(text: str) -> str:
    """Text for HTML, in ASCII."""
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode("ascii")
