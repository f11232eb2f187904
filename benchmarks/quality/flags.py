"""How often people's texts have a flag, source by source, and how often disguised copies do.

Run from the root of the checkout: `python -m benchmarks.quality.flags --corpus=CORPUS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fire
import pandas as pd
from tqdm import tqdm

from benchmarks.machine import machine
from benchmarks.records import RESULTS, write_json
from perplexity_detector.augmentation.attacks import attack
from perplexity_detector.classifier.disguise import find_flags

OUTPUT = RESULTS / "flags.json"
COLUMNS = ("text", "generated", "attack", "source")
#: Attacks that leave traces in characters, spaces or capitals; the others change words.
TRACED = ("homoglyph", "zero_width_space", "whitespace", "case_flips", "upper_lower")
#: Sources with fewer texts by people are counted together.
MIN_TEXTS = 100
OTHERS = "others"
#: Texts by people that no rule was chosen on, in a file next to the corpus.
UNSEEN = "people_check.parquet"


def main(corpus: str, copies: int = 1000, output: str = str(OUTPUT)) -> None:
    """Measure and write json.

    Args:
        corpus: parquet file of labelled texts; people_check.parquet lies next to it.
        copies: texts, by people and models, of which each attack makes a disguised copy.
        output: the json file.
    """
    frame = pd.read_parquet(corpus, columns=list(COLUMNS))
    frame = frame[frame["attack"] == "none"]
    people = frame[frame["generated"] == 0].reset_index(drop=True)
    found = pd.Series([flag_names(text) for text in tqdm(people["text"], disable=None)])
    small = people["source"].map(people["source"].value_counts()) < MIN_TEXTS
    unseen = pd.read_parquet(Path(corpus).with_name(UNSEEN), columns=["text"])["text"]
    groups = found.groupby(people["source"].mask(small, OTHERS))
    chosen = frame["text"].sample(min(copies, len(frame)), random_state=0)
    record = {
        "machine": machine(("pandas",)),
        "people": shares(found),
        "unseen": shares(map(flag_names, unseen)),
        "sources": {source: shares(of_source) for source, of_source in groups},
        "copies": len(chosen),
        "attacks": {
            name: shares([flag_names(attack(text, name)) for text in tqdm(chosen, disable=None)])
            for name in TRACED
        },
    }
    write_json(output, record)


def flag_names(text: str) -> list[str]:
    """Names of the flags of a text."""
    return [flag.name for flag in find_flags(text)]


def shares(found: Iterable[list[str]]) -> dict[str, Any]:
    """Number of texts, how many have any flag, and how many have each."""
    texts = list(found)
    return {
        "texts": len(texts),
        "flagged": sum(map(bool, texts)),
        "flags": dict(Counter(name for names in texts for name in names).most_common()),
    }


if __name__ == "__main__":
    fire.Fire(main)
