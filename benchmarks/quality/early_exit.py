"""What an early exit costs and saves on sources left out of training.

Run from the root of the checkout: `python -m benchmarks.quality.early_exit --corpus=CORPUS
--cache=FOLDER --scores=FOLDER --precision=bfloat16`. Both detectors are trained once for the
source folds that share their training texts; what they make of each text is kept in the folder of
scores, from which the figures follow at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import fire
import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.quality import protocol, samples
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.parallel import forked_pool
from benchmarks.quality.recipes import SHIPPED, fit_detectors
from benchmarks.quality.scored import FPR, MIN_PEOPLE
from benchmarks.records import RESULTS, write_json
from perplexity_detector.classifier.calibration import clopper_pearson_upper
from perplexity_detector.classifier.verdicts import MAX_FNR, UNCERTAIN, decide
from perplexity_detector.detectors.cascade import FIRST_FNR, FIRST_FPR_SHARE
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families

OUTPUT = RESULTS / "early_exit.json"
FIRST, LAST = "fast", "standard"
#: What the first detector may spend, among which the shares in use were chosen.
FPR_SHARES = (0.05, 0.1, 0.2, 0.25, 0.3, 0.5)
FNRS = (0.01, 0.02, 0.03, 0.04)


class Rule(NamedTuple):
    """When a text leaves early.

    Attributes:
        fpr_share: of the false-positive rate, that the first detector may spend.
        fnr: of generated texts, that it may call human.
    """

    fpr_share: float
    fnr: float


def main(
    corpus: str,
    scores: str,
    cache: str | None = None,
    per_group: int = 100,
    per_group_held_out: int = 60,
    precision: str | None = None,
    processes: int = 2,
    output: str = str(OUTPUT),
) -> None:
    """Measure, print the means, write json.

    Args:
        corpus: labelled texts with domain, generator, attack, prompt_id, source and split.
        scores: folder of what the detectors make of each text; a training that is there is not
            repeated.
        cache: folder that keeps the language model's output.
        per_group: texts of one source and class in the train split.
        per_group_held_out: the same in the valid and test splits.
        precision: of the language model.
        processes: number of trainings that run in parallel.
        output: the json file.
    """
    extractor = FeatureExtractor(list(available_families()), precision=precision, cache=cache)
    texts = Texts.read(samples.corpus(corpus, per_group, per_group_held_out), extractor)
    folds = list(protocol.folds(texts.rows))
    folder = Path(scores)
    folder.mkdir(parents=True, exist_ok=True)
    trainings = [
        numbers
        for numbers in protocol.with_same_training(folds)
        if folds[numbers[0]].kind == "source"
    ]
    _shared[:] = [texts, folds, folder]
    with forked_pool(processes) as pool:
        files = list(pool.map(_score, trainings))
    record = {
        "machine": machine(("torch", "xgboost", "scikit-learn")),
        **figures(pd.concat(map(pd.read_parquet, files), ignore_index=True)),
    }
    write_json(output, record)
    print(pd.DataFrame(record["rules"]).round(4).to_string())


#: The texts, folds and folder that forked processes share.
_shared: list[Any] = []


def _score(numbers: list[int]) -> Path:
    """Train both detectors without some sources; write what they make of the test texts."""
    texts, folds, folder = _shared
    file: Path = folder / f"{numbers[0]}.parquet"
    if file.exists():
        return file
    fitted = fit_detectors(list(SHIPPED), texts, folds[numbers[0]], earlier=False)
    frames = []
    for number in numbers:
        fold = folds[number]
        documents = [texts.documents[i] for i in np.flatnonzero(fold.test)]
        frame = texts.rows.loc[fold.test, ["id", "source", "generated"]].assign(
            fold=fold.name,
            half=fold.half,
            held_out=fold.held_out[fold.test],
            words=[len(document.words) for document in documents],
        )
        for name, one in fitted.items():
            features = one.data.transform(texts, fold.test)
            frame[f"p_{name}"] = one.probabilities(features)
            frame[f"outlier_{name}"] = one.is_outlier(features)
            for rate in _rates(name):
                frame[f"t_{name}_{rate:g}"] = one.thresholds(documents, rate)
            for fnr in (*FNRS, MAX_FNR):
                frame[f"h_{name}_{fnr:g}"] = one.calibrator.threshold_at_fnr(fnr)
        frames.append(frame)
    pd.concat(frames).to_parquet(file.with_suffix(".part"))
    return file.with_suffix(".part").rename(file)


def _rates(name: str) -> list[float]:
    """False-positive rates at which thresholds of a detector are needed."""
    shares = FPR_SHARES if name == FIRST else [1 - share for share in FPR_SHARES]
    return [round(FPR * share, 6) for share in (*shares, 1)]


def figures(scored: pd.DataFrame) -> dict[str, Any]:
    """Everything that is reported.

    Args:
        scored: the test texts of all source folds, as `_score` writes them.

    Returns:
        `rules`, means over the sources of a half for every rule; `used`, the same for the rule in
        use and for each detector alone; `sources`, what leaves early of each; `people`, how many
        of the left-out people are flagged, with the upper bound of their rate.
    """
    halves = {half: scored[scored["half"] == half] for half in protocol.HALVES}
    development = halves[protocol.DEVELOPMENT]
    rules = [Rule(share, fnr) for share in FPR_SHARES for fnr in FNRS]
    in_use = Rule(FIRST_FPR_SHARE, FIRST_FNR)
    used = {
        half: {name: _means(part, _alone(part, name)) for name in (FIRST, LAST)}
        | {"auto": _means(part, judged(part, in_use))}
        for half, part in halves.items()
    }
    result = judged(scored, in_use)
    held_out = scored["held_out"].to_numpy(bool)
    return {
        "rule": in_use._asdict(),
        "rules": [
            {**rule._asdict(), **_means(development, judged(development, rule))} for rule in rules
        ],
        "used": used,
        "sources": {
            str(name): _leaving(part, result.loc[part.index])
            for name, part in scored[held_out].groupby("fold")
        },
        "people": {
            name: _flagged_people(scored, of_one)
            for name, of_one in (("auto", result), (LAST, _alone(scored, LAST)))
        },
    }


def judged(scored: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Probability of each text, whether it leaves early, and whether it is flagged, by a rule."""
    early = _verdicts(scored, FIRST, FPR * rule.fpr_share, rule.fnr) != UNCERTAIN
    first_flags = _flags(scored, FIRST, FPR * rule.fpr_share)
    last_flags = _flags(scored, LAST, FPR * (1 - rule.fpr_share))
    verdicts = _verdicts(scored, LAST, FPR * (1 - rule.fpr_share), MAX_FNR - rule.fnr)
    return pd.DataFrame(
        {
            "early": early,
            "probability": np.where(early, scored[f"p_{FIRST}"], scored[f"p_{LAST}"]),
            "flagged": np.where(early, first_flags, last_flags),
            "uncertain": ~early & (verdicts == UNCERTAIN),
        },
        index=scored.index,
    )


