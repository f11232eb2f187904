import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.protocol import GENRES, RELATED_SOURCES, folds, generator_family, genre_of

DOMAINS = ["essay", "story", "news", "wiki", "review", "abstract", "argument", "mixed(news/story)"]
SOURCES = [
    *RELATED_SOURCES[:2],
    "outfox",
    "detectrl",
    "argugpt",
    "aae_learners",
    "frontier_stories",
]
MODELS = ["gpt-3.5-turbo", "gpt-4o", "text-davinci-003", "gpt2-xl", "opt_2.7b", "unnamed(detectrl)"]


def made_up(texts=1200, seed=0):
    draw = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "source": draw.choice(SOURCES, texts),
            "domain": draw.choice(DOMAINS, texts),
            "generated": draw.integers(0, 2, texts),
            "split": draw.choice(["train", "valid", "test"], texts, p=[0.6, 0.2, 0.2]),
        }
    )
    rows.loc[rows["source"].isin(["argugpt", "frontier_stories"]), "generated"] = 1
    rows.loc[rows["source"] == "aae_learners", "generated"] = 0
    rows.loc[rows["source"].isin(["argugpt", "aae_learners"]), "domain"] = "essay"
    rows.loc[rows["source"] == "frontier_stories", "domain"] = "story"
    models = draw.choice(MODELS, texts)
    rows["generator"] = np.where(rows["generated"] == 1, models, "human")
    rows["calibration_mask"] = (rows["split"] == "test") | (draw.random(texts) < 0.8)
    rows["origin"] = rows["source"]
    continued = rows[rows["split"] == "train"].head(texts // 10)
    continued = continued.assign(
        source="continued", generated=1, generator="smollm2 1/1/0", calibration_mask=False
    )
    return pd.concat([rows, continued], ignore_index=True)


ROWS = made_up()
FOLDS = list(folds(ROWS))


@pytest.mark.parametrize("fold", FOLDS, ids=lambda fold: f"{fold.kind}: {fold.name}")
def test_nothing_tested_was_trained_on(fold):
    assert not (fold.train & fold.test).any()
    assert not (fold.train & (ROWS["split"] == "test")).any()
    assert not (fold.held_out & ~fold.test).any()
    assert ROWS["calibration_mask"][fold.test].all()
    assert not ROWS["calibration_mask"][fold.train].all()
    if fold.held_out.any():
        assert set(ROWS["generated"][fold.test]) == {0, 1}


def test_what_is_held_out_is_held_out_whole():
    by_name = {fold.name: fold for fold in FOLDS}
    related = by_name["Fast-DetectGPT and related"]
    assert not ROWS["origin"][related.train].isin(RELATED_SOURCES).any()
    assert "continued" in set(ROWS["source"][related.train])
    assert "continued" not in by_name
    assert "continued" not in set(ROWS["source"][by_name["open base models"].train])
    assert (
        related.held_out.sum()
        == (ROWS["source"].isin(RELATED_SOURCES) & ROWS["calibration_mask"]).sum()
    )
    assert not (set(RELATED_SOURCES) & set(by_name))  # never one by one
    chat = by_name["ChatGPT"]
    assert "gpt-3.5-turbo" not in set(ROWS["generator"][chat.train])
    assert "human" in set(ROWS["generator"][chat.train])
    assert "unnamed(detectrl)" not in set(ROWS["generator"][chat.train | chat.test])
    stories = by_name["stories"]
    assert "story" not in set(ROWS["domain"][stories.train])
    # which may hold stories too
    assert "mixed(news/story)" not in set(ROWS["domain"][stories.train | stories.test])
    present = by_name["frontier models"]
    assert not ROWS["source"][present.train].str.startswith("frontier").any()


def test_a_single_class_is_completed_from_its_genre():
    fold = next(fold for fold in FOLDS if fold.name == "argugpt")
    human = fold.test & (ROWS["generated"] == 0).to_numpy()
    assert set(ROWS["domain"][human]) == {"essay"}
    assert set(ROWS["split"][human]) == {"test"}
    assert not (fold.held_out & human).any()


def test_every_kind_is_there():
    assert {fold.kind for fold in FOLDS} == {"none", "source", "generator", "genre", "current"}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("gpt-3.5-turbo", "ChatGPT"),
        ("chatgpt-4o-latest-2025-01-29", "GPT-4 and after"),
        ("gpt2-xl", "GPT-3 and before"),
        ("gpt-j-6B", "open base models"),
        ("llama-2-70b-chat", "Llama"),
        ("claude-opus-4-6-adaptive", "Claude"),
        ("DeepSeek-V3-0324", "Qwen, DeepSeek, GLM, Kimi"),
        ("human", ""),
        ("unnamed(detectrl)", ""),
    ],
)
def test_generators_have_makers(name, family):
    assert generator_family(name) == family


def test_no_domain_is_of_two_genres():
    assert all(genre_of(domain) == genre for genre, of in GENRES.items() for domain in of)
    assert genre_of("mixed(news/story)") == ""
