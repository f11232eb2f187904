"""The task of `features`: the features of each text of a chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families, default_families
from perplexity_detector.pipelines.predict import chunk_rows
from perplexity_detector.text import preprocess


class FeaturesTask:
    """Features of each text; those of a row with a problem are missing.

    Args:
        extractor: fitted.
        max_words: cut texts as training does, to whole sentences of at most this many words. What
            training reads of them is then read as well, so that it is in the cache, if there is
            one. If not given, texts are read whole.
    """

    def __init__(self, extractor: FeatureExtractor, max_words: int | None = None) -> None:
        self.extractor = extractor
        self.max_words = max_words
        self.columns: Sequence[str] = ["id", *extractor.get_feature_names_out().tolist()]
        self.chunk_rows = chunk_rows(extractor)

    def fingerprint(self) -> dict[str, object]:
        """What the features depend on, apart from the texts."""
        extractor = self.extractor
        available = available_families(extractor.depth)
        return {
            "set of columns": self.columns,
            "versions of families": [
                available[family.name].version for family in extractor.chosen_families()
            ],
            "language model": extractor.scorer().fingerprint if extractor.reads_tokens() else None,
            "max_words": self.max_words,
            "device": "cuda" if extractor.uses_gpu() else "cpu",
            "precision": extractor.resolved_precision(),
            "use of a cache": extractor.cache is not None,
        }

    def provenance(self) -> dict[str, Any] | None:
        """None: a table of features in one file has none either."""
        return None

    def __call__(self, chunk: pd.DataFrame) -> pd.DataFrame:
        """The columns id, problem and those of the features."""
        names = list(self.columns[1:])
        usable = (chunk["problem"] == "").to_numpy()
        table = np.full((len(chunk), len(names)), np.nan)
        if usable.any():
            table[usable] = self._features(chunk["text"][usable].tolist())
        rows = chunk[["id", "problem"]].reset_index(drop=True)
        return pd.concat([rows, pd.DataFrame(table, columns=names)], axis=1)

    def _features(self, texts: list[str]) -> np.ndarray:
        if self.max_words is None:
            return self.extractor.transform(texts)
        documents = self._reader().read_documents(
            [preprocess(text, self.max_words) for text in texts]
        )
        return self.extractor.transform_documents(documents)

    def _reader(self) -> FeatureExtractor:
        """An extractor that reads what training needs too, if that is to be cached."""
        extractor = self.extractor
        if extractor.cache is None or not extractor.reads_tokens():
            return extractor
        chosen = [family.name for family in extractor.chosen_families()]
        families = [*chosen, *default_families(extractor.depth)]
        return FeatureExtractor(
            **{**extractor.get_params(deep=False), "families": list(dict.fromkeys(families))}
        )
