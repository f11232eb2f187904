"""TextDetector: the detector itself, boosted trees over features; a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from perplexity_detector.classifier import long_documents
from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.base import warn_renamed
from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.classifier.nearest_people import NEIGHBOURS, NearestPeople
from perplexity_detector.classifier.outliers import OutlierDetector
from perplexity_detector.classifier.passages import MAX_RATE, PassageDetector
from perplexity_detector.classifier.persistence import ARRAYS_FILE, NGRAMS_FILE
from perplexity_detector.classifier.verdicts import GENERATED, MAX_FNR, MIXED, says_enough
from perplexity_detector.detectors import trees
from perplexity_detector.explanation import human_surprisal
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.features.cross_fitting import CrossFit
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import default_families
from perplexity_detector.features.sentence_evidence import SentenceEvidence
from perplexity_detector.io import tensors
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.checks import check_training_data
from perplexity_detector.sampling.splits import Split, group_folds, merge_related_sources

if TYPE_CHECKING:
    from typing import Self

    import xgboost

#: Groups of arrays in `ARRAYS_FILE`, in addition to one for each learned family but the n-grams.
_OUTLIERS, _HUMAN = "outliers", human_surprisal.GROUP
_PEOPLE, _PASSAGES = "nearest_people", "passages"
_MEDIANS, _SURPRISAL_RANGE = "medians", human_surprisal.NAME
#: The family of n-grams, which has a file of its own.
_NGRAMS = "contrast"
#: Features that may only raise the probability as they rise.
RISING_FEATURES = ("representation_log_odds",)


class TextDetector(ExplainableClassifier):
    """Tells human texts (class 0) from texts by language models (class 1).

    Gradient-boosted trees over features. Their score never falls as the log-odds rise that
    networks read from the hidden states. The trees are cross-validated on cross-fitted features,
    once and not nested: the trees of a fold have not seen its texts, but the family features of
    some training texts are in-sample. The results show how far the thresholds hold on wholly new
    sources. Everything that is fitted (families, trees, their number,
    calibrator, thresholds) is set on held-out sources, see `CalibratedClassifier`. Deterministic.

    Args:
        extractor: makes the features; one with the default families if not given.
        n_estimators: boosting rounds at most; held-out texts stop it earlier.
        learning_rate: of the boosting.
        max_depth: of a tree.
        min_child_weight: smallest sum of weights in a leaf; at most 1 % of the training texts.
        subsample: share of texts that each tree sees.
        colsample_bytree: share of features that each tree sees.
        num_parallel_tree: trees of a round, averaged.
        reg_lambda: L2 penalty on leaves.
        early_stopping_rounds: rounds without gain after which training stops.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.
        n_jobs: threads; all cores if not given.

    Attributes:
        classes_: array([0, 1]).
        extractor_: the fitted extractor.
        booster_: the trees.
        calibrator_: raw scores to probabilities and thresholds.
        nearest_people_: set the threshold of each text; None if there are too few people, or if
            the thresholds were recalibrated: then a text's length alone chooses it.
        passage_detector_: marks passages that read as generated; None if there are too few people,
            or if the detector reads no hidden states or no n-grams.
        outlier_detector_: finds texts unlike all training texts; None in artefacts of format 2.
        human_medians_: median of each feature over human training texts, shape (features,).
        surprisal_range_: of the same texts, see `human_surprisal.surprisal_range`; None if no
            statistics were read.
        language_model_: fingerprint of the model that read the training texts.
        training_: a summary of the training, plain values.
        metrics_: what was measured, plain values.
        exhaustive: whether all of a long document is read, not just a sample of it; not saved.
    """

    can_sample: ClassVar[bool] = True
    name: ClassVar[str] = "detector"
    artefact_files: ClassVar[tuple[str, ...]] = (trees.BOOSTER_FILE, ARRAYS_FILE)

    booster_: xgboost.Booster
    outlier_detector_: OutlierDetector | None
    nearest_people_: NearestPeople | None = None
    passage_detector_: PassageDetector | None = None
    human_medians_: np.ndarray
    surprisal_range_: np.ndarray | None = None
    _oof_evidence: list[np.ndarray]

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        n_estimators: int = 1000,
        learning_rate: float = 0.05,
        max_depth: int = 4,
        min_child_weight: float = 5.0,
        subsample: float = 0.6,
        colsample_bytree: float = 0.3,
        num_parallel_tree: int = 2,
        reg_lambda: float = 2.0,
        early_stopping_rounds: int = 50,
        fpr: float = 0.01,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.extractor = extractor
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_child_weight = min_child_weight
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.num_parallel_tree = num_parallel_tree
        self.reg_lambda = reg_lambda
        self.early_stopping_rounds = early_stopping_rounds
        self.fpr = fpr
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def typical_(self) -> np.ndarray:
        """Deprecated name of `human_medians_`."""
        warn_renamed("typical_", "human_medians_")
        return self.human_medians_

    # --- training ---------------------------------------------------------------------------

    def fit_documents(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
        calibration_mask: Sequence[bool] | np.ndarray | None = None,
    ) -> Self:
        """As `CalibratedClassifier.fit_documents`; nearest people set the thresholds.

        People's texts also set which passages are marked.
        """
        labels, codes = check_training_data(documents, y, sources)
        super().fit_documents(documents, labels, groups, sources, calibration_mask)
        mask = np.asarray(
            np.ones(len(labels)) if calibration_mask is None else calibration_mask, bool
        )
        self.nearest_people_ = NearestPeople.fit(
            list(compress(documents, mask)),
            labels[mask],
            codes[mask],
            self.oof_probabilities_[mask],
        )
        if self.nearest_people_ is not None:
            self.training_["nearest_people"] = NEIGHBOURS
        self.passage_detector_ = PassageDetector.fit(
            list(compress(self._oof_evidence, mask)), labels[mask], codes[mask]
        )
        del self._oof_evidence
        return self

    def fit_passages(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
    ) -> Self:
        """Set anew which passages are marked, and nothing else.

        The learned families are cross-fitted to these documents for it.

        Args:
            documents: n of them, as the extractor reads them.
            y: 0 for human, 1 for generated, shape (n,).
            groups: the prompt of each text, shape (n,).
            sources: where each text comes from, shape (n,).
        """
        labels, codes = check_training_data(documents, y, sources)
        related = merge_related_sources(codes, groups)
        splits = group_folds(labels, related, groups, self.random_state)
        fits = self.extractor_.cross_fit(documents, labels, codes, splits)
        evidence = out_of_fold_evidence(documents, fits)
        self.passage_detector_ = PassageDetector.fit(evidence, labels, codes)
        self.training_["passages_set_on"] = len(labels)
        return self

    def _fit_out_of_fold(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        splits: list[Split],
    ) -> np.ndarray:
        extractor = self.extractor_
        fits = extractor.cross_fit(documents, labels, sources, splits)
        table = extractor.out_of_fold_table(documents, fits)
        self._oof_evidence = out_of_fold_evidence(documents, fits)
        extractor.fit_documents(documents, labels, sources)
        self.surprisal_range_ = human_surprisal.surprisal_range(
            document.statistics
            for document, label in zip(documents, labels, strict=True)
            if label == 0
        )
        names = extractor.get_feature_names_out().tolist()
        scores = self.fit_table(table, labels, sources, splits, names)
        self.training_["trees"] = self.booster_.num_boosted_rounds() * self.num_parallel_tree
        return scores

    def fit_table(
        self,
        table: np.ndarray,
        labels: np.ndarray,
        sources: np.ndarray,
        splits: list[Split],
        names: list[str],
    ) -> np.ndarray:
        """Fit the trees alone, on features already made.

        Args:
            table: shape (n, features); the columns of learned families cross-fitted by the splits.
            labels: 0 or 1, shape (n,).
            sources: integers, shape (n,).
            splits: as `sampling.splits.group_folds` gives them.
            names: of the features.

        Returns:
            Out-of-fold log-odds of each text, shape (n,).
        """
        weights = balancing_weights(labels, sources)
        params = self.boosting_params(names)
        progress = self.extractor is not None and self.extractor.progress
        training = trees.TrainingMatrix(table, labels, weights, names)
        scores, rounds = trees.out_of_fold_margins(training, splits, params, progress)
        self.booster_ = trees.train(training, params, rounds)
        self.human_medians_ = np.median(table[labels == 0], axis=0)
        self.outlier_detector_ = OutlierDetector.fit(table, splits)
        return scores

    def boosting_params(self, names: Sequence[str] = ()) -> trees.BoostingParams:
        """The parameters of the boosting, which runs where the language model runs.

        Args:
            names: of the features, which say what is monotone.
        """
        device = trees.device_for("auto" if self.extractor is None else self.extractor.device)
        rising = {name: 1 for name in names if name in RISING_FEATURES}
        return trees.BoostingParams(
            {name: getattr(self, name) for name in trees.DEFAULT_PARAMETERS}
            | {"seed": self.random_state, "nthread": self.n_jobs or 0, "device": device}
            | {"monotone_constraints": rising},
            self.min_child_weight,
            self.n_estimators,
            self.early_stopping_rounds,
        )

    # --- prediction -------------------------------------------------------------------------

    def assess_texts(self, texts: Sequence[str]) -> list[Assessment]:
        """As `CalibratedClassifier.assess_texts`.

        Unless the detector is `exhaustive`, a long document is assessed by a sample of its windows
        where that settles its verdict; see `long_documents`.
        """
        if self.exhaustive:
            return self.assess_whole(texts)
        return long_documents.assess(self, texts)

    def assess_documents(
        self,
        texts: Sequence[str],
        documents: Sequence[Document],
        features: np.ndarray,
        fpr: float | None = None,
        fnr: float = MAX_FNR,
    ) -> list[Assessment]:
        """As `CalibratedClassifier.assess_documents`, with marked passages.

        Passages are marked at the false-positive rate, or at `passages.MAX_RATE` if that is less.
        """
        found = super().assess_documents(texts, documents, features, fpr, fnr)
        rate = min(self.fpr if fpr is None else fpr, MAX_RATE)
        return self._with_passages(found, rate)

    def _with_passages(self, assessments: list[Assessment], rate: float) -> list[Assessment]:
        evidence = SentenceEvidence.from_learned(self.extractor_.learned_)
        if self.passage_detector_ is None or evidence is None:
            return assessments
        found = []
        for one in assessments:
            if not says_enough(one.verdict, one.note):
                found.append(one)
                continue
            document = one.document
            passages = self.passage_detector_.find(
                evidence.of(document), document.sentence_spans, rate
            )
            is_mixed = passages.is_part or (passages.spans and one.verdict != GENERATED)
            verdict, note = (MIXED, "") if is_mixed else (one.verdict, one.note)
            found.append(replace(one, passages=passages, verdict=verdict, note=note))
        return found

    def compute_features(self, documents: Sequence[Document]) -> np.ndarray:
        """The feature table, shape (n, features)."""
        return self.extractor_.transform_documents(documents)

    def extract(self, texts: Sequence[str]) -> tuple[list[Document], np.ndarray]:
        """Documents and features of texts; on a GPU, features are made while it reads on."""
        self._check_fitted()
        self.extractor_.require_model(self.language_model_)
        return self.extractor_.extract(texts, by_sentence=self.passage_detector_ is not None)

    def raw_scores(self, features: np.ndarray) -> np.ndarray:
        """Log-odds by the trees, before calibration, shape (n,)."""
        return trees.margins(self.booster_, features, self.n_jobs or 0)

    def thresholds(self, documents: Sequence[Document], fpr: float | None = None) -> np.ndarray:
        """The probability from which each counts as generated, set by people like its writer."""
        by_length = super().thresholds(documents, fpr)
        if self.nearest_people_ is None:
            return by_length
        found = self.nearest_people_.thresholds(documents, self.fpr if fpr is None else fpr)
        short = [one.token_count < self.calibrator_.min_tokens for one in documents]
        return np.where(short, np.inf, found)

    def recalibrate_scores(self, probabilities: np.ndarray, tokens: np.ndarray) -> Self:
        """As `CalibratedClassifier`'s: from then on these people set all thresholds."""
        super().recalibrate_scores(probabilities, tokens)
        self.nearest_people_ = None
        self.training_.pop("nearest_people", None)
        return self

    def outliers(self, documents: Sequence[Document], features: np.ndarray) -> np.ndarray:
        """Whether each document is unlike all training texts, shape (n,).

        Extremes and spreads grow with length. A longer document than the training texts is
        therefore an outlier only if most of its windows are, which are as long as those.
        """
        found = self.is_outlier(features)
        for index in np.flatnonzero(found).tolist():
            windows = long_documents.window_documents(documents[index])
            if len(windows) > 1:
                found[index] = self.is_outlier(self.compute_features(windows)).mean() > 0.5
        return found

    def is_outlier(self, features: np.ndarray) -> np.ndarray:
        """Whether each text is far from all training texts, shape (n,); see `OutlierDetector`."""
        if self.outlier_detector_ is None:
            return super().is_outlier(features)
        return self.outlier_detector_.is_outlier(features)

    def contributions(self, features: np.ndarray) -> Contributions:
        """XGBoost's SHAP values of each text."""
        shap_values = trees.contributions(self.booster_, features, self.n_jobs or 0)
        labels, families = self.extractor_.column_labels()
        outliers = self.outlier_detector_
        return Contributions(
            shap_values,
            base_values=self.raw_scores(features) - shap_values.sum(axis=1),
            names=self.extractor_.get_feature_names_out().tolist(),
            families=families,
            labels=labels,
            features=features,
            human_medians=self.human_medians_,
            overall_medians=None if outliers is None else outliers.centre,
        )

    # --- files ------------------------------------------------------------------------------

    def to_files(self) -> dict[str, bytes]:
        """The booster in XGBoost's format, and everything else as arrays, n-grams by themselves."""
        human = {_MEDIANS: self.human_medians_}
        if self.surprisal_range_ is not None:
            human[_SURPRISAL_RANGE] = self.surprisal_range_
        arrays = {**self.extractor_.learned_, _HUMAN: human}
        ngrams = arrays.pop(_NGRAMS, None)
        if self.nearest_people_ is not None:
            arrays[_PEOPLE] = self.nearest_people_.to_arrays()
        if self.passage_detector_ is not None:
            arrays[_PASSAGES] = self.passage_detector_.to_arrays()
        if self.outlier_detector_ is not None:
            arrays[_OUTLIERS] = self.outlier_detector_.to_arrays()
        files = {
            trees.BOOSTER_FILE: trees.to_bytes(self.booster_),
            ARRAYS_FILE: tensors.to_bytes(arrays),
        }
        if ngrams is not None:
            files[NGRAMS_FILE] = tensors.to_bytes({_NGRAMS: ngrams})
        return files

    def load_files(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `to_files`."""
        arrays = tensors.from_bytes(files[ARRAYS_FILE])
        if NGRAMS_FILE in files:
            arrays |= tensors.from_bytes(files[NGRAMS_FILE])
        outliers = arrays.pop(_OUTLIERS, None)
        self.outlier_detector_ = None if outliers is None else OutlierDetector.from_arrays(outliers)
        people = arrays.pop(_PEOPLE, None)
        self.nearest_people_ = None if people is None else NearestPeople.from_arrays(people)
        passages = arrays.pop(_PASSAGES, None)
        self.passage_detector_ = None if passages is None else PassageDetector.from_arrays(passages)
        human = arrays.pop(_HUMAN)
        self.human_medians_, self.surprisal_range_ = human[_MEDIANS], human.get(_SURPRISAL_RANGE)
        self.extractor_.learned_ = arrays
        self.booster_ = trees.from_bytes(files[trees.BOOSTER_FILE], self.n_jobs or 0)
        # whatever is wrong with sizes shows in a row of features
        row = np.zeros((1, len(self.extractor_.get_feature_names_out())))
        trees.contributions(self.booster_, row, 1)
        self.is_outlier(row)
        if self.human_medians_.shape != row[0].shape:
            raise ValueError("there is no median of each feature")
        self.extractor_.check_learned()

    def _default_extractor(self) -> FeatureExtractor:
        return FeatureExtractor(families=default_families())


def out_of_fold_evidence(
    documents: Sequence[Document], fits: Sequence[CrossFit]
) -> list[np.ndarray]:
    """Evidence of the sentences of training documents; empty where families are missing."""
    found = [np.zeros(0)] * len(documents)
    for learned, held_out in fits:
        evidence = SentenceEvidence.from_learned(learned)
        if evidence is not None:
            for index in held_out:
                found[index] = evidence.of(documents[index])
    return found
