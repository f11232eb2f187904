"""Speed of reading and of predictions, compared with peers and with the machine's limit.

Run from the root of the checkout, on an idle machine: `python -m benchmarks.speed`, with
`--peers_python=PATH` of an environment that has torch, `minicons` and `surprisal`. Every scorer has
its own process, they alternate, and medians over the rounds count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import torch
import transformers

from benchmarks.language_models import save_model
from benchmarks.machine import machine
from benchmarks.records import RESULTS, ROOT, SAMPLE, read_json, write_json
from benchmarks.speed import product_rates
from benchmarks.speed.end_to_end import ESSAYS, end_to_end, hooks, start_up
from benchmarks.speed.peers import PEERS, REGISTRY
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.text import canonicalise, crop

OUTPUT = RESULTS / "speed.json"
_PEERS_SCRIPT = Path(__file__).parent / "peers.py"
#: Words of the short texts.
SHORT_WORDS = 100
MODELS = ("smollm2", "gpt2_shape")


def main(
    output: str = str(OUTPUT),
    dataset: str = str(SAMPLE),
    texts: int = 12,
    essays: int = ESSAYS,
    rounds: int = 3,
    peers_python: str | None = None,
    models: str | tuple[str, ...] = MODELS,
    only: str | None = None,
) -> None:
    """Measure, print, write json.

    Args:
        output: the json file.
        dataset: a csv with a column `text`.
        texts: number of texts read in a round.
        essays: number of essays in whole predictions.
        rounds: times everything is measured.
        peers_python: interpreter with the peers of the registry; without it they are skipped.
        models: smollm2, gpt2_shape (random weights), or both.
        only: end_to_end, hooks or start_up, to measure that part alone, perhaps on another machine;
            the rest of the json stays.
    """
    record: dict[str, Any]
    sample = [canonicalise(text) for text in pd.read_csv(dataset)["text"]]
    precisions, missing = product_rates.available_precisions()
    parts: dict[str, Callable[[], Any]] = {
        "end_to_end": lambda: end_to_end(essays, rounds, precisions),
        "hooks": lambda: hooks(texts, rounds),
        "start_up": lambda: start_up(rounds),
    }
    if only is not None:
        record = read_json(output) | {only: parts[only]()}
        record["machines"] = record.get("machines", {}) | {only: machine()}
        print(json.dumps(record[only], indent=1))
        write_json(output, record)
        return
    record = {
        "machine": machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "rounds": rounds,
        "not_measured": missing,
        "models": {},
    }
    if peers_python is None:
        record["not_measured"] |= dict.fromkeys(REGISTRY, "no --peers_python was given")
    for model in [models] if isinstance(models, str) else models:
        with tempfile.TemporaryDirectory() as folder:
            save(model, folder)
            record["models"][model] = compare(
                folder, mixed(sample, texts), rounds, precisions, peers_python
            )
        _show(model, record["models"][model])
    record |= {part: measure() for part, measure in parts.items()}
    print(json.dumps({part: record[part] for part in parts}, indent=1))
    record["load_at_end"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    write_json(output, record)


def mixed(essays: list[str], count: int) -> list[str]:
    """Texts of mixed length: short ones, whole essays, two essays in one."""
    kinds = [
        lambda i: crop(essays[i], SHORT_WORDS),
        lambda i: essays[i],
        lambda i: f"{essays[i]}\n\n{essays[(i + 1) % len(essays)]}",
    ]
    return [kinds[i % len(kinds)](i % len(essays)) for i in range(count)]


def save(name: str, folder: str) -> None:
    """Save a language model of `MODELS` for every scorer."""
    loaded = catalogue.load(of_transformers=True)
    language_model = loaded.model
    if name == "gpt2_shape":
        torch.manual_seed(0)
        config = transformers.GPT2Config(bos_token_id=loaded.bos_id, eos_token_id=loaded.bos_id)
        language_model = transformers.GPT2LMHeadModel(config)
    save_model(language_model, loaded, folder)


def compare(
    folder: str, texts: list[str], rounds: int, precisions: list[str], peers_python: str | None
) -> dict[str, Any]:
    """Our scorers and the peers over the same texts; they alternate."""
    names = [*precisions, *(name for name in PEERS if peers_python or name not in REGISTRY)]
    shapes = product_rates.shapes_of(
        transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    )
    file = Path(folder) / "texts.json"
    file.write_text(json.dumps(texts))
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    ceilings: dict[str, list[dict[str, Any]]] = {name: [] for name in precisions}
    with ExitStack() as stack:
        workers = {}
        ready = {}
        for name in names:
            python = str(peers_python) if name in REGISTRY else sys.executable
            start = time.perf_counter()
            workers[name] = stack.enter_context(_worker(python, name, folder, file))
            _answer(workers[name], folder, name)
            ready[name] = time.perf_counter() - start
        for _ in range(rounds):
            for precision in precisions:
                ceilings[precision].append(product_rates.measure(shapes, precision))
            for name, worker in workers.items():
                print("read", file=worker.stdin, flush=True)
                answers[name].append(_answer(worker, folder, name))
    outputs = {name: answers[name][-1]["output"] for name in names}
    tokens = sum(len(text["surprisal"]) for text in outputs[precisions[0]])
    figures = {
        name: {
            "tokens_per_second": tokens / median(one["seconds"] for one in answers[name]),
            "texts_per_second": len(texts) / median(one["seconds"] for one in answers[name]),
            "cores_busy": median(one["cpu_seconds"] / one["seconds"] for one in answers[name]),
            "peak_mb": answers[name][-1]["peak_mb"],
            "ready_seconds": ready[name],
            "agreement": agreement(outputs[precisions[0]], outputs[name]),
        }
        for name in names
    }
    for precision in precisions:
        ceiling = median(one["tokens_per_second"] for one in ceilings[precision])
        figures[precision] |= {
            "ceiling_tokens_per_second": ceiling,
            "of_ceiling": figures[precision]["tokens_per_second"] / ceiling,
            "gflops": ceilings[precision][-1]["gflops"],
        }
    peers = [figures[name]["tokens_per_second"] for name in names if name in PEERS]
    for one in figures.values():
        one["times_fastest_peer"] = one["tokens_per_second"] / max(peers)
    return {"texts": len(texts), "tokens": tokens, "scorers": figures}


def agreement(
    ours: list[dict[str, list[float]]], theirs: list[dict[str, list[float]]]
) -> dict[str, float]:
    """Differences between a scorer's values and ours in float32, by statistic."""
    found: dict[str, float] = {}
    for statistic in theirs[0]:
        pairs = [
            (one[statistic], other[statistic]) for one, other in zip(ours, theirs, strict=True)
        ]
        if any(len(one) != len(other) for one, other in pairs):
            found[f"{statistic}_texts_of_other_length"] = sum(len(a) != len(b) for a, b in pairs)
            continue
        here, there = (np.concatenate(side).astype(float) for side in zip(*pairs, strict=True))
        if statistic == "rank":
            found["rank_differs"] = float((here != there).mean())
            continue
        found[f"{statistic}_mean_difference"] = float(np.nanmean(np.abs(here - there)))
        found[f"{statistic}_largest_difference"] = float(np.nanmax(np.abs(here - there)))
    return found


@contextmanager
def _worker(python: str, name: str, folder: str, texts: Path) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    with (
        _log_file(folder, name).open("w") as log,
        subprocess.Popen(
            [python, str(_PEERS_SCRIPT), name, folder, str(texts)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env=environment,
        ) as worker,
    ):  # fmt: skip
        try:
            yield worker
        finally:
            worker.kill()


def _log_file(folder: str, name: str) -> Path:
    return Path(folder) / f"{name}.log"


def _answer(worker: subprocess.Popen[str], folder: str, name: str) -> Any:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        raise RuntimeError(f"{name} failed: {_log_file(folder, name).read_text()[-2000:]}")
    return json.loads(line)


def _show(model: str, figures: dict[str, Any]) -> None:
    print(f"{model}: {figures['texts']} texts, {figures['tokens']} tokens")
    for name, one in figures["scorers"].items():
        share = f"{one['of_ceiling']:.0%} of ceiling" if "of_ceiling" in one else ""
        print(
            f"  {name:<16} {one['tokens_per_second']:8.0f} tokens/s "
            f"{one['times_fastest_peer']:6.2f} x {one['peak_mb']:6.0f} MB "
            f"{one['ready_seconds']:5.1f} s to ready  {share}"
        )
