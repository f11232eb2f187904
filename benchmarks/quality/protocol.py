"""Which texts each fold trains on, and which held-out texts it is tested on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

#: Sources that are held out together, under a common name: they share human originals, an author,
#: a field or a genre. Origins that are no source of the corpus belong to the source they come from.
SOURCE_GROUPS = {
    "Fast-DetectGPT and related": (
        "fast_detect_gpt",
        "fast_detect_gpt_base",
        "glimpse",
        "lastde",
        "imbd",
        "adadetectgpt",
    ),
    "abstracts of computing": (
        "acl_abstracts",
        "scitldr_abstracts",
        "icml2014_abstracts",
        "inspec_abstracts",
    ),
    "answers": ("alpaca_eval", "arena_hard", "misguided_attention", "sneos", "wildbench"),
    "essays and stories of 2025": ("slop_score", "eqbench_longform", "judgemark", "spiral_bench"),
    "hotel reviews": ("hotel_reviews", "yelp_hotel_reviews"),
    "learners' essays": ("aae_learners", "use_essays"),
    "papers": ("craft_papers", "nz_theses", "plos_papers", "sciencedirect_paragraphs"),
    "small sets of essays": ("bard_chatgpt_essays", "issuebench", "precog_gemini"),
    "students' papers": ("bawe_papers", "micusp_papers"),
    "technical writing": ("ropensci_blog", "rust_blog", "rust_rfcs", "swcarpentry_blog"),
    "faid_academic": ("faid_academic", "faid_collab"),
    "lamp": ("lamp", "mixed_lamp"),
}
_GROUP_OF = {source: name for name, sources in SOURCE_GROUPS.items() for source in sources}
#: What is chosen is chosen on the source folds of the first half, and confirmed on the second.
DEVELOPMENT, CONFIRMATION = HALVES = ("development", "confirmation")
#: Trainings for all source folds: each leaves out several of one half, which are tested apart.
SOURCE_TRAININGS = 10
#: Sources of generated text only, by models that are in use today.
CURRENT_MODELS = ("frontier_debate", "frontier_persuasion", "frontier_stories")
#: Domains of one genre; joined and mixed ones belong to none.
GENRES = {
    "essays": ("essay", "essay_student", "essay_learner", "essay_academic"),
    "arguments": ("argument", "opinion", "speech"),
    "news": ("news",),
    "stories": ("story",),
    "reviews": ("review",),
    "abstracts and papers": ("abstract", "paper"),
    "posts and answers": (
        "blog",
        "blog_reddit",
        "chat",
        "email",
        "qa",
        "qa_medical",
        "qa_reddit",
        "summary",
        "technical",
    ),
    "encyclopaedia": ("wiki", "encyclopaedia"),
}
#: Genre that supplies the class which a genre lacks.
_OTHER_CLASS_FROM = {"arguments": "essays"}
#: Models of one maker or kind, with those fine-tuned from them; the first pattern that fits counts.
GENERATORS = {
    "GPT-3 and before": r"davinci|curie|babbage|\bada$|gpt-?2",
    "GPT-4 and after": (
        r"gpt-?[45]|gpt-oss|chatgpt-4o|chatgpt \(consumer|\bo[134](-|$)"
        r"|(quasar|optimus|horizon)-alpha"
    ),
    "ChatGPT": r"gpt-?3\.5|chatgpt",
    "Claude": r"claude",
    "Gemini, Gemma, PaLM": r"gemini|gemma|palm|\bbard\b|darkest-muse",
    "Llama": (
        r"llama|vicuna|wizardlm-70b|xwin|tulu-2|openchat-v3\.1|platypus|euryale|nemotron"
        r"|(?<!deep)hermes-3|ghost-8b"
    ),
    "Mistral": (
        r"mistral|ministral|mixtral|magistral|miqu|zephyr|starling|openchat-3\.5|conifer|storm-7b"
        r"|wizardlm-2|suri-i-orpo"
    ),
    "Qwen, DeepSeek, GLM, Kimi": r"qwen|qwq|deepseek|glm|kimi",
    "other chat models": (
        r"grok|minimax|command-|cohere|reka|\byi-|internlm|ernie|nanbeige|\bseed-|\bling-|\bmimo-"
        r"|\bhy3|jamba|dbrx|\blfm|olmo|phi-?[34]|map-neo"
    ),
    "open base models": (r"\bopt|gpt-?neo|gpt-?j|bloom|falcon|flan|phi-?2|smollm|dolly|stablelm"),
}
#: Names that say nothing of one maker: none is given, or several models answer together.
_UNNAMED = re.compile(r"unnamed|together-moa|samba-coe")


@dataclass(frozen=True)
class Fold:
    """One split into training and test texts.

    Attributes:
        kind: source, generator, genre or current, after what is held out; none for the test split.
        name: of what is held out.
        train: rows that may be trained on, bool of shape (n,).
        test: rows that metrics are computed on, bool of shape (n,).
        held_out: the test rows that were held out. The others are of the test split, and supply
            the class that the held-out texts lack.
        half: of a source fold, one of `HALVES`; empty for other kinds.
    """

    kind: str
    name: str
    train: np.ndarray
    test: np.ndarray
    held_out: np.ndarray
    half: str = ""


def folds(rows: pd.DataFrame) -> Iterator[Fold]:
    """Every fold of the protocol.

    Held-out texts are tested whatever their split, except those outside the calibration mask.
    Texts that were made from texts of a source have it as their origin, and are held out with it.

    Args:
        rows: columns source, origin, domain, generator, generated, split and calibration_mask.
    """
    nothing = np.zeros(len(rows), bool)
    source, generator = rows["origin"], rows["generator"].astype(str)
    yield _fold(rows, "none", "test split", nothing)
    left_out_with = source.map(source_fold)
    names = source_folds(rows)
    for place, name in enumerate(names):
        held_out = (left_out_with == name).to_numpy()
        together = left_out_with.isin(names[place % SOURCE_TRAININGS :: SOURCE_TRAININGS])
        fold = _fold(rows, "source", name, held_out, untrained=together.to_numpy())
        yield replace(fold, half=HALVES[place % 2])
    family = generator.map(generator_family)
    # an unnamed model may be of any maker, a mixed domain may hold any genre
    unnamed = ((family == "") & (rows["generated"] == 1)).to_numpy()
    mixed = (rows["domain"].map(genre_of) == "").to_numpy()
    for name in GENERATORS:
        yield _fold(rows, "generator", name, (family == name).to_numpy(), untrained=unnamed)
    for name, domains in GENRES.items():
        of_genre = rows["domain"].isin(domains).to_numpy()
        yield _fold(rows, "genre", name, of_genre, untrained=mixed)
    yield _fold(rows, "current", "frontier models", source.isin(CURRENT_MODELS).to_numpy())


def with_same_training(all_folds: Sequence[Fold]) -> list[list[int]]:
    """Numbers of the folds of a kind that train on the same texts, together, in order."""
    numbers: dict[tuple[str, bytes], list[int]] = {}
    for number, fold in enumerate(all_folds):
        numbers.setdefault((fold.kind, fold.train.tobytes()), []).append(number)
    return list(numbers.values())


def source_fold(origin: str) -> str:
    """Name of what is held out together with texts of this source or origin."""
    return _GROUP_OF.get(origin, origin)


def source_folds(rows: pd.DataFrame) -> list[str]:
    """Names of the source folds, in the order that gives each its half.

    Origins of auxiliary texts alone have none: nothing of them could be tested.

    Args:
        rows: columns origin and calibration_mask.
    """
    tested = rows["origin"][rows["calibration_mask"].astype(bool)]
    return sorted({source_fold(origin) for origin in tested.unique()}, key=str.casefold)


def generator_family(name: str) -> str:
    """Maker or kind of a model by its name; empty for human texts and unnamed models."""
    lowered = name.lower()
    if lowered == "human" or _UNNAMED.search(lowered):
        return ""
    fits = (family for family, pattern in GENERATORS.items() if re.search(pattern, lowered))
    return next(fits, "")


def genre_of(domain: str) -> str:
    """The genre of a domain; empty if it has none."""
    return next((genre for genre, domains in GENRES.items() if domain in domains), "")


def _fold(
    rows: pd.DataFrame,
    kind: str,
    name: str,
    held_out: np.ndarray,
    untrained: np.ndarray | None = None,
) -> Fold:
    """A fold that holds rows out, and does not train on some others either."""
    in_test_split = (rows["split"] == "test").to_numpy()
    train = ~held_out & ~in_test_split
    if untrained is not None:
        train &= ~untrained
    if kind == "none":
        return Fold(kind, name, train, in_test_split, in_test_split)
    held_out = held_out & rows["calibration_mask"].to_numpy(bool)
    test = held_out.copy()
    labels = rows["generated"].to_numpy()
    for label in {0, 1} - set(labels[held_out]):
        # only one class is held out: the other comes from the same genres, from training sources
        genres = {genre_of(domain) for domain in rows["domain"][held_out]}
        genres |= {_OTHER_CLASS_FROM.get(genre, genre) for genre in genres}
        same_genre = rows["domain"].map(genre_of).isin(genres - {""}).to_numpy()
        other = in_test_split & ~held_out & (labels == label)
        test |= other & same_genre if (other & same_genre).any() else other
    return Fold(kind, name, train, test, held_out)
