"""Which token to read before a text: bits per character of prose after each candidate.

Run from the root of the checkout: `python -m benchmarks.quality.bos_token --corpus=FOLDER`.
"""

from __future__ import annotations

import random
from operator import itemgetter
from pathlib import Path
from typing import Any

import fire
import zstandard

from benchmarks.machine import machine
from benchmarks.quality.prose import SEPARATOR
from benchmarks.records import RESULTS, write_json
from perplexity_detector.lm.bos import bits_per_character
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.text import canonicalise, crop

OUTPUT = RESULTS / "bos_token.json"
#: Tokens with which models of this kind begin or end a text or a message.
CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def main(
    corpus: str,
    lm: str = catalogue.BUILTIN,
    documents: int = 7,
    words: int = 300,
    output: str = str(OUTPUT),
) -> None:
    """Measure, print a table, write json.

    Args:
        corpus: folder of `*.txt.zst`, whose documents end with `<|endoftext|>`.
        lm: the language model.
        documents: number drawn from each file.
        words: most words read of each document, from its beginning.
        output: the json file.
    """
    texts = {
        file.name.removesuffix(".txt.zst"): sample(file, documents, words)
        for file in sorted(Path(corpus).glob("*.txt.zst"))
    }
    if not texts:
        raise SystemExit(f"There are no files *.txt.zst in {corpus}; name another with --corpus.")
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
    write_json(output, record)


def sample(file: Path, documents: int, words: int) -> list[str]:
    """The beginnings of some documents of a file, always the same, in canonical form."""
    with file.open("rb") as stream:
        text = zstandard.ZstdDecompressor().stream_reader(stream).read().decode("utf-8")
    # shorter ones may be headlines or datelines
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
