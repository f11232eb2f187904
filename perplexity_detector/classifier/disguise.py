"""Traces of disguise in a text as it was given, which its canonical form no longer shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from unicodedata import name as character_name
from unicodedata import normalize

from perplexity_detector.features.style.function_words import GROUPS
from perplexity_detector.flags import Flag, counted
from perplexity_detector.text import (
    INVISIBLE,
    LOOK_ALIKES,
    replace_look_alikes,
    sentence_spans,
    stray_capitals,
)

#: Positions in a flag, the first ones; its count is that of all.
MAX_POSITIONS = 1000
#: One look-alike is a slip on a keyboard with two alphabets.
MIN_LOOK_ALIKES = 2
#: Web pages leave some invisible characters between words when they are copied, none inside.
MIN_INVISIBLE_INSIDE, MIN_INVISIBLE = 2, 5
#: Doubled spaces inside sentences: their number and their share. Some people hit the key twice
#: now and then, and some always.
MIN_DOUBLED, DOUBLED_SHARE = 5, (0.08, 0.5)
#: Spaces of other widths between words; typesetters use a few.
MIN_WIDE = 3
#: Share and number of the letters that are in passages of other languages: more than a quotation.
MIN_NON_ENGLISH, MIN_NON_ENGLISH_LETTERS = 0.2, 25
#: A sentence is in another language if fewer of its words are English function words, and fewer
#: are such that no other language of Europe has. Few words in all say nothing about the language.
MIN_FUNCTION_WORDS, MIN_ONLY_ENGLISH, WORDS_IN_SENTENCE, WORDS_IN_ALL = 0.2, 0.03, 8, 20
#: Lists of names and tables have few function words, too, but more capitals and symbols.
MIN_LOWER_CASE, MIN_LETTERS = 0.5, 0.85

_Spans = Iterable[tuple[int, int]]

_WORD = re.compile(r"\w+")
_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff"
_LOOK_ALIKE_LETTERS = "".join(map(chr, LOOK_ALIKES))
_IN_WORD = re.compile(f"[{_LATIN}0-9{re.escape(_LOOK_ALIKE_LETTERS)}]")
_HAS_LATIN = re.compile("[A-Za-z]")
_STYLES = {"MATHEMATICAL": "mathematical", "FULLWIDTH": "full-width"}
_INVISIBLE_RUN = re.compile(f"{INVISIBLE.pattern}+")
# what faults of encoding, not people, leave in a text: control characters, half surrogate pairs
_FAULTS = re.compile("[\x00-\x1f\x7f-\x9f\ufff9-\ufffb\ud800-\udfff]")
_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff]+")
_SOFT_HYPHEN = "\u00ad"
_GAP = re.compile(r"(?<=[A-Za-z,;]) +(?=[A-Za-z])")
_WIDE_SPACE = re.compile("(?<=[A-Za-z,;])[\u1680\u2000-\u200a\u202f\u205f\u3000]+(?=[A-Za-z])")
# a letter of another alphabet, then others, with anything but Latin letters between
_OTHER = f"[^\\W\\d_{_LATIN}\u0250-\u02ff\u2c60-\u2c7f\ua720-\ua7ff\ufb00-\ufb06\uff21-\uff5a]"
_OTHER_ALPHABET = re.compile(f"{_OTHER}(?:[\\W\\d_]*{_OTHER})*")
_LETTERS = re.compile(r"[^\W\d_]+")
# a symbol in the words of a science, as in TNF\u03b1
_ALPHA = "\u03b1"
_FUNCTION_WORDS = frozenset().union(*GROUPS.values())
# English function words that are words of other languages of Europe, too
_SHARED_WORDS = frozenset(
    {"a", "al", "all", "am", "an", "as", "at", "by", "do", "for", "had", "he", "her", "i", "in"}
    | {"is", "me", "no", "of", "on", "one", "or", "over", "so", "to", "under", "us", "was", "we"}
    | {"were"}
)
_ONLY_ENGLISH = _FUNCTION_WORDS - _SHARED_WORDS


def find_flags(text: str) -> tuple[Flag, ...]:
    """What in a text looks like disguise, or is not English.

    What ordinary people write has no flag: typographic quotes, accents, emoji, a quoted Greek
    word, symbols such as TNF\u03b1, double spaces after a full stop, what a web page leaves.

    Args:
        text: any string, as it was given.

    Returns:
        At most one flag of each name: `look_alike_letters`, `invisible_characters`,
        `odd_spacing`, `stray_capitals`, `non_english`.

    Example:
        >>> [flag.sentence for flag in find_flags("\u0410 sm\u0430rt \u0441ity")]
        ['2 Cyrillic letters inside Latin words']
    """
    inside, between = _invisible(text)
    visible, offset = _without(text, {*inside, *between})
    latin = _WORD.sub(_latin_word, visible)
    found = (
        _look_alike_letters(visible, offset),
        _invisible_characters(inside, between),
        _odd_spacing(visible, offset),
        _stray_capitals(latin, offset),
        _non_english(latin, offset),
    )
    return tuple(flag for flag in found if flag is not None)


def _latin_word(match: re.Match[str]) -> str:
    """A word with Latin letters for look-alikes; blank if it could be of either alphabet."""
    word = match.group()
    latin = replace_look_alikes(match)
    if not word.isascii() and latin.isascii() and not _HAS_LATIN.search(word):
        return " " * len(word)
    return latin


def _without(text: str, places: set[int]) -> tuple[str, Callable[[int], int]]:
    """The text without some characters, and the function from its offsets to the text's."""
    if not places:
        return text, lambda place: place
    kept = [place for place in range(len(text)) if place not in places]
    # the end of a span is one after its last character
    return "".join(text[place] for place in kept), kept.__getitem__


