"""All GPU measurements in one command of some minutes; json is written only on a GPU.

Run from the root of the checkout: `python -m benchmarks.gpu`. Without a card,
`python -m benchmarks.gpu --device=cpu --quick` runs everything with a small model and writes
nothing.
"""

from __future__ import annotations

import json
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.gpu import measures
from benchmarks.language_models import save_model
from benchmarks.machine import PACKAGES, cores, machine
from benchmarks.records import RESULTS, SAMPLE, write_json
from perplexity_detector.detectors import trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.lm.kernels.cuda import compile_blocks
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.text import sentence_spans

OUTPUT = RESULTS / "gpu.json"
#: Minimum of each figure on an H100 with GPT-2's shape.
TARGETS = {"times_naive": 10.0, "share_of_matrix_rate": 0.45, "busy": 0.9}
#: Largest mean difference of surprisal between half precision and float64, in nats.
MAX_NATS = 0.02
#: Largest differences between a head that sums in float32 and one in float64.
MAX_HEAD_ERRORS = {"surprisal_greatest": 1e-3, "entropy_greatest": 1e-3, "variance_greatest": 2e-2}
#: Seconds after which nothing more is compiled.
COMPILE_UNTIL = 300


class Size:
    """How much is measured: everything on a card, a little where only the script is tested."""

    def __init__(self, quick: bool) -> None:
        self.matrix = 256 if quick else 8192
        self.naive_texts = 2 if quick else 64
        self.texts = 6 if quick else 4096
        self.essays = 8 if quick else 10_000
        self.rounds = 1 if quick else 3
        self.head_rows = 64 if quick else 16_384
        self.rows, self.trees = (200, 3) if quick else (20_000, 300)
        self.gpt2 = {"n_layer": 2, "n_embd": 64, "n_head": 2} if quick else {}
        self.words = (20, 60) if quick else (150, 450)


def main(device: str = "auto", quick: bool = False, output: str = str(OUTPUT)) -> None:
    """Measure and print; on a card, write json after every stage.

    Args:
        device: `auto`, `cpu` or `cuda`.
        quick: a small model and few texts.
        output: the json file.
    """
    chosen, size = resolve_device(device), Size(quick)
    on_card = chosen.type == "cuda"
    started = time.perf_counter()
    record: dict[str, Any] = {"machine": described(chosen), "quick": quick}

    def stage(name: str, work: Callable[[], Any]) -> None:
        """Make one measurement; if it fails, the others are still made."""
        begun = time.perf_counter()
        try:
            record[name] = work()
        except Exception as error:
            traceback.print_exc()
            record[name] = {"error": f"{type(error).__name__}: {error}"}
        spent = time.perf_counter() - begun
        print(f"{name} ({spent:.1f} s): {json.dumps(record[name], default=float)}", flush=True)
        if on_card and not quick:
            record["seconds"] = round(time.perf_counter() - started, 1)
            write_json(output, record)

    essays = essays_of(size.essays, *size.words)
    with tempfile.TemporaryDirectory() as folder:
        gpt2 = gpt2_shape(Path(folder), size)
        models = {"gpt2_shape": gpt2} if quick else {"gpt2_shape": gpt2, "smollm2": "smollm2"}
        dtype = torch.bfloat16 if on_card else torch.float32
        stage("matrix_rate", lambda: measures.matrix_rate(chosen, dtype, size.matrix))
        for name, lm in models.items():
            stage(f"correctness_{name}", partial(correctness, lm, chosen, essays[:8]))
            if on_card:
                stage(f"heads_{name}", partial(heads, lm, chosen, size))
            compiled = on_card and time.perf_counter() - started < COMPILE_UNTIL
            settings = (lm, chosen, essays, size, record["matrix_rate"], compiled)
            stage(f"reading_{name}", partial(reading, *settings))
        extractor = FeatureExtractor(lm=gpt2, device=str(chosen))
        if not quick:
            extractor = TextDetector.from_pretrained("standard", device=str(chosen)).extractor_
        extractor.set_params(processes=1 if quick else max(1, cores() - 2))
        stage("overlap", partial(measures.overlap, extractor, essays))
    devices = ["cpu", "cuda"] if on_card else ["cpu"]
    stage(
        "trees",
        lambda: {one: measures.time_trees(one, size.rows, 200, size.trees) for one in devices},
    )
    stage("targets", lambda: reached(record))
    if not on_card:
        print("There is no CUDA card here: the figures of a GPU are missing, nothing is written.")
    if failed := [n for n, one in record.items() if isinstance(one, dict) and "error" in one]:
        raise SystemExit(f"Not measured: {', '.join(failed)}.")


def described(device: torch.device) -> dict[str, Any]:
    """Machine, card and versions."""
    if device.type != "cuda":
        return {**machine((*PACKAGES, "xgboost")), "card": None}
    card = torch.cuda.get_device_properties(device)
    return {
        **machine((*PACKAGES, "xgboost")),
        "triton": next((f.version for f in metadata.distributions(name="triton")), None),
        "card": card.name,
        "card_gib": round(card.total_memory / 2**30, 1),
        "processors": card.multi_processor_count,
        "cuda": torch.version.cuda,
        "trees_on": trees.device_for(str(device)),
    }


