"""One scorer in a process of its own, that `speed` asks for a reading when its turn comes.

Run by `speed` as `python benchmarks/contestants.py NAME MODEL TEXTS.json`. Peers are written as
their users call them; those of the registry need nothing of this project but this file.
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

#: What a scorer says of a text: surprisal of each token, or figures of the whole.
Said = dict[str, list[float]]
Scorer = Callable[[list[str]], list[Said]]
#: As `evaluate` has it.
HUGGING_FACE_BATCH = 16


def ours(model: str, precision: str) -> Scorer:
    """LanguageModelScorer: all four statistics of every token."""
    from perplexity_detector.lm.scorer import LanguageModelScorer

    scorer = LanguageModelScorer(model, precision=precision)

    def score(texts: list[str]) -> list[Said]:
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

    def score(texts: list[str]) -> list[Said]:
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

    def score(texts: list[str]) -> list[Said]:
        said = []
        for text in texts:
            ids = _ids(tokenizer, text)
            with torch.no_grad():
                logits, labels = language_model(ids).logits[:, :-1], ids[:, 1:]
                log_p = torch.log_softmax(logits, dim=-1)
                likelihood = log_p.gather(dim=-1, index=labels.unsqueeze(-1)).squeeze(-1)
                p = torch.softmax(logits, dim=-1)
                mean = (p * log_p).sum(dim=-1)
                variance = (p * torch.square(log_p)).sum(dim=-1) - torch.square(mean)
                discrepancy = (likelihood.sum(-1) - mean.sum(-1)) / variance.sum(-1).sqrt()
            said.append({"curvature": [float(discrepancy)]})
        return said

    return score


def gltr(model: str) -> Scorer:
    """GLTR's probability and rank of each token from sorted logits (Gehrmann 2019)."""
    import torch

    language_model, tokenizer = _transformers(model)

    def score(texts: list[str]) -> list[Said]:
        said = []
        for text in texts:
            ids = _ids(tokenizer, text)
            with torch.no_grad():
                p = torch.softmax(language_model(ids).logits[0, :-1], dim=1)
            order = torch.argsort(p, dim=1, descending=True)
            labels = ids[0, 1:, None]
            ranks = (order == labels).nonzero()[:, 1] + 1
            surprisal = -p.gather(1, labels).squeeze(1).log()
            said.append({"surprisal": surprisal.tolist(), "rank": ranks.tolist()})
        return said

    return score


def minicons(model: str) -> Scorer:
    """`minicons`: surprisal and rank of each token."""
    from minicons.scorer import IncrementalLMScorer

    scorer = IncrementalLMScorer(model, "cpu")

    def score(texts: list[str]) -> list[Said]:
        said = []
        for text in texts:
            tokens = scorer.token_score(
                [text], surprisal=True, base_two=False, rank=True, bos_token=True
            )[0]
            said.append({"surprisal": [float(token[1]) for token in tokens[1:]],
                         "rank": [float(token[2]) for token in tokens[1:]]})  # fmt: skip
        return said

    return score


def surprisal(model: str) -> Scorer:
    """`surprisal`: surprisal of each token."""
    from surprisal import AutoHuggingFaceModel

    scorer = AutoHuggingFaceModel.from_pretrained(model, model_class="causal")

    def score(texts: list[str]) -> list[Said]:
        said = []
        for text in texts:
            (one,) = scorer.surprise([text])
            said.append({"surprisal": [float(value) for value in one.surprisals]})
        return said

    return score


#: Of the registry, in an environment that may be another.
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
    """Most memory that this process has held; `getrusage` counts what its parent had, too."""
    about = Path("/proc/self/status")
    if about.is_file():
        return int(re.findall(r"^VmHWM:\s*(\d+) kB$", about.read_text(), re.M)[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Load, then read the texts once for each line on standard input; a line of json each."""
    name, model, texts = sys.argv[1], sys.argv[2], json.loads(Path(sys.argv[3]).read_text())
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        score = PEERS[name](model) if name in PEERS else ours(model, name)
        score(texts[:1])
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for _ in sys.stdin:
            wall, cpu = time.perf_counter(), time.process_time()
            said = score(texts)
            answer = {
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - cpu,
                "peak_mb": peak_mb(),
                "said": [
                    {key: [v if math.isfinite(v) else None for v in values]
                     for key, values in one.items()}
                    for one in said
                ],
            }  # fmt: skip
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
