"""Time and memory of `predict` on more and more texts, and on longer and longer ones.

Run from the root of the checkout: `python -m benchmarks.speed.scale`. Each figure is of the
command in its own process. `fast` reads with smollm2. `tiny` is trained here, with `fast`'s
families, on a small random language model with smollm2's tokenizer: it has all costs except the
matrix products.
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fire
import pandas as pd

from benchmarks.machine import machine
from benchmarks.records import RESULTS, SAMPLE, read_json, write_json
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.text import canonicalise, sentence_spans

if TYPE_CHECKING:
    from tokenizers import Tokenizer

OUTPUT = RESULTS / "scale.json"
#: Distinct texts of a dataset, which repeats them in random order.
POOL = 2000
WIDTH, BLOCKS = 64, 8


def main(
    output: str = str(OUTPUT),
    texts: Sequence[int] = (100, 1000, 5000),
    rows: Sequence[int] = (100, 20_000, 1_000_000),
    characters: Sequence[int] = (100_000, 1_000_000),
    fast_sentences: int = 3,
    row_sentences: int = 1,
) -> None:
    """Measure each size, print and write json; parts that are not measured stay.

    Args:
        output: the json file.
        texts: numbers of texts that `fast` reads; () for none.
        rows: numbers of texts that `tiny` reads.
        characters: lengths of a single text that `tiny` reads.
        fast_sentences: of each text that `fast` reads.
        row_sentences: of each row that `tiny` reads.
    """
    record: dict[str, Any] = read_json(output) if Path(output).is_file() else {}
    sentences = sentences_of_sample()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny = str(tiny_detector(folder)) if rows or characters else ""
        parts = {
            "fast": ("fast", [drawn(sentences, fast_sentences, size) for size in texts]),
            "tiny": (tiny, [drawn(sentences, row_sentences, size) for size in rows]),
            "characters": (tiny, [[_prose(sentences, size)] for size in characters]),
        }
        for part, (detector, datasets) in parts.items():
            if datasets:
                record[part] = _measured(detector, datasets, folder)
                record["machine"] = machine()
                write_json(output, record)


def _measured(detector: str, datasets: list[list[str]], folder: Path) -> list[dict[str, float]]:
    """Figures of each dataset, less the start-up time, which a single word shows."""
    start = _predict(detector, ["Word."], folder)
    found = []
    for texts in datasets:
        cost = _predict(detector, texts, folder)
        tokens = _tokens(texts)
        seconds = cost["seconds"] - start["seconds"]
        found.append(
            {
                "texts": len(texts),
                "characters": sum(map(len, texts)),
                "tokens": tokens,
                "start_seconds": start["seconds"],
                "seconds": seconds,
                "cpu_seconds": cost["cpu_seconds"] - start["cpu_seconds"],
                "texts_per_second": len(texts) / seconds,
                "microseconds_per_token": 1e6 * seconds / tokens,
                "peak_memory_mb": cost["peak_memory_mb"],
            }
        )
        print({name: round(value, 3) for name, value in found[-1].items()}, flush=True)
    return found


def _predict(detector: str, texts: list[str], folder: Path) -> dict[str, float]:
    """Time and memory of the command on a csv of these texts."""
    dataset = folder / "texts.csv"
    with dataset.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text"), *enumerate(texts)])
    command = [sys.executable, "-m", "perplexity_detector", "predict", str(dataset)]
    options = [f"--detector={detector}", f"--output={folder / 'results.csv'}"]
    before = _children_cpu_seconds()
    began = time.perf_counter()
    with subprocess.Popen([*command, *options]) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_kib(process.pid))
            time.sleep(0.05)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit("The command failed: see its message above.")
    return {
        "seconds": seconds,
        "cpu_seconds": _children_cpu_seconds() - before,
        "peak_memory_mb": peak / 1024,
    }


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_kib(process: int) -> int:
    """Peak memory of a process from Linux; `getrusage` would count the parent's, too."""
    with suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text()
        return int([*status.partition("VmHWM:")[2].split(), "0"][0])  # empty once it has ended
    return 0


def sentences_of_sample() -> list[str]:
    """The sentences of the sample's essays."""
    essays = map(canonicalise, pd.read_csv(SAMPLE)["text"])
    return [essay[start:end] for essay in essays for start, end in sentence_spans(essay)]


def drawn(sentences: list[str], count: int, size: int) -> list[str]:
    """`size` texts of `count` sentences each."""
    draw = random.Random(0)
    pool = [" ".join(draw.choices(sentences, k=count)) for _ in range(min(POOL, size))]
    return [draw.choice(pool) for _ in range(size)]


def _prose(sentences: list[str], characters: int) -> str:
    drawn = random.Random(0).choices(sentences, k=characters // 20)
    return " ".join(drawn)[:characters]


def _tokens(texts: list[str]) -> int:
    """Tokens of all texts in smollm2's vocabulary, which both detectors use."""
    tokenizer = _tokenizer()
    different = list(dict.fromkeys(texts))
    encodings = tokenizer.encode_batch(different, add_special_tokens=False)
    lengths = dict(zip(different, map(len, encodings), strict=True))
    return sum(lengths[text] for text in texts)


def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer

    folder = catalogue.builtin_folder() or catalogue.packaged_folder()
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def _tiny_language_model(folder: Path) -> Path:
    """A narrow random Llama whose window is as long as smollm2's."""
    import torch
    import transformers

    tokenizer = _tokenizer()
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=1024,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=BLOCKS,
        num_attention_heads=1,
        initializer_range=0.5,
        tie_word_embeddings=True,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|endoftext|>"
    )
    fast.save_pretrained(folder)
    return folder


def tiny_detector(folder: Path) -> Path:
    """A detector like `fast` with another language model, trained on the sample."""
    from perplexity_detector.detectors.text_detector import TextDetector
    from perplexity_detector.features.extractor import FeatureExtractor

    families = ["stylometry", "compression", "contrast", "representation"]
    lm = _tiny_language_model(folder / "lm")
    extractor = FeatureExtractor(families, lm=str(lm), depth=0.5)
    sample = pd.read_csv(SAMPLE)
    detector = TextDetector(extractor, fpr=0.1, n_estimators=120, early_stopping_rounds=120)
    detector.fit(sample["text"], sample["generated"], groups=sample["prompt_id"].tolist())
    return detector.save_pretrained(folder / "tiny")


if __name__ == "__main__":
    fire.Fire(main)
