"""PDF files: lines with their places on the page -> paragraphs."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import pypdfium2
import pypdfium2.raw as pdfium

from perplexity_detector.io.documents.extracted import SCAN, ExtractedText, UnreadableError
from perplexity_detector.io.documents.prose import join_lines, vocabulary, without_references
from perplexity_detector.io.limits import Limits

#: A line that repeats on so many pages is a running header or footer.
REPEATS = 3
#: Lines at the head and the foot of a page among which these are sought.
EDGE_LINES = 4
#: Height of the band at the edge of a page that body text leaves free, in points (1/2 inch).
MARGIN = 36.0
#: Points by which lines of a column may be indented.
INDENT = 40.0
#: A footnote is smaller than this share of the size of the body.
FOOTNOTE_SIZE = 0.87
#: A gap within a line that is wider than this many times its size separates cells of a table.
CELL_GAP = 2.0
#: Lines whose cells begin at the same place, one after the other, in a table.
TABLE_LINES = 3
#: Points by which the beginnings of a table's cells may differ; in justified text wide gaps do.
ALIGNED = 1.0

_PAGE_NUMBER = re.compile(
    r"[-–—\s]*(?:page|p\.)?\s*\d{1,4}\s*(?:(?:/|of)\s*\d{1,4})?[-–—\s]*", re.I
)
_DIGITS = re.compile(r"\d+")
_MONOSPACED = re.compile(r"mono|courier|consol|menlo|typewriter|cmtt", re.I)
#: What pdfium gives for a hyphen at which it joins two lines.
_HYPHEN = "\u0002"
_LIST_ITEM = re.compile(r"[-*+–•]\s|\d{1,2}[.)]\s")
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)*]*$")
_BULLET = re.compile(r"\s*[•◦▪‣●○■]\s*")


@dataclass
class Line:
    """A line of a page; lengths are in points, from the lower left corner.

    Attributes:
        text: of the line.
        page: its number.
        height: of the page.
        left, right, bottom, top: of the line's box.
        first_word: width of its first word.
        size: of its type.
        is_monospaced: whether its type is.
        cells: left edges of what follows a wide gap within it.
    """

    text: str
    page: int
    height: float
    left: float
    right: float
    bottom: float
    top: float
    first_word: float
    size: float
    is_monospaced: bool
    cells: tuple[float, ...]


def read_pdf(content: bytes, limits: Limits) -> ExtractedText:
    """The running text of a PDF, in the order of its content.

    Running headers and footers, page numbers, footnotes, tables, code and lists of references are
    left out. A PDF without text has the note `SCAN`.

    Raises:
        UnreadableError: it is damaged, locked, or has too many pages.
    """
    try:
        document = pypdfium2.PdfDocument(content)
        number = len(document)
    except pypdfium2.PdfiumError as error:
        locked = pdfium.FPDF_GetLastError() == pdfium.FPDF_ERR_PASSWORD or "assword" in str(error)
        problem = (
            "locked with a password; save it without one" if locked else "damaged or cut short"
        )
        raise UnreadableError(problem) from error
    if number > limits.pages:
        raise UnreadableError(f"{number:,} pages, more than {limits.pages:,}")
    lines: list[Line] = []
    for place in range(number):
        lines += _lines(document[place], place)
    document.close()
    if not lines:
        return ExtractedText("", note=SCAN if number else "")
    left_out: Counter[str] = Counter()
    paragraphs = _paragraphs(_running(lines, left_out))
    kept, left_out["references"] = without_references(paragraphs)
    return ExtractedText(
        "\n\n".join(kept), left_out={name: count for name, count in left_out.items() if count}
    )


# --- lines ----------------------------------------------------------------------------------


def _lines(page: pypdfium2.PdfPage, number: int) -> list[Line]:
    height = page.get_height()
    text_page = page.get_textpage()
    raw = text_page.raw
    lines: list[Line] = []
    start = 0
    count = pdfium.FPDFText_CountChars(raw)
    characters = [chr(pdfium.FPDFText_GetUnicode(raw, place)) for place in range(count)]
    for place, character in enumerate([*characters, "\n"]):
        if character in ("\n", "\r", _HYPHEN, "\ufffe"):
            # a hyphen at which pdfium joins two lines ends the first of them
            hyphen = "-" if character in (_HYPHEN, "\ufffe") else ""
            line = _line(raw, characters, start, place, number, height, hyphen)
            if line is not None:
                lines.append(line)
            start = place + 1
    text_page.close()
    page.close()
    return lines


def _line(
    raw: object, characters: list[str], start: int, end: int, page: int, height: float, hyphen: str
) -> Line | None:
    shown = [place for place in range(start, end) if characters[place].strip()]
    if not shown:
        return None
    text = "".join(characters[start:end]).strip() + hyphen
    boxes = [_box(raw, place) for place in shown]
    size = _size(raw, shown[len(shown) // 2])
    after = next((i for i, place in enumerate(shown[1:], 1) if place != shown[i - 1] + 1), None)
    first_word = (boxes[after - 1] if after else boxes[-1])[1] - boxes[0][0]
    cells = tuple(
        right[0] for left, right in pairwise(boxes) if right[0] - left[1] > CELL_GAP * size
    )
    return Line(
        text, page, height,
        min(box[0] for box in boxes), max(box[1] for box in boxes),
        min(box[2] for box in boxes), max(box[3] for box in boxes),
        first_word, size, bool(_MONOSPACED.search(_font(raw, shown[0]))), cells,
    )  # fmt: skip


def _box(raw: object, place: int) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a character with the space that it takes."""
    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(raw, place, box)
    return box.left, box.right, box.bottom, box.top


