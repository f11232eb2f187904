"""Text processing without a language model: canonical form, words, sentences and crops."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
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


#: Code point of each look-alike of another script -> its Latin letter.
LOOK_ALIKES = _read_look_alikes()
# Common English words, which cover most of any text. A capital inside one is a slip or a disguise.
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
COMMON_WORDS = frozenset(_COMMON_WORDS.split())
# Words of mixed case, except after a backslash, where the first letter belongs to an escape.
_MIXED_CASE = re.compile(r"(?<![\w\\])(?:[A-Z]?[a-z]+[A-Z]|[A-Z]{2,}[a-z])[A-Za-z]*(?!\w)")
# Capitals inside a word, no two of them adjacent: nobody writes so for emphasis.
_STRAY_CAPITALS = re.compile(r"[A-Z]?(?:[a-z]+[A-Z])+[a-z]*")
_TABLE = str.maketrans(_QUOTES_AND_DASHES)
#: Format characters (zero-width space and joiners, direction marks, soft hyphen, BOM), control
#: characters other than whitespace, and unpaired surrogates.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]"
)
# Combining marks are neither letters nor ASCII. NFKC takes quadratic time on a run of them, so at
# most 30 in a row are kept (UAX #15, Stream-Safe Text Format), more than any script uses.
_LONG_MARK_RUN = re.compile(r"[^\w\s\x00-\x7f]{31,}")
# int() raises on thousands of digits, and html.unescape does not catch that.
_OVERLONG_ENTITY = re.compile(r"&#[0-9]{100,};?")
_FENCE = re.compile(r"^[ \t]*```.*$", re.M)
_BLANK_LINES = re.compile(r"\n\s*\n")
# No pattern here or below takes quadratic time: one that fails at a mark is not tried again at
# marks where it would fail for the same reason.
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
_EMPHASIS = {  # bold, italics, strikethrough: opening mark -> pattern of its closing mark
    mark: re.compile(r"(?<=\S)" + re.escape(mark)) for mark in ("***", "**", "*", "___", "__", "~~")
}
_ITALICS = re.compile(r"(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)")
_WHITESPACE = re.compile(r"\s+")
# Traces of tokenisers and scrapers, which reveal a text's corpus and not its author.
_TRACES = [
    (re.compile(r"\\n|\\[rt](?![a-z])"), " "),  # an escape left as it was
    (re.compile(r"(?<=\w) (n't|'(?:s|re|ve|ll|d|m))\b", re.I), r"\1"),  # do n't
    (re.compile(r"(?<! ) +([,.;:!?]+)(?=[\s\"')\]]|$)"), r"\1"),  # a space before a comma
    (re.compile(r"''"), '"'),
    (re.compile(r'(?<!\S)" ([^"]+?) "(?!\S)'), r'"\1"'),  # " Yes. "
]


# What a text loses that a few rounds do not settle, such as one of nine nested quotations: its
# marks, then the bullets and numbers at its beginning, then all but words.
_STUBBORN = [
    (re.compile(r"[*_~`#>\[\]\\&]+"), ""),
    (re.compile(r"^(?:\s*(?:[-+]|\d{1,2}[.)])\s)+"), ""),
    (re.compile(r"[\W_]+"), " "),
]


def canonicalise(text: str) -> str:
    r"""Bring a text to the form in which every text is read, in training and in prediction.

    How a text was copied, typeset or disguised must not affect the result. Plain characters
    replace HTML entities, Unicode compatibility forms (NFKC), typographic quotes and dashes and
    look-alike letters inside Latin words. Markdown, invisible characters, stray capitals inside
    common words and spaces before punctuation are removed. Each run of whitespace becomes one
    space.

    Args:
        text: any string.

    Returns:
        The text on one line, without leading or trailing space. Canonical text stays the same.

    Example:
        >>> canonicalise("**“Smаrt”** \u200bquotes —\n\ngone…")
        '"Smart" quotes - gone...'
    """
    text, settled = _settle(text)
    for marks, replacement in _STUBBORN:
        if settled:
            break
        text, settled = _settle(marks.sub(replacement, text))
    return text


def _settle(text: str) -> tuple[str, bool]:
    """The text after a few rounds, and whether another would leave it as it is."""
    # removing one mark can uncover another (****a****)
    for _ in range(8):
        previous, text = text, _canonicalise_once(text)
        if text == previous:
            return text, True
    return text, _canonicalise_once(text) == text


def _canonicalise_once(text: str) -> str:
    text = html.unescape(_OVERLONG_ENTITY.sub("\ufffd", text))
    text = _FENCE.sub("", text)  # before backticks become quotes
    text = INVISIBLE.sub("", text).translate(_TABLE)
    text = normalize("NFKC", _LONG_MARK_RUN.sub(_limit_marks, text))
    text = re.sub(r"\w+", replace_look_alikes, text)
    text = _fix_stray_capitals(text)
    text = _BLANK_LINES.sub("\n", text)
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    text = "\n".join(map(_remove_emphasis, text.split("\n")))
    text = _ITALICS.sub(r"\1", text)
    text = _WHITESPACE.sub(" ", text)
    for pattern, replacement in _TRACES:
        text = pattern.sub(replacement, text)
    return text.strip()


def _limit_marks(run: re.Match[str]) -> str:
    """Keep at most 30 of the combining marks that follow each character."""
    kept = []
    marks_in_a_row = 0
    for character in run.group():
        marks_in_a_row = marks_in_a_row + 1 if combining(character) else 0
        if marks_in_a_row <= 30:
            kept.append(character)
    return "".join(kept)


def _remove_emphasis(line: str) -> str:
    """Remove the emphasis marks of a line that come in pairs."""
    pieces = []
    position = copied = 0
    unmatched = set()  # marks without a closing mark in the rest of the line
    while opening := _MARK.search(line, position):
        position = opening.start() + 1
        for mark, closing_pattern in _EMPHASIS.items():
            start = opening.start() + len(mark)
            followed_by_text = line[start : start + 1].strip()
            if (
                mark in unmatched
                or not line.startswith(mark, opening.start())
                or not followed_by_text
            ):
                continue
            if closing := closing_pattern.search(line, start + 1):
                pieces += [line[copied : opening.start()], line[start : closing.start()]]
                position = copied = closing.end()
                break
            unmatched.add(mark)
    return "".join(pieces) + line[copied:]


def replace_look_alikes(match: re.Match[str]) -> str:
    """Replace look-alikes in a word with Latin letters, or with no other letters than these."""
    word = match.group()
    if word.isascii():
        return word
    latinised = word.translate(LOOK_ALIKES)
    has_latin = any(letter.isascii() and letter.isalpha() for letter in word)
    return latinised if latinised.isascii() or has_latin else word


def _fix_stray_capitals(text: str) -> str:
    """Lower stray capitals inside common words; inside all words if there are many such words.

    Names, units and camel case (iPhone, McDonald, keV) stay unless the text looks disguised.
    """
    n_stray = sum(map(_has_stray_capitals, _MIXED_CASE.findall(text)))
    if not n_stray:
        return text
    disguised = _looks_disguised(n_stray, text)

    def fix_word(match: re.Match[str]) -> str:
        word = match.group()
        if not disguised and not _has_stray_capitals(word):
            return word
        return word.capitalize() if word[0].isupper() else word.lower()

    return _MIXED_CASE.sub(fix_word, text)


def stray_capitals(text: str) -> list[tuple[int, int]]:
    """Start and end of the common words with stray capitals, if there are too many for slips.

    Example:
        >>> stray_capitals("wHen tHe iPhone diD it")
        [(0, 4), (5, 8), (16, 19)]
    """
    spans = [
        match.span() for match in _MIXED_CASE.finditer(text) if _has_stray_capitals(match.group())
    ]
    return spans if _looks_disguised(len(spans), text) else []


def _looks_disguised(n_stray: int, text: str) -> bool:
    """Whether a text has far more words with stray capitals than slips and missing spaces."""
    return n_stray >= max(3, len(text) / 500)


def _has_stray_capitals(word: str) -> bool:
    return _STRAY_CAPITALS.fullmatch(word) is not None and word.lower() in COMMON_WORDS


def lower(text: str) -> str:
    """Lower-case a text character by character, so that offsets stay valid.

    Example:
        >>> lower("İT")
        'İt'
    """
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


_SURROGATE = re.compile("[\ud800-\udfff]")


def replace_surrogates(text: str) -> str:
    r"""The text with U+FFFD for each unpaired surrogate, which UTF-8 cannot hold.

    Example:
        >>> replace_surrogates("a\ud800b") == "a\ufffdb"
        True
    """
    return _SURROGATE.sub("\ufffd", text)


# --- words and sentences --------------------------------------------------------------------

WORD = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?=\s|$)")
# a run of several marks matches only from its first
_SENTENCE_ENDS = re.compile(r"(?<![.!?])" + _SENTENCE_END.pattern)
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|cf|Fig|No|Vol|al|approx)|\b[A-Z])\.$"
)


def words(text: str) -> list[str]:
    """The words of a text in order: runs of letters and digits, with inner apostrophes and hyphens.

    Example:
        >>> words("It's a well-known fact, isn't it?")
        ["It's", 'a', 'well-known', 'fact', "isn't", 'it']
    """
    return WORD.findall(text)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end, in characters, of each sentence of a canonical text.

    A sentence ends at a run of `.`, `!` and `?` (and closing quotes) before a space, unless the
    full stop follows an abbreviation or a single capital. The spans cover everything except
    the spaces between sentences.

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
    """Shorten a text to its first whole sentences, `max_words` words at most.

    An unfinished last sentence is dropped, since how a text was cut off must not affect the
    result. A first sentence that is unfinished or too long is cut after a word.

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
    for index, match in enumerate(WORD.finditer(text)):
        if index == max_words:
            return text[: match.start()].rstrip()
    return text


def preprocess(text: str, max_words: int | None) -> str:
    """A text as it is trained on: canonical, whole sentences of at most `max_words` words."""
    plain = canonicalise(text)
    return crop(plain, max_words) if max_words else plain
