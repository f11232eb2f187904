"""Thresholds that are set by the people whose texts are most like a text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perplexity_detector.classifier.calibration import MIN_FALSE_POSITIVES_PER_BIN
from perplexity_detector.classifier.text_space import TextSpace
from perplexity_detector.features.document import Document

#: People who set a text's threshold, at least; more at low rates, so that
#: `MIN_FALSE_POSITIVES_PER_BIN` of them are expected above it.
NEIGHBOURS = 1500
#: With fewer people in all there is little to choose from.
MIN_PEOPLE = 2 * NEIGHBOURS
#: Share of people who lie farther from their neighbours than is allowed.
FAR_RATE = 0.001
#: Texts whose distances are computed together.
CHUNK = 256


@dataclass(frozen=True)
class NearestPeople:
    """Human calibration texts, and where they lie among kinds of text.

    The threshold of a text is the conformal quantile over the people nearest to it (localised
    conformal prediction, Guan 2023), so that a kind of text whose people score high has a high
    threshold. The rate holds nearly, not exactly, since the text chooses the people.

    Attributes:
        space: in which texts lie.
        positions: of the people, shape (n, dimensions).
        probabilities: of the people's texts, out of fold, shape (n,).
        radius: a text whose `NEIGHBOURS`-th neighbour is farther away has no people like it;
            squared.
    """

    space: TextSpace
    positions: np.ndarray
    probabilities: np.ndarray
    radius: float

    @classmethod
    def fit(
        cls,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        probabilities: np.ndarray,
    ) -> NearestPeople | None:
        """Fit on calibration texts; None if there are too few people or no hidden states.

        Args:
            documents: n of them.
            labels: 0 or 1, shape (n,).
            sources: integers, shape (n,).
            probabilities: out of fold, shape (n,).
        """
        read = np.array([bool(one.states.tokens.size) for one in documents], bool)
        documents = [one for one, has_states in zip(documents, read, strict=True) if has_states]
        labels, sources, probabilities = labels[read], sources[read], probabilities[read]
        human = labels == 0
        if np.count_nonzero(human) < MIN_PEOPLE or not documents[0].states.means.size:
            return None
        space = TextSpace.fit(documents, labels, sources)
        positions = space.positions(documents)[human]
        # a person's nearest neighbour is the person
        radii = [np.partition(part, NEIGHBOURS, axis=1)[:, NEIGHBOURS]
                 for part in _distances(positions, positions)]  # fmt: skip
        radius = float(np.quantile(np.concatenate(radii), 1 - FAR_RATE))
        return cls(space, positions, probabilities[human].astype(np.float64), radius)

    def thresholds(self, documents: Sequence[Document], fpr: float) -> np.ndarray:
        """The probability from which each document counts as generated, shape (n,).

        Infinity where there are no people like it, or too few for the rate.
        """
        wanted = max(NEIGHBOURS, math.ceil(MIN_FALSE_POSITIVES_PER_BIN / fpr))
        count = min(wanted, len(self.positions))
        rank = math.ceil((count + 1) * (1 - fpr))
        found = np.full(len(documents), math.inf)
        index = [i for i, one in enumerate(documents) if one.states.means.size]
        if rank > count or not index:
            return found
        positions = self.space.positions([documents[i] for i in index])
        parts = []
        for distances in _distances(positions, self.positions):
            nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
            at_rank = np.partition(self.probabilities[nearest], rank - 1, axis=1)[:, rank - 1]
            radii = np.partition(distances, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
            above = np.nextafter(at_rank, math.inf)
            parts.append(np.where(radii > self.radius, math.inf, above))
        found[index] = np.concatenate(parts)
        return found

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was fitted, for a file."""
        return {
            **self.space.to_arrays(),
            "positions": self.positions,
            "probabilities": self.probabilities,
            "radius": np.array([self.radius]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> NearestPeople:
        """The inverse of `to_arrays`."""
        space = TextSpace.from_arrays(arrays)
        n_people = len(arrays["positions"])
        if n_people < NEIGHBOURS or arrays["probabilities"].shape != (n_people,):
            raise ValueError("there are too few people, or not a probability of each")
        width, dimensions = space.directions.shape
        if arrays["positions"].shape[1] != dimensions + 1 or space.centre.shape != (width,):
            raise ValueError("people lie in another space than texts")
        return cls(space, arrays["positions"], arrays["probabilities"], float(arrays["radius"][0]))


def _distances(positions: np.ndarray, people: np.ndarray) -> Iterator[np.ndarray]:
    """Squared distances of `CHUNK` positions at a time to all people."""
    squared = np.square(people).sum(axis=1)
    for part in np.split(positions, range(CHUNK, len(positions), CHUNK)):
        yield np.square(part).sum(axis=1)[:, None] + squared - 2 * part @ people.T
