"""CalibratedClassifier: what all detectors share, from texts to probabilities and verdicts."""

from __future__ import annotations

import json
import tempfile
import warnings
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError

from perplexity_detector.classifier import class_registry, persistence
from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.classifier.fastest_precision import fastest_precision
from perplexity_detector.classifier.model_card import LICENCE, card_file
from perplexity_detector.classifier.prose_check import is_prose
from perplexity_detector.classifier.text_classification import TextClassification
from perplexity_detector.classifier.verdicts import MAX_FNR, decide
from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.io import artefact_folder
from perplexity_detector.io.artefact_folder import CONFIG, Artefact
from perplexity_detector.lm.kernels.precision import AUTO
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.checks import (
    check_consistent_length,
    check_labels,
    check_texts,
    check_training_data,
)
from perplexity_detector.sampling.splits import Split, group_folds, merge_related_sources
from perplexity_detector.version import __version__

if TYPE_CHECKING:
    from typing import Self

#: Human texts needed to set the thresholds anew.
MIN_CALIBRATION_TEXTS = 100
#: Metrics that stay true at other thresholds.
_THRESHOLD_FREE_METRICS = {"speed", "sentence_auroc"}
#: Settings of an extractor that belong to the machine; the others decide what it computes.
_RUNTIME_SETTINGS = ("device", "precision", "batch_tokens", "cache", "progress", "processes")