def essays_of(count: int, fewest: int, most: int) -> list[str]:
    """Texts of `fewest` to `most` words, made of the sample's sentences in random order."""
    rng = np.random.default_rng(0)
    texts = pd.read_csv(SAMPLE)["text"].tolist()
    sentences = [text[start:end] for text in texts for start, end in sentence_spans(text)]
    essays = []
    for words in rng.integers(fewest, most, count):
        order = rng.permutation(len(sentences))
        length = np.cumsum([len(sentences[number].split()) for number in order[:most]])
        kept = order[: int(np.searchsorted(length, words)) + 1]
        essays.append(" ".join(sentences[number] for number in kept))
    return essays


def gpt2_shape(folder: Path, size: Size) -> str:
    """Save a random model of GPT-2's shape, 124 million weights, with smollm2's tokenizer."""
    import transformers

    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config.from_dict(dict(size.gpt2)))
    save_model(model, catalogue.load(), folder)
    return str(folder)


def correctness(lm: str, device: torch.device, texts: Sequence[str]) -> dict[str, Any]:
    """Differences from float64: of the whole model, in two precisions, and of the head alone."""
    found: dict[str, Any] = {}
    names = ("float32", "bfloat16") if device.type == "cuda" else ("float32",)
    for name in names:
        scorer = LanguageModelScorer(lm, None, str(device), name)
        found[name] = measures.whole_correctness(lm, scorer, texts)
    # the last scorer: on a card it has the fused head
    found["head_is_fused"] = scorer._fused_head is not None
    found["head"] = measures.head_correctness(scorer, texts[0])
    found["holds"] = (
        (found["head_is_fused"] or device.type != "cuda")
        and found[names[-1]]["surprisal_mean"] <= MAX_NATS
        and all(found["head"][name] <= maximum for name, maximum in MAX_HEAD_ERRORS.items())
        and found["head"]["rank_near"] == 1
    )
    return found


@torch.inference_mode()
def heads(lm: str, device: torch.device, size: Size) -> dict[str, float | str]:
    """FLOP/s of the head with its statistics: by tiling, and in chunks without the kernel."""
    from perplexity_detector.lm.kernels.cuda import CHUNK_ROWS
    from perplexity_detector.lm.kernels.fused_head import TILINGS, Tiling, fused_statistics
    from perplexity_detector.lm.token_statistics import token_statistics

    model = catalogue.load(lm).model.to(device, torch.bfloat16)
    weight = model.get_output_embeddings().weight.detach()
    hidden = torch.randn(size.head_rows, weight.shape[1], device=device).to(weight.dtype)
    targets = torch.randint(0, len(weight), (size.head_rows,), device=device)
    ways: dict[str, Callable[[], object]] = {
        "chunks": lambda: token_statistics(hidden, targets, lambda h: h @ weight.T, CHUNK_ROWS)
    }
    for tiling in (*TILINGS[:2], Tiling(columns=128, stages=4), Tiling(64, 256, warps=4)):
        name = "x".join(map(str, tiling))
        ways[name] = partial(fused_statistics, hidden, targets, weight, tiling)
    flops = 2 * size.head_rows * weight.numel()
    rates: dict[str, float | str] = {}
    for name, way in ways.items():
        try:
            way()
            rates[name] = flops / median(measures.seconds(way, device) for _ in range(7))
        except Exception as error:  # this card lacks the memory for the tiling
            rates[name] = f"{type(error).__name__}: {error}"
    return rates


def reading(
    lm: str, device: torch.device, essays: Sequence[str], size: Size, rate: Any, compiled: bool
) -> dict[str, Any]:
    """Tokens a second of our scorer (compiled too) and of the naive loop, which alternate."""
    scorer = LanguageModelScorer(lm, device=str(device))
    plain: Any = catalogue.load(lm, of_transformers=True).model.to(device, scorer.dtype)
    texts = list(essays[: size.texts])
    ids = [one.ids for one in scorer.tokens(texts)]
    few = ids[: size.naive_texts]
    all_tokens, few_tokens = (sum(map(len, some)) for some in (ids, few))

    def ours() -> float:
        read = measures.seconds(lambda: measures.read_streaming(scorer, texts), device)
        return all_tokens / read

    def naive() -> float:
        read = measures.seconds(
            lambda: measures.read_naively(plain, few, scorer.bos_id, device), device
        )
        return few_tokens / read

    def alternate() -> tuple[float, float]:
        ours(), naive()
        rates = [(ours(), naive()) for _ in range(size.rounds)]
        return median(one for one, _ in rates), median(other for _, other in rates)

    flops = measures.flops_per_token(plain)
    ways = {"eager": alternate()}
    if compiled:
        compile_blocks(scorer.model)
        ways["compiled"] = alternate()
    found = {
        way: {
            "tokens_per_second": mine,
            "naive_tokens_per_second": theirs,
            "times_naive": mine / theirs,
            "flops": mine * flops,
            "share_of_matrix_rate": mine * flops / float(rate),
        }
        for way, (mine, theirs) in ways.items()
    }
    best = max(found, key=lambda way: found[way]["tokens_per_second"])
    return {
        "tokens": all_tokens,
        "flops_per_token": flops,
        **found,
        "best": {"way": best, **found[best]},
    }


def reached(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each target, the measured value, and whether it is reached."""
    best = record["reading_gpt2_shape"]["best"]
    figures = {**best, "busy": record["overlap"]["busy"]}
    found: dict[str, dict[str, Any]] = {
        name: {"target": minimum, "measured": figures[name], "reached": figures[name] >= minimum}
        for name, minimum in TARGETS.items()
    }
    for name in [name for name in record if name.startswith("correctness_")]:
        holds = record[name]["holds"]
        found[name] = {"target": True, "measured": holds, "reached": holds}
    return found