def _size(raw: object, place: int) -> float:
    """The size of the type of a character on the page."""
    matrix = pdfium.FS_MATRIX()
    scaled = pdfium.FPDFText_GetMatrix(raw, place, matrix)
    scale = math.hypot(matrix.c, matrix.d) if scaled else 1.0
    return float(pdfium.FPDFText_GetFontSize(raw, place) * (scale or 1.0))


def _font(raw: object, place: int) -> str:
    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(raw, place, name, 128, flags)
    return name.value.decode("utf-8", "ignore")


# --- what is no running text ----------------------------------------------------------------


def _running(lines: Sequence[Line], left_out: Counter[str]) -> list[Line]:
    """The lines of running text; those of other kinds are counted in `left_out`."""
    size = _body_size(lines)
    mono = sum(len(line.text) for line in lines if line.is_monospaced)
    code_is_other = mono < sum(len(line.text) for line in lines) / 2
    edges = _edges(lines)
    tables = _tables(lines)
    footnotes = _footnotes(lines, size)
    kept = []
    for place, line in enumerate(lines):
        if place in edges or _is_in_margin(line, size):
            left_out["header and footer lines"] += 1
        elif place in tables:
            left_out["table lines"] += 1
        elif place in footnotes:
            left_out["footnote lines"] += 1
        elif line.is_monospaced and code_is_other:
            left_out["code lines"] += 1
        else:
            kept.append(line)
    return kept


