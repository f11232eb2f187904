import json

import numpy as np
import pandas as pd

from benchmarks.quality.binoculars import REMOVED_BLOCKS, main, save_observer
from benchmarks.quality.notes import binoculars
from benchmarks.quality.protocol import folds
from benchmarks.quality.samples import corpus
from perplexity_detector.lm.scorer import LanguageModelScorer


def test_every_fold_has_figures(tiny_gpt2, tiny_llama, essays, tmp_path):
    sources = ["lastde", "outfox", "raidar"]
    rows = [
        {
            "id": f"{source}{number}{label}",
            "text": essays[(3 * number + label) % len(essays)],
            "generated": label,
            "domain": "essay",
            "generator": "gpt-4" if label else "human",
            "attack": "none",
            "prompt_id": f"{source}{number}",
            "source": source,
            "split": ("train", "valid", "test")[number % 3],
        }
        for source in sources
        for number in range(9)
        for label in (0, 1)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "corpus.csv", index=False)
    wanted = [
        {"kind": fold.kind, "name": fold.name, "detectors": {}}
        for fold in folds(corpus(str(tmp_path / "corpus.csv"), 9, 9, augmentation_rate=0))
        if fold.kind in ("none", "source")
    ]
    output = tmp_path / "quality.json"
    output.write_text(json.dumps({"folds": wanted}))
    main(
        str(tmp_path / "corpus.csv"), str(tiny_gpt2), str(tiny_llama), per_split=2,
        output=str(output),
    )  # fmt: skip
    found = json.loads(output.read_text())
    assert found["binoculars"]["texts"] == 3 * 3 * 2 * 2
    assert [fold["detectors"]["binoculars"]["n_generated"] for fold in found["folds"]] == [
        6,
        6,
        6,
        6,
    ]
    assert "36 of the texts" in binoculars(found)


def test_the_observer_is_a_weaker_model_of_the_same_vocabulary(smollm2_folder, essays, tmp_path):
    save_observer(str(tmp_path))
    weaker, whole = LanguageModelScorer(str(tmp_path)), LanguageModelScorer(str(smollm2_folder))
    assert len(weaker.model.model.layers) == len(whole.model.model.layers) - len(REMOVED_BLOCKS)
    assert weaker.tokenizer.get_vocab() == whole.tokenizer.get_vocab()
    worse, better = (
        np.mean([one.surprisal.mean() for one in scorer.score(essays[:2])])
        for scorer in (weaker, whole)
    )
    assert better < worse < better + 2
