"""Plain text and Markdown files."""

from __future__ import annotations

import codecs
import re

from perplexity_detector.io.documents.extracted import ExtractedText, UnreadableError
from perplexity_detector.io.documents.prose import join_broken_words, without_references
from perplexity_detector.io.limits import Limits

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_FRONT_MATTER = re.compile(r"\A---\n(?:.*\n)*?---\n")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_TABLE_RULE = re.compile(r"^ {0,3}\|?[ :]*-{2,}[ :]*(?:\|[ :|-]*)?$")
_FOOTNOTE = re.compile(r"^\[\^[^\]\s]{1,40}\]:")
_FOOTNOTE_MARK = re.compile(r"\[\^[^\]\s]{1,40}\]")
_COMMENT = re.compile(r"<!--.*?-->", re.S)


def read_text(content: bytes, limits: Limits) -> ExtractedText:
    """The text of a plain text file, as it is but for a list of references.

    Raises:
        UnreadableError: it is not text.
    """
    return _extracted(decode(content), {})


def read_markdown(content: bytes, limits: Limits) -> ExtractedText:
    """The running text of a Markdown file: without front matter, code, tables and footnotes.

    Raises:
        UnreadableError: it is not text.
    """
    text = _FRONT_MATTER.sub("", decode(content))
    kept: list[str] = []
    left_out = {"code blocks": 0, "tables": 0, "footnotes": 0}
    fence = ""
    in_table = in_footnote = False
    lines = _without_comments(text).split("\n")
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            continue
        following = lines[number + 1] if number + 1 < len(lines) else ""
        in_table = "|" in line and (in_table or bool(_is_rule(following)))
        in_footnote = bool(_FOOTNOTE.match(line)) or (in_footnote and line.startswith("    "))
        if mark:
            fence = mark[1][:3]
            left_out["code blocks"] += 1
        elif in_table:
            left_out["tables"] += bool(_is_rule(following))
        elif in_footnote:
            left_out["footnotes"] += bool(_FOOTNOTE.match(line))
        else:
            kept.append(_FOOTNOTE_MARK.sub("", line))
    return _extracted("\n".join(kept), left_out)


def decode(content: bytes) -> str:
    """Decode text in UTF-8 or UTF-16, or else in the code page of Western Windows.

    Raises:
        UnreadableError: it is not text.
    """
    encoding = next((name for bom, name in _BOMS.items() if content.startswith(bom)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if text.count("\0") > len(text) / 100 or text.count("\ufffd") > len(text) / 20:
        raise UnreadableError("not text; save it in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_comments(text: str) -> str:
    # an opening mark without a closing one would make the search slow at each further mark
    return _COMMENT.sub("", text) if "-->" in text else text


def _is_rule(line: str) -> bool:
    return "|" in line and bool(_TABLE_RULE.match(line))


def _extracted(text: str, left_out: dict[str, int]) -> ExtractedText:
    paragraphs = [part for part in _BLANK_LINES.split(join_broken_words(text)) if part.strip()]
    kept, references = without_references(paragraphs)
    counts = {**left_out, "references": references}
    return ExtractedText(
        "\n\n".join(kept), left_out={name: count for name, count in counts.items() if count}
    )
