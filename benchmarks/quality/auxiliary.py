"""Texts that detectors learn from beside the corpus: written on by a model, or worked over by one.

Run from the root of the checkout: `python -m benchmarks.auxiliary
--corpus=../shared/data/corpus.parquet --output=.cache/auxiliary.parquet`, then train with
`--auxiliary=.cache/auxiliary.parquet`. Writing on takes the language model minutes; a run that was
stopped goes on where it was.
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
from perplexity_detector.pipelines.train import preprocess
from perplexity_detector.sampling.balance import balanced_sample, stable_order
from perplexity_detector.text import canonicalise, sentence_spans, words

#: Source of what was written on.
CONTINUED = "continued"
#: Texts that are written on at once, each in the same way.
BATCH = 56
#: Tokens of an opening, and the fewest and most that follow it.
OPENING_TOKENS, NEW_TOKENS = 32, (150, 230)


class Way(NamedTuple):
    """How a language model is sampled.

    Attributes:
        temperature: that divides the log-odds.
        top_p: only the likeliest tokens of so much probability.
        top_k: only so many of the likeliest tokens; 0 for all.
        without: blocks left out of the model, which make it a weaker one.
    """

    temperature: float
    top_p: float
    top_k: int
    without: tuple[int, ...] = ()


#: One small model can stand for several if it is weakened and sampled in several ways.
WAYS = (
    Way(1.0, 1.0, 0),
    Way(1.0, 0.95, 0),
    Way(0.8, 1.0, 0),
    Way(1.0, 1.0, 40),
    Way(1.1, 0.95, 0, (22,)),
    Way(0.9, 0.9, 0, (24, 25)),
    Way(1.0, 1.0, 0, (20, 23)),
    Way(0.7, 1.0, 100, (21,)),
)


def main(
    corpus: str,
    output: str,
    polished: str | None = None,
    batches: int = 8,
    per_attack: int = 120,
) -> None:
    """Write texts and what a detector must know of them to a parquet file.

    Args:
        corpus: labelled texts; people's of its train and valid splits give the openings.
        output: the file; where `origin` of a text is left out, it must be too.
        polished: texts by people that a model polished; `polished.parquet` beside the corpus.
        batches: of `BATCH` openings, each written on in the next of `WAYS`.
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
        more = continued(part, WAYS[number % len(WAYS)], seed=number)
        written = pd.concat([written, more], ignore_index=True)
        written.to_parquet(output)


def openings(corpus: pd.DataFrame, texts: int) -> pd.DataFrame:
    """People's texts that have an opening, sources alike, in a stable random order."""
    people = corpus[(corpus["generated"] == 0) & (corpus["split"] != "test")]
    plain = [canonicalise(text) for text in people["text"]]
    people = people.assign(text=plain)[[len(words(text)) > OPENING_TOKENS for text in plain]]
    chosen = balanced_sample(people, -(-texts // people["source"].nunique()))
    return chosen.iloc[stable_order(chosen["id"], seed=1)].head(texts)


def continued(rows: pd.DataFrame, way: Way, seed: int) -> pd.DataFrame:
    """What the shipped language model writes after openings; the openings themselves are dropped.

    Args:
        rows: of the corpus, canonical.
        way: how it is sampled.
        seed: of the sampling.
    """
    written = written_on(rows["text"].tolist(), way, seed)
    texts = [from_first_sentence(preprocess(text, MAX_WORDS)) for text in written]
    generator = f"{catalogue.BUILTIN} {way.temperature:g}/{way.top_p:g}/{way.top_k}" + "".join(
        f" without {block}" for block in way.without
    )
    ids = [f"{CONTINUED}-{one}" for one in rows["id"]]
    return _auxiliary(rows, CONTINUED).assign(
        id=ids, prompt_id=ids, text=texts, generated=1, generator=generator, attack="none"
    )


def written_on(texts: Sequence[str], way: Way, seed: int) -> list[str]:
    """What follows the first tokens of each text, by the shipped model in bfloat16."""
    loaded = catalogue.load()
    model = without_blocks(loaded.model.to(torch.bfloat16), way.without)
    heads = [loaded.tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    heads = [head[:OPENING_TOKENS] for head in heads]
    width = max(map(len, heads)) + 1  # the token that stands before every text
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
            temperature=way.temperature,
            top_p=way.top_p,
            top_k=way.top_k,
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
    """A text that begins inside a sentence, without it if there are others."""
    spans = sentence_spans(text)
    return text[spans[1][0] :] if len(spans) > 1 else text


def polished_texts(frame: pd.DataFrame, per_attack: int) -> pd.DataFrame:
    """Texts by people that a model worked over, of the train and valid splits."""
    frame = frame[frame["split"] != "test"]
    chosen = frame.iloc[stable_order(frame["id"])].groupby("attack").head(per_attack)
    texts = [preprocess(text, MAX_WORDS) for text in chosen["text"]]
    # kinds of polishing differ as much as sources do
    return _auxiliary(chosen, chosen["attack"]).assign(text=texts, generated=1)


def _auxiliary(rows: pd.DataFrame, source: str | pd.Series) -> pd.DataFrame:
    return rows[COLUMNS].assign(origin=rows["source"], source=source, split="train")


if __name__ == "__main__":
    fire.Fire(main)
