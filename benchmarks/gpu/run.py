"""Everything that a GPU must show, in one command of some minutes; json only where there is one.

Run from the root of the checkout: `python -m benchmarks.gpu`. Without a card,
`python -m benchmarks.gpu --device=cpu --quick` runs all of it with a small model, and keeps no
figures.
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
from benchmarks.machine import PACKAGES, cores, machine
from perplexity_detector.detectors import trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.lm.kernels.cuda import compile_blocks
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.text import sentence_spans

RESULTS = Path(__file__).parents[1] / "results" / "gpu.json"
SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "essays.csv"
#: What an H100 must reach with GPT-2's shape: figure, least.
TARGETS = {"times_naive": 10.0, "share_of_matrix_rate": 0.45, "busy": 0.9}
#: What half precision may cost: mean difference of surprisal from float64, in nats.
MOST_NATS = 0.02
#: Greatest differences that a head of float32 sums may have from one in float64.
MOST_OF_HEAD = {"surprisal_greatest": 1e-3, "entropy_greatest": 1e-3, "variance_greatest": 2e-2}
#: After so many seconds nothing more is compiled.
COMPILE_UNTIL = 300


class Size:
    """How much is measured: whole on a card, a little where only the script is tried."""

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


def main(device: str = "auto", quick: bool = False, output: str = str(RESULTS)) -> None:
    """Measure, print, and write json as it goes if a card was there.

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
        """One measurement; if it fails, the others are still made."""
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
            Path(output).write_text(json.dumps(record, indent=2, default=float) + "\n", "utf-8")

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
    stage("trees", lambda: {one: measures.grow(one, size.rows, 200, size.trees) for one in devices})
    stage("targets", lambda: reached(record))
    if not on_card:
        print("There is no CUDA card here: the figures of a GPU are missing, nothing is written.")
    if failed := [n for n, told in record.items() if isinstance(told, dict) and "error" in told]:
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
    """Texts of mixed length, so many words each, of the sample's sentences in any order."""
    rng = np.random.default_rng(0)
    texts = pd.read_csv(SAMPLE)["text"].tolist()
    sentences = [text[start:end] for text in texts for start, end in sentence_spans(text)]
    essays = []
    for words in rng.integers(fewest, most, count):
        order = rng.permutation(len(sentences))
        length = np.cumsum([len(sentences[place].split()) for place in order[:most]])
        kept = order[: int(np.searchsorted(length, words)) + 1]
        essays.append(" ".join(sentences[place] for place in kept))
    return essays


def gpt2_shape(folder: Path, size: Size) -> str:
    """A folder with GPT-2's shape, 124 million weights at random, and smollm2's tokenizer."""
    import transformers

    source = catalogue.builtin_folder()
    if source is None:
        raise SystemExit("The language model smollm2 is missing: run `make pull`.")
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config.from_dict(dict(size.gpt2)))
    with catalogue.no_progress_bar():
        model.save_pretrained(folder)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(source / "tokenizer.json"), bos_token="<|endoftext|>"
    )
    tokenizer.save_pretrained(folder)
    return str(folder)


def correctness(lm: str, device: torch.device, texts: Sequence[str]) -> dict[str, Any]:
    """Differences from float64: of the whole, in two precisions, and of the head by itself."""
    found: dict[str, Any] = {}
    names = ("float32", "bfloat16") if device.type == "cuda" else ("float32",)
    for name in names:
        scorer = LanguageModelScorer(lm, None, str(device), name)
        found[name] = measures.whole_correctness(lm, scorer, texts)
    # the last: on a card, the fused head
    found["head_is_fused"] = scorer._fused_head is not None
    found["head"] = measures.head_correctness(scorer, texts[0])
    found["holds"] = (
        (found["head_is_fused"] or device.type != "cuda")
        and found[names[-1]]["surprisal_mean"] <= MOST_NATS
        and all(found["head"][name] <= most for name, most in MOST_OF_HEAD.items())
        and found["head"]["rank_near"] == 1
    )
    return found


@torch.inference_mode()
def heads(lm: str, device: torch.device, size: Size) -> dict[str, float | str]:
    """FLOP/s of the head with its statistics, by tiling, and in chunks without the kernel."""
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
        except Exception as error:  # a tiling that this card has no memory for
            rates[name] = f"{type(error).__name__}: {error}"
    return rates


def reading(
    lm: str, device: torch.device, essays: Sequence[str], size: Size, rate: Any, compiled: bool
) -> dict[str, Any]:
    """Tokens a second: ours, with blocks compiled too, and the naive loop, by turns."""
    scorer = LanguageModelScorer(lm, device=str(device))
    plain: Any = catalogue.load(lm).model.to(device, scorer.dtype)
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

    def by_turns() -> tuple[float, float]:
        ours(), naive()
        turns = [(ours(), naive()) for _ in range(size.rounds)]
        return median(one for one, _ in turns), median(other for _, other in turns)

    flops = measures.flops_per_token(plain)
    ways = {"eager": by_turns()}
    if compiled:
        compile_blocks(scorer.model)
        ways["compiled"] = by_turns()
    told = {
        way: {
            "tokens_per_second": mine,
            "naive_tokens_per_second": theirs,
            "times_naive": mine / theirs,
            "flops": mine * flops,
            "share_of_matrix_rate": mine * flops / float(rate),
        }
        for way, (mine, theirs) in ways.items()
    }
    best = max(told, key=lambda way: told[way]["tokens_per_second"])
    return {
        "tokens": all_tokens,
        "flops_per_token": flops,
        **told,
        "best": {"way": best, **told[best]},
    }


def reached(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each target with what was measured."""
    best = record["reading_gpt2_shape"]["best"]
    figures = {**best, "busy": record["overlap"]["busy"]}
    told: dict[str, dict[str, Any]] = {
        name: {"target": least, "measured": figures[name], "reached": figures[name] >= least}
        for name, least in TARGETS.items()
    }
    for name in [name for name in record if name.startswith("correctness_")]:
        told[name] = {"target": True, "measured": record[name]["holds"]}
        told[name]["reached"] = told[name]["measured"]
    return told
