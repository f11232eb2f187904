"""ExplainableClassifier: a calibrated classifier that gives the reasons for its verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from perplexity_detector.classifier.assessment import Assessment, stack_features
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.explanation.explanation import Explanation, build_explanation
from perplexity_detector.explanation.wording.reasons import describe_contributions
from perplexity_detector.sampling.checks import check_texts

#: Between the reasons of one text where they stand in one cell.
SEPARATOR = "; "


class ExplainableClassifier(CalibratedClassifier):
    """Base of all detectors: `CalibratedClassifier` with `assess`, `reasons` and `explain`."""

    @property
    def last(self) -> ExplainableClassifier:
        """The detector that decides where no earlier one does: this one, if it is no cascade."""
        return self

    def assess(self, texts: Iterable[str], why: bool = True, whole: bool = False) -> pd.DataFrame:
        """Probability, verdict and reasons of each text.

        Args:
            texts: shape (n,).
            why: whether to give reasons, which takes a little longer.
            whole: read all of long documents even if the detector is not `exhaustive`.

        Returns:
            One row a text: `probability` that it is generated, `verdict` (human, generated,
            uncertain or mixed), `note` (why it is uncertain), `words`, `words_read` (fewer than all
            of a long document), `tokens` (of what was read), `raw_score` (before calibration,
            higher for generated), `passages` (how many are marked), `share_generated`, `share_low`
            and `share_high` (of its sentences, with a 90 % interval; NaN where the text says too
            little, or not all was read), `flags` (a tuple of `Flag`), and `why`, the reasons.
        """
        found = check_texts(texts)
        assessments = self.assess_whole(found) if whole else self.assess_texts(found)
        columns = {
            "probability": pd.Series([one.probability for one in assessments], dtype=float),
            "verdict": pd.Series([one.verdict for one in assessments], dtype=object),
            "note": pd.Series([one.note for one in assessments], dtype=object),
            "words": pd.Series([one.n_words for one in assessments], dtype=int),
            "words_read": pd.Series([one.n_words_read for one in assessments], dtype=int),
            "tokens": pd.Series([one.n_tokens for one in assessments], dtype=int),
            "raw_score": pd.Series([one.raw_score for one in assessments], dtype=float),
            **_passage_columns(assessments),
            "flags": pd.Series([one.flags for one in assessments], dtype=object),
        }
        if why:
            reasons = [SEPARATOR.join(found) for found in self.reasons(assessments)]
            columns["why"] = pd.Series(reasons, dtype=object)
        return pd.DataFrame(columns)

    def reasons(self, assessments: Sequence[Assessment]) -> list[list[str]]:
        """The reasons for each text, in plain words, the strongest first.

        Args:
            assessments: n of them, by this detector.

        Returns:
            One list a text; empty where the detector has no features to name.
        """
        contributions = self.calibrated_contributions(assessments)
        if contributions is None:
            return [[] for _ in assessments]
        return [
            describe_contributions(contributions, text, generated=one.probability >= 0.5)
            for text, one in enumerate(assessments)
        ]

    def explain(self, text: str, id: str | None = None, detector: str | None = None) -> Explanation:
        """The evidence behind the verdict on one text, all of which is read.

        Args:
            text: as it was written.
            id: of the text, repeated in the explanation.
            detector: name of the detector, repeated in the explanation.

        Raises:
            InputError: the text is no string.
        """
        (assessment,) = self.assess_whole(check_texts([text]))
        return self.explain_assessment(text, assessment, id, detector)

    def explain_assessment(
        self, text: str, assessment: Assessment, id: str | None, detector: str | None
    ) -> Explanation:
        """As `explain`, of a text that this detector has assessed."""
        contributions = self.calibrated_contributions([assessment])
        (reasons,) = self.reasons([assessment])
        return build_explanation(self, text, assessment, contributions, reasons, id, detector)

    def calibrated_contributions(self, assessments: Sequence[Assessment]) -> Contributions | None:
        """What each feature added to the calibrated log-odds of each text; None if not known."""
        if not assessments:
            return None
        contributions = self.contributions(stack_features(assessments))
        if contributions is None:
            return None
        return contributions.calibrated(self.calibrator_.slope, self.calibrator_.intercept)


def _passage_columns(assessments: Sequence[Assessment]) -> dict[str, pd.Series]:
    found = [one.passages for one in assessments]
    counts = [0 if one is None else len(one.spans) for one in found]
    shares = [[np.nan] * 3 if one is None else list(vars(one.share).values()) for one in found]
    table = np.array(shares, float).reshape(-1, 3)
    return {
        "passages": pd.Series(counts, dtype=int),
        "share_generated": pd.Series(table[:, 0]),
        "share_low": pd.Series(table[:, 1]),
        "share_high": pd.Series(table[:, 2]),
    }
