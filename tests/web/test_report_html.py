"""Reports as files: self-contained, and safe with any text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.web import report, reports_index
from perplexity_detector.web.report import BUNDLE, embedded, report_html
from tests.paths import ROOT
from tests.web.explanations import bare, made_up

FOLDER = Path(report.__file__).parent
HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)> \u2028 & \U0001f600"


class _Elements(HTMLParser):
    """Names and attributes of all elements, and the content of each script and style."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.content: dict[str, list[str]] = {"script": [], "style": []}
        self._current: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        self._current = self.content.get(tag)
        if self._current is not None:
            self._current.append("")

    def handle_endtag(self, tag: str) -> None:
        self._current = None

    def handle_data(self, data: str) -> None:
        if self._current is not None:
            self._current[-1] += data


def _parsed(explanation: dict[str, Any]) -> _Elements:
    elements = _Elements()
    elements.feed(report_html(explanation))
    return elements


def _embedded_explanation(explanation: dict[str, Any]) -> Any:
    found = re.search(r'id="explanation">(.*?)</script>', report_html(explanation))
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize("explanation", [made_up(), bare(), made_up(HOSTILE)])
def test_a_report_holds_its_explanation(explanation: dict[str, Any]) -> None:
    assert _embedded_explanation(explanation) == explanation


def test_a_report_loads_nothing() -> None:
    elements = _parsed(made_up())
    assert not {name for name, _ in elements.attributes} & {"src", "href", "srcset", "style"}
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    assert not re.search(r"@import|url\(", elements.content["style"][0])
    # the namespace of SVG is a name, not an address
    addresses = re.findall(r"\w+://[^\s\"']+", report_html(made_up()))
    assert addresses == ["http://www.w3.org/2000/svg"]


def test_its_policy_allows_only_its_own_script_and_style() -> None:
    elements = _parsed(made_up())
    policies = [value for name, value in elements.attributes if name == "content" and value]
    [policy] = [value for value in policies if "default-src" in value]
    for content in (elements.content["script"][1], elements.content["style"][0]):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("place", ["text", "id", "note", "detector"])
def test_no_word_of_a_text_becomes_an_element(place: str) -> None:
    changed = made_up() | {place: HOSTILE, "reasons": [HOSTILE], "limits": [HOSTILE]}
    assert _parsed(changed).names == _parsed(made_up()).names


@given(st.text())
def test_embedded_json_is_ascii_that_cannot_end_a_script(text: str) -> None:
    written = embedded({"text": text})
    assert json.loads(written) == {"text": text}
    assert not set("<>&\u2028") & set(written)
    assert written.isascii()


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        report_html(made_up(probability=float("nan")))


def test_a_report_has_its_verdict_without_scripts() -> None:
    assert "<noscript><p>Verdict: generated, probability 0.970. A probability is" in report_html(
        made_up()
    )


@pytest.mark.parametrize("bundle", [BUNDLE, reports_index.BUNDLE])
def test_the_bundle_is_one_script_that_can_stand_in_html(bundle: Path) -> None:
    script = bundle.read_text("utf-8")
    assert not re.search(r"^\s*(import|export)\b|\bimport\(", script, re.MULTILINE)
    assert not re.search(r"</script|<!--", script, re.IGNORECASE)
    assert script.isascii()


def test_the_bundle_is_made_from_the_modules_of_today(tmp_path: Path) -> None:
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists() or shutil.which("node") is None:
        pytest.skip("esbuild is not installed: npm ci")
    command = json.loads((ROOT / "package.json").read_text("utf-8"))["scripts"]["bundle"].split()
    arguments = [one for one in command[1:] if not one.startswith("--outdir=")]
    subprocess.run([esbuild, *arguments, f"--outdir={tmp_path}"], cwd=ROOT, check=True)
    for bundle in (BUNDLE, reports_index.BUNDLE):
        made = tmp_path / bundle.name
        assert made.read_text("utf-8") == bundle.read_text("utf-8"), "run `make bundle`"


def test_scripts_make_no_markup_from_strings() -> None:
    sources = {path.name: path.read_text("utf-8") for path in (FOLDER / "js").glob("*.js")}
    assert sources
    for name, source in sources.items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source
        ), name


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_shades_are_ordered_without_hue(scheme: int) -> None:
    style = (FOLDER / "css" / "base.css").read_text("utf-8")
    shades = re.findall(r"--sequence-([1-6]): (#\w{6});", style)[6 * scheme : 6 * scheme + 6]
    assert [number for number, _ in shades] == list("123456")
    light = [_luminance(colour) for _, colour in shades]
    assert light == sorted(light, reverse=scheme == 0)
    # neighbouring shades differ enough to be seen
    assert min((max(pair) + 0.05) / (min(pair) + 0.05) for pair in pairwise(light)) > 1.2
