"""Texts as the rest sees them: canonical form, words, sentences, crops of whole sentences."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from itertools import accumulate, islice
from pathlib import Path
from unicodedata import combining, normalize

# --- canonical form -------------------------------------------------------------------------

_QUOTES_AND_DASHES = {
    **dict.fromkeys("‘’‚‛′ʼ`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–−⁃", "-"),
    **dict.fromkeys("—―", " - "),
    "…": "...",
    "•": " ",
    "·": " ",
}


def _read_look_alikes() -> dict[int, str]:
    """Code point of each letter of another script that looks like a Latin one -> that letter."""
    # written by scripts/make_confusables.py
    table = json.loads(Path(__file__).with_name("confusables.json").read_text(encoding="utf-8"))
    return {
        ord(look_alike): letter
        for letter, look_alikes in table["look_alikes"].items()
        for look_alike in look_alikes
    }


_LOOK_ALIKES = _read_look_alikes()
# The commonest words, most of the words of any English text, in which a stray capital shows.
_COMMON_WORDS = (
    "ability able about access across actually after again against age air all already also always "
    "an and another any anything approach are area around as at away back bad be because become "
    "been before being believe benefits best better between big body book books both building but "
    "by called came can cannot car care case cause certain change child children city class come "
    "community computer computers conclusion control could countries country create data day days "
    "decision development did different do does doing done down driving due during each early "
    "education end energy enjoy enough environment especially even ever every everyone everything "
    "example experience face fact family far feel felt few field find first food for form found "
    "free friend friends from fun future game get getting give go going good got government great "
    "group had hand happy hard has have having he health help her here high higher him his home "
    "how human idea if impact important in individual information into is it its job just keep "
    "kids kind know knowledge known language large last lead learn learning left less let level "
    "library life like likely little live lives living local long look looking lot love low made "
    "make makes making man many matter may me means might model money more most much music must my "
    "need needs never new next no not now number of off often old on once one online only open "
    "opinion or order other others our out over own paper parents part past people performance "
    "person personal place play point positive possible potential power problem problems process "
    "provide public put quality rather read real really reason reasons research result results "
    "right role room said same say school second see seen sense service set several she should "
    "show side significant since skills small so social society some someone something space start "
    "started state still story strong student students study such support sure system systems take "
    "taking talk team technology than that the their them themselves then there these they thing "
    "think this those though thought three through time times to today together told too took top "
    "try trying two under understand understanding until up us use various very want was water way "
    "ways we well went were what when where whether which while who whole why will with within "
    "without work working world would year you young your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
# Words that mix cases, but for those after a backslash, whose first letter is part of an escape.
_MIXED_CASE = re.compile(r"(?<![\w\\])(?:[A-Z]?[a-z]+[A-Z]|[A-Z]{2,}[a-z])[A-Za-z]*(?!\w)")
# Capitals inside a word of which no two are neighbours: nobody stresses part of a word so.
_STRAY_CAPITALS = re.compile(r"[A-Z]?(?:[a-z]+[A-Z])+[a-z]*")
_TABLE = str.maketrans(_QUOTES_AND_DASHES)
# Format characters (zero-width space and joiners, direction marks, soft hyphen, BOM), control
# characters other than whitespace, and unpaired surrogates.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]"
)
# Accents and the like are neither letters nor ASCII. NFKC takes the square of the length of a run
# of them, so 30 of each are kept (UAX #15, Stream-Safe Text Format), more than any script uses.
_HEAP = re.compile(r"[^\w\s\x00-\x7f]{31,}")
# int() refuses numbers of thousands of digits, and html.unescape does not catch it.
_ENDLESS_ENTITY = re.compile(r"&#[0-9]{100,};?")
_FENCE = re.compile(r"^[ \t]*```.*$", re.M)
_BLANK_LINES = re.compile(r"\n\s*\n")
# No pattern here or below takes time that grows with the square of the text: one that fails at a
# mark is not tried again at marks where it would fail for the same reason.
_MARKDOWN: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (  # links and pictures
        re.compile(r"!?\[([^\]\n]*)(\]\([^)\n]{0,5000}\))?"),
        lambda link: link[1] if link[2] else link[0],
    ),
    (re.compile(r"^\s{0,3}#{1,6}\s+", re.M), ""),  # headings
    (re.compile(r"^\s{0,3}>\s?", re.M), ""),  # quotations
    (re.compile(r"^\s*(?:[-*+]|\d{1,2}[.)])\s+(?=\S)", re.M), ""),  # bullets and numbers
    (re.compile(r"^\s*(?:[-*_]\s*){3,}$", re.M), ""),  # rules
]
_MARK = re.compile(r"[*_~]")
_EMPHASIS = {  # bold, italics and struck out: an opening mark and the pattern of its partner
    mark: re.compile(r"(?<=\S)" + re.escape(mark)) for mark in ("***", "**", "*", "___", "__", "~~")
}
_ITALICS = re.compile(r"(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)")
_WHITESPACE = re.compile(r"\s+")
# Corpora keep traces of tokenisers and scrapers that tell where a text lay, not who wrote it.
_TRACES = [
    (re.compile(r"\\n|\\[rt](?![a-z])"), " "),  # an escape that was never undone
    (re.compile(r"(?<=\w) (n't|'(?:s|re|ve|ll|d|m))\b", re.I), r"\1"),  # do n't
    (re.compile(r"(?<! ) +([,.;:!?]+)(?=[\s\"')\]]|$)"), r"\1"),  # a space before a comma
    (re.compile(r"''"), '"'),
    (re.compile(r'(?<!\S)" ([^"]+?) "(?!\S)'), r'"\1"'),  # " Yes. "
]


def canonicalise(text: str) -> str:
    r"""The form in which every text is read, in training and in prediction.

    How a text was copied, typeset or disguised must not decide who wrote it: Unicode
    compatibility forms (NFKC), typographic quotes and dashes, markdown, invisible characters,
    look-alike letters inside Latin words, stray capitals inside common words, every run of
    whitespace, HTML entities and the spaces that tokenisers leave before punctuation are made
    plain.

    Args:
        text: any string.

    Returns:
        The text on one line, without leading or trailing space. Applying it twice changes
        nothing more.

    Example:
        >>> canonicalise("**“Smаrt”** \u200bquotes —\n\ngone…")
        '"Smart" quotes - gone...'
    """
    previous = None
    # removing one mark can uncover another (****a****); a few rounds reach the fixed point
    for _ in range(8):
        if text == previous:
            break
        previous = text
        text = _canonicalise_once(text)
    return text


def _canonicalise_once(text: str) -> str:
    text = html.unescape(_ENDLESS_ENTITY.sub("\ufffd", text))
    text = _FENCE.sub("", text)  # before a backtick becomes a quote
    text = _INVISIBLE.sub("", text).translate(_TABLE)
    text = normalize("NFKC", _HEAP.sub(_thinned, text))
    text = re.sub(r"\w+", _latinise, text)
    text = _without_stray_capitals(text)
    text = _BLANK_LINES.sub("\n", text)
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    text = "\n".join(map(_without_emphasis, text.split("\n")))
    text = _ITALICS.sub(r"\1", text)
    text = _WHITESPACE.sub(" ", text)
    for pattern, replacement in _TRACES:
        text = pattern.sub(replacement, text)
    return text.strip()


def _thinned(heap: re.Match[str]) -> str:
    """At most 30 of the combining marks that follow each character."""
    marks = accumulate(heap.group(), lambda n, mark: combining(mark) and n + 1, initial=0)
    counted = zip(heap.group(), islice(marks, 1, None), strict=True)
    return "".join(mark for mark, number in counted if number <= 30)


def _without_emphasis(line: str) -> str:
    """A line whose marks of emphasis are gone, where a mark has its partner."""
    parts = []
    at = done = 0
    alone = set()  # marks that have no partner in the rest of the line
    while opening := _MARK.search(line, at):
        at = opening.start() + 1
        for mark, partner in _EMPHASIS.items():
            first = opening.start() + len(mark)
            follows = line[first : first + 1]
            if mark in alone or not line.startswith(mark, opening.start()) or not follows.strip():
                continue
            if closing := partner.search(line, first + 1):
                parts += [line[done : opening.start()], line[first : closing.start()]]
                at = done = closing.end()
                break
            alone.add(mark)
    return "".join(parts) + line[done:]


def _latinise(match: re.Match[str]) -> str:
    """Replace look-alikes in a word with Latin letters, or with no other letters than these."""
    word = match.group()
    if word.isascii():
        return word
    latinised = word.translate(_LOOK_ALIKES)
    has_latin = any(letter.isascii() and letter.isalpha() for letter in word)
    return latinised if latinised.isascii() or has_latin else word


def _without_stray_capitals(text: str) -> str:
    """Capitals inside common words are undone; inside all words, if such words are many.

    Names, units and camel case (iPhone, McDonald, keV) stay where nothing points to a disguise.
    """
    flipped = sum(map(_has_stray_capitals, _MIXED_CASE.findall(text)))
    if not flipped:
        return text
    disguised = flipped >= max(3, len(text) / 500)  # far more than slips and missing spaces

    def with_usual_case(match: re.Match[str]) -> str:
        word = match.group()
        return word.capitalize() if word[0].isupper() else word.lower()

    def where_it_is_stray(match: re.Match[str]) -> str:
        return with_usual_case(match) if _has_stray_capitals(match.group()) else match.group()

    return _MIXED_CASE.sub(with_usual_case if disguised else where_it_is_stray, text)


def _has_stray_capitals(word: str) -> bool:
    return _STRAY_CAPITALS.fullmatch(word) is not None and word.lower() in _COMMON


def lower(text: str) -> str:
    """The text in lower case, character for character: no offset moves.

    Example:
        >>> lower("İT")
        'İt'
    """
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


# --- words and sentences --------------------------------------------------------------------

_WORD = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?=\s|$)")
_SENTENCE_ENDS = re.compile(r"(?<![.!?])" + _SENTENCE_END.pattern)  # each from its first mark
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|cf|Fig|No|Vol|al|approx)|\b[A-Z])\.$"
)


def words(text: str) -> list[str]:
    """Words in order: runs of letters and digits, with inner apostrophes and hyphens.

    Example:
        >>> words("It's a well-known fact, isn't it?")
        ["It's", 'a', 'well-known', 'fact', "isn't", 'it']
    """
    return _WORD.findall(text)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end, in characters, of each sentence of a canonical text.

    A sentence ends at a run of `.`, `!`, `?` (and closing quotes) before a space, unless an
    abbreviation or a single capital stands before the full stop. The spans cover everything
    but the space between sentences.

    Example:
        >>> sentence_spans("Dr. Who left. Why? No idea")
        [(0, 13), (14, 18), (19, 26)]
    """
    spans = []
    start = 0
    for match in _SENTENCE_ENDS.finditer(text):
        end = match.end()
        if end < len(text) and _ABBREVIATION.search(text, max(start, end - 8), end):
            continue
        spans.append((start, end))
        start = end
        while start < len(text) and text[start].isspace():
            start += 1
    if start < len(text):
        spans.append((start, len(text)))
    return spans


def crop(text: str, max_words: int) -> str:
    """The first whole sentences of a text that hold at most `max_words` words together.

    An unfinished last sentence is left out, for how a text was cut off must not tell who wrote
    it. A first sentence that is unfinished or too long is cut at the word.

    Example:
        >>> crop("One two. Three four five. Six.", 5)
        'One two. Three four five.'
        >>> crop("One two. Three", 5)
        'One two.'
    """
    end = 0
    count = 0
    for start, stop in sentence_spans(text):
        count += len(words(text[start:stop]))
        if count > max_words or not _SENTENCE_END.search(text, max(start, stop - 8), stop):
            break
        end = stop
    if end:
        return text[:end]
    for index, match in enumerate(_WORD.finditer(text)):
        if index == max_words:
            return text[: match.start()].rstrip()
    return text
