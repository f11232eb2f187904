"""A pretrained network with a head of one number, and the plain loop that trains both."""

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
#: Longest gradient that is followed as it is.
MAX_NORM = 1.0
#: Batches among which texts of like length are looked for.
BUCKET = 50


class TrainingArgs(NamedTuple):
    """How long and how fast to train.

    Attributes:
        epochs: how often each text is seen.
        batch_texts: texts a step.
        learning_rate: at its height; it rises for `WARM_UP` of the steps, then falls to 0.
        seed: of batches, dropout and the head's first weights.
        progress: show a bar on a terminal.
    """

    epochs: int
    batch_texts: int
    learning_rate: float
    seed: int
    progress: bool = False


class PooledClassifier(nn.Module):
    """Last hidden states, averaged over a text's tokens -> log-odds.

    Args:
        body: a model of transformers without a head.
    """

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body
        body.config.use_cache = False  # of keys and values, which only generation needs
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(body.config.hidden_size, 1)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Log-odds (texts,) of token ids (texts, length); the mask is 0 where there is no token."""
        states = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask[:, :, None].to(states.dtype)
        pooled = (states * weights).sum(dim=1) / weights.sum(dim=1)
        logits: torch.Tensor = self.head(self.dropout(pooled)).squeeze(-1)
        return logits


def fine_tune(
    network: PooledClassifier,
    ids: Sequence[np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    plan: TrainingArgs,
) -> None:
    """Train a network in place: AdamW on weighted cross-entropy; embeddings stay as they are.

    Afterwards its weights are rounded to half precision, in which they are saved.

    Args:
        network: on the device it is to be trained on.
        ids: tokens of each of n texts.
        labels: 0 or 1, shape (n,).
        weights: of the texts, shape (n,).
        plan: epochs, batches, learning rate, seed.
    """
    device = network.head.weight.device
    # twice as quick, on a processor too
    halved = device.type == "cuda" or multiplies_bfloat16()
    network.body.get_input_embeddings().requires_grad_(False)
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    steps = plan.epochs * math.ceil(len(ids) / plan.batch_texts)
    optimiser = torch.optim.AdamW(learning, plan.learning_rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: lr_factor(step, steps))
    draw = np.random.default_rng(plan.seed)
    # dropout within the body doubles the time of a step on a CPU (6.9 s instead of 3.7 s for 16
    # texts); before the head it costs nothing
    network.eval().dropout.train()
    with tqdm(total=steps, unit=" steps", disable=None if plan.progress else True) as bar:
        for _ in range(plan.epochs):
            for batch in shuffled_batches([len(one) for one in ids], plan.batch_texts, draw):
                with torch.autocast(device.type, torch.bfloat16, enabled=halved):
                    logits = network(*padded([ids[text] for text in batch], device))
                losses = functional.binary_cross_entropy_with_logits(
                    logits.float(),
                    torch.tensor(labels[batch], dtype=torch.float32, device=device),
                    torch.tensor(weights[batch], dtype=torch.float32, device=device),
                )
                optimiser.zero_grad()
                losses.backward()
                nn.utils.clip_grad_norm_(learning, MAX_NORM)
                optimiser.step()
                schedule.step()
                bar.update()
    network.eval().requires_grad_(False).half().float()


@torch.inference_mode()
def log_odds(
    network: PooledClassifier, ids: Sequence[np.ndarray], batch_texts: int = 32
) -> np.ndarray:
    """What a network says of texts, float64 of shape (n,), from the tokens of each."""
    device = network.head.weight.device
    found = np.zeros(len(ids))
    order = np.argsort([-len(one) for one in ids], kind="stable")
    for first in range(0, len(order), batch_texts):
        batch = order[first : first + batch_texts]
        found[batch] = network(*padded([ids[text] for text in batch], device)).double().cpu()
    return found


def lr_factor(step: int, steps: int) -> float:
    """Of the learning rate: a linear rise over `WARM_UP` of the steps, then a linear fall."""
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (steps - step) / max(1, steps - rising))


def shuffled_batches(
    lengths: Sequence[int], batch_texts: int, draw: np.random.Generator
) -> list[np.ndarray]:
    """Every text once, in batches of like length that come in random order."""
    order = draw.permutation(len(lengths))
    size = batch_texts * BUCKET
    batches = []
    for first in range(0, len(order), size):
        bucket = sorted(order[first : first + size], key=lambda text: lengths[text])
        batches += [bucket[i : i + batch_texts] for i in range(0, len(bucket), batch_texts)]
    return [np.array(batches[place]) for place in draw.permutation(len(batches))]


def padded(ids: Sequence[np.ndarray], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids with zeros on the right, and 1 where there is a token, int64 (texts, longest)."""
    width = max(len(one) for one in ids)
    tokens, mask = np.zeros((2, len(ids), width), np.int64)
    for row, one in enumerate(ids):
        tokens[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return torch.from_numpy(tokens).to(device), torch.from_numpy(mask).to(device)
