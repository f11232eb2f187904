"""Requests and answers in the form of GPTZero's API, so that its clients can ask this service.

Only what the detector knows is filled; other fields of that API are absent. Flags, hashes and
provenance are ours: that API has no such fields, and its clients pass over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit

from perplexity_detector.classifier.verdicts import GENERATED, HUMAN, MIXED
from perplexity_detector.explanation.explainable import SEPARATOR
from perplexity_detector.explanation.explanation import Explanation
from perplexity_detector.explanation.explanation import Sentence as SentenceEvidence
from perplexity_detector.service.schemas import (
    DETECTOR,
    EXAMPLE,
    FlagBody,
    ProvenanceRecord,
    Text,
    TextList,
)
from perplexity_detector.version import __version__

_CLASSES = {HUMAN: "human", GENERATED: "ai", MIXED: "mixed"}
_CLASSIFICATIONS = {HUMAN: "HUMAN_ONLY", GENERATED: "AI_ONLY", MIXED: "MIXED"}


class Documents(BaseModel):
    """One document, or several, in GPTZero's form; its other fields are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"document": EXAMPLE}, {"documents": [EXAMPLE, "And another."]}],
            "anyOf": [{"required": ["document"]}, {"required": ["documents"]}],
        },
    )

    document: Text | None = Field(None, description="one document, its text")
    documents: TextList | None = Field(None, description="several; the answers have their order")

    detector: Text | None = Field(None, max_length=200, description=DETECTOR)

    @model_validator(mode="after")
    def _check_one_field(self) -> Documents:
        if (self.document is None) == (self.documents is None):
            raise ValueError("Give `document`, a string, or `documents`, a list of strings.")
        if self.documents == []:
            raise ValueError("`documents` is empty: give one document or more.")
        return self

    def all(self) -> list[str]:
        """The texts, one or several."""
        return [self.document] if self.document is not None else (self.documents or [])


class ClassProbabilities(BaseModel):
    """Probabilities of the two classes that the detector knows; they add up to 1."""

    human: float
    ai: float


class Sentence(BaseModel):
    """One sentence of a document."""

    sentence: str
    generated_prob: float | None = Field(
        description="probability that it is generated, by its hidden states alone and not "
        "calibrated; null if the detector reads none"
    )
    perplexity: float | None = Field(description="null without token statistics")
    highlight_sentence_for_ai: bool = Field(description="whether it is in a marked passage")


class Document(BaseModel):
    """The answer for one document."""

    class_probabilities: ClassProbabilities
    completely_generated_prob: float = Field(
        description="probability that a language model wrote the document"
    )
    predicted_class: Literal["human", "ai", "mixed"] | None = Field(
        description="the verdict; null where it is uncertain"
    )
    document_classification: Literal["HUMAN_ONLY", "AI_ONLY", "MIXED"] | None = Field(
        description="the verdict; null where it is uncertain"
    )
    result_message: str = Field(description="the verdict, why it is uncertain, and the reasons")
    sentences: list[Sentence]
    flags: list[FlagBody]
    text_sha256: str = Field(description="SHA-256 of the document as given, in UTF-8")


class DocumentPredictions(BaseModel):
    """Answers in the order of the documents."""

    version: str = Field(description="version of this software, and the detector's name")
    provenance: ProvenanceRecord
    documents: list[Document]


def to_answer(explanations: Sequence[Explanation], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of GPTZero's form.

    Args:
        explanations: of the documents.
        provenance: of all of them, as `Provenance.to_dict` gives it.
    """
    return {
        "version": f"perplexity-detector {__version__}, {provenance['detector']}",
        "provenance": provenance,
        "documents": [_document(one) for one in explanations],
    }


def _document(found: Explanation) -> dict[str, Any]:
    probability, verdict = found.probability, found.verdict
    said = f"{verdict} ({found.note})" if found.note else verdict
    return {
        "class_probabilities": {"human": 1 - probability, "ai": probability},
        "completely_generated_prob": probability,
        "predicted_class": _CLASSES.get(verdict),
        "document_classification": _CLASSIFICATIONS.get(verdict),
        "result_message": SEPARATOR.join([said, *found.reasons]),
        "sentences": [_sentence(one, found) for one in found.sentences],
        "flags": [flag.to_dict() for flag in found.flags],
        "text_sha256": found.text_sha256,
    }


def _sentence(sentence: SentenceEvidence, found: Explanation) -> dict[str, Any]:
    log_odds = sentence.hidden_states
    return {
        "sentence": found.text[sentence.start : sentence.end],
        "generated_prob": None if log_odds is None else float(expit(log_odds)),
        "perplexity": sentence.perplexity,
        "highlight_sentence_for_ai": any(
            start <= sentence.start < end for start, end in found.passages
        ),
    }