def _alone(scored: pd.DataFrame, name: str) -> pd.DataFrame:
    """As `judged`, by one detector."""
    return pd.DataFrame(
        {
            "early": name == FIRST,
            "probability": scored[f"p_{name}"],
            "flagged": _flags(scored, name, FPR),
            "uncertain": _verdicts(scored, name, FPR, MAX_FNR) == UNCERTAIN,
        },
        index=scored.index,
    )


def _flags(scored: pd.DataFrame, name: str, rate: float) -> np.ndarray:
    thresholds = scored[f"t_{name}_{round(rate, 6):g}"]
    return np.asarray(scored[f"p_{name}"] >= thresholds)


def _verdicts(scored: pd.DataFrame, name: str, rate: float, fnr: float) -> np.ndarray:
    generated = scored[f"t_{name}_{round(rate, 6):g}"].to_numpy()
    found = decide(
        scored[f"p_{name}"].to_numpy(),
        scored["words"].tolist(),
        np.minimum(generated, scored[f"h_{name}_{round(fnr, 6):g}"]),
        generated,
        scored[f"outlier_{name}"].to_numpy(bool),
        [True] * len(scored),
    )
    return np.array([one.verdict for one in found])


def _means(scored: pd.DataFrame, result: pd.DataFrame) -> dict[str, float]:
    """Means over the left-out sources."""
    rows = []
    for _, part in scored.groupby("fold"):
        labels, of_part = part["generated"].to_numpy(), result.loc[part.index]
        probabilities = of_part["probability"].to_numpy()
        rows.append(
            {
                "auroc": metrics.auroc(labels, probabilities),
                "tpr_at_1": metrics.tpr_at_fpr(labels, probabilities, 0.01),
                "tpr_at_5": metrics.tpr_at_fpr(labels, probabilities, 0.05),
                **_leaving(part[part["held_out"]], of_part[part["held_out"]]),
            }
        )
    return {str(name): float(value) for name, value in pd.DataFrame(rows).mean().items()}


def _leaving(part: pd.DataFrame, result: pd.DataFrame) -> dict[str, float]:
    """Shares of a source's people and generated texts that leave early and are flagged."""
    found: dict[str, float] = {}
    for name, label in (("people", 0), ("generated", 1)):
        of_class = result[(part["generated"] == label).to_numpy()]
        if not len(of_class):
            continue
        found[f"n_{name}"] = float(len(of_class))
        for column in ("early", "flagged", "uncertain"):
            found[f"{name}_{column}"] = float(of_class[column].mean())
    return found


def _flagged_people(scored: pd.DataFrame, result: pd.DataFrame) -> dict[str, Any]:
    """Flagged people of all left-out sources together, and the highest rate of any."""
    chosen = scored["held_out"].to_numpy(bool) & (scored["generated"] == 0).to_numpy()
    flags = result["flagged"][chosen]
    by_source = flags.groupby(scored["source"][chosen]).agg(["mean", "size"])
    large: list[float] = by_source["mean"][by_source["size"] >= MIN_PEOPLE].tolist()
    return {
        "texts": len(flags),
        "share": float(flags.mean()),
        "upper_bound": clopper_pearson_upper(int(flags.sum()), len(flags)),
        "highest": max(large),
    }


if __name__ == "__main__":
    fire.Fire(main)
