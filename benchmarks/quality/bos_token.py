"""Which token should stand before a text: bits per character of prose after each candidate.

Run from the root of the checkout: `python -m benchmarks.bos_token`.
"""

from __future__ import annotations

import json
import random
from operator import itemgetter
from pathlib import Path
from typing import Any

import fire
import zstandard

from benchmarks.machine import machine
from perplexity_detector.lm.bos import bits_per_character
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.text import canonicalise, crop

RESULTS = Path(__file__).parents[1] / "results" / "bos_token.json"
SEPARATOR = "<|endoftext|>"
#: Tokens that models of this kind begin or end a text or a turn with.
CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def main(
    lm: str = catalogue.BUILTIN,
    corpus: str = "../shared/lm_corpus",
    documents: int = 7,
    words: int = 300,
    output: str = str(RESULTS),
) -> None:
    """Measure, print a table, write json.

    Args:
        lm: the language model.
        corpus: a folder of `*.txt.zst`, documents parted by `<|endoftext|>`.
        documents: how many are drawn from each file.
        words: at most so many of each document are read, from its beginning.
        output: the json file.
    """
    texts = {
        file.name.removesuffix(".txt.zst"): sample(file, documents, words)
        for file in sorted(Path(corpus).glob("*.txt.zst"))
    }
    if not texts:
        raise SystemExit(f"There are no files *.txt.zst in {corpus}; name a folder with --corpus.")
    scorer = LanguageModelScorer(lm)
    tokens = candidates(scorer)
    by_file = {
        name: bits_per_character(scorer, list(tokens), of_file) for name, of_file in texts.items()
    }
    characters = {name: sum(map(len, of_file)) for name, of_file in texts.items()}
    results: list[dict[str, Any]] = [
        {
            "token": token,
            "id": bos_id,
            "bits_per_character": sum(by_file[name][bos_id] * characters[name] for name in texts)
            / sum(characters.values()),
            "by_file": {name: by_file[name][bos_id] for name in texts},
        }
        for bos_id, token in tokens.items()
    ]
    print_table(results)
    record = {
        "machine": machine(),
        "lm": lm,
        "identity": scorer.identity,
        "documents": sum(map(len, texts.values())),
        "characters": sum(characters.values()),
        "results": results,
    }
    Path(output).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def sample(file: Path, documents: int, words: int) -> list[str]:
    """The beginnings of some documents of a file, always the same, in canonical form."""
    with file.open("rb") as stream:
        text = zstandard.ZstdDecompressor().stream_reader(stream).read().decode("utf-8")
    # a headline or a dateline is no prose
    long_enough = [one for one in text.split(SEPARATOR) if len(one) > 6 * words]
    chosen = random.Random(0).sample(long_enough, min(documents, len(long_enough)))
    return [crop(canonicalise(one[: 20 * words]), words) for one in chosen]


def candidates(scorer: LanguageModelScorer) -> dict[int, str]:
    """Ids and names of the tokens to try, by id: control tokens and what the model begins with."""
    return {
        bos_id: token
        for token, bos_id in sorted(scorer.tokenizer.get_vocab().items(), key=itemgetter(1))
        if token in CONTROL_TOKENS or bos_id in scorer.bos_candidates
    }


def print_table(results: list[dict[str, Any]]) -> None:
    """Print bits per character, a row for each token, a column for each file."""
    files = list(results[0]["by_file"])
    print("| Token | All | " + " | ".join(files) + " |")
    print("|:--|" + "--:|" * (len(files) + 1))
    for row in results:
        figures = [row["bits_per_character"], *row["by_file"].values()]
        print(f"| `{row['token']}` | " + " | ".join(f"{bits:.4f}" for bits in figures) + " |")


if __name__ == "__main__":
    fire.Fire(main)
