"""Whole predictions, compared with encoders that are fine-tuned to classify texts.

Run from the root of the checkout, on an idle machine, with the extra `benchmarks`:
`python -m benchmarks.speed.classifiers`. The encoders have random weights, which take as long as
trained ones. Each scores the same csv as the detectors, and all of them alternate.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from typing import Any

import fire
import numpy as np
import pandas as pd
import tokenizers
import torch
import transformers

from benchmarks.machine import machine
from benchmarks.records import RESULTS, write_json
from benchmarks.speed.end_to_end import DETECTORS, ESSAYS, Run, of_300_words
from benchmarks.speed.product_rates import available_precisions
from perplexity_detector.cli.options import DatasetOptions
from perplexity_detector.detectors.loading import load_detector
from perplexity_detector.lm.weights import catalogue

OUTPUT = RESULTS / "classifiers.json"
#: Longest input of both encoders; the rest of a text is cut off.
MAX_TOKENS = 512
#: Texts in a batch of an encoder, sorted by length, so that there is little padding.
BATCH = 8
#: Logits (texts, 2) from token ids and mask, both (texts, length).
Forward = Callable[[np.ndarray, np.ndarray], np.ndarray]

ENCODERS: dict[str, Any] = {
    "roberta_base": transformers.RobertaConfig(
        vocab_size=50265, max_position_embeddings=MAX_TOKENS + 2, type_vocab_size=1
    ),
    "e5_small": transformers.BertConfig(vocab_size=30522, hidden_size=384, intermediate_size=1536),
}


def main(output: str = str(OUTPUT), texts: int = ESSAYS, rounds: int = 3) -> None:
    """Measure, print, write json.

    Args:
        output: the json file.
        texts: essays of 300 words in the csv.
        rounds: times each scores it.
    """
    essays = of_300_words(texts)
    precisions, missing = available_precisions()
    load = _load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "essays.csv"
        pd.DataFrame({"id": range(len(essays)), "text": essays}).to_csv(file, index=False)
        runs: dict[tuple[str, str, str], Any] = {}
        for encoder in ENCODERS:
            model = make_encoder(encoder)
            exported = export_int8(model, folder / f"{encoder}.onnx")
            vocabulary = model.config.vocab_size
            for by, precision, forward in (
                ("transformers", "float32", by_torch(model)),
                ("ONNX Runtime", "int8", by_onnx(exported)),
            ):
                runs[encoder, by, precision] = EncoderRun(forward, vocabulary, file)
        for detector in DETECTORS:
            for precision in precisions:
                runs[detector, "ours", precision] = Run(detector, precision, file)
        for run in runs.values():
            run.once()  # not counted: libraries set up their kernels
            run.seconds.clear()
        for _ in range(rounds):
            for run in runs.values():
                run.once()
    record: dict[str, Any] = {
        "machine": machine(("torch", "transformers", "onnxruntime", "numpy")),
        "threads": torch.get_num_threads(),
        "load_at_start": load,
        "load_at_end": _load(),
        "rounds": rounds,
        "texts": len(essays),
        "tokens": fmean(map(len, token_ids(essays, 2**31))),
        "precision_auto": {
            name: load_detector(Path("none"), name, precision="auto").extractor_.precision
            for name in DETECTORS
        },
        "not_measured": missing,
        "results": [
            {
                "name": name,
                "by": by,
                "precision": precision,
                "texts_per_second": len(essays) / median(run.seconds),
                "seconds": run.seconds,
            }
            for (name, by, precision), run in runs.items()
        ],
    }
    for one in record["results"]:
        print(json.dumps(one))
    write_json(output, record)


def make_encoder(name: str) -> Any:
    """A classifier of transformers, of two classes, with random weights."""
    torch.manual_seed(0)
    return transformers.AutoModelForSequenceClassification.from_config(ENCODERS[name]).eval()


def token_ids(texts: list[str], vocabulary: int) -> list[list[int]]:
    """Token ids of each text, at most `MAX_TOKENS`, by smollm2's tokenizer.

    It splits English about as finely as those of the encoders; its ids are taken modulo their
    vocabulary.
    """
    tokenizer = tokenizers.Tokenizer.from_file(str(_tokenizer_file()))
    found = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [[token % vocabulary for token in one.ids[:MAX_TOKENS]] for one in found]


def _tokenizer_file() -> Path:
    folder = catalogue.builtin_folder()
    if folder is None:
        raise SystemExit("The language model smollm2 is missing: run make pull.")
    return folder / "tokenizer.json"


def by_torch(model: Any) -> Forward:
    """The model as transformers runs it."""

    @torch.inference_mode()
    def forward(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        logits: np.ndarray = model(**inputs).logits.numpy()
        return logits

    return forward


def export_int8(model: Any, file: Path) -> Path:
    """The model in ONNX with dynamic products of 8-bit integers, a scale for each output."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    ids = torch.arange(5, 85).view(2, 40)
    any_size = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    names = ["input_ids", "attention_mask"]
    torch.onnx.export(
        model, (), file, kwargs={"input_ids": ids, "attention_mask": torch.ones_like(ids)},
        input_names=names, output_names=["logits"], dynamic_shapes=dict.fromkeys(names, any_size),
        dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip
    quantised = file.with_suffix(".int8.onnx")
    quantize_dynamic(file, quantised, weight_type=QuantType.QInt8, per_channel=True)
    file.unlink()
    return quantised


def by_onnx(file: Path) -> Forward:
    """A model as ONNX Runtime runs it, with as many threads as torch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def forward(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        (logits,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(logits)

    return forward


class EncoderRun:
    """An encoder that scores a csv repeatedly, and the time of each run.

    Args:
        forward: of the encoder.
        vocabulary: of the encoder.
        file: the csv.

    Attributes:
        seconds: of each run.
        results: of the last one: id and probability.
    """

    def __init__(self, forward: Forward, vocabulary: int, file: Path) -> None:
        self.forward = forward
        self.vocabulary = vocabulary
        self.file = file
        self.seconds: list[float] = []
        self.results = pd.DataFrame()

    def once(self) -> None:
        """Score it once."""
        start = time.perf_counter()
        chunks = DatasetOptions.parse({}).read_chunks(str(self.file))
        self.results = pd.concat(
            [
                pd.DataFrame({"id": chunk["id"], "generated": self.score(chunk["text"].tolist())})
                for chunk in chunks
            ]
        )
        self.results.to_csv(self.file.with_name("encoder.csv"), index=False)
        self.seconds.append(time.perf_counter() - start)

    def score(self, texts: list[str]) -> np.ndarray:
        """Probability of the second class of each text, shape (n,)."""
        tokens = token_ids(texts, self.vocabulary)
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        found = np.empty(len(texts))
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            width = max(1, *(len(tokens[index]) for index in batch))
            ids = np.zeros((len(batch), width), np.int64)
            mask = np.zeros_like(ids)
            for row, index in enumerate(batch):
                ids[row, : len(tokens[index])] = tokens[index]
                mask[row, : len(tokens[index])] = 1
            logits = self.forward(ids, mask)
            found[batch] = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        return found


def _load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


if __name__ == "__main__":
    fire.Fire(main)
