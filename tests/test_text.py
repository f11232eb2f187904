"""The canonical form of texts, their words and sentences, and crops of whole sentences."""

import runpy
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perplexity_detector.augmentation.word_tables import HOMOGLYPHS
from perplexity_detector.text import canonicalise, crop, sentence_spans, words
from tests.paths import ROOT

CANONICAL = {
    # quotes, dashes, dots
    "‘a’ ‚b‛ `c´ it′s": "'a' 'b' 'c' it's",
    "“a” „b‟ «c» 5″": '"a" "b" "c" 5"',
    "well‐known non‑stop 1‒2–3 −4": "well-known non-stop 1-2-3 -4",
    "so—it went": "so - it went",
    "so — it went": "so - it went",
    "wait… what": "wait... what",
    # Unicode compatibility
    "ﬁne ①②  Ｗｉｄｅ x²": "fine 12 Wide x2",
    "cafe\u0301": "café",
    "a heap" + "\u0316" * 40 + "!": "a heap" + "\u0316" * 30 + "!",
    # white space
    "  one\n\n two\t\u00a0three\u2009four\u3000": "one two three four",
    "one\r\ntwo\u2028three": "one two three",
    # what cannot be seen
    "in\u200bvis\u00adi\ufeffble \u202etext\u202c": "invisible text",
    "bell\x07 nul\0 half\ud800": "bell nul half",
    "\u2764\ufe0f": "\u2764",
    # letters that look like others
    "Tһе сар": "The cap",
    "рарa": "papa",
    "Москва Αθήνα": "Москва Αθήνα",
    "мама и папа": "мама и папа",
    "tհe qսality aⲅound ouⲅ loѵe": "the quality around our love",
    "Ӏ like ІT": "I like IT",
    "5σ of γH2AX, σ_H and 3ρg": "5σ of γH2AX, σ_H and 3ρg",
    "ıfſɡ 𝐚 ه": "ıfsɡ a ه",
    # capitals inside words
    "I tHinK thE peOple wEre In a hOuse": "I think the people were In a house",
    "tHe iPhone, an eBook, YouTube, LaTeX, McDonald, PhDs, keV": (
        "the iPhone, an eBook, YouTube, LaTeX, McDonald, PhDs, keV"
    ),
    "tHe 3rD whY2k is unBELIEVable, someONE SHOuted NO": (
        "the 3rD whY2k is unBELIEVable, someONE SHOuted NO"
    ),
    "tHe sIster oF mY fRiend AlExander SLePt": "the sister of my friend Alexander Slept",
    "tHе рЕople": "the people",
    r"one\nThe \tHe": r"one The He",
    "deviceThe getItem theS FoR": "deviceThe getItem theS For",
    # HTML
    "Tom &amp; Jerry &lt;3 &#8220;ok&#8221;": 'Tom & Jerry <3 "ok"',
    "twice &amp;amp; over": "twice & over",
    "&#" + "1" * 5000 + "; end": "\ufffd end",
    # markdown
    "# Title\n\nText.": "Title Text.",
    "###### Deep": "Deep",
    "#hashtag": "#hashtag",
    "**bold** and *italic* and ***both***": "bold and italic and both",
    "__bold__ _italic_ ~~gone~~ snake_case_name": "bold italic gone snake_case_name",
    "2 * 3 * 4": "2 * 3 * 4",
    "- one\n- two\n* three\n+ four": "one two three four",
    "1. one\n2) two": "one two",
    "1. *one* **two": "one **two",
    "> quoted\n> twice": "quoted twice",
    "[link](http://a.b/c) ![picture](x.png)": "link picture",
    "[1] not (a link)": "[1] not (a link)",
    "[a] [b](c)": "[a] b",
    "one\n\n---\n\ntwo": "one two",
    # traces of tokenisers and scrapers
    r"one\ntwo\n\nthree": "one two three",
    r"C:\news": "C: ews",
    "I do n't , he 's ; we 're !": "I don't, he's; we're!",
    "so ... what ?": "so... what?",
    "'' quoted ''": '"quoted"',
    'he said " Yes . " twice': 'he said "Yes." twice',
    # nothing to do
    "": "",
    " \n ": "",
    "Plain text, as it was.": "Plain text, as it was.",
    "北京 née naïve \U0001f600": "北京 née naïve \U0001f600",
}


@pytest.mark.parametrize("text", CANONICAL)
def test_canonical_form(text):
    assert canonicalise(text) == CANONICAL[text]


def test_letters_that_attackers_use_stand_for_the_same_latin_letters():
    letters = "АВСЕНІЈКМОРЅТХУаеорсухіјѕһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοα"
    latin = "ABCEHIJKMOPSTXYaeopcyxijshdqwABEZHIKMNOPTYXoa"
    assert canonicalise(f"{letters}z") == f"{latin}z"
    for letter, look_alikes in HOMOGLYPHS.items():
        assert {canonicalise(f"x{one}") for one in look_alikes} == {f"x{letter}"}


def test_the_look_alikes_are_made_from_confusables_of_unicode():
    make = runpy.run_path(str(ROOT / "scripts" / "make_confusables.py"))
    listed = """\ufeff# confusables.txt
# © 2022 Unicode®, Inc.
# Version: 15.0.0
0430 ;\t0061 ;\tMA\t# ( а → a ) CYRILLIC SMALL LETTER A → LATIN SMALL LETTER A\t#
0406 ;\t006C ;\tMA\t# ( І → l ) a capital: I
03C3 ;\t006F ;\tMA\t# ( σ → o ) a symbol
0131 ;\t0069 ;\tMA\t# ( ı → i ) a Latin letter
1D41A ;\t0061 ;\tMA\t# ( 𝐚 → a ) NFKC changes it
0627 ;\t006C ;\tMA\t# ( ا → l ) from right to left
0031 ;\t006C ;\tMA\t# ( 1 → l ) no letter
042E ;\t006C 004F ;\tMA\t# ( Ю → lO ) two letters
"""
    table = make["make_table"](listed.encode())
    assert table["unicode"] == "15.0.0"
    assert table["copyright"] == "© 2022 Unicode®, Inc."
    assert table["look_alikes"] == {"I": "І", "a": "а"}
    with pytest.raises(SystemExit, match="not Unicode's confusables"):
        make["make_table"](b"a;b;c")


