"""The measurements of `benchmarks.gpu`: rates, correctness, reading, utilisation, trees."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from perplexity_detector.detectors import trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.pipeline import prefetch
from perplexity_detector.lm.kernels.blocks import blocks_of
from perplexity_detector.lm.read_jobs import BatchInFlight, ReadJob
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.token_statistics import token_statistics
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.lm.windows import Window

#: Texts prepared together.
CHUNK_TEXTS = 256
COLUMNS = ("surprisal", "rank", "entropy", "variance")


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall-clock time until the device has finished the work."""
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def wait(device: torch.device) -> None:
    """Wait until the device has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@torch.inference_mode()
def matrix_rate(device: torch.device, dtype: torch.dtype, size: int, rounds: int = 7) -> float:
    """Median FLOP/s of the product of two square matrices."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.float32).to(dtype) for _ in "ab")
    out = torch.empty(size, size, device=device, dtype=dtype)
    repeats = 10

    def multiply() -> None:
        for _ in range(repeats):
            torch.mm(a, b, out=out)

    multiply()
    return 2 * size**3 * repeats / median(seconds(multiply, device) for _ in range(rounds))


# --- correctness ----------------------------------------------------------------------------


@torch.inference_mode()
def in_float64(
    lm: str, texts: Sequence[str], scorer: LanguageModelScorer
) -> list[dict[str, np.ndarray]]:
    """Statistics of each text by plain transformers in float64, on the scorer's device."""
    model = catalogue.load(lm, of_transformers=True).model.to(scorer.device, torch.float64)
    statistics = []
    for one in scorer.tokens(texts):
        targets = torch.from_numpy(one.ids).to(scorer.device)
        inputs = torch.cat([targets.new_tensor([scorer.bos_id]), targets[:-1]])
        log_p = model(inputs[None]).logits[0].log_softmax(dim=1)
        p, ours = log_p.exp(), log_p.gather(1, targets[:, None])
        entropy = -(p * log_p).sum(dim=1)
        figures = (
            -ours[:, 0],
            1 + (log_p > ours).sum(dim=1),
            entropy,
            (p * log_p.square()).sum(dim=1) - entropy.square(),
        )
        values = (figure.cpu().numpy() for figure in figures)
        statistics.append(dict(zip(COLUMNS, values, strict=True)))
    return statistics


