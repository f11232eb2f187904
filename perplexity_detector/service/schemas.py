"""What goes in and comes out as JSON, with examples for /docs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

EXAMPLE = (
    "We had to be at the station by six, and of course my brother could not find his other boot, "
    "so my mother told him to go in his slippers, which he did, and it rained all day."
)


def _of_characters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("A string holds half a surrogate pair, which is no character.") from None
    return text


Text = Annotated[str, AfterValidator(_of_characters)]


class OneText(BaseModel):
    """One text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": EXAMPLE}]})

    text: Text = Field(description="the text, as it was written")
    id: Text | None = Field(None, max_length=200, description="given back with the answer")


class Texts(BaseModel):
    """One text, or several."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": EXAMPLE}, {"texts": [EXAMPLE, "And another."]}]},
    )

    text: Text | None = Field(None, description="one text")
    texts: list[Text] | None = Field(None, description="or several; answers come in their order")

    @model_validator(mode="after")
    def _one_of_both(self) -> Texts:
        if (self.text is None) == (self.texts is None):
            raise ValueError("Give `text`, a string, or `texts`, a list of strings.")
        if self.texts == []:
            raise ValueError("`texts` is empty: give one text or more.")
        return self

    def all(self) -> list[str]:
        """The texts, one or several."""
        return [self.text] if self.text is not None else (self.texts or [])


class Thresholds(BaseModel):
    """Probabilities between which the verdict is `uncertain`."""

    human: float | None = Field(description="below it the verdict is `human`")
    generated: float | None = Field(
        description="from it on the verdict is `generated`, at the false-positive rate and this "
        "length; null where no threshold keeps the rate"
    )


class Prediction(BaseModel):
    """What there is to say of one text."""

    probability: float = Field(description="that a language model wrote it")
    verdict: Literal["human", "generated", "uncertain"]
    note: str = Field(description="why it is uncertain")
    why: str = Field(description="the features that spoke most for it")
    thresholds: Thresholds
    words: int
    tokens: int = Field(description="of the language model; 0 where none reads")
    warnings: list[str]


class Predictions(BaseModel):
    """Answers in the order of the texts."""

    detector: str
    fpr: float = Field(description="false-positive rate of the verdicts")
    results: list[Prediction]


class Features(BaseModel):
    """Features of texts: a row a text, a column a name."""

    detector: str
    names: list[str]
    values: list[list[float]]


class JobState(BaseModel):
    """How far a job is."""

    id: str
    state: Literal["waiting", "running", "done", "failed"]
    rows: int
    rows_done: int
    detail: str = Field(description="why it failed")
    results: str | None = Field(description="where the results are, once it is done")


class Card(BaseModel):
    """What the detector is, was trained on and reaches."""

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
    card: str = Field(description="the model card, markdown")


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["`texts[2]` must be a string."])
    errors: list[dict[str, str]] | None = None
