"""An explanation -> one self-contained file of HTML."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Holds index.html, the service's page, and the css and js of both; the service serves it.
FOLDER = Path(__file__).parent

_STYLES = ("base.css", "drawing.css", "text.css", "charts.css", "print.css")
_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:function|const) (\w+))", re.MULTILINE)

_REPORT = """\
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
<body>
<header class="masthead"><h1>Who wrote this text?</h1>\
<p>A report by perplexity-detector</p></header>
<main>
<noscript><p>{summary} The drawing needs JavaScript; it loads nothing from outside.</p></noscript>
<div id="drawing" class="drawing"></div>
<div id="meaning"></div>
</main>
<script type="application/json" id="explanation">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def report_html(explanation: Mapping[str, Any]) -> str:
    """A report that shows an explanation, for a browser and for paper.

    It holds all that it needs and can load nothing: its Content-Security-Policy allows only the
    style and the script that are written into it, by their hashes.

    Args:
        explanation: what `Explanation.to_dict` gives.

    Returns:
        A whole HTML document, all of it ASCII.

    Raises:
        ValueError: a number is not finite.
    """
    style = "".join((FOLDER / "css" / name).read_text("utf-8") for name in _STYLES)
    script = one_script("report")
    policy = (
        f"default-src 'none'; script-src {_hash_of(script)}; style-src {_hash_of(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    told = f"{explanation['verdict']}, probability {explanation['probability']:.3f}"
    name = f"{explanation['id']}: " if explanation.get("id") else ""
    summary = " ".join([f"Verdict: {told}.", *explanation["limits"]])
    return _REPORT.format(
        policy=policy,
        title=_escaped(f"{name}{told}"),
        style=style,
        summary=_escaped(summary),
        data=embedded(explanation),
        script=script,
    )


def embedded(explanation: Mapping[str, Any]) -> str:
    """JSON that can stand in a script element: nothing in it can end the element.

    Args:
        explanation: plain values.

    Returns:
        ASCII without `<`, `>` and `&`.

    Raises:
        ValueError: a number is not finite.
    """
    plain = json.dumps(explanation, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        plain = plain.replace(character, f"\\u{ord(character):04x}")
    return plain


def one_script(entry: str) -> str:
    """A module of the folder js and all that it imports, as one script.

    Each module becomes a function that is called at once and gives what it exports, so names need
    be unique in their module only.

    Args:
        entry: the module's name, without `.js`.
    """
    written: dict[str, str] = {}
    _write(entry, written)
    return "\n".join(written.values())


def _write(name: str, written: dict[str, str]) -> None:
    """Adds a module after those it imports."""
    source = (FOLDER / "js" / f"{name}.js").read_text("utf-8")
    for _, imported in _IMPORT.findall(source):
        if imported not in written:
            _write(imported, written)
    exported = ", ".join(_EXPORT.findall(source))
    body = _EXPORT.sub("", _IMPORT.sub(r"const { \1 } = \2Module;", source))
    written[name] = f"const {name}Module = (() => {{\n{body}return {{ {exported} }};\n}})();"


def _hash_of(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _escaped(text: str) -> str:
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode("ascii")
