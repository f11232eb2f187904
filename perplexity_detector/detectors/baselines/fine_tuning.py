"""A pretrained network with a classification head, and the loop that fine-tunes both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from perplexity_detector.lm.kernels.device import multiplies_bfloat16

#: Share of the steps over which the learning rate rises.
WARM_UP = 0.06
WEIGHT_DECAY = 0.01
DROPOUT = 0.1
#: Gradients are clipped to this norm.
MAX_NORM = 1.0
#: Batches whose texts are sorted by length together.
BUCKET = 50


class TrainingArgs(NamedTuple):
    """Hyper-parameters of the fine-tuning.

    Attributes:
        epochs: passes over the training texts.
        batch_texts: texts in a batch.
        learning_rate: the peak; it rises for `WARM_UP` of the steps, then falls to 0.
        seed: of batches, dropout and the head's initial weights.
        progress: show a bar on a terminal.
    """

    epochs: int
    batch_texts: int
    learning_rate: float
    seed: int
    progress: bool = False


class PooledClassifier(nn.Module):
    """Mean-pooled last hidden states -> log-odds.

    Args:
        body: a model of transformers without a head.
    """

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body
        body.config.use_cache = False  # keys and values are only for generation
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(body.config.hidden_size, 1)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Log-odds (texts,) of token ids (texts, length); the mask is 0 where there is no token."""
        logits: torch.Tensor = self.head(self.dropout(self.pooled(ids, mask))).squeeze(-1)
        return logits

    def pooled(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Mean last hidden states (texts, width), of the same ids and mask."""
        states: torch.Tensor = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask[:, :, None].to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1)


def fine_tune(
    network: PooledClassifier,
    ids: Sequence[np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    args: TrainingArgs,
) -> None:
    """Train a network in place: AdamW on weighted cross-entropy; embeddings are frozen.

    Afterwards its weights are rounded to half precision, in which they are saved.

    Args:
        network: on the device to train on.
        ids: tokens of each of n texts.
        labels: 0 or 1, shape (n,).
        weights: of the texts, shape (n,).
        args: hyper-parameters.
    """
    device = network.head.weight.device
    # twice as fast, on a CPU too
    half_precision = device.type == "cuda" or multiplies_bfloat16()
    network.body.get_input_embeddings().requires_grad_(False)
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    steps = args.epochs * math.ceil(len(ids) / args.batch_texts)
    optimiser = torch.optim.AdamW(trained, args.learning_rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: lr_factor(step, steps))
    generator = np.random.default_rng(args.seed)
    # dropout inside the body doubles the time of a step on a CPU (6.9 s instead of 3.7 s for 16
    # texts); before the head it costs nothing
    network.eval().dropout.train()
    with tqdm(total=steps, unit=" steps", disable=None if args.progress else True) as bar:
        for _ in range(args.epochs):
            for batch in shuffled_batches([len(one) for one in ids], args.batch_texts, generator):
                with torch.autocast(device.type, torch.bfloat16, enabled=half_precision):
                    logits = network(*padded([ids[text] for text in batch], device))
                losses = functional.binary_cross_entropy_with_logits(
                    logits.float(),
                    torch.tensor(labels[batch], dtype=torch.float32, device=device),
                    torch.tensor(weights[batch], dtype=torch.float32, device=device),
                )
                optimiser.zero_grad()
                losses.backward()
                nn.utils.clip_grad_norm_(trained, MAX_NORM)
                optimiser.step()
                schedule.step()
                bar.update()
    network.eval().requires_grad_(False).half().float()


@torch.inference_mode()
def log_odds(
    network: PooledClassifier, ids: Sequence[np.ndarray], batch_texts: int = 32
) -> np.ndarray:
    """Log-odds of texts, float64 of shape (n,), from the token ids of each."""
    device = network.head.weight.device
    found = np.zeros(len(ids))
    order = np.argsort([-len(one) for one in ids], kind="stable")
    for first in range(0, len(order), batch_texts):
        batch = order[first : first + batch_texts]
        found[batch] = network(*padded([ids[text] for text in batch], device)).double().cpu()
    return found


def lr_factor(step: int, steps: int) -> float:
    """Factor of the learning rate: linear rise over `WARM_UP` of the steps, then linear fall."""
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (steps - step) / max(1, steps - rising))


def shuffled_batches(
    lengths: Sequence[int], batch_texts: int, generator: np.random.Generator
) -> list[np.ndarray]:
    """Batches of texts of similar length, in random order; every text occurs once."""
    order = generator.permutation(len(lengths))
    size = batch_texts * BUCKET
    batches = []
    for first in range(0, len(order), size):
        bucket = sorted(order[first : first + size], key=lambda text: lengths[text])
        batches += [bucket[i : i + batch_texts] for i in range(0, len(bucket), batch_texts)]
    return [np.array(batches[index]) for index in generator.permutation(len(batches))]


def padded(ids: Sequence[np.ndarray], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids, zero-padded on the right, and their mask, both int64 of shape (texts, longest)."""
    width = max(len(one) for one in ids)
    tokens, mask = np.zeros((2, len(ids), width), np.int64)
    for row, one in enumerate(ids):
        tokens[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return torch.from_numpy(tokens).to(device), torch.from_numpy(mask).to(device)
