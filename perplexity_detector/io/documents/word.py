"""Word files: the text that a reader of the page sees, without revisions and hidden passages."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from typing import Any

import docx
from docx.oxml.ns import qn

from perplexity_detector.io.documents.extracted import ExtractedText, UnreadableError
from perplexity_detector.io.documents.prose import without_references
from perplexity_detector.io.limits import Limits

_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _RUN, _TABLE = qn("w:p"), qn("w:r"), qn("w:tbl")
_DELETED = {qn("w:del"), qn("w:moveFrom")}
#: What a run holds besides text -> the text that stands for it.
_CHARACTERS = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
}
_OFF = {"0", "false", "off"}
#: Beginnings of the names of styles whose paragraphs are no running text -> what they are.
_STYLES = {
    "toc": "table of contents lines",
    "table of figures": "table of contents lines",
    "code": "code paragraphs",
    "source code": "code paragraphs",
    "html preformatted": "code paragraphs",
    "macro": "code paragraphs",
    "bibliography": "references",
    "footnote": "footnotes",
    "endnote": "footnotes",
}


def read_docx(content: bytes, limits: Limits) -> ExtractedText:
    """The running text of a Word file.

    Deleted revisions, hidden and white text, comments, tables, code, tables of contents,
    footnotes, headers and footers are left out; inserted revisions are kept.

    Raises:
        UnreadableError: it is no Word file, unpacks to too much, or declares XML entities.
    """
    _check_package(content, limits)
    try:
        document = docx.Document(io.BytesIO(content))
    except (KeyError, ValueError) as error:
        raise UnreadableError("no Word document, or damaged") from error
    left_out: Counter[str] = Counter()
    hidden_styles = _hidden_styles(document)
    names = {style.style_id: str(style.name).lower() for style in document.styles}
    body = document.element.body
    left_out["comments"] = sum(1 for _ in document.part._comments_part.element) if any(
        True for _ in body.iter(qn("w:commentReference"))
    ) else 0  # fmt: skip
    left_out["tables"] = sum(1 for _ in body.iterchildren(_TABLE))
    left_out["footnotes"] = sum(
        1 for _ in body.iter(qn("w:footnoteReference"), qn("w:endnoteReference"))
    )
    paragraphs = []
    for paragraph in body.iter(_PARAGRAPH):
        if any(parent.tag in (_TABLE, _FALLBACK) for parent in paragraph.iterancestors()):
            continue
        style = _style_of(paragraph, "w:pPr", "w:pStyle")
        name = names.get(style, "")
        kind = next((kind for start, kind in _STYLES.items() if name.startswith(start)), None)
        text = _text(paragraph, style, hidden_styles, left_out)
        if text.strip() and kind is None:
            paragraphs.append(text.strip())
        elif text.strip() and kind is not None:
            left_out[kind] += 1
    kept, references = without_references(paragraphs)
    left_out["references"] += references
    return ExtractedText(
        "\n\n".join(kept), left_out={name: count for name, count in left_out.items() if count}
    )


def _check_package(content: bytes, limits: Limits) -> None:
    """Check the size and the XML of a package before it is parsed."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        entries = package.infolist()
        if sum(entry.file_size for entry in entries) > limits.docx_bytes:
            raise UnreadableError(f"unpacks to more than {limits.docx_bytes / 1e6:,.0f} MB")
        for entry in entries:
            is_xml = entry.filename.lower().endswith((".xml", ".rels"))
            # in UTF-16 every other byte is NUL
            if is_xml and b"<!DOCTYPE" in package.read(entry).replace(b"\0", b"").upper():
                raise UnreadableError("its XML declares entities, which Word never does")


def _text(
    paragraph: Any, style: str, hidden_styles: set[str], left_out: Counter[str]
) -> str:  # fmt: skip
    """The visible text of a paragraph; passages that are not visible are counted."""
    parts: list[str] = []
    previous = ""
    for run in paragraph.iter(_RUN):
        parents = []
        for parent in run.iterancestors():
            if parent.tag in (_PARAGRAPH, _FALLBACK):
                break
            parents.append(parent.tag)
        if parent is not paragraph:
            continue  # of a text box, whose paragraphs come by themselves
        why = _invisible(run, style, hidden_styles, parents)
        text = "".join(_of_run(run))
        if why and text.strip():
            left_out[why] += why != previous  # runs that follow each other are one passage
        elif not why:
            parts.append(text)
        if text.strip() or why:
            previous = why
    return "".join(parts)


def _invisible(run: Any, style: str, hidden_styles: set[str], parents: list[str]) -> str:
    if _DELETED.intersection(parents):
        return "deleted passages"
    vanish = run.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
    own_style = _style_of(run, "w:rPr", "w:rStyle")
    if _is_on(vanish) or (vanish is None and hidden_styles.intersection((style, own_style))):
        return "hidden passages"
    properties = run.find(qn("w:rPr"))
    colour = None if properties is None else properties.find(qn("w:color"))
    if colour is not None and str(colour.get(qn("w:val"))).upper() == "FFFFFF":
        shaded = properties.find(qn("w:shd")) is not None or (
            properties.find(qn("w:highlight")) is not None
        )
        return "" if shaded else "white passages"
    return ""


def _of_run(run: Any) -> list[str]:
    parts = []
    for child in run:
        if child.tag in (qn("w:t"), qn("w:delText")):
            parts.append(child.text or "")
        elif child.tag in _CHARACTERS:
            parts.append(_CHARACTERS[child.tag])
    return parts


def _hidden_styles(document: Any) -> set[str]:
    return {
        style.style_id
        for style in document.styles
        if _is_on(style.element.find(f"{qn('w:rPr')}/{qn('w:vanish')}"))
    }


def _is_on(element: Any) -> bool:
    return element is not None and str(element.get(qn("w:val"), "1")).lower() not in _OFF


def _style_of(element: Any, properties: str, name: str) -> str:
    style = element.find(f"{qn(properties)}/{qn(name)}")
    return "" if style is None else str(style.get(qn("w:val")))
