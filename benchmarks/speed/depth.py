"""Texts a second when only the first blocks of the language model are read.

Run from the root of the checkout, on an idle machine: `python -m benchmarks.speed.depth`.
`benchmarks.quality` measures how well the two shipped depths detect.
"""

from __future__ import annotations

import time
from statistics import median

import fire
import pandas as pd

from benchmarks.machine import machine
from benchmarks.records import RESULTS, SAMPLE, write_json
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import default_families

OUTPUT = RESULTS / "depth.json"
#: Shares of the model's blocks: up to smollm2's 4th, 8th, 12th, 15th, 18th and last.
DEPTHS = (0.13, 0.27, 0.4, 0.5, 0.6, 1.0)


def main(output: str = str(OUTPUT), repeats: int = 3, precision: str = "float32") -> None:
    """Train a detector on the sample at each depth, time its predictions, write json.

    Args:
        output: the json file.
        repeats: times the sample is scored; the median counts.
        precision: of the language model.
    """
    sample = pd.read_csv(SAMPLE)
    texts, labels = sample["text"].tolist(), sample["generated"].tolist()
    speeds = {}
    for depth in DEPTHS:
        # at full depth these are the families of `standard`
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
    write_json(output, record)


if __name__ == "__main__":
    fire.Fire(main)