class CalibratedClassifier(ClassifierMixin, BaseEstimator):
    """Tells human texts (class 0) from texts by language models (class 1).

    Fitting is cross-validated: sources, together with all that share their prompts, are left out
    fold by fold (prompts, if there are too few sources), and calibration and thresholds rest on
    out-of-fold scores.

    A subclass defines what it reads (its extractor), how it is fitted (`_fit_out_of_fold`), its
    score (`raw_scores`), and what it saves (`to_files`, `load_files`). A subclass with a `name`
    of its own can be loaded from an artefact by that name.

    Attributes:
        classes_: array([0, 1]).
        extractor_: reads texts.
        calibrator_: raw scores to probabilities and thresholds.
        language_model_: fingerprint of the model that read the training texts; None if none did.
        training_: a summary of the training, plain values.
        metrics_: what was measured, plain values.
        oof_probabilities_: out-of-fold probability of each training text, shape (n,); not saved.
        exhaustive: whether all of a long document is read, not just a sample of it; not saved.
    """

    exhaustive: bool = True
    #: Whether it can be other than exhaustive.
    can_sample: ClassVar[bool] = False
    #: Its name in commands and artefacts.
    name: ClassVar[str]
    #: Files that `to_files` gives.
    artefact_files: ClassVar[tuple[str, ...]] = ()
    #: Class of the extractor that reads its texts.
    extractor_class: ClassVar[type[FeatureExtractor]] = FeatureExtractor

    extractor: FeatureExtractor | None
    extractor_: FeatureExtractor
    calibrator_: Calibrator
    language_model_: str | None
    training_: dict[str, Any]
    metrics_: dict[str, Any]
    fpr: float
    random_state: int

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "name" in cls.__dict__:
            class_registry.register(cls)

    # --- what a subclass defines ------------------------------------------------------------

    @abstractmethod
    def _fit_out_of_fold(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        splits: list[Split],
    ) -> np.ndarray:
        """Fit on all documents; return each one's out-of-fold score.

        Args:
            documents: n of them.
            labels: 0 or 1, shape (n,).
            sources: where each comes from, integers of shape (n,).
            splits: training and test indices of each fold.

        Returns:
            Raw scores, shape (n,); NaN where no out-of-fold score exists.
        """

    @abstractmethod
    def raw_scores(self, features: Any) -> np.ndarray:
        """Scores before calibration, shape (n,); higher for generated."""

    def compute_features(self, documents: Sequence[Document]) -> Any:
        """Features of the documents; the documents themselves unless a subclass overrides it."""
        return documents

    def outliers(self, documents: Sequence[Document], features: Any) -> np.ndarray:
        """Whether each document, with these features, is unlike all training texts, shape (n,)."""
        return self.is_outlier(features)

    def is_outlier(self, features: Any) -> np.ndarray:
        """Whether each text is far from all training texts, bool of shape (n,)."""
        return np.zeros(len(features), bool)

    def contributions(self, features: Any) -> Contributions | None:
        """What each feature added to the raw scores; None if that is not known."""
        return None

    def to_files(self) -> dict[str, bytes]:
        """What was learned, as the files that `artefact_files` names."""
        return {}

    def load_files(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `to_files`; extractor and parameters are set already."""

    def _default_extractor(self) -> FeatureExtractor:
        return self.extractor_class()

    # --- training ---------------------------------------------------------------------------

    def fit(
        self,
        X: Iterable[str],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
    ) -> Self:
        """Train on labelled texts.

        Args:
            X: texts, shape (n,).
            y: 0 for human, 1 for generated, shape (n,).
            groups: the prompt of each text; texts on one prompt stay in one fold.
            sources: where each text comes from; sources and classes weigh alike.

        Raises:
            InputError: labels that are not 0 and 1, one class only, or lengths that differ.
        """
        # reading takes minutes, and wrong labels need not wait for it
        labels, texts = check_labels(y), check_texts(X)
        check_consistent_length(len(labels), texts=texts, groups=groups, sources=sources)
        documents = self.new_extractor().read_documents(texts)
        return self.fit_documents(documents, labels, groups, sources)

    def fit_documents(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
        calibration_mask: Sequence[bool] | np.ndarray | None = None,
    ) -> Self:
        """As `fit`, from documents that the extractor has read.

        Args:
            documents: n of them.
            y: 0 for human, 1 for generated, shape (n,).
            groups: the prompt of each text, shape (n,).
            sources: where each text comes from, shape (n,).
            calibration_mask: which texts set probabilities and thresholds, shape (n,); all if not
                given. The others, such as augmented copies, are only trained on.
        """
        labels, codes = check_training_data(documents, y, sources)
        check_consistent_length(len(labels), groups=groups, calibration_mask=calibration_mask)
        related = merge_related_sources(codes, groups)
        splits = group_folds(labels, related, groups, self.random_state)
        self.classes_ = np.array([0, 1])
        self.extractor_ = extractor = self.new_extractor()
        self.language_model_ = extractor.scorer().fingerprint if extractor.reads_tokens() else None
        if calibration_mask is None:
            calibrates = np.full(len(labels), True)
        else:
            calibrates = np.asarray(calibration_mask, bool)
        named = compress([] if sources is None else sources, calibrates)
        self.training_ = {
            "texts": int(calibrates.sum()),
            "n_not_calibrating": int((~calibrates).sum()),
            "n_human": int((labels[calibrates] == 0).sum()),
            "sources": sorted({str(source) for source in named if source}),
        }
        self.metrics_: dict[str, Any] = {}
        scores = self._fit_out_of_fold(documents, labels, codes, splits)
        tokens = np.array([document.token_count for document in documents])
        weights = balancing_weights(labels, codes)
        known = np.isfinite(scores) & calibrates
        self.calibrator_ = Calibrator.fit(
            scores[known], labels[known], weights[known], tokens[known]
        )
        self.oof_probabilities_ = self.calibrator_.probabilities(scores)
        return self

    # --- prediction -------------------------------------------------------------------------

    def assess_texts(self, texts: Sequence[str]) -> list[Assessment]:
        """Assess texts: features, score, probability, thresholds, verdict and flags of each.

        All predictions start here.

        Args:
            texts: n of them, as they were written.

        Returns:
            One record a text, in order.
        """
        return self.assess_whole(texts)

    def assess_whole(self, texts: Sequence[str]) -> list[Assessment]:
        """As `assess_texts`, by all that is in each text; explanations start here."""
        documents, features = self.extract(texts)
        return self.assess_documents(texts, documents, features)

    def assess_documents(
        self,
        texts: Sequence[str],
        documents: Sequence[Document],
        features: Any,
        fpr: float | None = None,
        fnr: float = MAX_FNR,
    ) -> list[Assessment]:
        """As `assess_texts`, from what was read of the texts.

        Args:
            texts: n of them, as they were written.
            documents: of the texts.
            features: of the documents, as `compute_features` gives them.
            fpr: false-positive rate of the verdicts; the detector's own if not given.
            fnr: share of generated texts that may lie below the threshold for `human`.
        """
        fpr = self.fpr if fpr is None else fpr
        scores = self.raw_scores(features)
        probabilities = self.calibrator_.probabilities(scores)
        generated = self.thresholds(documents, fpr)
        human = np.minimum(generated, self.calibrator_.threshold_at_fnr(fnr))
        verdicts = decide(
            probabilities,
            [len(document.words) for document in documents],
            human,
            generated,
            self.outliers(documents, features),
            [is_prose(text) for text in texts],
            self.calibrator_.can_guarantee(fpr),
            [one.token_count < self.calibrator_.min_tokens for one in documents],
        )
        columns = (
            documents, features, scores.tolist(), probabilities.tolist(), human.tolist(),
            generated.tolist(), [verdict for verdict, _ in verdicts],
            [note for _, note in verdicts], map(find_flags, texts),
        )  # fmt: skip
        return [Assessment(*values) for values in zip(*columns, strict=True)]

    def decision_function(self, X: Iterable[str]) -> np.ndarray:
        """Raw scores, before calibration, shape (n,)."""
        return np.array([one.raw_score for one in self._assess(X)])

    def predict_proba(self, X: Iterable[str]) -> np.ndarray:
        """Probabilities of human and generated, shape (n, 2), with even prior odds."""
        generated = np.array([one.probability for one in self._assess(X)])
        return np.column_stack([1 - generated, generated])

    def predict(self, X: Iterable[str]) -> np.ndarray:
        """1 where the probability reaches the threshold for the text's length, shape (n,)."""
        return np.array([one.is_flagged for one in self._assess(X)], int)

    def _assess(self, X: Iterable[str]) -> list[Assessment]:
        self._check_fitted()
        return self.assess_texts(check_texts(X))

    def probabilities(self, documents: Sequence[Document]) -> np.ndarray:
        """Probability that each is generated, shape (n,), of documents already read."""
        return self.calibrator_.probabilities(self.raw_scores(self.compute_features(documents)))

    def thresholds(self, documents: Sequence[Document], fpr: float | None = None) -> np.ndarray:
        """The probability from which each counts as generated at its length, shape (n,)."""
        tokens = np.array([document.token_count for document in documents], np.int64)
        return self.calibrator_.thresholds(self.fpr if fpr is None else fpr, tokens)

    def recalibrate(self, human_texts: Iterable[str]) -> Self:
        """Set the thresholds anew, on human texts like those that will be judged.

        Probabilities stay as they are. The false-positive rate then holds for texts from the
        same distribution, and not for others. None of the texts may have been trained on.

        Args:
            human_texts: 100 or more, all written by people.

        Raises:
            InputError: there are fewer.
        """
        texts = list(human_texts)
        self.require_calibration_texts(len(texts))
        documents = self.read_documents(texts)
        tokens = np.array([document.token_count for document in documents])
        return self.recalibrate_scores(self.probabilities(documents), tokens)

    def recalibrate_scores(self, probabilities: np.ndarray, tokens: np.ndarray) -> Self:
        """As `recalibrate`, from what this detector found of the texts before.

        Args:
            probabilities: of human texts, shape (n,).
            tokens: length of each, shape (n,).

        Raises:
            InputError: there are too few.
        """
        self.require_calibration_texts(len(probabilities))
        self.calibrator_ = self.calibrator_.with_human_scores(probabilities, tokens)
        self.training_ = {**self.training_, "recalibrated_on": len(probabilities)}
        # the others were measured at other thresholds
        kept = self.metrics_.keys() & _THRESHOLD_FREE_METRICS
        self.metrics_ = {name: self.metrics_[name] for name in sorted(kept)}
        return self

    def require_calibration_texts(self, n_human: int) -> None:
        """Check that so many human texts can set thresholds.

        Raises:
            InputError: there are too few.
        """
        if n_human < MIN_CALIBRATION_TEXTS:
            raise InputError(
                f"{n_human} texts set no thresholds: give {MIN_CALIBRATION_TEXTS} or more by "
                "people.",
                "human_texts",
            )

    # --- files ------------------------------------------------------------------------------

    def save_pretrained(self, folder: str | Path, license: str = LICENCE) -> Path:
        """Write the artefact folder, whole or not at all.

        config.json holds the format version, the name of the class, the language model and its
        hash, families and their versions, hyper-parameters, the training summary and the SHA-256
        of every other file.

        Args:
            folder: where.
            license: of the detector, by the hub's identifier, for the model card.

        Raises:
            ArtefactError: the folder cannot be written, or holds other things.
        """
        self._check_fitted()
        config = self.configuration()
        files = {
            **self.to_files(),
            persistence.CALIBRATOR: artefact_folder.to_json(self.calibrator_.to_json()),
            persistence.METRICS: artefact_folder.to_json(self.metrics_),
            persistence.CARD: card_file(config, self.calibrator_, self.metrics_, license).encode(),
        }
        return artefact_folder.write(Path(folder), config, files)

    def push_to_hub(self, repo_id: str, license: str = LICENCE, **options: Any) -> str:
        """Send the artefact folder to the Hugging Face hub, with a model card.

        Args:
            repo_id: `user/name`; made if it is not there.
            license: of the detector, by the hub's identifier, for the model card.
            **options: private, token, branch, commit_message, ... of
                `huggingface_hub.ModelHubMixin.push_to_hub`.

        Returns:
            The address of the commit.

        Raises:
            ArtefactError: the hub cannot be reached, or does not take it.
        """
        from perplexity_detector.io import hub

        with tempfile.TemporaryDirectory() as temporary:
            folder = self.save_pretrained(Path(temporary) / Path(repo_id).name, license)
            return hub.upload(folder, repo_id, **options)

    def configuration(self) -> dict[str, Any]:
        """The content of config.json, without hashes."""
        extractor = self.extractor_
        settings = extractor.get_params(deep=False)
        hyper_parameters = self.get_params(deep=False)
        del hyper_parameters["extractor"]
        return {
            "format_version": persistence.FORMAT_VERSION,
            "package_version": __version__,
            "model": self.name,
            "extractor": {
                name: settings[name] for name in settings if name not in _RUNTIME_SETTINGS
            },
            "language_model": self.language_model_,
            "families": {family.name: family.version for family in extractor.chosen_families()},
            "features": list(extractor.get_feature_names_out()),
            "hyper_parameters": hyper_parameters,
            "training": self.training_,
        }

    @classmethod
    def from_pretrained(
        cls, folder: str | Path = "standard", revision: str | None = None, **extractor: Any
    ) -> Self:
        """Load an artefact folder, or a shipped detector by name; nothing in it is executed.

        Called on a base class, it returns the class that was saved.

        Args:
            folder: a folder that `save_pretrained` wrote, or `standard` or `fast`, or `user/name`
                of a detector on the Hugging Face hub.
            revision: of a detector on the hub: branch, tag or commit.
            **extractor: settings of the extractor to change: device, cache, progress, ..., or lm,
                if the same language model now lies elsewhere. The precision `auto` is resolved
                at once, see `fastest_precision`, for which the model may have to read.

        Raises:
            ArtefactError: nothing is there, or it is damaged, of another version or another class.
            InputError: an extractor has no such setting.
        """
        artefact = persistence.read(folder, revision)
        config, files = artefact.config, artefact.files
        detector_class = cls._class_of(artefact)
        for name in (*persistence.COMMON_FILES, *detector_class.artefact_files):
            if name not in files:
                raise artefact_folder.missing_file(artefact.path / name)
        if unknown := set(extractor) - set(detector_class.extractor_class().get_params()):
            raise InputError(f"An extractor has no setting {', '.join(sorted(unknown))}.")
        if foreign := sorted(set(config["extractor"]) & set(_RUNTIME_SETTINGS)):
            raise ArtefactError(
                f"{artefact.path / CONFIG} sets {foreign[0]}, which is for this machine to set; "
                "delete that entry."
            )
        with persistence.as_artefact_error(artefact.path):
            loaded_extractor = detector_class.extractor_class(
                **{**config["extractor"], **extractor}
            )
            persistence.check_features(artefact, loaded_extractor)
            loaded = detector_class(loaded_extractor, **config["hyper_parameters"])
            loaded.extractor_ = loaded_extractor
            persistence.check_parameters(loaded)
            loaded.load_files(files)
            loaded.calibrator_ = Calibrator.from_json(json.loads(files[persistence.CALIBRATOR]))
            loaded.metrics_ = dict(json.loads(files[persistence.METRICS]))
        loaded.classes_ = np.array([0, 1])
        loaded.language_model_ = config["language_model"]
        loaded.training_ = config["training"]
        if extractor.get("precision") == AUTO:
            loaded_extractor.set_params(precision=fastest_precision(loaded))
        return loaded

    def with_reading(self, **settings: Any) -> Self:
        """The same detector with other settings of its extractor; both share what was learned."""
        other = copy(self)
        other.extractor_ = copy(self.extractor_).set_params(**settings)
        return other

    @classmethod
    def _class_of(cls, artefact: Artefact) -> type[Self]:
        """The class to load an artefact as: the saved one, or `cls` if that is a subclass of it.

        Raises:
            ArtefactError: the class is unknown, or another than `cls`.
        """
        name = str(artefact.config["model"])
        saved = class_registry.find(name)
        if saved is None:
            raise ArtefactError(
                f"{artefact.path} holds a model {name!r} that this package does not know; train "
                "one anew, or install the version that made it."
            )
        if issubclass(cls, saved):
            return cls
        if issubclass(saved, cls):
            return saved
        raise ArtefactError(
            f"{artefact.path} holds the model {name}; load it with "
            f"{saved.__name__}.from_pretrained, or CalibratedClassifier's."
        )

    def pipeline(self) -> TextClassification:
        """A callable with the results of transformers' `TextClassificationPipeline`.

        From n texts to n dictionaries with `label`, the likelier class, and `score`, its
        probability. No verdicts: thresholds play no part.
        """
        return TextClassification(self.predict_proba)

    # --- reading ----------------------------------------------------------------------------

    def new_extractor(self) -> FeatureExtractor:
        """An unfitted extractor with this classifier's settings."""
        return self._default_extractor() if self.extractor is None else clone(self.extractor)

    def read_documents(self, texts: Iterable[str]) -> list[Document]:
        """Documents of texts, read by the language model that read the training texts."""
        self._check_fitted()
        self.extractor_.require_model(self.language_model_)
        return self.extractor_.read_documents(texts)

    def extract(self, texts: Sequence[str]) -> tuple[list[Document], Any]:
        """Documents of the texts, and their features."""
        documents = self.read_documents(texts)
        return documents, self.compute_features(documents)

    @property
    def left_out_(self) -> np.ndarray:
        """Deprecated name of `oof_probabilities_`."""
        warn_renamed("left_out_", "oof_probabilities_")
        return self.oof_probabilities_

    def _check_fitted(self) -> None:
        if not hasattr(self, "calibrator_"):
            raise NotFittedError("This detector is not trained: call fit, or from_pretrained.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_class = False
        return tags


def warn_renamed(old: str, new: str) -> None:
    """Warn that an attribute has a new name."""
    warnings.warn(f"{old} will go in 0.4.0: use {new}.", DeprecationWarning, stacklevel=3)
