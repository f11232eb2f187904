"""JSON bodies of requests and answers, with examples for /docs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)

EXAMPLE = (
    "We had to be at the station by six, and of course my brother could not find his other boot, "
    "so my mother told him to go in his slippers, which he did, and it rained all day."
)


def _check_characters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("A string holds half a surrogate pair, which is no character.") from None
    return text


Text = Annotated[str, AfterValidator(_check_characters)]
#: See `ExtractedText.left_out`.
LeftOut = dict[Annotated[Text, Field(max_length=60)], PositiveInt]
#: Its first item that is no text ends the check: an error for each of a million takes minutes.
TextList = Annotated[list[Text], Field(fail_fast=True)]


#: Of the field that names a detector.
DETECTOR = "one of /v1/detectors; else the default one"


class OneText(BaseModel):
    """One text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": EXAMPLE}]})

    text: Text = Field(description="the text, unchanged")
    id: Text | None = Field(None, max_length=200, description="returned with the answer")
    left_out: LeftOut = Field(
        {},
        max_length=20,
        description="what /v1/documents left out of the document that the text is from",
    )
    detector: Text | None = Field(None, max_length=200, description=DETECTOR)


class Texts(BaseModel):
    """One text, or several."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": EXAMPLE}, {"texts": [EXAMPLE, "And another."]}]},
    )

    text: Text | None = Field(None, description="one text")
    texts: TextList | None = Field(None, description="several texts; the answers have their order")
    detector: Text | None = Field(None, max_length=200, description=DETECTOR)

    @model_validator(mode="after")
    def _check_one_field(self) -> Texts:
        if (self.text is None) == (self.texts is None):
            raise ValueError("Give `text`, a string, or `texts`, a list of strings.")
        if self.texts == []:
            raise ValueError("`texts` is empty: give one text or more.")
        return self

    def all(self) -> list[str]:
        """The texts, one or several."""
        return [self.text] if self.text is not None else (self.texts or [])


class Thresholds(BaseModel):
    """Thresholds of the probability; between them the verdict is `uncertain` or `mixed`."""

    human: float | None = Field(description="below it the verdict is `human`")
    generated: float | None = Field(
        description="from it on the verdict is `generated`, at the false-positive rate and for "
        "texts like this; null if no threshold keeps the rate"
    )


class FlagBody(BaseModel):
    """Something odd in the text as it was given; no evidence of who wrote it."""

    name: str
    count: int
    positions: list[tuple[int, int]] = Field(
        description="start and end of the first places, in code points of the text as given"
    )
    sentence: str


class ShareBody(BaseModel):
    """The share of a text's sentences that a model wrote, with its 90 % interval."""

    value: float = Field(description="0 if no passage is marked")
    low: float
    high: float


class Prediction(BaseModel):
    """The answer for one text."""

    probability: float = Field(description="probability that a language model wrote the text")
    verdict: Literal["human", "generated", "uncertain", "mixed"]
    note: str = Field(description="why the verdict is uncertain")
    why: str = Field(description="the features that contributed most, in words")
    thresholds: Thresholds
    words: int
    words_read: int = Field(
        description="fewer than `words` where a sample settled the verdict on a long document"
    )
    tokens: int = Field(
        description="tokens that the language model read; 0 if the detector uses none"
    )
    passages: list[str] = Field(
        description="the passages that are marked as generated, from the text in canonical form"
    )
    share_generated: ShareBody | None = Field(
        description="null where the text says too little or was not read whole, or if the "
        "detector marks no passages"
    )
    flags: list[FlagBody] = Field(
        description="what is odd in the text as it was given; the probability does not depend on it"
    )
    warnings: list[str]
    text_sha256: str = Field(description="SHA-256 of the text as given, in UTF-8")


class AnswerSettings(BaseModel):
    """Settings on which an answer depends."""

    fpr: float
    device: str
    cache: bool
    exhaustive: bool = Field(description="whether all of a long document is read")


class ProvenanceRecord(BaseModel):
    """Which detector gave an answer, when, and with which settings."""

    package_version: str
    detector: str | None
    detector_sha256: str = Field(description="of what the detector learned")
    language_model: str | None = Field(description="fingerprint; null if none read the texts")
    precision: str | None
    settings: AnswerSettings
    time: str = Field(description="in UTC, ISO 8601")


class Predictions(BaseModel):
    """Answers in the order of the texts."""

    detector: str
    fpr: float = Field(description="false-positive rate of the verdicts")
    provenance: ProvenanceRecord
    results: list[Prediction]


class Features(BaseModel):
    """Features of texts: one row for each text, one column for each name."""

    detector: str
    names: list[str]
    values: list[list[float]]


class DocumentText(BaseModel):
    """The text of one document."""

    id: str = Field(description="its path within a zip, or its name", examples=["essay.pdf"])
    text: str
    problem: str = Field(description="why it cannot be read; otherwise empty")
    left_out: LeftOut = Field(
        description="what is not in the text", examples=[{"comments": 2, "hidden passages": 1}]
    )
    flags: list[FlagBody] = Field(description="of what its writer made invisible; no positions")


class DocumentTexts(BaseModel):
    """The texts of documents."""

    documents: list[DocumentText]


class JobState(BaseModel):
    """The state of a job."""

    id: str
    state: Literal["waiting", "running", "done", "failed"]
    rows: int
    rows_done: int
    detail: str = Field(description="why it failed")
    results: str | None = Field(description="path of the results, once it is done")


class Card(BaseModel):
    """What the detector is, its training data and its metrics."""

    model_config = ConfigDict(protected_namespaces=())

    name: str
    model: str
    version: str
    fpr: float
    language_model: str | None
    families: dict[str, int]
    features: int
    training: dict[str, Any]
    metrics: dict[str, Any]
    card: str = Field(description="the model card, in markdown")


class OfferedDetector(BaseModel):
    """A detector that a request can name."""

    name: str
    fpr: float = Field(description="false-positive rate of its verdicts")
    training_texts: int | None
    recalibrated_on: int | None = Field(description="texts by people that set its thresholds anew")


class DetectorList(BaseModel):
    """The detectors that a request can name."""

    default: str = Field(description="the one of requests that name none")
    detectors: list[OfferedDetector]
    may_recalibrate: bool = Field(description="whether the operator allows to make more")
    may_add: int = Field(description="how many more, besides replacing a recalibrated one")


class ProblemDocument(BaseModel):
    """An error as a problem document (RFC 9457)."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["`texts[2]` must be a string."])
    errors: list[dict[str, str]] | None = None
