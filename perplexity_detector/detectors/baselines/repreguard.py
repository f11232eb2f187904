"""RepreGuard: hidden states, projected on the directions in which pairs of texts differ most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.classifier.persistence import ARRAYS_FILE
from perplexity_detector.detectors.baselines.baseline import Baseline
from perplexity_detector.errors import InputError
from perplexity_detector.features.document import Document
from perplexity_detector.features.representation import STATE_DEPTHS
from perplexity_detector.sampling.splits import Split

if TYPE_CHECKING:
    from typing import Self

#: Pairs on one prompt from which directions are learned; with fewer, texts of one source are
#: paired. The paper's smallest training set has as many.
MIN_PAIRS = 16


class RepreGuard(Baseline):
    """Mean projection of hidden states on one direction a layer (Chen et al., TACL 2025).

    A human and a generated text on one prompt are a pair. The direction of a layer is the first
    principal component of the pairs' differences of hidden states, turned so that the generated
    text is further along it in most pairs. The score is the mean projection over tokens and layers;
    the mean over tokens is the projection of the mean state.

    It differs from the authors' code in this: states are read after the blocks of `STATE_DEPTHS`,
    not after every block; a text's state in a pair is the mean over all its tokens, not over the
    last tenth; differences count in both orders, so that their mean is 0, not in a random one;
    and thresholds belong to false-positive rates.

    Attributes:
        fitted_: `directions` of length 1, shape (layers, width); `centre`, the mean projection of
            training texts, and `human_medians`, shape (layers,) each.
    """

    name: ClassVar[str] = "repreguard"
    artefact_files: ClassVar[tuple[str, ...]] = (ARRAYS_FILE,)
    families = ("representation",)  # for its hidden states alone

    def fit_documents(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
        calibration_mask: Sequence[bool] | np.ndarray | None = None,
    ) -> Self:
        """As every detector; `groups`, the prompts, make the pairs.

        Raises:
            InputError: no text has two tokens; or as every detector.
        """
        if not any(document.states.tokens.size for document in documents):
            raise InputError("No text has two tokens or more: there is nothing to learn from.")
        self._prompts = groups
        return super().fit_documents(documents, y, groups, sources, calibration_mask)

    def _fit_out_of_fold(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        splits: list[Split],
    ) -> np.ndarray:
        if self._prompts is not None:
            known = pd.Series(list(self._prompts), dtype=object).replace("", None)
            prompts = pd.factorize(known)[0]  # -1 where it is not known
            if len(pairs_within(prompts, labels)) >= MIN_PAIRS:
                return super()._fit_out_of_fold(documents, labels, prompts, splits)
        return super()._fit_out_of_fold(documents, labels, sources, splits)

    def compute_features(self, documents: Sequence[Document]) -> np.ndarray:
        """Mean states, float32 of shape (n, layers, width); 0 for texts under two tokens."""
        means = [one.states.mean() if one.states.tokens.size else None for one in documents]
        shapes = [mean.shape for mean in means if mean is not None]
        missing = np.zeros(shapes[0] if shapes else self.fitted_["directions"].shape, np.float32)
        stacked = [missing if mean is None else mean for mean in means]
        return np.stack(stacked) if stacked else missing[None][:0]

    def fit_features(
        self, features: np.ndarray, labels: np.ndarray, sources: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Directions, and where training texts lie along them.

        Args:
            features: as `compute_features` returns them.
            labels: 0 or 1, shape (n,).
            sources: what the texts of a pair share, integers of shape (n,); any texts are paired
                if nothing is shared.
        """
        pairs = pairs_within(sources, labels)
        if not len(pairs):
            pairs = pairs_within(np.zeros_like(sources), labels)
        differences = features[pairs[:, 1]] - features[pairs[:, 0]]
        directions = np.stack([_direction(of_layer) for of_layer in differences.swapaxes(0, 1)])
        projected = _project(features, directions)
        return {
            "directions": directions,
            "centre": projected.mean(axis=0),
            "human_medians": np.median(projected[labels == 0], axis=0),
        }

    def score_features(self, features: np.ndarray, fitted: dict[str, np.ndarray]) -> np.ndarray:
        """Mean projection over tokens and layers, shape (n,)."""
        return np.asarray(_project(features, fitted["directions"]).mean(axis=1))

    def contributions(self, features: np.ndarray) -> Contributions:
        """Each layer's share of the score; each is a family of its own."""
        projected = _project(features, self.fitted_["directions"])
        added = (projected - self.fitted_["centre"]) / projected.shape[1]
        depths = [f"{100 * depth:.0f}" for depth in STATE_DEPTHS]
        names = [f"{self.name}_{depth}" for depth in depths]
        return Contributions(
            added,
            base_values=self.raw_scores(features) - added.sum(axis=1),
            names=names,
            families=names,
            labels=[f"projection of hidden states at {depth} % depth" for depth in depths],
            features=projected,
            human_medians=self.fitted_["human_medians"],
        )


def pairs_within(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Indices of the human and the generated text of each pair, shape (pairs, 2).

    Both are of one group; a text is in one pair at most.

    Args:
        groups: integers of shape (n,); texts of a negative one are in no pair.
        labels: 0 human, 1 generated, shape (n,).
    """
    texts = pd.DataFrame({"group": groups, "label": labels, "index": np.arange(len(labels))})
    texts["place"] = texts.groupby(["group", "label"]).cumcount()
    pairs = texts[groups >= 0].pivot(index=["group", "place"], columns="label", values="index")
    return pairs.reindex(columns=[0, 1]).dropna().to_numpy(np.int64)


def _direction(differences: np.ndarray) -> np.ndarray:
    """First principal component, of length 1, along which most differences are positive."""
    from scipy.linalg import eigh

    differences = differences.astype(np.float64)
    last = differences.shape[1] - 1
    # of differences in both orders, whose mean is 0: the first of their second moments
    direction = eigh(differences.T @ differences, subset_by_index=[last, last])[1][:, 0]
    further = (differences @ direction > 0).mean()
    return np.asarray(direction if further >= 0.5 else -direction, np.float32)


def _project(features: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Projections at each layer, float64 of shape (n, layers)."""
    return np.asarray(np.einsum("nlw,lw->nl", features, directions, dtype=np.float64))