def errors(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean and largest difference of each statistic; for ranks, the shares equal and near.

    Random weights leave near ties, which rounding reorders: near is within 1, or 1 %.
    """
    ranks = ours["rank"].astype(np.float64), theirs["rank"].astype(np.float64)
    apart = np.abs(ranks[0] - ranks[1])
    found = {
        "rank_same": float((apart == 0).mean()),
        "rank_near": float((apart <= np.maximum(1, 0.01 * ranks[1])).mean()),
    }
    for name in ("surprisal", "entropy", "variance"):
        off = np.abs(ours[name].astype(np.float64) - theirs[name])
        found |= {f"{name}_mean": float(off.mean()), f"{name}_greatest": float(off.max())}
    return found


def whole_correctness(
    lm: str, scorer: LanguageModelScorer, texts: Sequence[str]
) -> dict[str, float]:
    """Differences between the scorer's statistics and those of float64."""
    theirs = in_float64(lm, texts, scorer)
    ours = scorer.score(texts)
    return errors(
        {name: np.concatenate([getattr(one, name) for one in ours]) for name in COLUMNS},
        {name: np.concatenate([one[name] for one in theirs]) for name in COLUMNS},
    )


@torch.inference_mode()
def head_correctness(scorer: LanguageModelScorer, text: str) -> dict[str, float]:
    """Differences of head and statistics from float64, given the same hidden states."""
    targets = torch.from_numpy(scorer.tokens([text])[0].ids).to(scorer.device)
    inputs = torch.cat([targets.new_tensor([scorer.bos_id]), targets[:-1]])
    hidden = scorer.hidden_states(inputs[None])[0]
    weight = scorer.model.get_input_embeddings().weight.double()  # tied to the head's
    computed = [
        dict(zip(COLUMNS, (one.cpu().numpy() for one in figures), strict=True))
        for figures in (
            scorer.statistics(hidden, targets),
            token_statistics(hidden.double(), targets, lambda rows: rows @ weight.T),
        )
    ]
    return errors(*computed)


# --- reading --------------------------------------------------------------------------------


@torch.inference_mode()
def read_naively(
    model: Any, ids: Sequence[np.ndarray], bos_id: int, device: torch.device
) -> list[tuple[np.ndarray, ...]]:
    """Plain transformers as most scripts use it: a text at a time, all logits in float32."""
    statistics = []
    for one in ids:
        inputs = torch.tensor([[bos_id, *one[:-1].tolist()]], device=device)
        targets = torch.tensor(one, device=device)[:, None]
        logits = model(inputs).logits[0].float()
        log_p = torch.log_softmax(logits, dim=-1)
        p, ours = log_p.exp(), log_p.gather(1, targets)
        entropy = -(p * log_p).sum(dim=-1)
        variance = (p * log_p**2).sum(dim=-1) - entropy**2
        rank = (log_p > ours).sum(dim=-1) + 1
        figures = (-ours[:, 0], rank, entropy, variance)
        statistics.append(tuple(figure.cpu().numpy() for figure in figures))
    return statistics


def read_streaming(scorer: LanguageModelScorer, texts: Sequence[str]) -> int:
    """Read texts chunk after chunk, as the detector does; return their number."""
    chunks = (texts[i : i + CHUNK_TEXTS] for i in range(0, len(texts), CHUNK_TEXTS))
    return sum(map(len, scorer.stream(prefetch(scorer.read_job(chunk) for chunk in chunks))))


def flops_per_token(model: Any) -> int:
    """FLOPs of the products with the weights of blocks and head, without attention."""
    blocks = sum(one.numel() for one in blocks_of(model).parameters() if one.ndim == 2)
    return 2 * (blocks + int(model.get_output_embeddings().weight.numel()))


# --- utilisation ----------------------------------------------------------------------------


@dataclass
class PassTimer:
    """Records when a scorer's passes begin and end on its device.

    Attributes:
        scorer: its batches are timed within `with`.
        marks: begin and end of each pass.
    """

    scorer: LanguageModelScorer
    marks: list[tuple[Any, Any]] = field(default_factory=list)

    def __enter__(self) -> PassTimer:
        read = self.scorer._read_batch

        def timed(windows: list[Window], job: ReadJob) -> BatchInFlight:
            begin = self._mark()
            batch = read(windows, job)
            self.marks.append((begin, self._mark()))
            return batch

        self.scorer._read_batch = timed  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        del self.scorer._read_batch

    def seconds(self) -> float:
        """Time that the passes took on the device."""
        if self.scorer.device.type == "cuda":
            return float(sum(begin.elapsed_time(end) for begin, end in self.marks)) / 1000
        return float(sum(end - begin for begin, end in self.marks))

    def _mark(self) -> Any:
        if self.scorer.device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event


def overlap(extractor: FeatureExtractor, texts: Sequence[str]) -> dict[str, float]:
    """Compute features of texts; estimate how busy the device is in three ways.

    `by_events` adds up the time between begin and end of each batch. `by_itself` is the time that
    the same batches take alone. `by_driver` is what nvidia-smi reports. `busy` is the smallest.
    """
    scorer = extractor.scorer()
    assert isinstance(scorer, LanguageModelScorer)
    needs = extractor.requirements()
    extractor.read_overlapped(texts[: 2 * CHUNK_TEXTS])  # processes start, kernels compile
    chunks = [texts[i : i + CHUNK_TEXTS] for i in range(0, len(texts), CHUNK_TEXTS)]
    jobs = [scorer.read_job(chunk, needs.layers, needs.statistics) for chunk in chunks]
    tokens = sum(len(one.ids) for job in jobs for one in job.tokens)
    alone = seconds(partial(list, scorer.stream(jobs)), scorer.device)
    with PassTimer(scorer) as passes, UtilisationSampler() as driver:
        whole = seconds(partial(extractor.read_overlapped, texts), scorer.device)
    shares = {"by_events": passes.seconds() / whole, "by_itself": min(1.0, alone / whole)}
    if driver.percentages and scorer.device.type == "cuda":
        shares["by_driver"] = mean(driver.percentages) / 100
    return {
        "texts": len(texts), "tokens": tokens, "processes": extractor.processes, "seconds": whole,
        "texts_per_second": len(texts) / whole, "tokens_per_second": tokens / whole,
        **shares, "busy": min(shares.values()),
    }  # fmt: skip


class UtilisationSampler:
    """Asks nvidia-smi, where there is one, for the card's utilisation ten times a second."""

    def __enter__(self) -> UtilisationSampler:
        command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        self.percentages: list[float] = []
        try:
            self._process: Any = subprocess.Popen(
                [*command, "--id=0", "-lms", "100"], stdout=subprocess.PIPE, text=True
            )
        except OSError:
            self._process = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            lines = self._process.communicate()[0].split()
            # the driver averages over the past: the first samples are from before
            self.percentages = [float(line) for line in lines if line.isdigit()][2:]


# --- trees ----------------------------------------------------------------------------------


def time_trees(device: str, rows: int, columns: int, count: int) -> dict[str, float]:
    """Time to train trees on a device, and their AUROC on held-out rows."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(rows, columns))
    labels = (table[:, :10].sum(axis=1) + rng.normal(size=rows) * 3 > 0).astype(int)
    names = [str(column) for column in range(columns)]
    half = slice(rows // 2)
    training = trees.TrainingMatrix(table[half], labels[half], np.ones(rows // 2), names)
    params = TextDetector(FeatureExtractor(device=device)).boosting_params()
    trees.train(training, params, 2)
    start = time.perf_counter()
    booster = trees.train(training, params, count)
    spent = time.perf_counter() - start
    scores = trees.margins(booster, table[rows // 2 :], 0)
    return {"seconds": spent, "auroc": float(roc_auc_score(labels[rows // 2 :], scores))}
