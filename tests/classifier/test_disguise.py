"""Flags of a text as it was given: what has one, what has none, and where it is."""

import json
import time
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.augmentation.attacks import ATTACKS, attack
from perplexity_detector.classifier.disguise import MAX_POSITIONS, find_flags
from perplexity_detector.flags import Flag, join_sentences
from perplexity_detector.io.datasets import read_chunks
from perplexity_detector.text import canonicalise
from tests.labelled import light_detector, two_styles
from tests.paths import ROOT

ENGLISH = (
    "We went down to the lake on the last day of March, and the water was so cold that nobody "
    "would swim. My uncle said that he had seen it frozen from one side to the other when he was "
    "a boy. Then he told us about the dog that fell in, and how they had pulled it out with a rope."
)
SPANISH = (
    "Ayer fui con mi hermano a la playa y no me gustó nada porque hacía mucho frío. Le dije que "
    "volviéramos a casa, pero él quería quedarse hasta la noche para ver las estrellas."
)
RUSSIAN = "Вчера мы с братом поехали на озеро, и было очень холодно."

FLAGGED = {
    "Cyrillic": (
        ENGLISH.replace("lake", "l\u0430k\u0435"),
        "look_alike_letters",
        "2 Cyrillic letters inside Latin words",
    ),
    "Cyrillic and Greek": (
        ENGLISH.replace("My", "\u039cy")
        .replace("March", "M\u0430rch")
        .replace("seen", "s\u0435en"),
        "look_alike_letters",
        "2 Cyrillic and 1 Greek letters inside Latin words",
    ),
    "mathematical letters": (
        ENGLISH.replace("water", "w\U0001d41ater").replace("rope", "r\U0001d428pe"),
        "look_alike_letters",
        "2 mathematical letters inside Latin words",
    ),
    "zero-width spaces inside words": (
        ENGLISH.replace("water", "wa\u200bt\u200cer"),
        "invisible_characters",
        "2 invisible characters, 2 of them inside words",
    ),
    "zero-width spaces between words": (
        ENGLISH.replace(" the ", " the\u200b "),
        "invisible_characters",
        "5 invisible characters",
    ),
    "soft hyphens after every letter": (
        ENGLISH.replace("water", "\u00ad".join("water")),
        "invisible_characters",
        "4 invisible characters, 4 of them inside words",
    ),
    "doubled spaces": (
        ENGLISH.replace(" the ", " the  "),
        "odd_spacing",
        "5 of 59 spaces inside sentences are doubled",
    ),
    "wide spaces": (
        ENGLISH.replace(" the ", " the\u2004"),
        "odd_spacing",
        "5 spaces of unusual width between words",
    ),
    "stray capitals": (
        ENGLISH.replace("would", "woUld").replace("that", "tHat"),
        "stray_capitals",
        "4 common words with capitals inside",
    ),
    "half in Spanish": (f"{ENGLISH} {SPANISH}", "non_english", "40% of the text is not English"),
    "Russian": (RUSSIAN, "non_english", "100% of the text is not English"),
}
ORDINARY = {
    "English": ENGLISH,
    "empty": "",
    "typographic quotes and dashes": f"“{ENGLISH}” — so he said… ‘twice’ – or thrice.",
    "accents": "Zoë's café in Łódź sold crème brûlée to naïve tourists, e\u0301clairs, too.",
    "emoji": f"{ENGLISH} \U0001f468\u200d\U0001f469\u200d\U0001f467 ❤\ufe0f 1\ufe0f\u20e3 ☺\ufe0f"
    * 9,
    "a quoted Greek word": f"{ENGLISH} The Greeks said λόγος, or ὁ νόος, and Α and Ω.",
    "a quoted Russian word": f"{ENGLISH} They call it озеро, or оса, and рост.",
    "a letter slipped in": ENGLISH.replace("nobody", "nob\u043edy"),
    "symbols of a science": "TNF\u03b1 and ER\u03b1 rose by 3 μm in the \u03b1-helix, Δt later.",
    "two spaces after full stops": ENGLISH.replace(". ", ".  ") * 20,
    "two spaces everywhere": ENGLISH.replace(" ", "  "),
    "two spaces now and then": ENGLISH.replace(" the ", " the  ", 3),
    "no-break spaces": ENGLISH.replace(" ", "\u00a0"),
    "a byte-order mark": f"\ufeff{ENGLISH}",
    "soft hyphens of a typesetter": ENGLISH.replace("water", "wa\u00adter") * 9,
    "a web page's invisible space": f"{ENGLISH}\u200b {ENGLISH}\u200b",
    "faults of encoding": ENGLISH.replace("he", "h\x92e"),
    "names with capitals": "An iPhone, a MacBook, LaTeX, eBay and McDonald's: so IN went the money."
    * 9,
    "a list of names": "Anna Bell, Carl Dunn, Eve Frost, Gil Hart, Ida Jones, Kit Lowe, May Nash. "
    * 3,
    "a quotation in Spanish": f"{ENGLISH} {ENGLISH} {ENGLISH} “{SPANISH[:79]}”",
}


