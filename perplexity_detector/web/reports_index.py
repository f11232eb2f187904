"""The index of a folder of reports: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perplexity_detector.web.report import FOLDER, csp_hash, embedded, escape

_STYLES = ("base.css", "drawing.css", "files.css", "print.css")
#: What `make bundle` makes of js/reports.js and the modules it imports.
BUNDLE = FOLDER / "reports.bundle.js"

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="perplexity-detector">
<title>Who wrote these texts?</title>
<style>{style}</style>
</head>
<body>
<header class="masthead"><h1>Who wrote these texts?</h1>\
<p>Reports by perplexity-detector</p></header>
<main>
<p>Detector <code>{detector}</code>, verdicts at a false-positive rate of {fpr:g}. A probability is
no proof: let the person speak.</p>
<noscript><p>The table needs JavaScript; the reports lie beside this file.</p></noscript>
<section id="reports" class="file"></section>
</main>
<script type="application/json" id="rows">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def index_html(rows: Sequence[Mapping[str, Any]], detector: str, fpr: float) -> str:
    """A page that lists texts, sorts and filters them, and leads to their reports.

    It can load nothing: its Content-Security-Policy allows only its own style and script.

    Args:
        rows: id, generated, verdict, note, words, why and problem of each text; and report, the
            address of its report, if it has one.
        detector: its name.
        fpr: false-positive rate of the verdicts.

    Returns:
        An HTML document, to be encoded as UTF-8.
    """
    style = "".join((FOLDER / "css" / name).read_text("utf-8") for name in _STYLES)
    script = BUNDLE.read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {csp_hash(script)}; style-src {csp_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(
        policy=policy,
        style=style,
        detector=escape(detector),
        fpr=fpr,
        data=embedded({"rows": list(rows)}),
        script=script,
    )
