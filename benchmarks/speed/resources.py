"""Start-up time, loading time, reading speed, memory, and time of a whole prediction.

Run from the root of the checkout: `python -m benchmarks.speed.resources`.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import fire
import pandas as pd

from benchmarks.machine import machine
from benchmarks.records import RESULTS, SAMPLE, write_json

OUTPUT = RESULTS / "resources.json"


def main(output: str = str(OUTPUT), repeats: int = 3) -> None:
    """Measure each figure several times, print the medians, write json.

    Args:
        output: the json file.
        repeats: times each command is run.
    """
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.csv"
        pd.read_csv(SAMPLE).head(1).to_csv(one, index=False)
        predict = [sys.executable, "-m", "perplexity_detector", "predict", "--detector=standard"]
        commands = {
            "import_seconds": [sys.executable, "-c", "import perplexity_detector"],
            "help_seconds": [sys.executable, "-m", "perplexity_detector", "--help"],
            "predict_one_essay_seconds": [*predict, f"--dataset={one}"],
            "predict_sample_seconds": [*predict, f"--dataset={SAMPLE}"],
        }
        figures: dict[str, float] = {
            name: median(seconds(command, folder) for _ in range(repeats))
            for name, command in commands.items()
        }
    # the largest child so far is the prediction of the sample; Linux counts in KiB
    figures["predict_memory_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    figures |= reading(repeats)
    for name, value in figures.items():
        print(f"{name:<28} {value:10.2f}")
    record = {"machine": machine(), "repeats": repeats, "figures": figures}
    write_json(output, record)


def seconds(command: list[str], folder: str) -> float:
    """Wall-clock time of a command run in a folder."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def reading(repeats: int) -> dict[str, float]:
    """Loading time of the language model, and its speed and that of the features on the sample."""
    from perplexity_detector.features.extractor import FeatureExtractor
    from perplexity_detector.lm.weights import catalogue

    loads = []
    for _ in range(repeats):
        start = time.perf_counter()
        catalogue.load()
        loads.append(time.perf_counter() - start)
    extractor = FeatureExtractor()
    texts = pd.read_csv(SAMPLE)["text"].tolist()
    extractor.transform(texts[:4])
    read, tabulated, tokens = [], [], 0
    for _ in range(repeats):
        start = time.perf_counter()
        documents = extractor.read_documents(texts)
        middle = time.perf_counter()
        extractor.transform_documents(documents)
        tabulated.append(time.perf_counter() - middle)
        read.append(middle - start)
        tokens = sum(len(document.statistics) for document in documents)
    return {
        "load_model_seconds": median(loads),
        "sample_texts": len(texts),
        "sample_tokens": tokens,
        "tokens_per_second": tokens / median(read),
        "features_milliseconds_per_text": 1000 * median(tabulated) / len(texts),
    }


if __name__ == "__main__":
    fire.Fire(main)
