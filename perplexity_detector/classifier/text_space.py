"""TextSpace: where texts lie among kinds of text, whoever wrote them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from perplexity_detector.features.document import Document

#: Hidden states are those of this layer, at half the model's depth, or of the last one before it.
LAYER = 3
#: Dimensions of the space, besides the length.
DIMENSIONS = 16
#: Directions along which people and models differ, which must not tell kinds of text apart.
CLASS_DIRECTIONS = 8
#: Fewest texts of each class for a source to give such a direction.
MIN_TEXTS_OF_CLASS = 20


@dataclass(frozen=True)
class TextSpace:
    """Positions of texts by their mean hidden state and their length.

    The states are projected on the principal directions of human texts, after the directions were
    taken out along which generated texts differ from human ones: in all, and source by source.

    Attributes:
        centre: subtracted from a state, shape (width,).
        directions: the projection, shape (width, dimensions).
        log_length: mean, least and greatest ln(tokens) of human texts, and what a difference of 1
            counts. A longer text counts as one of the greatest length.
    """

    centre: np.ndarray
    directions: np.ndarray
    log_length: np.ndarray

    @classmethod
    def fit(
        cls, documents: Sequence[Document], labels: np.ndarray, sources: np.ndarray
    ) -> TextSpace:
        """Fit on documents that have hidden states; arguments as for `fit_documents`."""
        states = mean_states(documents)
        scale = states.std(axis=0) + 1e-6
        z = (states - states.mean(axis=0)) / scale
        of_class = _class_directions(z, labels, sources)
        people = z[labels == 0]
        people = people - people @ of_class.T @ of_class
        centred = people - people.mean(axis=0)
        _, singular_values, principal = np.linalg.svd(centred, full_matrices=False)
        spread = singular_values[:DIMENSIONS] / math.sqrt(len(people)) + 1e-6
        # half-way to equal spread: strong directions count more, but not for all
        directions = principal[:DIMENSIONS].T / np.sqrt(spread) / scale[:, None]
        lengths = _log_tokens(documents)[labels == 0]
        weight = np.sqrt(spread).mean() / (lengths.std() + 1e-6)
        log_length = [lengths.mean(), lengths.min(), lengths.max(), weight]
        arrays = (states[labels == 0].mean(axis=0), directions, log_length)
        return cls(*(np.asarray(array, np.float32) for array in arrays))

    def positions(self, documents: Sequence[Document]) -> np.ndarray:
        """Position of each document, float32 of shape (n, dimensions + 1)."""
        mean, least, greatest, weight = self.log_length
        by_state = (mean_states(documents) - self.centre) @ self.directions
        by_length = (np.clip(_log_tokens(documents), least, greatest) - mean) * weight
        return np.column_stack([by_state, by_length]).astype(np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was fitted, for a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> TextSpace:
        """The inverse of `to_arrays`; other arrays are left out."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def mean_states(documents: Sequence[Document]) -> np.ndarray:
    """Mean hidden state of each document at `LAYER`, shape (n, width)."""
    layer = min(LAYER, len(documents[0].states.means) - 1)
    return np.stack([document.states.mean()[layer] for document in documents])


def _log_tokens(documents: Sequence[Document]) -> np.ndarray:
    return np.log([max(1, document.token_count) for document in documents])


def _class_directions(z: np.ndarray, labels: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Orthonormal directions (k, width) of the differences between generated and human texts."""
    differences = [z[labels == 1].mean(axis=0) - z[labels == 0].mean(axis=0)]
    for source in np.unique(sources):
        cells = [z[(sources == source) & (labels == label)] for label in (0, 1)]
        if min(map(len, cells)) >= MIN_TEXTS_OF_CLASS:
            differences.append(cells[1].mean(axis=0) - cells[0].mean(axis=0))
    _, _, directions = np.linalg.svd(np.array(differences), full_matrices=False)
    return np.asarray(directions[:CLASS_DIRECTIONS])
