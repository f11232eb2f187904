"""Texts by people and a detector -> the detector with thresholds that these people set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perplexity_detector.classifier.base import CalibratedClassifier

#: The problem of a row that is labelled as generated: it may set no threshold.
BY_A_MODEL = "labelled as written by a model"


def mark_generated(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows with `problem` set where a label, if there is one, says that a model wrote the text.

    Args:
        frame: problem and, where labels were read, generated.
    """
    if "generated" not in frame:
        return frame
    by_a_model = (frame["problem"] == "") & (frame["generated"] == 1)
    return frame.assign(problem=frame["problem"].mask(by_a_model, BY_A_MODEL))


def recalibrate(detector: CalibratedClassifier, human_texts: Sequence[str]) -> np.ndarray:
    """Set a detector's thresholds anew, in place; see `CalibratedClassifier.recalibrate`.

    Args:
        detector: trained.
        human_texts: n of them, 100 or more, all written by people.

    Returns:
        Whether each text was flagged at the thresholds before, bool of shape (n,).

    Raises:
        InputError: there are fewer.
    """
    detector.require_calibration_texts(len(human_texts))
    assessed = detector.assess_whole(human_texts)
    detector.recalibrate_scores(
        np.array([one.probability for one in assessed]),
        np.array([one.n_tokens for one in assessed]),
    )
    return np.array([one.is_flagged for one in assessed])
