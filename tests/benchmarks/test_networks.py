import pandas as pd

from benchmarks.quality.fold_data import Texts
from benchmarks.quality.networks import network_figures
from benchmarks.quality.protocol import Fold
from perplexity_detector.features.document import Document

THINGS = [
    f"{adjective} {noun}"
    for adjective in ("old", "new", "red", "far", "odd", "raw")
    for noun in ("school", "house", "river", "book", "phone", "garden", "train", "song")
]


def test_a_network_is_trained_on_a_fold_and_tested_on_its_held_out_texts():
    pupils = [f"i dont like the {thing} becaus it is too big" for thing in THINGS]
    models = [f"Furthermore, the {thing} plays a crucial role." for thing in THINGS]
    written = pupils + models
    rows = pd.DataFrame(
        {
            "generated": [0] * len(pupils) + [1] * len(models),
            "source": [f"source {place % 4}" for place in range(len(written))],
            "prompt_id": [str(place) for place in range(len(written))],
        }
    )
    texts = Texts.unread(rows, [Document(text) for text in written])
    held_out = (rows["source"] == "source 3").to_numpy()
    fold = Fold("source", "source 3", ~held_out, held_out, held_out)
    found = network_figures("encoder", texts, fold, max_texts=48)
    assert found["n_human"] == found["n_generated"] == 12
    assert found["auroc"] > 0.9  # two sentences that differ but for a word
    assert 0 <= found["fpr_5"] <= 1
