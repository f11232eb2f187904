"""Start-up time, loading time, reading speed, memory, and time of a whole prediction.

Run from the root of the checkout: `python -m benchmarks.speed.resources`.
"""

from __future__ import annotations

import os
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
#: Detectors that predict: the default, then those that read to the end and half of the way.
DETECTORS = ("auto", "standard", "fast")


def main(output: str = str(OUTPUT), repeats: int = 3) -> None:
    """Measure each figure several times, print the medians, write json.

    Args:
        output: the json file.
        repeats: times each command is run.
    """
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.csv"
        pd.read_csv(SAMPLE).head(1).to_csv(one, index=False)
        program = [sys.executable, "-m", "perplexity_detector"]
        commands = {
            "import": [sys.executable, "-c", "import perplexity_detector"],
            "help": [*program, "--help"],
        }
        for name in DETECTORS:
            predict = [*program, "predict", f"--detector={name}"]
            commands[f"predict_one_essay_{name}"] = [*predict, f"--dataset={one}"]
            commands[f"predict_sample_{name}"] = [*predict, f"--dataset={SAMPLE}"]
        figures: dict[str, float] = {}
        for name, command in commands.items():
            runs = [run(command, folder) for _ in range(repeats)]
            figures[f"{name}_seconds"] = median(seconds for seconds, _ in runs)
            figures[f"{name}_memory_mb"] = max(memory for _, memory in runs)
    figures |= reading(repeats)
    for name, value in figures.items():
        print(f"{name:<40} {value:10.2f}")
    record = {"machine": machine(), "repeats": repeats, "figures": figures}
    write_json(output, record)


def run(command: list[str], folder: str) -> tuple[float, float]:
    """Wall-clock time and peak memory, in MB, of a command run in a folder.

    Raises:
        SystemExit: the command failed.
    """
    start = time.perf_counter()
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, stdout=null, stderr=null)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed.")
    return time.perf_counter() - start, usage.ru_maxrss / 1024  # Linux counts in KiB


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
