"""A small network over standardised inputs, with several seeds: fitted by torch, run by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from perplexity_detector.sampling.balance import balancing_weights

if TYPE_CHECKING:
    import torch

#: Networks that differ in their random start; their mean is less noisy than one of them.
SEEDS = 3
HIDDEN_UNITS = 64
#: Share of the inputs that a training step leaves out, and of the hidden units for each row.
INPUT_DROPOUT, HIDDEN_DROPOUT = 0.2, 0.5
#: Labels are drawn this far from 0 and 1, so that log-odds stay within reason.
LABEL_SMOOTHING = 0.05
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.1
BATCH_ROWS = 256
EPOCHS = 6
#: Few texts are gone through more often.
MIN_STEPS = 100
#: Share of the steps in which the learning rate rises, before it falls to 0.
WARM_UP = 0.1


def fit_networks(
    inputs: np.ndarray, labels: np.ndarray, sources: np.ndarray, seed: int = 0
) -> dict[str, np.ndarray]:
    """Fit `SEEDS` networks of one hidden layer that tell generated rows from human ones.

    Each step draws rows so that both classes, and all sources of a class, are equally likely. The
    networks see the same rows and differ in their start and in the hidden units left out. Products
    are in bfloat16, which takes a third of float32's time and changes AUROC by less than .001.

    Args:
        inputs: float32 of shape (n, inputs).
        labels: 0 human, 1 generated, shape (n,).
        sources: integers, shape (n,).
        seed: of all that is random.

    Returns:
        `centre` and `scale` of the inputs, shape (inputs,); `hidden_weight` (inputs, seeds *
        units) in half precision, `hidden_bias` (seeds * units,), `output_weight` (seeds, units)
        and `output_bias` (seeds,).
    """
    import torch
    from torch.nn import functional

    centre, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    rows = torch.from_numpy((inputs - centre) / scale).bfloat16()
    smoothed = LABEL_SMOOTHING + (1 - 2 * LABEL_SMOOTHING) * labels.astype(np.float32)
    targets = torch.from_numpy(smoothed)[:, None].expand(-1, SEEDS)
    weights = torch.from_numpy(balancing_weights(labels, sources))
    n = len(rows)
    batch = min(BATCH_ROWS, n)
    steps = max(MIN_STEPS, EPOCHS * n // batch)
    with torch.random.fork_rng(devices=[]):  # leaves the caller's random numbers as they were
        torch.manual_seed(seed)
        parameters = _initial_parameters(rows.shape[1])
        optimiser = torch.optim.AdamW(parameters, weight_decay=WEIGHT_DECAY, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, LEARNING_RATE, total_steps=steps + 1, pct_start=WARM_UP
        )
        for drawn in torch.multinomial(weights, steps * batch, replacement=True).split(batch):
            visible = functional.dropout(torch.ones(rows.shape[1]), INPUT_DROPOUT).bfloat16()
            logits = _logits(rows[drawn] * visible, parameters)
            losses = functional.binary_cross_entropy_with_logits(
                logits, targets[drawn], reduction="none"
            )
            optimiser.zero_grad()
            losses.mean(dim=0).sum().backward()
            optimiser.step()
            schedule.step()
    hidden_weight, hidden_bias, output_weight, output_bias = (
        parameter.detach().numpy() for parameter in parameters
    )
    return {
        "centre": centre,
        "scale": scale,
        "hidden_weight": hidden_weight.astype(np.float16),
        "hidden_bias": hidden_bias,
        "output_weight": output_weight,
        "output_bias": output_bias,
    }


def in_single_precision(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays for repeated use of `log_odds`: numpy multiplies half precision slowly."""
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def log_odds(inputs: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Log-odds that rows are generated, by each network.

    Args:
        inputs: shape (n, inputs).
        arrays: as `fit_networks` returns them.

    Returns:
        float32 of shape (n, seeds).
    """
    standardised = (inputs - arrays["centre"]) / arrays["scale"]
    weight = arrays["hidden_weight"].astype(np.float32, copy=False)
    hidden = standardised @ weight + arrays["hidden_bias"]
    activation = hidden * ndtr(hidden)  # GELU (Hendrycks and Gimpel 2016)
    output_weight = arrays["output_weight"]
    by_network = activation.reshape(len(inputs), *output_weight.shape)
    return np.asarray(
        np.einsum("nsu,su->ns", by_network, output_weight) + arrays["output_bias"], np.float32
    )


def _initial_parameters(inputs: int) -> list[torch.Tensor]:
    """Weights and biases of both layers, drawn as torch's `Linear` draws them."""
    import torch

    units = SEEDS * HIDDEN_UNITS
    hidden, output = torch.nn.Linear(inputs, units), torch.nn.Linear(HIDDEN_UNITS, SEEDS)
    starts = (hidden.weight.T.contiguous(), hidden.bias, output.weight, output.bias)
    return [start.detach().requires_grad_() for start in starts]


def _logits(rows: torch.Tensor, parameters: list[torch.Tensor]) -> torch.Tensor:
    """Log-odds (rows, seeds) of standardised rows, with some hidden units left out."""
    from torch.nn import functional

    hidden_weight, hidden_bias, output_weight, output_bias = parameters
    hidden = functional.gelu((rows @ hidden_weight.bfloat16()).float() + hidden_bias)
    by_network = functional.dropout(hidden, HIDDEN_DROPOUT).view(len(rows), SEEDS, HIDDEN_UNITS)
    return (by_network * output_weight).sum(dim=2) + output_bias