def _body_size(lines: Sequence[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0]


def _edges(lines: Sequence[Line]) -> set[int]:
    """Places of page numbers, and of lines that repeat at the edge of three or more pages."""
    pages: dict[int, list[int]] = {}
    for place, line in enumerate(lines):
        pages.setdefault(line.page, []).append(place)
    at_edge: set[int] = set()
    found: set[int] = set()
    for places in pages.values():
        by_height = sorted(places, key=lambda place: -lines[place].top)
        at_edge.update(by_height[:EDGE_LINES], by_height[-EDGE_LINES:])
        if len(by_height) > 1:
            found.update(
                place for place in (by_height[0], by_height[-1])
                if _PAGE_NUMBER.fullmatch(lines[place].text)
            )  # fmt: skip
    on_pages: dict[str, set[int]] = {}
    for place in at_edge:
        on_pages.setdefault(_repeated(lines[place]), set()).add(lines[place].page)
    found.update(p for p in at_edge if len(on_pages[_repeated(lines[p])]) >= REPEATS)
    return found


def _repeated(line: Line) -> str:
    return _DIGITS.sub("0", line.text.casefold())


def _is_in_margin(line: Line, size: float) -> bool:
    """Whether a line of smaller type lies wholly in the band that body text leaves free."""
    return line.size < 0.95 * size and (line.top < MARGIN or line.bottom > line.height - MARGIN)


def _tables(lines: Sequence[Line]) -> set[int]:
    """Places of the lines of rows whose cells begin where those of the row before do."""
    found: set[int] = set()
    run: list[list[int]] = []
    for row in _rows(lines):
        if not (run and _is_aligned(_cells(row, lines), _cells(run[-1], lines))):
            run = []
        run.append(row)
        if len(run) >= TABLE_LINES:
            found.update(place for one in run for place in one)
    return found


def _rows(lines: Sequence[Line]) -> list[list[int]]:
    """Places of the lines that stand side by side."""
    rows: list[list[int]] = []
    for place, line in enumerate(lines):
        before = lines[place - 1] if place else None
        if (
            before is not None
            and before.page == line.page
            and abs(before.bottom - line.bottom) < 0.5 * line.size
            and line.left - before.right > CELL_GAP * line.size
        ):
            rows[-1].append(place)
        else:
            rows.append([place])
    return rows


def _cells(row: Sequence[int], lines: Sequence[Line]) -> list[tuple[int, float]]:
    """Page and left edge of each cell but the first."""
    page = lines[row[0]].page
    inner = [(page, left) for place in row for left in lines[place].cells]
    return inner + [(page, lines[place].left) for place in row[1:]]


def _is_aligned(cells: Sequence[tuple[int, float]], above: Sequence[tuple[int, float]]) -> bool:
    return any(
        page == other_page and abs(left - other_left) <= ALIGNED
        for page, left in cells
        for other_page, other_left in above
    )


def _footnotes(lines: Sequence[Line], size: float) -> set[int]:
    """Places of lines of small type that no line of the body follows further down the page."""
    lowest: dict[int, float] = {}
    for line in lines:
        # a page number can be of the size of the body, but below the footnotes
        if line.size >= FOOTNOTE_SIZE * size and not _PAGE_NUMBER.fullmatch(line.text):
            lowest[line.page] = min(line.bottom, lowest.get(line.page, line.bottom))
    return {
        place
        for place, line in enumerate(lines)
        if line.size < FOOTNOTE_SIZE * size and line.top <= lowest.get(line.page, -1.0)
    }


# --- paragraphs -----------------------------------------------------------------------------


def _paragraphs(lines: Sequence[Line]) -> list[str]:
    """Join wrapped lines."""
    words = vocabulary([line.text for line in lines])
    pitch = _pitch(lines)
    pages: dict[int, list[Line]] = {}
    for line in lines:
        pages.setdefault(line.page, []).append(line)
    groups: list[list[str]] = []
    previous: Line | None = None
    for line in lines:
        if previous is None or _begins_paragraph(line, previous, pitch, pages[previous.page]):
            groups.append([])
        groups[-1].append(_BULLET.sub(" ", line.text) if not groups[-1] else line.text)
        previous = line
    return [text for group in groups if (text := join_lines(group, words))]


def _pitch(lines: Sequence[Line]) -> float:
    """The usual distance of two lines."""
    steps = [
        above.bottom - below.bottom
        for above, below in pairwise(lines)
        if above.page == below.page and above.bottom > below.bottom
    ]
    return median(steps) if steps else 0.0


def _begins_paragraph(line: Line, previous: Line, pitch: float, page: Sequence[Line]) -> bool:
    """Whether a line begins a paragraph: after a gap, or a line with room for its first word."""
    same_column = line.page == previous.page and line.bottom < previous.bottom
    if same_column and previous.bottom - line.bottom > 1.5 * pitch:
        return True
    if abs(line.size - previous.size) > 0.15 * previous.size:
        return True
    if _LIST_ITEM.match(line.text) and _SENTENCE_END.search(previous.text):
        return True
    space = 0.4 * line.size
    return previous.right + space + line.first_word < _column_right(previous, page)


def _column_right(line: Line, page: Sequence[Line]) -> float:
    """The right edge of a line's column: few lines of it reach further."""
    edges = sorted(other.right for other in page if abs(other.left - line.left) <= INDENT)
    return edges[int(0.9 * (len(edges) - 1))]
