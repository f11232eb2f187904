"""A second reader next to the detectors: the first blocks, adapted by LoRA, on sources left out.

Run after `benchmarks.quality.early_exit`, whose scores it takes, from the root of the checkout:
`python -m benchmarks.quality.second_reader --corpus=CORPUS --scores=FOLDER --work=FOLDER`. Each
part of the sources is tested with a reader that learned, in one pass, from the texts of the other
parts. Its head starts as a logistic regression on the frozen states, so that weights between the
frozen and the adapted ones are a reader too (WiSE-FT, Wortsman et al. 2022). The folder of work
keeps readers and scores: a run that was stopped goes on from there, and parts add up in the json.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import fire
import numpy as np
import pandas as pd
import torch
from scipy.special import logit

from benchmarks.machine import machine
from benchmarks.quality import protocol, samples
from benchmarks.quality.early_exit import read_scores
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.lora import adapt, fit_head, set_share
from benchmarks.quality.networks import deal_sources
from benchmarks.quality.students import mean
from benchmarks.records import RESULTS, read_json, write_json
from perplexity_detector.detectors.baselines.fine_tuning import (
    PooledClassifier,
    TrainingArgs,
    fine_tune,
    log_odds,
)
from perplexity_detector.detectors.baselines.first_layers import FirstLayers
from perplexity_detector.detectors.baselines.neural import Pretrained, balanced_rows
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.sampling.balance import balancing_weights

OUTPUT = RESULTS / "second_reader.json"
BLOCKS = 8
#: Blocks that stay as they are, so that the frozen and the adapted pass share them.
FROZEN = (0, 4)
#: Shares of the adaptation that are added to the frozen weights.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Detectors of `early_exit` that the reader is averaged with, and the blocks that they run.
DETECTORS = {"blocks_8": BLOCKS, "fast": 15, "standard": 30}
METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "auroc": metrics.auroc,
    "tpr_at_1": partial(metrics.tpr_at_fpr, fpr=0.01),
    "tpr_at_5": partial(metrics.tpr_at_fpr, fpr=0.05),
}
#: Texts that the head's logistic regression learns from.
HEAD_TEXTS = 4000
MAX_TOKENS = 256
TRAINING = TrainingArgs(epochs=1, batch_texts=32, learning_rate=5e-4, seed=0, progress=True)


def main(
    corpus: str,
    scores: str,
    work: str,
    parts: Sequence[int] = (0,),
    frozen: Sequence[int] = FROZEN,
    per_group: int = 100,
    per_group_held_out: int = 60,
    output: str = str(OUTPUT),
) -> None:
    """Adapt readers, test them on the sources that they never saw, print the means, write json.

    Args:
        corpus: as for `benchmarks.quality.early_exit`.
        scores: the folder of its scores.
        work: folder of readers and their scores.
        parts: numbers of the parts of the sources that are tested, each with readers of its own.
        frozen: numbers of first blocks that stay as they are; one reader is adapted for each.
        per_group: as for `early_exit`.
        per_group_held_out: as for `early_exit`.
        output: the json file; what it has of other parts and readers stays.
    """
    texts = Texts.unread(samples.corpus(corpus, per_group, per_group_held_out))
    dealt = deal_sources(texts.rows)
    part_of = dict(zip(texts.rows["origin"].map(protocol.source_fold), dealt, strict=True))
    scored = read_scores(texts, list(protocol.folds(texts.rows)), Path(scores))
    record = read_json(output) if Path(output).is_file() else {"readers": {}}
    record |= {"machine": machine(("torch", "scikit-learn"))}
    Path(work).mkdir(parents=True, exist_ok=True)
    for part in parts:
        of_part = scored[scored["fold"].map(part_of) == part].reset_index(drop=True)
        adapted = {
            first: adapted_scores(
                texts, dealt, part, first, of_part["id"].to_numpy(str), Path(work)
            )
            for first in frozen
        }
        for name, (described, of_reader) in readers(of_part, adapted).items():
            known = record["readers"].setdefault(name, {"sources": {}})
            known |= {**described, "sources": known["sources"] | by_source(of_part, of_reader)}
        write_json(output, record)
    found = {
        (name, half): means(reader, half)
        for name, reader in record["readers"].items()
        for half in protocol.HALVES
    }
    print(pd.DataFrame(found).T.round(3).to_string())


def readers(
    scored: pd.DataFrame, adapted: dict[int, dict[float, np.ndarray]]
) -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """Detectors, adapted readers and means of both: what each runs, and its scores of the texts.

    A mean is that of both log-odds, each divided by its standard deviation over the texts.

    Args:
        scored: as `early_exit.read_scores` returns it, of n texts.
        adapted: scores of shape (n,), by number of blocks that stay as they are, and by share of
            the adaptation.
    """
    found: dict[str, tuple[dict[str, Any], np.ndarray]] = {}
    for name, blocks in DETECTORS.items():
        scores = logit(scored[f"p_{name}"].clip(1e-9, 1 - 1e-9).to_numpy())
        found[name] = ({"detector": name, "blocks": blocks}, scores)
    for first, by_share in adapted.items():
        for share, own in by_share.items():
            described = {"frozen": first, "share": share}
            found[f"{first}-{share:g}"] = ({**described, "blocks": BLOCKS}, own)
            if share == 0:
                continue
            for name, blocks in DETECTORS.items():
                # the blocks that stay as they are run once for both
                about = {**described, "detector": name, "blocks": blocks + BLOCKS - first}
                both = own / own.std() + found[name][1] / found[name][1].std()
                found[f"{first}-{share:g} and {name}"] = (about, both)
    return found


def adapted_scores(
    texts: Texts, parts: np.ndarray, part: int, first: int, ids: np.ndarray, folder: Path
) -> dict[float, np.ndarray]:
    """Log-odds of texts by a reader that never saw a part, for each share of its adaptation.

    Args:
        texts: all texts.
        parts: part of each, shape (texts,).
        part: that is not learned from.
        first: number of first blocks that stay as they are.
        ids: of the n texts to score; one may be there twice.
        folder: keeps the reader and the scores.
    """
    file = folder / f"{part}-{first}.npz"
    if file.is_file() and np.array_equal((known := np.load(file))["ids"], ids):
        return dict(zip(known["shares"].tolist(), known["scores"], strict=True))
    reader = adapted_reader(texts, parts, part, first, folder)
    written = texts.rows.drop_duplicates("id").set_index("id")["text"]
    unique, place = np.unique(ids, return_inverse=True)
    tokens = reader.start.ids(written[unique].tolist(), MAX_TOKENS)
    scores = []
    for share in SHARES:
        reader.mix(share)
        with torch.autocast("cpu", torch.bfloat16):
            scores.append(log_odds(reader.network, tokens)[place])
    np.savez(file, ids=ids, shares=SHARES, scores=np.stack(scores))
    return dict(zip(SHARES, scores, strict=True))


class Reader(NamedTuple):
    """An adapted reader.

    Attributes:
        start: gives the tokens.
        network: the blocks and the head.
        heads: weight and offset of the head, before and after the adaptation.
    """

    start: Pretrained
    network: PooledClassifier
    heads: list[tuple[torch.Tensor, torch.Tensor]]

    def mix(self, share: float) -> None:
        """Take weights between the frozen ones (share 0) and the adapted ones (share 1)."""
        set_share(self.network, share)
        for weight, (frozen, adapted) in zip(
            self.network.head.parameters(), self.heads, strict=True
        ):
            weight.data = torch.lerp(frozen, adapted, share)


def adapted_reader(texts: Texts, parts: np.ndarray, part: int, first: int, folder: Path) -> Reader:
    """Adapt a reader to all texts but those of a part; from the folder if it is there.

    Args:
        texts: all texts.
        parts: part of each, shape (texts,).
        part: that is not learned from.
        first: number of first blocks that stay as they are.
        folder: keeps the reader.
    """
    train = np.flatnonzero((parts != part) & (texts.rows["split"] != "test").to_numpy())
    baseline = FirstLayers(blocks=BLOCKS)
    baseline.extractor_ = FeatureExtractor()
    start = baseline.pretrained()
    torch.manual_seed(TRAINING.seed)
    network = PooledClassifier(start.body).eval()
    file = folder / f"{part}-{first}.pt"
    if file.is_file():
        adapt(network, first)
        kept = torch.load(file)
        network.load_state_dict(kept["network"])
        return Reader(start, network.requires_grad_(False), kept["heads"])
    labels = texts.labels[train]
    sources = pd.factorize(texts.rows["source"].iloc[train])[0]
    weights = balancing_weights(labels, sources)
    ids = start.ids([texts.documents[i].text for i in train], MAX_TOKENS)
    few = balanced_rows(labels, sources, HEAD_TEXTS, TRAINING.seed)
    fit_head(network, [ids[i] for i in few], labels[few], weights[few])
    frozen = [weight.detach().clone() for weight in network.head.parameters()]
    adapt(network, first)
    fine_tune(network, ids, labels, weights, TRAINING)
    heads = list(zip(frozen, map(torch.clone, network.head.parameters()), strict=True))
    torch.save({"network": network.state_dict(), "heads": heads}, file)
    return Reader(start, network, heads)


def by_source(tested: pd.DataFrame, scores: np.ndarray) -> dict[str, dict[str, Any]]:
    """Metrics on each source fold, of scores (n,) of its texts."""
    found = {}
    for name, part in tested.groupby("fold"):
        labels, of_part = part["generated"].to_numpy(), scores[part.index]
        values = {metric: compute(labels, of_part) for metric, compute in METRICS.items()}
        found[str(name)] = {"half": part["half"].iloc[0], **values}
    return found


def means(reader: dict[str, Any], half: str) -> dict[str, float]:
    """Mean of each metric over the source folds of a half."""
    return {metric: mean(reader, half, metric) for metric in METRICS}


if __name__ == "__main__":
    fire.Fire(main)