def _flag(
    name: str, count: int, spans: _Spans, offset: Callable[[int], int], sentence: str
) -> Flag:
    first = islice(spans, MAX_POSITIONS)
    positions = tuple((offset(start), offset(end - 1) + 1) for start, end in first)
    return Flag(name, count, positions, sentence)


# --- look-alike letters ---------------------------------------------------------------------


def _look_alike_letters(text: str, offset: Callable[[int], int]) -> Flag | None:
    if text.isascii():
        return None
    places = list(_look_alikes(text))
    if len(places) < MIN_LOOK_ALIKES:
        return None
    alphabets = Counter(_alphabet(text[place]) for place in places)
    listed = " and ".join(f"{count:,} {alphabet}" for alphabet, count in alphabets.most_common())
    noun = "letter" if len(places) == 1 else "letters"
    return _flag(
        "look_alike_letters",
        len(places),
        ((place, place + 1) for place in places),
        offset,
        f"{listed} {noun} inside Latin words",
    )


def _look_alikes(text: str) -> Iterator[int]:
    """Places of the look-alikes in words that have Latin letters, too."""
    for match in _WORD.finditer(text):
        word = match.group()
        if word.isascii() or not _HAS_LATIN.search(word):
            continue
        for index, letter in enumerate(word):
            if not letter.isascii() and _is_look_alike(letter):
                yield match.start() + index


def _is_look_alike(letter: str) -> bool:
    if ord(letter) in LOOK_ALIKES:
        return letter != _ALPHA
    # bold and other styles of the mathematical alphabets, and letters of full width
    styled = "\uff21" <= letter <= "\uff5a" or "\U0001d400" <= letter <= "\U0001d7ff"
    return styled and normalize("NFKC", letter).isascii()


def _alphabet(letter: str) -> str:
    first = character_name(letter).split()[0]
    return _STYLES.get(first, first.capitalize())


# --- invisible characters -------------------------------------------------------------------


def _invisible(text: str) -> tuple[list[int], list[int]]:
    """Places of invisible characters inside words, and of others in Latin text."""
    inside: list[int] = []
    between: list[int] = []
    if text.isascii():
        return inside, between
    for run in _INVISIBLE_RUN.finditer(text):
        start, end = run.span()
        before, after = text[max(0, start - 1) : start], text[end : end + 1]
        if _FAULTS.search(run.group()) or _hyphenates(text, start, end):
            continue
        if _IN_WORD.match(before) and _IN_WORD.match(after):
            inside += range(start, end)
        # others belong to emoji, to other alphabets, or to the start of a file
        elif (
            start
            and all(one.isascii() or _IN_WORD.match(one) for one in (before, after))
            and _ZERO_WIDTH.fullmatch(run.group())
        ):
            between += range(start, end)
    return inside, between


