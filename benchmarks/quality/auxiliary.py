"""Additional training texts: human openings continued by a model, and polished human texts.

Run from the root of the checkout: `python -m benchmarks.quality.auxiliary
--corpus=CORPUS --output=.cache/auxiliary.parquet`, then train with
`--auxiliary=.cache/auxiliary.parquet`. The language model takes minutes to write; a stopped run
continues where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import fire
import pandas as pd
import torch
from tqdm import tqdm

from benchmarks.language_models import without_blocks
from benchmarks.quality.samples import COLUMNS, MAX_WORDS
from perplexity_detector.io.datasets import read_all
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.sampling.balance import balanced_sample, stable_order
from perplexity_detector.text import canonicalise, preprocess, sentence_spans, words

#: Source of continued openings.
CONTINUED = "continued"
#: Texts that are continued together, sampled alike.
BATCH = 56
#: Tokens of an opening, and the minimum and maximum that follow.
OPENING_TOKENS, NEW_TOKENS = 32, (150, 230)


class Sampling(NamedTuple):
    """How the language model is sampled.

    Attributes:
        temperature: divides the logits.
        top_p: sample among the likeliest tokens of this total probability.
        top_k: sample among this many of the likeliest tokens; 0 for all.
        removed_blocks: blocks removed from the model, which weaken it.
    """

    temperature: float
    top_p: float
    top_k: int
    removed_blocks: tuple[int, ...] = ()


#: One small model can stand in for several if it is weakened and sampled differently.
SAMPLINGS = (
    Sampling(1.0, 1.0, 0),
    Sampling(1.0, 0.95, 0),
    Sampling(0.8, 1.0, 0),
    Sampling(1.0, 1.0, 40),
    Sampling(1.1, 0.95, 0, (22,)),
    Sampling(0.9, 0.9, 0, (24, 25)),
    Sampling(1.0, 1.0, 0, (20, 23)),
    Sampling(0.7, 1.0, 100, (21,)),
)


def main(
    corpus: str,
    output: str,
    polished: str | None = None,
    batches: int = 8,
    per_attack: int = 120,
) -> None:
    """Write texts and their columns to a parquet file.

    Args:
        corpus: labelled texts; human ones of its train and valid splits give the openings.
        output: the file. A text must be held out wherever its `origin` is.
        polished: human texts polished by a model; `polished.parquet` next to the corpus by default.
        batches: of `BATCH` openings, each with the next of `SAMPLINGS`.
        per_attack: texts of each kind of polishing.
    """
    rows = openings(read_all(corpus, label=True), batches * BATCH)
    written = polished_texts(
        read_all(polished or str(Path(corpus).parent / "polished.parquet"), label=True), per_attack
    )
    done = 0
    if Path(output).is_file():
        known = pd.read_parquet(output)
        known = known[known["source"] == CONTINUED]
        written, done = pd.concat([written, known], ignore_index=True), len(known) // BATCH
    written.to_parquet(output)
    for number in tqdm(range(done, batches), initial=done, total=batches, disable=None):
        part = rows.iloc[number * BATCH : (number + 1) * BATCH]
        more = continued(part, SAMPLINGS[number % len(SAMPLINGS)], seed=number)
        written = pd.concat([written, more], ignore_index=True)
        written.to_parquet(output)


def openings(corpus: pd.DataFrame, texts: int) -> pd.DataFrame:
    """Human texts longer than an opening, balanced over sources, in a stable random order."""
    human = corpus[(corpus["generated"] == 0) & (corpus["split"] != "test")]
    plain = [canonicalise(text) for text in human["text"]]
    human = human.assign(text=plain)[[len(words(text)) > OPENING_TOKENS for text in plain]]
    chosen = balanced_sample(human, -(-texts // human["source"].nunique()))
    return chosen.iloc[stable_order(chosen["id"], seed=1)].head(texts)


def continued(rows: pd.DataFrame, sampling: Sampling, seed: int) -> pd.DataFrame:
    """Continuations of openings by the shipped language model, without the openings.

    Args:
        rows: of the corpus, canonical.
        sampling: how the model is sampled.
        seed: of the sampling.
    """
    written = continuations(rows["text"].tolist(), sampling, seed)
    texts = [from_first_sentence(preprocess(text, MAX_WORDS)) for text in written]
    settings = f"{sampling.temperature:g}/{sampling.top_p:g}/{sampling.top_k}"
    removed = "".join(f" without {block}" for block in sampling.removed_blocks)
    generator = f"{catalogue.BUILTIN} {settings}{removed}"
    ids = [f"{CONTINUED}-{one}" for one in rows["id"]]
    return _auxiliary(rows, CONTINUED).assign(
        id=ids, prompt_id=ids, text=texts, generated=1, generator=generator, attack="none"
    )


def continuations(texts: Sequence[str], sampling: Sampling, seed: int) -> list[str]:
    """What the shipped model, in bfloat16, writes after the first tokens of each text."""
    loaded = catalogue.load(of_transformers=True)
    model = without_blocks(loaded.model.to(torch.bfloat16), sampling.removed_blocks)
    heads = [loaded.tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    heads = [head[:OPENING_TOKENS] for head in heads]
    width = max(map(len, heads)) + 1  # plus the token before every text
    ids = torch.full((len(heads), width), loaded.bos_id)
    mask = torch.zeros_like(ids)
    for row, head in enumerate(heads):
        ids[row, width - len(head) :] = torch.tensor(head)
        mask[row, width - len(head) - 1 :] = 1
    ends = sorted({loaded.bos_id, *loaded.bos_candidates})
    torch.manual_seed(seed)
    with torch.inference_mode():
        out = model.generate(
            ids,
            attention_mask=mask,
            do_sample=True,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            min_new_tokens=NEW_TOKENS[0],
            max_new_tokens=NEW_TOKENS[1],
            pad_token_id=loaded.bos_id,
            eos_token_id=ends,
        )
    return [
        loaded.tokenizer.decode([one for one in new if one not in ends])
        for new in out[:, width:].tolist()
    ]


def from_first_sentence(text: str) -> str:
    """A text without the incomplete sentence it begins with, if it has others."""
    spans = sentence_spans(text)
    return text[spans[1][0] :] if len(spans) > 1 else text


def polished_texts(frame: pd.DataFrame, per_attack: int) -> pd.DataFrame:
    """Human texts that a model polished, of the train and valid splits."""
    frame = frame[(frame["split"] != "test") & (frame["generated"] == 1)]
    # kinds of polishing differ as much as sources do; texts without a kind are a source's own
    kind = frame["attack"].where(frame["attack"] != "none", frame["source"])
    order = stable_order(frame["id"])
    chosen = frame.iloc[order].groupby(kind.iloc[order]).head(per_attack)
    texts = [preprocess(text, MAX_WORDS) for text in chosen["text"]]
    return _auxiliary(chosen, kind[chosen.index]).assign(text=texts)


def _auxiliary(rows: pd.DataFrame, source: str | pd.Series) -> pd.DataFrame:
    return rows[COLUMNS].assign(origin=rows["source"], source=source, split="train")


if __name__ == "__main__":
    fire.Fire(main)
