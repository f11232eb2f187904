"""One scorer in its own process, which scores texts whenever `benchmarks.speed` asks.

It is run as `python benchmarks/speed/peers.py NAME MODEL TEXTS.json`. Peers are called as their
users call them; those of the registry need only this file of the project.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Values of a text by statistic: of each token, or one of the whole text.
Values = dict[str, list[float]]
Scorer = Callable[[list[str]], list[Values]]
TextScorer = Callable[[str], Values]
#: Default of `evaluate`.
HUGGING_FACE_BATCH = 16


def ours(model: str, precision: str) -> Scorer:
    """LanguageModelScorer: all four statistics of every token."""
    from perplexity_detector.lm.scorer import LanguageModelScorer

    scorer = LanguageModelScorer(model, precision=precision)

    def score(texts: list[str]) -> list[Values]:
        return [
            {
                "surprisal": one.surprisal.tolist(),
                "rank": one.rank.tolist(),
                "curvature": [
                    float((one.entropy - one.surprisal).sum() / one.variance.sum() ** 0.5)
                ],
                "mean": [float(one.surprisal.mean())],
            }
            for one in scorer.score(texts)
        ]

    return score


def hugging_face(model: str) -> Scorer:
    """The loop of Hugging Face's `evaluate`, metric perplexity: padded batches, all logits."""
    import torch
    from torch.nn import CrossEntropyLoss

    language_model, tokenizer = _transformers(model)
    tokenizer.pad_token = tokenizer.eos_token
    loss = CrossEntropyLoss(reduction="none")

    def score(texts: list[str]) -> list[Values]:
        encodings = tokenizer(
            texts, add_special_tokens=False, padding=True, return_tensors="pt",
            return_attention_mask=True,
        )  # fmt: skip
        means: list[float] = []
        for start in range(0, len(texts), HUGGING_FACE_BATCH):
            batch = encodings["input_ids"][start : start + HUGGING_FACE_BATCH]
            mask = encodings["attention_mask"][start : start + HUGGING_FACE_BATCH]
            begin = torch.full((len(batch), 1), tokenizer.bos_token_id)
            batch = torch.cat([begin, batch], dim=1)
            mask = torch.cat([torch.ones_like(begin), mask], dim=1)
            with torch.no_grad():
                logits = language_model(batch, attention_mask=mask).logits
            logits, labels = logits[..., :-1, :].contiguous(), batch[..., 1:].contiguous()
            shifted = mask[..., 1:].contiguous()
            sums = (loss(logits.transpose(1, 2), labels) * shifted).sum(1)
            means += (sums / shifted.sum(1)).tolist()
        return [{"mean": [mean]} for mean in means]

    return score


def fast_detect_gpt(model: str) -> Scorer:
    """Fast-DetectGPT's analytic curvature from full logits, a text at a time (Bao 2024)."""
    import torch

    language_model, tokenizer = _transformers(model)

    @torch.no_grad()
    def score(text: str) -> Values:
        ids = _ids(tokenizer, text)
        logits, labels = language_model(ids).logits[:, :-1], ids[:, 1:]
        log_p = torch.log_softmax(logits, dim=-1)
        likelihood = log_p.gather(dim=-1, index=labels.unsqueeze(-1)).squeeze(-1)
        p = torch.softmax(logits, dim=-1)
        mean = (p * log_p).sum(dim=-1)
        variance = (p * torch.square(log_p)).sum(dim=-1) - torch.square(mean)
        discrepancy = (likelihood.sum(-1) - mean.sum(-1)) / variance.sum(-1).sqrt()
        return {"curvature": [float(discrepancy)]}

    return _one_by_one(score)


def gltr(model: str) -> Scorer:
    """GLTR's probability and rank of each token from sorted logits (Gehrmann 2019)."""
    import torch

    language_model, tokenizer = _transformers(model)

    @torch.no_grad()
    def score(text: str) -> Values:
        ids = _ids(tokenizer, text)
        p = torch.softmax(language_model(ids).logits[0, :-1], dim=1)
        order = torch.argsort(p, dim=1, descending=True)
        labels = ids[0, 1:, None]
        ranks = (order == labels).nonzero()[:, 1] + 1
        surprisal = -p.gather(1, labels).squeeze(1).log()
        return {"surprisal": surprisal.tolist(), "rank": ranks.tolist()}

    return _one_by_one(score)


def minicons(model: str) -> Scorer:
    """`minicons`: surprisal and rank of each token."""
    from minicons.scorer import IncrementalLMScorer

    scorer = IncrementalLMScorer(model, "cpu")

    def score(text: str) -> Values:
        options = {"surprisal": True, "base_two": False, "rank": True, "bos_token": True}
        tokens = scorer.token_score([text], **options)[0][1:]
        return {
            "surprisal": [float(token[1]) for token in tokens],
            "rank": [float(token[2]) for token in tokens],
        }

    return _one_by_one(score)


def surprisal(model: str) -> Scorer:
    """`surprisal`: surprisal of each token."""
    from surprisal import AutoHuggingFaceModel

    scorer = AutoHuggingFaceModel.from_pretrained(model, model_class="causal")

    def score(text: str) -> Values:
        (one,) = scorer.surprise([text])
        return {"surprisal": [float(value) for value in one.surprisals]}

    return _one_by_one(score)


def _one_by_one(score: TextScorer) -> Scorer:
    return lambda texts: [score(text) for text in texts]


#: Peers from the package registry, which may need another environment.
REGISTRY: dict[str, Callable[[str], Scorer]] = {"minicons": minicons, "surprisal": surprisal}
PEERS: dict[str, Callable[[str], Scorer]] = {
    "hugging_face": hugging_face,
    "fast_detect_gpt": fast_detect_gpt,
    "gltr": gltr,
    **REGISTRY,
}


def _transformers(model: str) -> tuple[Any, Any]:
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    language_model = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    return language_model.eval(), tokenizer


def _ids(tokenizer: Any, text: str) -> Any:
    import torch

    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return torch.tensor([[tokenizer.bos_token_id, *ids]])


def peak_mb() -> float:
    """Peak memory of this process; `getrusage` would count its parent's, too."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.findall(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.M)[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Load, then score the texts for each line on standard input; answer with a line of json."""
    name, model, texts = sys.argv[1], sys.argv[2], json.loads(Path(sys.argv[3]).read_text())
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        score = PEERS[name](model) if name in PEERS else ours(model, name)
        score(texts[:1])
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for _ in sys.stdin:
            wall, cpu = time.perf_counter(), time.process_time()
            output = score(texts)
            answer = {
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - cpu,
                "peak_mb": peak_mb(),
                "output": [
                    {key: [v if math.isfinite(v) else None for v in values]
                     for key, values in one.items()}
                    for one in output
                ],
            }  # fmt: skip
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
