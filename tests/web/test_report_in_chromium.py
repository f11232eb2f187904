"""Reports in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from perplexity_detector.augmentation.attacks import attack
from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.flags import Flag
from tests.web.explanations import TEXT, bare, made_up

if TYPE_CHECKING:
    from playwright.sync_api import Page

Shown = Callable[[dict[str, Any]], "Page"]


def test_the_verdict_and_the_scale(shown: Shown) -> None:
    page = shown(made_up())
    assert page.locator(".headline").inner_text() == "Likely written by a language model"
    assert page.get_by_role("img", name="Probability 0.97").get_attribute("aria-label") == (
        "Probability 0.97 on a scale from 0 to 1: human from 0 to 0.1, "
        "uncertain from 0.1 to 0.93, generated from 0.93 to 1."
    )
    track, needle = (page.locator(name).bounding_box() for name in (".track", ".needle"))
    assert track and needle
    share = (needle["x"] + needle["width"] / 2 - track["x"]) / track["width"]
    assert share == pytest.approx(0.97, abs=0.01)


def test_the_text_is_whole_and_changes_its_colours_with_the_mode(shown: Shown) -> None:
    page = shown(made_up())
    prose = page.locator(".prose")
    assert prose.inner_text() == TEXT
    colours = set()
    for mode in ("Surprisal", "Rank", "Contrast"):
        page.get_by_role("radio", name=mode).check()
        assert page.get_by_role("list", name=f"Shades of {mode.lower()}").is_visible()
        colours.add(
            prose.evaluate(
                "text => [...text.querySelectorAll('[data-piece]')]"
                ".map(piece => getComputedStyle(piece).backgroundColor).join()"
            )
        )
    assert len(colours) == 3


def test_a_tooltip_under_the_pointer(shown: Shown) -> None:
    page = shown(made_up())
    page.locator("[data-piece='1']").hover()
    tooltip = page.locator(".heatmap .tooltip")
    assert " ".join(tooltip.inner_text().split()) == (
        "hives Surprisal 3.50 nats, a chance of 1 in 33 Rank 151 "
        "Contrast −1.50 nats, towards human Entropy 2.50 nats"
    )
    page.locator("h1").hover()
    assert not tooltip.is_visible()


def test_a_tooltip_under_the_keyboard_cursor(shown: Shown) -> None:
    page = shown(made_up())
    page.get_by_role("radio", name="Surprisal").focus()
    page.keyboard.press("Tab")
    announcement = page.locator(".heatmap [aria-live]")
    assert announcement.inner_text().startswith("The: Surprisal 0.00 nats")
    page.keyboard.press("ArrowRight")
    assert announcement.inner_text().startswith("hives: Surprisal 3.50 nats")
    assert page.locator("[data-shown]").inner_text() == "hives"
    page.keyboard.press("ArrowDown")
    assert announcement.inner_text().startswith("We: ")
    page.keyboard.press("ArrowUp")
    assert announcement.inner_text().startswith("The: ")
    page.keyboard.press("End")
    assert announcement.inner_text().startswith(".: ")
    page.keyboard.press("Enter")
    assert page.locator("[data-highlighted]").inner_text().startswith("My aunt")
    page.keyboard.press("Escape")
    assert page.locator("[data-highlighted]").count() == 0


def test_a_sentence_that_is_clicked_is_highlighted(shown: Shown) -> None:
    page = shown(made_up())
    row = page.get_by_role("button", name="Sentence 3, score")
    row.click()
    assert page.locator("[data-highlighted]").inner_text() == "It was empty!"
    assert row.get_attribute("aria-pressed") == "true"
    row.click()
    assert page.locator("[data-highlighted]").count() == 0
    assert row.get_attribute("aria-pressed") == "false"


def test_each_sentence_has_its_perplexity_and_hidden_states(shown: Shown) -> None:
    page = shown(made_up())
    panel = page.locator(".sentence-panel")
    third = panel.get_by_role("button", name="Sentence 3")
    assert third.get_attribute("aria-label") == (
        "Sentence 3, score \N{MINUS SIGN}0.50, towards human, perplexity 30, "
        "hidden states \N{MINUS SIGN}0.8: It was empty!"
    )
    assert panel.get_by_text("perplexity 30, hidden states +1.2").is_visible()
    assert "above 0 they resemble model-written text" in panel.locator(".caption").inner_text()


@pytest.mark.parametrize("known", [{"hidden_states": None}, {}], ids=["None", "no key"])
def test_sentences_without_hidden_states_do_not_mention_them(
    shown: Shown, known: dict[str, None]
) -> None:
    explanation = made_up()
    for sentence in explanation["sentences"]:
        del sentence["hidden_states"]
        sentence.update(known)
    page = shown(explanation)
    assert "hidden states" not in page.locator(".sentence-panel").inner_text().lower()
    assert page.get_by_role("button", name="perplexity 30: It was empty!").is_visible()


def test_families_open_to_their_features(shown: Shown) -> None:
    page = shown(made_up())
    family = page.get_by_role("button", name="family rank")
    feature = page.get_by_text("mean rank")
    assert not feature.is_visible()
    family.press("Enter")
    assert feature.is_visible()
    assert family.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("button", name="family burstiness").count() == 0
    assert "add up to +0.90" in page.locator(".contributions").inner_text()


def test_the_line_is_read_with_arrow_keys(shown: Shown) -> None:
    page = shown(made_up())
    slider = page.get_by_role("slider", name="Surprisal along the text")
    slider.press("Home")
    first = slider.get_attribute("aria-valuetext") or ""
    assert first.startswith("5.41 nats, above the human range, at: The hives stood")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuenow") == "2"


def test_missing_values_are_explained(shown: Shown) -> None:
    page = shown(bare())
    for words in (
        "Uncertain: no verdict",
        "Fewer than 50 words.",
        "Neither verdict, “human” or “generated”, is possible",
        "Much of this text is quoted.",
        "too short for a chart",
        "There are no tokens to colour.",
        "does not report the contributions",
    ):
        assert page.get_by_text(words).is_visible(), words


def test_a_disguised_essay_shows_its_flags(shown: Shown) -> None:
    disguised = attack(attack(TEXT, "homoglyph"), "zero_width_space")
    letters, invisible = find_flags(disguised)
    page = shown(made_up(flags=[asdict(letters), asdict(invisible)]))
    flags = page.locator(".flags")
    assert flags.get_by_role("heading").inner_text() == "Flags"
    assert flags.get_by_role("listitem").all_inner_texts() == [
        f"{flag.sentence}. At character {places} and {flag.count - 5} more."
        for flag, places in ((letters, "1, 5, 11, 15, 25"), (invisible, "2, 4, 6, 8, 10"))
    ]
    assert "does not change the probability" in flags.inner_text()


def test_a_flag_without_positions_shows_its_sentence(shown: Shown) -> None:
    flag = Flag("hidden_text", 2, (), "2 passages of hidden text")
    page = shown(made_up(flags=[asdict(flag)]))
    assert page.locator(".flags li").inner_text() == "2 passages of hidden text."


@pytest.mark.parametrize("known", [made_up(), {k: v for k, v in made_up().items() if k != "flags"}])
def test_without_flags_they_are_not_mentioned(shown: Shown, known: dict[str, Any]) -> None:
    page = shown(known)
    assert page.locator(".headline").is_visible()
    assert page.locator(".flags").count() == 0


def test_a_mixed_text_has_its_passages_underlined_and_coloured(shown: Shown) -> None:
    second, third = (made_up()["sentences"][index] for index in (1, 2))
    page = shown(
        made_up(
            verdict="mixed",
            probability=0.3,
            passages=[[second["start"], third["end"]]],
            share_generated={"value": 0.4, "low": 0.12, "high": 0.8},
        )
    )
    assert page.locator(".headline").inner_text() == "Mixed: parts read as model-written"
    said = page.locator(".passages").inner_text()
    assert "1 passage of 18 words, of 33 words in all, reads as generated" in said
    assert "A model wrote 12 % to 80 % of the sentences" in said
    assert page.locator(".prose [data-marked]").all_inner_texts() == [
        "We lifted one lid.",
        "It was empty!",
    ]
    assert page.get_by_role("button", name="in a marked passage").count() == 2
    assert page.locator(".sentence-panel .bar.plain").count() == 0


@pytest.mark.parametrize(
    ("verdict", "passages", "coloured"),
    [("generated", [], True), ("human", [], False), ("uncertain", None, False)],
)
def test_sentences_have_no_colour_without_a_verdict_or_a_passage(
    shown: Shown, verdict: str, passages: list[list[int]] | None, coloured: bool
) -> None:
    explanation = made_up(verdict=verdict, probability=0.5)
    if passages is not None:  # explanations of earlier versions lack the key
        explanation["passages"] = passages
    page = shown(explanation)
    bars = page.locator(".sentence-panel .bar")
    assert bars.count() == 4
    assert page.locator(".sentence-panel .bar.plain").count() == (0 if coloured else 4)
    said = page.locator(".sentence-panel .caption").inner_text()
    assert ("no sentence has a colour" in said) is not coloured
    assert page.locator(".passages").count() == 0


def test_modes_without_numbers_are_not_offered(shown: Shown) -> None:
    explanation = made_up()
    explanation["tokens"]["contrast"] = None
    page = shown(explanation)
    assert page.get_by_role("radio").count() == 2
    assert "not known for this detector" in shown(made_up(people=None)).inner_text(
        ".surprisal-chart"
    )


def test_offsets_are_code_points(shown: Shown) -> None:
    # a byte-level tokenizer reads an emoji as several tokens of one character
    text = "\U0001f41d\U0001f41d bees. Ça va?"
    tokens = {
        "start": [0, 0, 1, 2, 7, 8, 11],
        "end": [1, 1, 2, 7, 8, 11, 15],
        "surprisal": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        "rank": [5, 9, 1, 1, 1, 1, 1],
        "entropy": [1.0] * 7,
        "contrast": None,
    }
    sentences = [
        {"start": start, "end": end, "score": 0.1, "perplexity": None, "words": 1}
        for start, end in ((0, 8), (9, 15))
    ]
    page = shown(made_up(text, tokens=tokens, sentences=sentences))
    assert page.locator(".prose").inner_text() == text
    pieces = page.locator("[data-piece]").all_inner_texts()
    assert pieces == ["\U0001f41d", "\U0001f41d", "bees", ".", "Ça", "va?"]
    page.locator("[data-piece='0']").hover()
    tooltip = page.locator(".heatmap .tooltip").inner_text()
    assert "(2 tokens)" in tooltip
    assert "3.00 nats" in tooltip
    assert "9" in tooltip


def test_right_to_left_text_runs_right_to_left(shown: Shown) -> None:
    page = shown(made_up("النحل بخير. شكرا على السؤال."))
    prose = page.locator(".prose")
    assert prose.evaluate("text => getComputedStyle(text).direction") == "rtl"
    prose.press("ArrowLeft")
    assert page.locator("[data-shown]").get_attribute("data-piece") == "1"


def test_hostile_text_stays_text(shown: Shown) -> None:
    text = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)> & done."
    page = shown(made_up(text, reasons=[text]))
    assert page.locator(".prose").inner_text() == text
    assert page.locator("img").count() == 0
    assert page.title() == "essay-1: generated, probability 0.970"


@pytest.mark.parametrize("width", [360, 1280])
def test_twenty_thousand_tokens_do_not_freeze_it(shown: Shown, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    explanation = made_up("Every bee in the hive does work that no bee has told it to. " * 1400)
    assert len(explanation["tokens"]["start"]) > 20_000
    start = time.monotonic()
    shown(explanation)
    page.get_by_role("radio", name="Rank").check()
    page.locator("[data-piece='100']").hover()
    assert page.locator(".heatmap .tooltip").is_visible()
    assert time.monotonic() - start < 15  # half a second to draw on an idle machine
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_paper_gets_a4_colours_and_no_controls(shown: Shown) -> None:
    page = shown(made_up())
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.get_by_role("radio").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = page.pdf(prefer_css_page_size=True)
    assert b"/MediaBox [0 0 594.95" in printed or b"/MediaBox [0 0 595" in printed


def test_the_cover_says_what_the_report_was_made_with(shown: Shown) -> None:
    explanation = made_up()
    cover = shown(explanation).get_by_role("region", name="Report on essay-1")
    provenance = explanation["provenance"]
    for value in (
        "2026-11-26 09:30:00 UTC",
        f"perplexity-detector {provenance['package_version']}",
        provenance["detector_sha256"],
        provenance["language_model"],
        provenance["precision"],
        explanation["text_sha256"],
    ):
        assert cover.get_by_text(value, exact=True).is_visible()
    assert "about 1% of texts by people" in cover.inner_text()
    assert "not proof" in cover.inner_text()


def test_a_cover_without_names(shown: Shown) -> None:
    explanation = bare()
    explanation["provenance"] |= {"detector": None, "language_model": None, "precision": None}
    cover = shown(explanation).get_by_role("region", name="Report on one text")
    assert "without a name" in cover.inner_text()
    assert "Precision" not in cover.inner_text()
