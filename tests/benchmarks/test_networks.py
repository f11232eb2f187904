import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import networks
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.networks import (
    PARTS,
    deal_sources,
    network_metrics,
    network_scores,
    scored_by_network,
)
from benchmarks.quality.protocol import Fold
from perplexity_detector.features.document import Document

THINGS = [
    f"{adjective} {noun}"
    for adjective in ("old", "new", "red", "far", "odd", "raw")
    for noun in ("school", "house", "river", "book", "phone", "garden", "train", "song")
]
PUPILS = [f"i dont like the {thing} becaus it is too big" for thing in THINGS]
MODELS = [f"Furthermore, the {thing} plays a crucial role." for thing in THINGS]


def made_up(sources=4):
    written = PUPILS + MODELS
    places = range(len(written))
    rows = pd.DataFrame(
        {
            "id": [f"text {place}" for place in places],
            "generated": [0] * len(PUPILS) + [1] * len(MODELS),
            "source": [f"source {place % sources}" for place in places],
            "prompt_id": [str(place) for place in places],
            "split": ["train", "train", "train", "valid", "test"] * (len(written) // 5)
            + ["train"] * (len(written) % 5),
            "calibration_mask": True,
        }
    )
    rows["origin"] = rows["source"]
    return Texts.unread(rows, [Document(text) for text in written])


def test_a_network_scores_other_texts_than_it_learns_from():
    texts = made_up()
    held_out = (texts.rows["source"] == "source 3").to_numpy()
    tested = np.flatnonzero(held_out)
    scores, learned = network_scores("encoder", texts, np.flatnonzero(~held_out), tested, 48)
    assert learned == 48
    labels = texts.labels[held_out]
    # two sentences that differ but for a word
    assert scores[labels == 1].min() > scores[labels == 0].max()


def test_sources_are_dealt_by_size_and_related_ones_together():
    sizes = {"lastde": 9, "imbd": 9, "outfox": 12, "raidar": 8, "lamp": 6, "argugpt": 4, "x": 2}
    rows = pd.DataFrame(
        [(source, number % 2) for source, size in sizes.items() for number in range(size)],
        columns=["origin", "generated"],
    )
    parts = deal_sources(rows)
    part_of = rows.assign(part=parts).groupby("origin")["part"].unique().map(list).to_dict()
    assert part_of == {
        "imbd": [0], "lastde": [0], "outfox": [1], "raidar": [2], "lamp": [0], "argugpt": [1],
        "x": [2],
    }  # fmt: skip
    shuffled = rows.sample(frac=1, random_state=1)
    assert (deal_sources(shuffled) == parts[shuffled.index]).all()
    with pytest.raises(ValueError, match="lacks a class"):
        deal_sources(rows.assign(generated=1))


@pytest.fixture
def trainings(monkeypatch):
    """Rows that each made-up network is trained on; its score is the label and some noise."""
    found = []

    def fake(name, texts, train, tested, max_texts):
        found.append(set(train.tolist()))
        noise = np.random.default_rng(len(found)).normal(size=len(tested))
        return 2 * texts.labels[tested] - 1 + 0.1 * noise, len(train)

    monkeypatch.setattr(networks, "network_scores", fake)
    return found


def test_no_network_saw_the_part_that_it_is_tested_on(trainings, tmp_path):
    texts = made_up(sources=6)
    parts = deal_sources(texts.rows)
    trained = [
        scored_by_network("encoder", texts, parts, part, None, tmp_path) for part in range(PARTS)
    ]
    in_test_split = (texts.rows["split"] == "test").to_numpy()
    for part, (seen, one) in enumerate(zip(trainings, trained, strict=True)):
        assert seen == set(np.flatnonzero((parts != part) & ~in_test_split).tolist())
        assert (np.isfinite(one.scores) == ((parts == part) | in_test_split)).all()
    raw = np.stack([one.scores for one in trained])
    held_out = (texts.rows["source"] == "source 3").to_numpy()
    fold = Fold("source", "source 3", ~held_out & ~in_test_split, held_out, held_out)
    found = network_metrics(texts, parts, raw, fold)
    assert found["n_human"] == found["n_generated"] == 8
    assert found["auroc"] == 1
    assert 0 <= found["fpr_5"] <= 1


def test_a_network_is_trained_once(trainings, tmp_path):
    texts = made_up(sources=6)
    parts = deal_sources(texts.rows)
    first = scored_by_network("encoder", texts, parts, 0, None, tmp_path)
    again = scored_by_network("encoder", texts, parts, 0, None, tmp_path)
    assert len(trainings) == 1
    assert np.array_equal(first.scores, again.scores, equal_nan=True)
    assert again.texts == first.texts
    other = Texts.unread(texts.rows.assign(id=texts.rows["id"] + "x"), texts.documents)
    scored_by_network("encoder", other, parts, 0, None, tmp_path)
    scored_by_network("encoder", texts, parts, 0, 10, tmp_path)
    assert len(trainings) == 3
