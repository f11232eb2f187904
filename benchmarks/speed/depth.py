"""How many texts a second are scored when the language model is left early, depth by depth.

Run from the root of the checkout, on an idle machine: `python -m benchmarks.depth`. What the two
shipped depths are worth is measured by `benchmarks.quality`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median

import fire
import pandas as pd

from benchmarks.machine import machine
from benchmarks.speed.resources import SAMPLE
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import default_families

RESULTS = Path(__file__).parents[1] / "results" / "depth.json"
#: Shares of the model's blocks: smollm2's 4th, 8th, 12th, 15th, 20th and last.
DEPTHS = (0.13, 0.27, 0.4, 0.5, 0.67, 1.0)


def main(output: str = str(RESULTS), repeats: int = 3, precision: str = "auto") -> None:
    """Train a detector on the sample at every depth, time its predictions, write json.

    Args:
        output: the json file.
        repeats: how often the sample is scored; the median counts.
        precision: in which the language model reads.
    """
    sample = pd.read_csv(SAMPLE)
    texts, labels = sample["text"].tolist(), sample["generated"].tolist()
    speeds = {}
    for depth in DEPTHS:
        # at the last, `standard`: with statistics
        extractor = FeatureExtractor(default_families(depth), depth=depth, precision=precision)
        detector = TextDetector(extractor, n_estimators=200).fit(texts, labels)
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            detector.predict_proba(texts)
            seconds.append(time.perf_counter() - start)
        speeds[f"{depth:g}"] = {
            "blocks": extractor.scorer().layer_at(depth),
            "texts_per_second": len(texts) / median(seconds),
        }
        print(f"depth {depth:g}: {speeds[f'{depth:g}']['texts_per_second']:.1f} texts/s")
    tokens = sum(detector.assess(texts)["tokens"])
    record = {"machine": machine(), "tokens_per_text": tokens / len(texts), "speeds": speeds}
    Path(output).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    fire.Fire(main)
