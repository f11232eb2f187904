"""RAID: a detector function for it, a submission, and its own evaluation of a slice of the corpus.

Run from the root of the checkout:
`python -m benchmarks.boards.raid measure --corpus=CORPUS` writes `raid.json`;
`python -m benchmarks.boards.raid submission --data=test.csv --output=FOLDER --contact=EMAIL` makes
the files of a pull request to RAID. Both need the package `raid-bench`, which pins versions of
NumPy, pandas and scikit-learn from 2023 and 2024; its code runs with those of today:
`pip install --no-deps raid-bench`.

Source: Dugan et al. 2024, "RAID: A Shared Benchmark for Robust Evaluation of Machine-Generated
Text Detectors".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import fire
import pandas as pd
from tqdm import tqdm

from benchmarks.machine import machine
from benchmarks.records import RESULTS, write_json
from perplexity_detector.augmentation.attacks import attack
from perplexity_detector.classifier.provenance import detector_sha256
from perplexity_detector.errors import InputError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.io.datasets import read_all
from perplexity_detector.pipelines.predict import chunk_rows
from perplexity_detector.sampling.balance import balanced_sample
from perplexity_detector.text import crop
from perplexity_detector.version import __version__

OUTPUT = RESULTS / "raid.json"
SHIPPED = ("standard", "fast")
#: Columns of RAID's files, in order.
COLUMNS = (
    "id", "adv_source_id", "source_id", "model", "decoding", "repetition_penalty", "attack",
    "domain", "title", "prompt", "generation",
)  # fmt: skip
#: RAID's domains that the corpus has, by the corpus' names.
DOMAINS = {
    "abstract": "abstracts",
    "news": "news",
    "review": "reviews",
    "blog_reddit": "reddit",
    "qa_reddit": "reddit",
    "wiki": "wiki",
}
#: RAID's generators that the corpus has, by the corpus' names.
GENERATORS = {
    "chatgpt": "chatgpt",
    "gpt-3.5-turbo": "chatgpt",
    "gpt-4": "gpt4",
    "gpt-4-1106-preview": "gpt4",
    "gpt4turbo": "gpt4",
    "davinci": "gpt3",
    "text-davinci-002": "gpt3",
    "text-davinci-003": "gpt3",
    "text_davinci_003": "gpt3",
    "gpt2-xl": "gpt2",
    "gpt2_xl": "gpt2",
    "llama-2-70b-chat": "llama-chat",
    "Mistral-7B": "mistral",
    "mistral-7b-instruct-v0.2": "mistral-chat",
    "Mistral-7B-Instruct-v0.1": "mistral-chat",
    "Mistral-7B-Instruct-v0.3": "mistral-chat",
}
#: RAID's attacks, by the names in `augmentation.attacks`; paraphrases are DIPPER's in the corpus.
ATTACKS = {
    "homoglyph": "homoglyph",
    "number": "number",
    "article_deletion": "article_deletion",
    "insert_paragraphs": "insert_paragraphs",
    "misspelling": "perplexity_misspelling",
    "upper_lower": "upper_lower",
    "whitespace": "whitespace",
    "zero_width_space": "zero_width_space",
    "synonym": "synonym",
    "alternative_spelling": "alternative_spelling",
}
PARAPHRASE = "paraphrase"
_DIPPER = ("dipper", "paraphrase_dipper")
#: Words to which a text is cut at the end of a sentence, before it is attacked.
MAX_WORDS = 300


def detector(texts: list[str], name: str = "standard") -> list[float]:
    """Score texts as RAID asks; higher for generated.

    Args:
        texts: n texts.
        name: of a shipped detector, or its folder.

    Returns:
        n log-odds before calibration, neither rounded nor bounded.
    """
    loaded = _load(name)
    rows = chunk_rows(loaded.extractor_)  # some at a time: RAID gives all texts at once
    scores: list[float] = []
    for start in tqdm(range(0, len(texts), rows), unit=" chunks", disable=None):
        scores += loaded.decision_function(texts[start : start + rows]).tolist()
    return scores


@lru_cache(maxsize=1)
def _load(name: str) -> ExplainableClassifier:
    return ExplainableClassifier.from_pretrained(name)


def metadata(contact: str, name: str = "standard", released: str | None = None) -> dict[str, str]:
    """What RAID's `metadata.json` asks for; optional links are empty until there are any.

    Args:
        contact: an email address.
        name: of the detector.
        released: year-month-day; today if not given.
    """
    return {
        "date_released": released or date.today().isoformat(),
        "detector_name": f"perplexity-detector {__version__} ({name})",
        "website": "",
        "paper_link": "",
        "huggingface_link": "",
        "github_link": "",
        "contact_info": contact,
    }


def submission(data: str, output: str, contact: str, name: str = "standard") -> None:
    """Write predictions.json and metadata.json for RAID's leaderboard.

    Args:
        data: RAID's test.csv.
        output: a folder.
        contact: an email address.
        name: of a shipped detector, or its folder.
    """
    from raid import run_detection

    frame = pd.read_csv(data)
    if missing := {"id", "generation"} - set(frame):
        raise InputError(f"{data} has no column {', '.join(sorted(missing))}; give RAID's file.")
    # a text that is missing would be a number
    frame["generation"] = frame["generation"].fillna("").astype(str)
    predictions = run_detection(partial(detector, name=name), frame)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predictions.json").write_text(json.dumps(predictions), encoding="utf-8")
    write_json(folder / "metadata.json", metadata(contact, Path(name).name))
    print(f"{len(predictions)} scores. Copy {folder} to leaderboard/submissions/ in RAID.")


def measure(
    corpus: str,
    people: int = 60,
    generated: int = 8,
    paraphrased: int = 40,
    output: str = str(OUTPUT),
) -> None:
    """Run RAID's evaluation on a slice of the corpus' test split, print a table, write json.

    Args:
        corpus: labelled texts, as for `benchmarks.quality`.
        people: texts by people of each domain.
        generated: texts of each domain and generator; each is then attacked in every way.
        paraphrased: texts of each domain that DIPPER has paraphrased.
        output: the json file.
    """
    frame = in_raid_format(read_all(corpus, label=True), people, generated, paraphrased)
    record: dict[str, Any] = {
        "machine": machine(("torch", "pandas", "scikit-learn", "raid-bench")),
        "people": int((frame["model"] == "human").sum()),
        "generated": int((frame["model"] != "human").sum()),
        "domains": sorted(frame["domain"].unique()),
        "generators": sorted(set(frame["model"]) - {"human"}),
        "detectors": {},
    }
    for name in SHIPPED:
        found = evaluate(partial(detector, name=name), frame)
        sha256 = detector_sha256(_load(name))
        record["detectors"][name] = {"sha256": sha256, **found}
    write_json(output, record)
    attacks = {name: one["attacks"] for name, one in record["detectors"].items()}
    print(pd.DataFrame({n: {a: v["tpr"] for a, v in one.items()} for n, one in attacks.items()}))


def evaluate(score: Callable[[list[str]], list[float]], frame: pd.DataFrame) -> dict[str, Any]:
    """RAID's own detection and evaluation of a file in its format, at a FPR of 5 %.

    Returns:
        Thresholds and observed false-positive rates by domain; by attack the share found and
        AUROC over all domains and generators; the number of distinct scores.
    """
    from raid import run_detection, run_evaluation

    predictions = run_detection(score, frame)
    evaluation = run_evaluation(predictions, frame, target_fpr=0.05)
    everywhere = [
        one
        for one in evaluation["scores"]
        if all(one[part] == "all" for part in ("domain", "model", "decoding", "repetition_penalty"))
    ]
    return {
        "fpr": evaluation["fpr"]["0.05"],
        "thresholds": evaluation["thresholds"]["0.05"],
        "distinct_scores": len({one["score"] for one in predictions}),
        "attacks": {
            one["attack"]: {
                # RAID gives no share where no threshold reaches the rate
                "tpr": one["accuracy"]["0.05"] and one["accuracy"]["0.05"]["accuracy"],
                "auroc": float(one["auroc"]),
                "texts": int(
                    ((frame["attack"] == one["attack"]) & (frame["model"] != "human")).sum()
                ),
            }
            for one in everywhere
        },
    }


def in_raid_format(
    rows: pd.DataFrame, people: int, generated: int, paraphrased: int
) -> pd.DataFrame:
    """Texts of the test split as a file of RAID's, with generated ones attacked in every way.

    Only domains and generators of RAID. The corpus does not say how texts were sampled, so
    `decoding` and `repetition_penalty` are `unknown`.

    Args:
        rows: the corpus.
        people: texts by people of each domain.
        generated: texts of each domain and generator.
        paraphrased: texts of each domain that DIPPER has paraphrased.
    """
    rows = rows[rows["split"] == "test"]
    by_people = rows["generated"] == 0
    model = rows["generator"].map(GENERATORS).mask(by_people, "human")
    rows = rows.assign(model=model, domain=rows["domain"].map(DOMAINS))
    rows = rows.dropna(subset=["model", "domain"])
    plain = rows[rows["attack"] == "none"]
    human = _sample(plain[plain["model"] == "human"], people, ["domain"])
    written = _sample(plain[plain["model"] != "human"], generated, ["domain", "model"])
    dipper = rows[rows["attack"].isin(_DIPPER) & (rows["model"] != "human")]
    parts = [human, written, _sample(dipper, paraphrased, ["domain"]).assign(attack=PARAPHRASE)]
    for ours, name in ATTACKS.items():
        changed = [attack(text, ours) for text in written["text"]]
        ids = written["id"] + f"-{name}"
        parts.append(written.assign(id=ids, text=changed, attack=name, source_id=written["id"]))
    frame = pd.concat(parts, ignore_index=True)
    sources = frame["source_id"].fillna(frame["id"])
    human_rows = frame["model"] == "human"
    unknown = pd.Series("unknown", frame.index).mask(human_rows)
    return frame.assign(
        adv_source_id=sources, source_id=sources, decoding=unknown, repetition_penalty=unknown,
        title="", prompt="", generation=frame["text"],
    )[list(COLUMNS)]  # fmt: skip


def _sample(rows: pd.DataFrame, each: int, columns: list[str]) -> pd.DataFrame:
    """So many rows of each combination of values, cut to `MAX_WORDS`."""
    cells = rows[columns].agg("/".join, axis=1)
    chosen = balanced_sample(rows.assign(source=cells), each)
    return chosen.assign(text=[crop(text, MAX_WORDS) for text in chosen["text"]])


if __name__ == "__main__":
    fire.Fire({"measure": measure, "submission": submission})
