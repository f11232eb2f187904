"""TF-IDF and a linear model: which words and pairs of words a text uses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from perplexity_detector.detectors.baselines.baseline import LEARNED, TextBaseline
from perplexity_detector.detectors.baselines.linear import fit_logistic, log_odds
from perplexity_detector.errors import InputError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Document
from perplexity_detector.io.tensors import to_bytes
from perplexity_detector.text import lower

VOCABULARY = "vocabulary.json"
#: Terms that are told as reasons.
TOLD = 4
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
        strength: inverse of the L2 penalty.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.

    Attributes:
        learned_: `terms`, strings of shape (terms,); their `idf` and `coefficients`; `intercept`.
    """

    name: ClassVar[str] = "tfidf"
    kept: ClassVar[tuple[str, ...]] = (LEARNED, VOCABULARY)

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        analyzer: str = "word",
        min_df: int = 3,
        max_features: int = 50_000,
        strength: float = 10.0,
        fpr: float = 0.01,
        random_state: int = 0,
    ) -> None:
        super().__init__(extractor, fpr, random_state)
        self.analyzer = analyzer
        self.min_df = min_df
        self.max_features = max_features
        self.strength = strength

    def view(self, documents: Sequence[Document]) -> list[str]:
        """The texts in lower case."""
        return [lower(document.text) for document in documents]

    def learn(
        self, view: list[str], labels: np.ndarray, sources: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Terms, their idf and coefficients.

        Raises:
            InputError: the texts have no terms.
        """
        least = min(self.min_df, 1 + len(view) // 50)
        vectorizer = self._vectorizer(min_df=least, max_features=self.max_features)
        try:
            table = vectorizer.fit_transform(view)
        except ValueError as error:  # nothing is left of the vocabulary
            raise InputError("The texts share no words to learn from; give more texts.") from error
        linear = fit_logistic(table, labels, sources, self.strength)
        return {**linear, "terms": vectorizer.get_feature_names_out(), "idf": vectorizer.idf_}

    def score(self, view: list[str], learned: dict[str, np.ndarray]) -> np.ndarray:
        """Log-odds, shape (n,)."""
        return log_odds(self._table(view, learned), learned)

    def reasons(self, view: list[str], probabilities: np.ndarray) -> list[str]:
        """The terms that spoke most for the side each text came out on."""
        spoke = self._table(view, self.learned_).multiply(self.learned_["coefficients"]).tocsr()
        terms = self.learned_["terms"]
        told = []
        for row, probability in enumerate(probabilities):
            values, columns = spoke[[row]].data, spoke[[row]].indices
            side = values if probability >= 0.5 else -values
            best = [place for place in np.argsort(-side, kind="stable")[:TOLD] if side[place] > 0]
            told.append(", ".join(f'"{terms[columns[place]]}"' for place in best))
        return told

    def files(self) -> dict[str, bytes]:
        """Terms as json, the rest as arrays."""
        numbers = {name: array for name, array in self.learned_.items() if name != "terms"}
        terms = json.dumps(self.learned_["terms"].tolist(), ensure_ascii=False, indent=0)
        return {LEARNED: to_bytes({self.name: numbers}), VOCABULARY: terms.encode()}

    def restore(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `files`."""
        super().restore(files)
        self.learned_["terms"] = np.array(json.loads(files[VOCABULARY]), object)

    def _table(self, view: list[str], learned: Mapping[str, np.ndarray]) -> Any:
        vectorizer = self._vectorizer(vocabulary=learned["terms"])
        vectorizer.idf_ = learned["idf"]
        return vectorizer.transform([*view, ""])[:-1]  # scikit-learn refuses a table of no rows

    def _vectorizer(self, **settings: Any) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        if self.analyzer not in _RANGES:
            raise InputError(f"The analyzer is {' or '.join(_RANGES)}, not {self.analyzer!r}.")
        return TfidfVectorizer(
            lowercase=False,
            analyzer=self.analyzer,
            token_pattern=r"[^\W_]+(?:['\-][^\W_]+)*" if self.analyzer == "word" else None,
            ngram_range=_RANGES[self.analyzer],
            sublinear_tf=True,
            **settings,
        )
