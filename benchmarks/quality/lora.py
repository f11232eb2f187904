"""Low-rank adaptation of a network with a head (LoRA, Hu et al. 2022), whole or in part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn.utils import parametrize

from perplexity_detector.detectors.baselines.fine_tuning import PooledClassifier, padded
from perplexity_detector.lm.kernels.blocks import blocks_of

RANK = 16
#: Factor of the low-rank product: twice the rank, divided by the rank.
SCALE = 2.0
#: Inverse strength of the regularisation of the head on frozen states.
HEAD_C = 0.01
_BATCH_TEXTS = 32


class LowRank(nn.Module):
    """Adds a product of two narrow matrices to a weight; it is 0 at first.

    Args:
        outputs: rows of the weight.
        inputs: columns of the weight.

    Attributes:
        share: of the product that is added.
    """

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(RANK, inputs) / inputs**0.5)
        self.up = nn.Parameter(torch.zeros(outputs, RANK))
        self.share = 1.0

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """The weight with the product, shape (outputs, inputs)."""
        return weight + self.share * SCALE * self.up @ self.down


def adapt(network: PooledClassifier, first: int) -> None:
    """Freeze a network but for its head, and let every product after `first` blocks be adapted.

    Args:
        network: changed in place.
        first: number of blocks that stay as they are.
    """
    network.body.requires_grad_(False)
    for block in list(blocks_of(network.body))[first:]:
        for layer in list(block.modules()):
            if isinstance(layer, nn.Linear):
                low_rank = LowRank(layer.out_features, layer.in_features)
                parametrize.register_parametrization(layer, "weight", low_rank)


def set_share(network: PooledClassifier, share: float) -> None:
    """Add this share of the adaptation: 0 for the frozen network, 1 for the adapted one."""
    for module in network.modules():
        if isinstance(module, LowRank):
            module.share = share


def fit_head(
    network: PooledClassifier, ids: Sequence[np.ndarray], labels: np.ndarray, weights: np.ndarray
) -> None:
    """Make the head a logistic regression on the network's pooled states.

    Args:
        network: changed in place.
        ids: tokens of each of n texts.
        labels: 0 or 1, shape (n,).
        weights: of the texts, shape (n,).
    """
    head = network.head
    order = np.argsort([len(one) for one in ids])
    states = np.empty((len(ids), head.in_features), np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(ids), _BATCH_TEXTS):
            batch = order[start : start + _BATCH_TEXTS]
            inputs = padded([ids[i] for i in batch], torch.device("cpu"))
            states[batch] = network.pooled(*inputs).float()
    scaler = StandardScaler().fit(states)
    fitted = LogisticRegression(C=HEAD_C, max_iter=1000)
    fitted.fit(scaler.transform(states), labels, sample_weight=weights)
    weight = fitted.coef_ / scaler.scale_
    offset = fitted.intercept_ - weight @ scaler.mean_
    head.weight.data, head.bias.data = torch.tensor(weight).float(), torch.tensor(offset).float()
