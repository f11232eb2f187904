"""Explanation: the evidence behind what a detector says of one text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from perplexity_detector.explanation.tokens import TokenEvidence

#: Version of what `Explanation.to_dict` gives; raised when a reader of it would break.
FORMAT = 1
#: So many features are told, the largest first.
MOST_FEATURES = 20
#: What every reader of an explanation must know.
LIMITS = (
    "A probability is not a proof: never accuse anyone on this number alone, and let the person "
    "speak.",
    "The false-positive rate holds for people who write like those that set the thresholds; for "
    "others it can be several times as high, and short texts or texts that a model polished are "
    "read less well.",
)


@dataclass(frozen=True)
class Sentence:
    """One sentence of a text.

    Attributes:
        start: its first character.
        end: the character after its last.
        score: how far it speaks for `generated`; see `SentenceScore`.
        perplexity: exp of its mean surprisal, from 1; None where no language model was asked.
        words: how many it has.
    """

    start: int
    end: int
    score: float
    perplexity: float | None
    words: int


@dataclass(frozen=True)
class SentenceScore:
    """How sentences are scored.

    Attributes:
        name: in a few words.
        unit: of the scores.
        neutral: the score that speaks for neither side.
        auroc: with which this detector's scores told a model's sentences, inserted into essays by
            people, from the others; None where that was not measured.
    """

    name: str
    unit: str
    neutral: float
    auroc: float | None


@dataclass(frozen=True)
class Family:
    """What a family of features added to the log-odds that a text is generated."""

    name: str
    label: str
    contribution: float


@dataclass(frozen=True)
class Feature:
    """A feature, what is typical of people's texts, and what it added to the log-odds."""

    name: str
    family: str
    label: str
    value: float
    typical: float
    contribution: float


@dataclass(frozen=True)
class PeopleRange:
    """Surprisal averaged over `window` tokens in texts by people: 10th, 50th, 90th percentile."""

    low: float
    median: float
    high: float
    window: int


@dataclass(frozen=True)
class Explanation:
    """What a detector says of one text, and why.

    Contributions are Shapley values, in log-odds after calibration: `base` and the contributions
    of all features, or of all families, add up to ln(p / (1 - p)) of the probability. Positive
    ones speak for `generated`. Offsets are characters (Unicode code points) of `text`.

    Attributes:
        id: of the text, as the caller told it.
        detector: name of the detector, as the caller told it.
        probability: that the text is generated.
        verdict: `human`, `generated` or `uncertain`.
        note: why it is uncertain; else empty.
        fpr: false-positive rate of the verdict.
        below: probability below which the verdict is `human`; None where there is none.
        above: probability from which on it is `generated`; None where no threshold keeps the
            rate for texts of this length.
        words: how many the text has.
        token_count: the same of tokens.
        text: in canonical form.
        tokens: what was read of each.
        sentences: in order.
        sentence_score: how they are scored.
        families: the largest contribution first; none where the detector cannot tell them.
        features: all of them, the largest contribution first.
        base: log-odds where nothing is known of the text; None where the detector cannot tell.
        reasons: from the largest contributions, in words.
        people: the range of people's surprisal; None where it is not known.
        warnings: what a reader should know of this text.
    """

    id: str | None
    detector: str | None
    probability: float
    verdict: str
    note: str
    fpr: float
    below: float | None
    above: float | None
    words: int
    token_count: int
    text: str
    tokens: TokenEvidence
    sentences: tuple[Sentence, ...]
    sentence_score: SentenceScore
    families: tuple[Family, ...]
    features: tuple[Feature, ...]
    base: float | None
    reasons: tuple[str, ...]
    people: PeopleRange | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; of the features the `MOST_FEATURES` largest contributions.

        Example:
            >>> from perplexity_detector import TextDetector
            >>> explained = TextDetector.from_pretrained("fast").explain("We ran. It was cold!")
            >>> told = explained.to_dict()
            >>> told["verdict"], told["note"]
            ('uncertain', 'fewer than 50 words')
            >>> [told["text"][one["start"] : one["end"]] for one in told["sentences"]]
            ['We ran.', 'It was cold!']
        """
        tokens = {
            name: None if column is None else [round(value, 4) for value in column.tolist()]
            for name, column in vars(self.tokens).items()
        }
        return {
            "format": FORMAT,
            "id": self.id,
            "detector": self.detector,
            "probability": self.probability,
            "verdict": self.verdict,
            "note": self.note,
            "fpr": self.fpr,
            "thresholds": {"human": self.below, "generated": self.above},
            "words": self.words,
            "token_count": self.token_count,
            "text": self.text,
            "tokens": tokens,
            "sentences": [asdict(sentence) for sentence in self.sentences],
            "sentence_score": asdict(self.sentence_score),
            "families": [asdict(family) for family in self.families],
            "features": [asdict(feature) for feature in self.features[:MOST_FEATURES]],
            "base": self.base,
            "reasons": list(self.reasons),
            "people": None if self.people is None else {"surprisal": asdict(self.people)},
            "limits": list(LIMITS),
            "warnings": list(self.warnings),
        }
