"""Where the time of reading goes, before and after optimisation, and which variants were tried.

Run from the root of the checkout: `python -m benchmarks.speed.reading_profile`. Except for the
comparison of cores, times are processor time of one thread, which other programs hardly change;
variants alternate, and medians over the rounds count.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

import fire
import pandas as pd
import torch
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from benchmarks.machine import machine
from benchmarks.records import RESULTS, SAMPLE, write_json
from benchmarks.speed import product_rates
from perplexity_detector.lm import cpu_threads
from perplexity_detector.lm.kernels import precision as precision_module
from perplexity_detector.lm.kernels.attention import attend
from perplexity_detector.lm.kernels.device import multiplies_bfloat16
from perplexity_detector.lm.kernels.packed_linear import (
    PackedLinear,
    can_pack,
    replace_linear_layers,
)
from perplexity_detector.lm.llama import causal_attention
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.token_statistics import token_statistics

OUTPUT = RESULTS / "reading_profile.json"
#: Part of the work -> torch's operations it consists of.
PARTS = {
    "matrix products": ("linear", "addmm", "aten::mm", "qlinear"),
    "attention": ("scaled_dot_product", "aten::bmm", "softmax"),
    "exponentials, sums and ranks of logits": ("aten::exp", "aten::gt", "aten::amax", "aten::sum"),
}
OTHER = "other"
#: Texts for the comparison of cores.
CORES_TEXTS = 24
_Work = Callable[[], object]


def main(output: str = str(OUTPUT), texts: int = 2, rounds: int = 3) -> None:
    """Profile, time the variants, print and write json.

    Args:
        output: the json file.
        texts: number of the sample's texts that are profiled.
        rounds: times each variant is measured.
    """
    essays = pd.read_csv(SAMPLE)["text"].tolist()[:CORES_TEXTS]
    record: dict[str, Any] = {"machine": machine(), "rounds": rounds, "profiles": {}}
    record["cores"] = {
        precision: by_cores(LanguageModelScorer(precision=precision), essays, rounds)
        for precision in product_rates.available_precisions()[0]
    }
    print(json.dumps(record["cores"]))
    torch.set_num_threads(1)
    del essays[texts:]
    for name, scorer in profiled_scorers().items():
        record["profiles"][name] = profiled(scorer, essays)
        print(name, json.dumps(record["profiles"][name]))
    record["variants"] = time_variants(rounds)
    for what, costs in record["variants"].items():
        print(what, json.dumps(costs))
    write_json(output, record)


def profiled_scorers() -> dict[str, LanguageModelScorer]:
    """Scorers that differ in precision and in how they multiply."""
    found = {"float32, all products by oneDNN (before)": all_packed()}
    found["float32"] = LanguageModelScorer()
    for precision in product_rates.available_precisions()[0][1:]:
        if precision == "int8":
            found["int8, layer by layer (before)"] = layer_by_layer()
        if multiplies_bfloat16():
            plain = LanguageModelScorer(precision=precision)
            plain.model.set_attention(causal_attention)
            found[f"{precision}, torch's attention (before)"] = plain
        found[precision] = LanguageModelScorer(precision=precision)
    return found


def all_packed() -> LanguageModelScorer:
    """A scorer with every layer packed, whether that is faster or not."""
    scorer = LanguageModelScorer()
    if can_pack(torch.float32):
        replace_linear_layers(scorer.model, PackedLinear)
    return scorer


def layer_by_layer() -> LanguageModelScorer:
    """A scorer in int8 whose layers each quantise their inputs."""
    with patch.object(precision_module, "use_int8_blocks", lambda _: None):
        return LanguageModelScorer(precision="int8")


def by_cores(scorer: LanguageModelScorer, texts: list[str], rounds: int) -> dict[str, float]:
    """Median tokens a second when all cores share each batch, and when each core has its own."""
    tokens = sum(len(one.ids) for one in scorer.tokens(texts))
    taken: dict[str, list[float]] = {"shared": [], "separate": []}
    for round_number in range(rounds + 1):
        for name, seconds in taken.items():
            start = time.perf_counter()
            if name == "separate":
                scorer.score(texts)
            else:
                with patch.object(cpu_threads, "run_in_parallel", cpu_threads.run_in_order):
                    scorer.score(texts)
            if round_number:
                seconds.append(time.perf_counter() - start)
    return {name: tokens / median(seconds) for name, seconds in taken.items()}


def profiled(scorer: LanguageModelScorer, texts: list[str]) -> dict[str, float]:
    """Milliseconds per token of each part of the work."""
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
def time_variants(rounds: int) -> dict[str, dict[str, float]]:
    """Operation -> variant -> milliseconds of processor time per token, in smollm2's shape."""
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

    variants: dict[str, dict[str, tuple[_Work, float]]] = {
        "products in the blocks": {
            "oneDNN, packed": (lambda: packed.hidden_states(ids), 1024),
            "torch's own": (lambda: scorer.hidden_states(ids), 1024),
        },
        "tokens per batch": {str(n): (partial(in_parts, n // 256), 1024) for n in (256, 512, 1024)},
        "head and statistics, rows per chunk": {
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
    return {what: alternate(compared, rounds) for what, compared in variants.items()}


def alternate(variants: dict[str, tuple[_Work, float]], rounds: int) -> dict[str, float]:
    """Median milliseconds per token of variants that alternate; the first round is a warm-up."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for round_number in range(rounds + 1):
        for name, (work, tokens) in variants.items():
            start = time.process_time()
            work()
            if round_number:
                taken[name].append(1e3 * (time.process_time() - start) / tokens)
    return {name: median(costs) for name, costs in taken.items()}


if __name__ == "__main__":
    fire.Fire(main)
