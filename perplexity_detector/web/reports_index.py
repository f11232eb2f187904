"""The index of a folder of reports: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perplexity_detector.web.report import FOLDER, HEAD, csp_hash, embedded, escape

_STYLES = ("base.css", "drawing.css", "files.css", "print.css")
#: What `make bundle` makes of js/reports.js and the modules it imports.
BUNDLE = FOLDER / "reports.bundle.js"

_TITLE = "Who wrote these texts?"
_PAGE = (
    HEAD
    + """\
<body>
<header class="masthead"><h1>Who wrote these texts?</h1>\
<p>Reports by perplexity-detector</p></header>
<main>
<p>Detector <code>{detector}</code>, verdicts at a false-positive rate of {fpr:g}. A probability is
no proof: let the person speak.</p>
<noscript><p>The table needs JavaScript; the reports are next to this file.</p></noscript>
<section id="reports" class="file"></section>
</main>
<script type="application/json" id="rows">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""
)


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
        title=_TITLE,
        policy=policy,
        style=style,
        detector=escape(detector),
        fpr=fpr,
        data=embedded({"rows": list(rows)}),
        script=script,
    )