marks = st.text("ab*_~`#>-+1.)[]()!\"' \n\t&;,:\\ns\u200b…—“’«·аеοոⲅӀσ", max_size=30)
pieces = st.lists(
    st.sampled_from(
        [
            "tHe ",
            "wE",
            "&nOt;",
            "sIster",
            "&amp;",
            "&lt;",
            "&#42;",
            "**",
            "__",
            "~~",
            "```",
            " n't",
            " 's",
            "''",
            "ﬁ",
            "½",
            "\\n",
        ]
    )
    | marks
    | st.text(max_size=5),
    max_size=8,
).map("".join)


@settings(deadline=None)
@given(pieces)
@example("****a****")
@example("&amp;amp;lt;")
@example('" "Yes. " "')
@example("e" + "\u0316\u0301" * 40)
@example("o*f*tEn oFten &#*w*Ho; tHe iN sIster")
def test_twice_is_once(text):
    once = canonicalise(text)
    assert canonicalise(once) == once
    assert once == once.strip()
    assert not set("\n\t\r\u200b\u00ad“”’…") & set(once)
    once.encode()


@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        " ",
        "[",
        "[a](",
        "**a ",
        "*a ",
        "~~a ",
        "_a ",
        "!",
        ".",
        "...)",
        "\\n",
        "`",
        '" ',
        "aB",
        "tHe ",
        "A",
        "\u0301\u0316",
    ],
)
def test_a_hundred_thousand_marks_take_seconds(unit):
    text = unit * (100_000 // len(unit)) + "x"
    start = time.process_time()
    sentence_spans(canonicalise(text))
    sentence_spans(text)
    assert time.process_time() - start < 5


# --- words ----------------------------------------------------------------------------------


def test_words():
    text = "Don't stop-gap 3.5 times - x_y 'quoted' née 北京! rock-'n'-roll --"
    assert words(text) == [
        "Don't",
        "stop-gap",
        "3",
        "5",
        "times",
        "x",
        "y",
        "quoted",
        "née",
        "北京",
        "rock",
        "n",
        "roll",
    ]
    assert words("") == words("... - '") == []


# --- sentences ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('He said "Stop!" Then (at last.) he left...', None),
        ("Dr. Who met Mr. J. Smith, e.g. in Vol. 3.", None),
        ("It cost 3.50 at example.com today.", None),
        ("Wait... what?! No.", ["Wait...", "what?!", "No."]),
        ("I live in the U.S. now. Bye.", ["I live in the U.S. now.", "Bye."]),
        ("This is plan B.", None),
        ("No space.Here.", None),
        ("!!! x", ["!!!", "x"]),
        ("", []),
    ],
)
def test_sentences(text, sentences):
    if text.startswith("He said"):
        sentences = ['He said "Stop!"', "Then (at last.)", "he left..."]
    expected = [text] if sentences is None else sentences
    assert [text[start:end] for start, end in sentence_spans(text)] == expected


prose = st.text("One two. Dr. A! b? \"c' ) e.g. 3.5...", max_size=80)


@given(st.text(max_size=60) | prose)
def test_spans_cover_everything_but_the_space_between(text):
    text = canonicalise(text)
    spans = sentence_spans(text)
    covered = "".join(text[start:end] for start, end in spans)
    assert covered.replace(" ", "") == text.replace(" ", "")
    assert all(start < end for start, end in spans)
    gaps = [text[before[1] : after[0]] for before, after in pairwise(spans)]
    assert set(gaps) <= {" "}
    if text:
        assert (spans[0][0], spans[-1][1]) == (0, len(text))


# --- crops ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "max_words", "cropped"),
    [
        ("One two. Three four five. Six.", 6, "One two. Three four five. Six."),
        ("One two. Three four five. Six.", 5, "One two. Three four five."),
        ("One two. Three four five. Six.", 4, "One two."),
        ("One two. Three four five. Six.", 1, "One"),
        ("One two. Three", 9, "One two."),
        ('One "two." Three', 9, 'One "two."'),
        ("One two three", 2, "One two"),
        ("One two three", 3, "One two three"),
        ("Dr. Who came. And went", 9, "Dr. Who came."),
        ("one, two - three.", 2, "one, two -"),
        ("One.", 0, ""),
        ("", 5, ""),
    ],
)
def test_crops(text, max_words, cropped):
    assert crop(text, max_words) == cropped


@given(prose, st.integers(0, 12))
def test_a_crop_begins_the_text_and_never_has_more_words_than_asked(text, max_words):
    text = canonicalise(text)
    cropped = crop(text, max_words)
    assert text.startswith(cropped)
    assert len(words(cropped)) <= max_words
    assert crop(cropped, max_words) == cropped


@given(prose, st.integers(0, 12))
def test_a_crop_is_made_of_whole_sentences_or_of_part_of_the_first(text, max_words):
    text = canonicalise(text)
    cropped = crop(text, max_words)
    ends = {end for _, end in sentence_spans(text)}
    first_end = min(ends, default=0)
    assert len(cropped) in ends or len(cropped) <= first_end