def _hyphenates(text: str, start: int, end: int) -> bool:
    """Whether a run is a soft hyphen at the end of a syllable, as typesetters put it."""
    if text[start:end] != _SOFT_HYPHEN:
        return False
    return text[max(0, start - 2) : start].isalpha() or text[end : end + 2].isalpha()


def _invisible_characters(inside: list[int], between: list[int]) -> Flag | None:
    count = len(inside) + len(between)
    if len(inside) < MIN_INVISIBLE_INSIDE and count < MIN_INVISIBLE:
        return None
    places = sorted(inside + between)
    within = f", {len(inside):,} of them inside words" if inside else ""
    return _flag(
        "invisible_characters",
        count,
        ((place, place + 1) for place in places),
        lambda place: place,
        f"{counted(count, 'invisible character')}{within}",
    )


# --- spacing and capitals -------------------------------------------------------------------


def _odd_spacing(text: str, offset: Callable[[int], int]) -> Flag | None:
    gaps = [match.span() for match in _GAP.finditer(text)]
    doubled = [span for span in gaps if span[1] - span[0] > 1]
    low, high = DOUBLED_SHARE
    if len(doubled) < MIN_DOUBLED or not low * len(gaps) <= len(doubled) <= high * len(gaps):
        doubled = []
    wide = [match.span() for match in _WIDE_SPACE.finditer(text)]
    if len(wide) < MIN_WIDE:
        wide = []
    if not doubled and not wide:
        return None
    parts = []
    if doubled:
        parts.append(f"{len(doubled):,} of {len(gaps):,} spaces inside sentences are doubled")
    if wide:
        parts.append(f"{counted(len(wide), 'space')} of unusual width between words")
    spans = sorted(doubled + wide)
    return _flag("odd_spacing", len(spans), spans, offset, " and ".join(parts))


def _stray_capitals(text: str, offset: Callable[[int], int]) -> Flag | None:
    spans = stray_capitals(text)
    if not spans:
        return None
    sentence = f"{counted(len(spans), 'common word')} with capitals inside"
    return _flag("stray_capitals", len(spans), spans, offset, sentence)


# --- other languages ------------------------------------------------------------------------


def _non_english(text: str, offset: Callable[[int], int]) -> Flag | None:
    spans = [span for span in sentence_spans(text) if _is_foreign(text[slice(*span)])]
    if sum(len(_LETTERS.findall(text, *span)) for span in spans) < WORDS_IN_ALL:
        spans = []
    if not text.isascii():
        spans += [match.span() for match in _OTHER_ALPHABET.finditer(text)]
    spans = list(_merged(sorted(spans), text))
    foreign = sum(_count_letters(text[start:end]) for start, end in spans)
    letters = _count_letters(text)
    if foreign < MIN_NON_ENGLISH_LETTERS or foreign < MIN_NON_ENGLISH * letters:
        return None
    sentence = f"{foreign / letters:.0%} of the text is not English"
    return _flag("non_english", len(spans), spans, offset, sentence)


def _is_foreign(sentence: str) -> bool:
    """Whether a sentence in Latin letters is running prose, but hardly in English."""
    found = _LETTERS.findall(sentence)
    if len(found) < WORDS_IN_SENTENCE:
        return False
    lowered = [word.lower() for word in found]
    function_words = sum(word in _FUNCTION_WORDS for word in lowered)
    only_english = sum(word in _ONLY_ENGLISH for word in lowered)
    if function_words >= MIN_FUNCTION_WORDS * len(found) or only_english >= MIN_ONLY_ENGLISH * len(
        found
    ):
        return False
    lower_case = sum(word.islower() for word in found)
    visible = sum(not character.isspace() for character in sentence)
    return (
        lower_case >= MIN_LOWER_CASE * len(found) and sum(map(len, found)) >= MIN_LETTERS * visible
    )


def _merged(spans: Iterable[tuple[int, int]], text: str) -> Iterator[tuple[int, int]]:
    """Spans in order, joined where they overlap or have no Latin letter or digit between."""
    current: tuple[int, int] | None = None
    for start, end in spans:
        if current is None:
            current = start, end
        elif start <= current[1] or not _WORD.search(text, current[1], start):
            current = current[0], max(end, current[1])
        else:
            yield current
            current = start, end
    if current is not None:
        yield current


def _count_letters(text: str) -> int:
    return sum(map(str.isalpha, text))
