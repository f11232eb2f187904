import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import protocol
from benchmarks.quality.protocol import (
    GENRES,
    HALVES,
    SOURCE_GROUPS,
    folds,
    generator_family,
    genre_of,
    source_fold,
    source_folds,
    with_same_training,
)

DOMAINS = ["essay", "story", "news", "wiki", "review", "abstract", "argument", "mixed(news/story)"]
RELATED = SOURCE_GROUPS["Fast-DetectGPT and related"]
SOURCES = [
    *SOURCE_GROUPS["Fast-DetectGPT and related"][:2],
    "faid_academic",
    "spiral_bench",
    "slop_score",
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
    polished = continued.assign(source="polished", generator="gpt-4o", origin="faid_collab")
    rewritten = polished.assign(origin="apt_eval")
    return pd.concat([rows, continued, polished, rewritten], ignore_index=True)


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
    assert not ROWS["origin"][related.train].isin(RELATED).any()
    assert "continued" in set(ROWS["source"][related.train])
    assert "continued" not in by_name
    assert "continued" not in set(ROWS["source"][by_name["open base models"].train])
    assert related.held_out.sum() == (ROWS["source"].isin(RELATED) & ROWS["calibration_mask"]).sum()
    assert not (set(RELATED) & set(by_name))  # never one by one
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


def test_texts_made_from_a_source_are_held_out_with_it():
    by_name = {fold.name: fold for fold in FOLDS}
    academic = by_name["faid_academic"]
    assert "faid_collab" not in set(ROWS["origin"][academic.train])
    assert "faid_collab" in set(ROWS["origin"][by_name["outfox"].train])
    assert "apt_eval" in set(ROWS["origin"][academic.train])
    # no text of these origins could be tested
    assert not {"apt_eval", "faid_collab", "polished"} & set(by_name)
    assert source_fold("mixed_lamp") == source_fold("lamp") == "lamp"


def test_related_sources_are_one_fold():
    present = next(fold for fold in FOLDS if fold.name == "essays and stories of 2025")
    assert present.kind == "source"
    assert set(ROWS["source"][present.held_out]) == {"spiral_bench", "slop_score"}
    sources = [source for of in SOURCE_GROUPS.values() for source in of]
    assert len(sources) == len(set(sources))


def test_source_folds_belong_alternately_to_the_halves():
    of_sources = [fold for fold in FOLDS if fold.kind == "source"]
    names = [fold.name for fold in of_sources]
    assert names == sorted(names, key=str.casefold) == source_folds(ROWS)
    assert [fold.half for fold in of_sources] == [HALVES[i % 2] for i in range(len(names))]
    assert {fold.half for fold in FOLDS if fold.kind != "source"} == {""}


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
        ("gpt-5-mini-2025-08-07", "GPT-4 and after"),
        ("ChatGPT (consumer app, late 2025)", "GPT-4 and after"),
        ("gpt-oss-120b", "GPT-4 and after"),
        ("gpt4turbo", "GPT-4 and after"),
        ("o1-mini", "GPT-4 and after"),
        ("o3", "GPT-4 and after"),
        ("o4-mini-high-long", "GPT-4 and after"),
        ("optimus-alpha", "GPT-4 and after"),
        ("chatgpt/bing-chat", "ChatGPT"),
        ("text_davinci_003", "GPT-3 and before"),
        ("ada", "GPT-3 and before"),
        ("claude3haiku", "Claude"),
        ("claude-sonnet-4-20250514", "Claude"),
        ("gemini-3-pro", "Gemini, Gemma, PaLM"),
        ("Gemma-3-Glitter-12B", "Gemini, Gemma, PaLM"),
        ("bard (palm-2)", "Gemini, Gemma, PaLM"),
        ("vicuna-33b-v1.3", "Llama"),
        ("hermes-3-llama-3.1-405", "Llama"),
        ("deephermes-3-mistral-24b-pre", "Mistral"),
        ("dolphin-mixtral-8x22b", "Mistral"),
        ("ministral-8b", "Mistral"),
        ("wizardlm-2-8x22b", "Mistral"),
        ("longwriter-glm4-9b", "Qwen, DeepSeek, GLM, Kimi"),
        ("kimi-k2.6", "Qwen, DeepSeek, GLM, Kimi"),
        ("qwq-32b-preview-q4_k_m", "Qwen, DeepSeek, GLM, Kimi"),
        ("grok-4.20-beta-0309-reasoning", "other chat models"),
        ("minimax-m2.7", "other chat models"),
        ("phi-4-reasoning-plus", "other chat models"),
        ("Yi-34B-Chat", "other chat models"),
        ("olmo-2-0325-32b", "other chat models"),
        ("phi2", "open base models"),
        ("flan_t5_xxl", "open base models"),
        ("smollm2 1/1/0", "open base models"),
        ("human", ""),
        ("Together-MoA", ""),
        ("unnamed(detectrl)", ""),
    ],
)
def test_generators_have_makers(name, family):
    assert generator_family(name) == family


def test_no_domain_is_of_two_genres():
    assert all(genre_of(domain) == genre for genre, of in GENRES.items() for domain in of)
    assert genre_of("mixed(news/story)") == ""
    assert genre_of("news/story/review/abstract") == genre_of("m4_mixed") == ""
    assert genre_of("paper") == genre_of("abstract")


def test_one_training_serves_several_source_folds_of_a_half(monkeypatch):
    monkeypatch.setattr(protocol, "SOURCE_TRAININGS", 4)
    found = list(folds(ROWS))
    trainings = with_same_training(found)
    assert sorted(number for numbers in trainings for number in numbers) == list(range(len(found)))
    together = [[found[i] for i in numbers] for numbers in trainings]
    of_sources = [part for part in together if part[0].kind == "source"]
    assert len(of_sources) == 4
    for part in of_sources:
        assert len({fold.half for fold in part}) == 1
        for fold in part:
            assert not any((fold.train & other.held_out).any() for other in part)