@pytest.mark.parametrize("case", FLAGGED)
def test_a_flag_has_its_name_and_sentence(case):
    text, name, sentence = FLAGGED[case]
    assert [(flag.name, flag.sentence) for flag in find_flags(text)] == [(name, sentence)]


@pytest.mark.parametrize("case", ORDINARY)
def test_what_ordinary_people_write_has_no_flag(case):
    assert find_flags(ORDINARY[case]) == ()


def test_positions_are_those_of_the_text_as_given():
    text = "Th\u0435 l\u200bake w\u200bas c\u043eld."
    letters, invisible = find_flags(text)
    assert letters.positions == ((2, 3), (16, 17))
    assert invisible.positions == ((5, 6), (11, 12))
    assert (letters.count, invisible.count) == (2, 2)
    (foreign,) = find_flags(f"{ENGLISH} {RUSSIAN} {RUSSIAN}")
    ((start, end),) = foreign.positions
    assert f"{ENGLISH} {RUSSIAN} {RUSSIAN}"[start:end] == f"{RUSSIAN} {RUSSIAN}"


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("homoglyph", "look_alike_letters"),
        ("zero_width_space", "invisible_characters"),
        ("whitespace", "odd_spacing"),
        ("case_flips", "stray_capitals"),
    ],
)
def test_a_disguised_essay_has_the_flag_of_its_disguise(name, flag):
    assert [one.name for one in find_flags(attack(ENGLISH * 2, name))] == [flag]


def test_two_disguises_at_once_have_two_flags():
    text = attack(attack(ENGLISH, "homoglyph"), "zero_width_space")
    assert [one.name for one in find_flags(text)] == ["look_alike_letters", "invisible_characters"]


def test_the_canonical_form_of_a_disguise_has_none():
    for text, name, _ in FLAGGED.values():
        if name != "non_english":
            assert find_flags(canonicalise(text)) == ()


def test_the_essays_of_the_sample_have_none():
    (chunk,) = read_chunks(ROOT / "data" / "sample" / "essays.csv")
    assert [find_flags(text) for text in chunk["text"]] == [()] * len(chunk)


def test_few_positions_are_kept_of_many():
    text = attack(ENGLISH * 9, "zero_width_space")
    (flag,) = find_flags(text)
    assert flag.count > MAX_POSITIONS == len(flag.positions)
    assert flag.sentence.startswith(f"{flag.count:,} invisible characters, ")


def test_flags_do_not_change_the_probability():
    detector = light_detector(fpr=0.2).fit(*two_styles(120))
    texts = two_styles(4, seed=3)[0]
    disguised = [attack(text, "zero_width_space") for text in texts]
    plain, odd = detector.assess_texts(texts), detector.assess_texts(disguised)
    assert [one.probability for one in odd] == [one.probability for one in plain]
    assert [one.verdict for one in odd] == [one.verdict for one in plain]
    assert [one.flags for one in plain] == [()] * 4
    assert [one.flags for one in odd] == [find_flags(text) for text in disguised]
    assert detector.assess(disguised)["flags"].tolist() == [one.flags for one in odd]


def test_the_sentences_of_several_flags_are_joined():
    flags = (Flag("a", 1, (), "1 hidden line"), Flag("b", 2, ((0, 1), (4, 5)), "2 odd letters"))
    assert join_sentences(flags) == "1 hidden line; 2 odd letters"
    assert join_sentences(()) == ""


LETTERS = "aAеоΑ \n\t.,'1\u0301é中я\u200b\u00ad\ufeff\u2009\ud800\U0001d41a"
PHRASES = ("  ", "the ", " water", "wAs ", "ελ", "\U0001f468\u200d", f"{SPANISH} ")
PIECES = st.sampled_from([*LETTERS, *PHRASES])


@given(
    st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)), st.sampled_from(list(ATTACKS))
)
@settings(max_examples=300, deadline=None)
def test_any_text_has_sound_flags(text, disguise):
    for given_text in (text, attack(text, disguise)):
        flags = find_flags(given_text)
        assert len({flag.name for flag in flags}) == len(flags)
        for flag in flags:
            assert flag.count == len(flag.positions) or len(flag.positions) == MAX_POSITIONS
            starts = [start for start, _ in flag.positions]
            assert starts == sorted(set(starts))
            assert all(0 <= start < end <= len(given_text) for start, end in flag.positions)
            assert flag.sentence
            json.dumps(asdict(flag), allow_nan=False)


@pytest.mark.parametrize(
    "piece", ["\u200b", "a\u200b", "\u0435", "a\u0435", " ", "a  ", "я ", "я!1", "a\u00ad"]
)
def test_a_long_text_takes_linear_time(piece):
    start = time.perf_counter()
    find_flags(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - start < 10
