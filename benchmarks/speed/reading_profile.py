"""Where the time of reading goes, before and after, and what was tried.

Run from the root of the checkout: `python -m benchmarks.reading_profile`. But for what cores do
together, all in processor time of one thread, which another program that runs beside changes
little; medians of turns.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import fire
import pandas as pd
import torch
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from benchmarks.machine import machine
from benchmarks.speed import product_rates
from benchmarks.speed.resources import SAMPLE
from perplexity_detector.lm.kernels.attention import attend
from perplexity_detector.lm.kernels.device import multiplies_bfloat16
from perplexity_detector.lm.kernels.packed_linear import (
    PackedLinear,
    can_pack,
    replace_linear_layers,
)
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.token_statistics import token_statistics

RESULTS = Path(__file__).parents[1] / "results" / "reading_profile.json"
#: What runs -> which of torch's operations that is.
PARTS = {
    "matrix products": ("linear", "addmm", "aten::mm", "qlinear"),
    "attention": ("scaled_dot_product", "aten::bmm", "softmax"),
    "exponentials, sums and ranks of logits": ("aten::exp", "aten::gt", "aten::amax", "aten::sum"),
}
OTHER = "all else"
#: Texts that all cores read.
CORES_TEXTS = 24
_Work = Callable[[], object]


def main(output: str = str(RESULTS), texts: int = 2, rounds: int = 3) -> None:
    """Profile and try, print and write json.

    Args:
        output: the json file.
        texts: of the sample, that are profiled.
        rounds: turns of what is tried.
    """
    essays = pd.read_csv(SAMPLE)["text"].tolist()[:CORES_TEXTS]
    record: dict[str, Any] = {"machine": machine(), "rounds": rounds, "profiles": {}}
    record["cores"] = {
        precision: by_cores(LanguageModelScorer(precision=precision), essays, rounds)
        for precision in product_rates.precisions_here()[0]
    }
    print(json.dumps(record["cores"]))
    torch.set_num_threads(1)
    del essays[texts:]
    for name, scorer in variants().items():
        record["profiles"][name] = profiled(scorer, essays)
        print(name, json.dumps(record["profiles"][name]))
    record["tried"] = tried(rounds)
    for what, costs in record["tried"].items():
        print(what, json.dumps(costs))
    Path(output).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def variants() -> dict[str, LanguageModelScorer]:
    """Scorers by how they multiply."""
    found = {"float32, all products by oneDNN (before)": all_packed()}
    found["float32"] = LanguageModelScorer()
    for precision in product_rates.precisions_here()[0][1:]:
        if multiplies_bfloat16():
            plain = LanguageModelScorer(precision=precision)
            plain.model.set_attn_implementation("sdpa")
            found[f"{precision}, torch's attention (before)"] = plain
        found[precision] = LanguageModelScorer(precision=precision)
    return found


def all_packed() -> LanguageModelScorer:
    """A scorer with every layer packed, whether that pays or not."""
    scorer = LanguageModelScorer()
    if can_pack(torch.float32):
        replace_linear_layers(scorer.model, PackedLinear)
    return scorer


def by_cores(scorer: LanguageModelScorer, texts: list[str], rounds: int) -> dict[str, float]:
    """Median tokens a second where all cores share each batch and where each has its own."""
    tokens = sum(len(one.ids) for one in scorer.tokens(texts))
    taken: dict[str, list[float]] = {"shared": [], "apart": []}
    for turn in range(rounds + 1):
        for name, seconds in taken.items():
            start = time.perf_counter()
            if name == "apart":
                scorer.score(texts)
            else:
                with patch("perplexity_detector.lm.cpu_threads.side_by_side", _one_by_one):
                    scorer.score(texts)
            if turn:
                seconds.append(time.perf_counter() - start)
    return {name: tokens / median(seconds) for name, seconds in taken.items()}


def _one_by_one(calls: list[Callable[[], _Work]]) -> Iterator[_Work]:
    yield from (call() for call in calls)


def profiled(scorer: LanguageModelScorer, texts: list[str]) -> dict[str, float]:
    """Milliseconds a token of each part."""
    tokens = sum(len(one.ids) for one in scorer.tokens(texts))
    scorer.score(texts[:1])
    with profile(activities=[ProfilerActivity.CPU]) as measured:
        scorer.score(texts)
    parts = dict.fromkeys([*PARTS, OTHER], 0.0)
    for event in measured.key_averages():
        part = next(
            (part for part, names in PARTS.items() if any(name in event.key for name in names)),
            OTHER,
        )
        parts[part] += event.self_cpu_time_total / 1e3 / tokens
    return parts


@torch.inference_mode()
def tried(rounds: int) -> dict[str, dict[str, float]]:
    """What was tried -> each way -> milliseconds of processor time a token, in smollm2's shape."""
    scorer, packed = LanguageModelScorer(), all_packed()
    ids = torch.randint(5, 40000, (4, 256))
    hidden, targets = torch.randn(256, 576), torch.randint(0, 49152, (256,))
    query, key = torch.randn(4, 9, 256, 64), torch.randn(4, 9, 256, 64)
    mask = torch.full((256, 256), -torch.inf).triu(1)
    states, weight = torch.randn(1024, 576), torch.ones(576)
    blocks = 30

    def in_parts(texts: int) -> list[torch.Tensor]:
        return [scorer.hidden_states(part) for part in ids.split(texts)]

    def by_products() -> torch.Tensor:
        return ((query * 0.125) @ key.transpose(2, 3)).add_(mask).softmax(-1) @ key

    def norm() -> torch.Tensor:
        return weight * (states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + 1e-5))

    ways: dict[str, dict[str, tuple[_Work, float]]] = {
        "products in the blocks": {
            "oneDNN, packed": (lambda: packed.hidden_states(ids), 1024),
            "torch's own": (lambda: scorer.hidden_states(ids), 1024),
        },
        "tokens at once": {str(n): (partial(in_parts, n // 256), 1024) for n in (256, 512, 1024)},
        "head and statistics, rows at once": {
            str(n): (partial(token_statistics, hidden, targets, scorer.head, n), 256)
            for n in (16, 32, 64, 128)
        },
        "attention, all blocks": {
            "torch's flash attention": (
                lambda: functional.scaled_dot_product_attention(query, key, key, is_causal=True),
                1024 / blocks,
            ),
            "two products and a softmax": (by_products, 1024 / blocks),
            "in bfloat16, blocks of queries": (
                lambda: attend(query, key, key, 0.125),
                1024 / blocks,
            ),
        },
        "RMSNorm, all": {
            "transformers'": (norm, 1024 / (2 * blocks + 1)),
            "torch's": (
                lambda: functional.rms_norm(states, (576,), weight, 1e-5),
                1024 / (2 * blocks + 1),
            ),
        },
    }
    return {what: turns(compared, rounds) for what, compared in ways.items()}


def turns(ways: dict[str, tuple[_Work, float]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each way by the tokens it works on, in turns after a first one."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, (work, tokens) in ways.items():
            start = time.process_time()
            work()
            if turn:
                taken[name].append(1e3 * (time.process_time() - start) / tokens)
    return {name: median(costs) for name, costs in taken.items()}


if __name__ == "__main__":
    fire.Fire(main)
