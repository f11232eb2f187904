"""TF-IDF of words and word pairs, and a linear model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from perplexity_detector.classifier.assessment import Assessment, stack_features
from perplexity_detector.classifier.persistence import ARRAYS_FILE
from perplexity_detector.detectors.baselines.baseline import TextBaseline
from perplexity_detector.detectors.baselines.linear import fit_logistic, log_odds
from perplexity_detector.errors import InputError
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.io import tensors
from perplexity_detector.text import WORD, lower

VOCABULARY = "vocabulary.json"
#: Terms that are given as reasons.
MAX_REASON_TERMS = 4
#: n-grams of words, and of characters within words.
_RANGES = {"word": (1, 2), "char_wb": (3, 5)}


class Tfidf(TextBaseline):
    """Logistic regression over weighted terms, tf = 1 + ln count, idf = 1 + ln (1 + n) / (1 + df).

    Rows have length 1 (Salton and Buckley 1988). Words are those of `text.words` in lower case.

    Args:
        extractor: brings texts to canonical form.
        analyzer: `word` for words and pairs of words, `char_wb` for 3 to 5 characters.
        min_df: texts that a term must be in; fewer where there are under 100 texts.
        max_features: terms kept, the most frequent.
        C: inverse of the L2 penalty.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.

    Attributes:
        fitted_: `terms`, strings of shape (terms,); their `idf` and `coefficients`; `intercept`.
    """

    name: ClassVar[str] = "tfidf"
    artefact_files: ClassVar[tuple[str, ...]] = (ARRAYS_FILE, VOCABULARY)

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        analyzer: str = "word",
        min_df: int = 3,
        max_features: int = 50_000,
        C: float = 10.0,
        fpr: float = 0.01,
        random_state: int = 0,
    ) -> None:
        super().__init__(extractor, fpr, random_state)
        self.analyzer = analyzer
        self.min_df = min_df
        self.max_features = max_features
        self.C = C

    def compute_features(self, documents: Sequence[Document]) -> list[str]:
        """The texts in lower case."""
        return [lower(document.text) for document in documents]

    def fit_features(
        self, features: list[str], labels: np.ndarray, sources: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Terms, their idf and coefficients.

        Raises:
            InputError: the texts have no terms.
        """
        min_df = min(self.min_df, 1 + len(features) // 50)
        vectorizer = self._vectorizer(min_df=min_df, max_features=self.max_features)
        try:
            table = vectorizer.fit_transform(features)
        except ValueError as error:  # nothing is left of the vocabulary
            raise InputError("The texts share no words to learn from; give more texts.") from error
        linear = fit_logistic(table, labels, sources, self.C)
        return {**linear, "terms": vectorizer.get_feature_names_out(), "idf": vectorizer.idf_}

    def score_features(self, features: list[str], fitted: dict[str, np.ndarray]) -> np.ndarray:
        """Log-odds, shape (n,)."""
        return log_odds(self._table(features, fitted), fitted)

    def reasons(self, assessments: Sequence[Assessment]) -> list[list[str]]:
        """The terms that contributed most to the side each text came out on."""
        if not assessments:
            return []
        table = self._table(stack_features(assessments), self.fitted_)
        added = table.multiply(self.fitted_["coefficients"]).tocsr()
        terms = self.fitted_["terms"]
        reasons = []
        for row, one in enumerate(assessments):
            values, columns = added[[row]].data, added[[row]].indices
            side = values if one.probability >= 0.5 else -values
            strongest = np.argsort(-side, kind="stable")[:MAX_REASON_TERMS]
            reasons.append([f'"{terms[columns[i]]}"' for i in strongest if side[i] > 0])
        return reasons

    def to_files(self) -> dict[str, bytes]:
        """Terms as json, the rest as arrays."""
        numbers = {name: array for name, array in self.fitted_.items() if name != "terms"}
        terms = json.dumps(self.fitted_["terms"].tolist(), ensure_ascii=False, indent=0)
        return {ARRAYS_FILE: tensors.to_bytes({self.name: numbers}), VOCABULARY: terms.encode()}

    def load_files(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `to_files`."""
        super().load_files(files)
        self.fitted_["terms"] = np.array(json.loads(files[VOCABULARY]), object)

    def _table(self, features: list[str], fitted: Mapping[str, np.ndarray]) -> Any:
        vectorizer = self._vectorizer(vocabulary=fitted["terms"])
        vectorizer.idf_ = fitted["idf"]
        return vectorizer.transform([*features, ""])[:-1]  # scikit-learn refuses a table of no rows

    def _vectorizer(self, **settings: Any) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        if self.analyzer not in _RANGES:
            raise InputError(
                f"The analyzer is {' or '.join(_RANGES)}, not {self.analyzer!r}.", "analyzer"
            )
        return TfidfVectorizer(
            lowercase=False,
            analyzer=self.analyzer,
            token_pattern=WORD.pattern if self.analyzer == "word" else None,
            ngram_range=_RANGES[self.analyzer],
            sublinear_tf=True,
            **settings,
        )
