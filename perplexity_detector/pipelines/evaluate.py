"""A labelled dataset and a trained detector -> scored rows."""

from __future__ import annotations

import pandas as pd

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.errors import DatasetError
from perplexity_detector.text import preprocess


def score_labelled(
    frame: pd.DataFrame,
    detector: CalibratedClassifier,
    max_words: int | None = None,
    split: str | None = None,
) -> pd.DataFrame:
    """Labelled rows with their `probability`, and whether it is `flagged` at the detector's rate.

    Args:
        frame: id, text, generated.
        detector: trained.
        max_words: cut texts, canonical, to whole sentences of at most so many words first.
        split: only rows whose `split` says so.

    Raises:
        DatasetError: no row is of that split.
    """
    if split is not None:
        if "split" not in frame or not (frame["split"] == split).any():
            raise DatasetError(
                f"No row has {split!r} in a column `split`", "split", "leave out {split}"
            )
        frame = frame[frame["split"] == split].reset_index(drop=True)
    texts = frame["text"].tolist()
    if max_words:
        texts = [preprocess(text, max_words) for text in texts]
    assessed = detector.assess_texts(texts)
    return frame.assign(
        probability=[one.probability for one in assessed],
        flagged=[one.is_flagged for one in assessed],
    )
