"""Files with flipped bits, and a million tiny rows: results or one sentence, and little memory."""

import random
import shutil

import pytest

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import DatasetError, PerplexityDetectorError
from perplexity_detector.io.datasets import read_all, read_chunks
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.scorer import LanguageModelScorer
from tests.hostile.peak_memory import grown
from tests.hostile.sizes import number
from tests.io.dataset_files import CONTENT
from tests.labelled import light_detector, two_styles

TEXTS = ["We walked to the lake before it rained.", "Nobody had thought of a coat."]


def flipped(content, draw):
    """The bytes with one to five bits flipped, and sometimes the end cut off."""
    broken = bytearray(content)
    for _ in range(draw.randint(1, 5)):
        broken[draw.randrange(len(broken))] ^= 1 << draw.randrange(8)
    return bytes(broken[: draw.choice([len(broken), draw.randrange(len(broken))])])


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_datasets(tmp_path, format):
    draw = random.Random(0)
    path = tmp_path / f"a.{format}"
    for _ in range(number(100, 2_000) if format != "parquet" else number(15, 300)):
        path.write_bytes(flipped(CONTENT[format], draw))
        try:
            assert set(read_all(path).columns) >= {"id", "text", "line", "problem"}
        except DatasetError as error:
            assert "\n" not in str(error)


def test_artefacts(tmp_path):
    detector = light_detector(fpr=0.1).fit(*two_styles(120))
    whole = detector.save_pretrained(tmp_path / "whole")
    names = sorted(path.name for path in whole.iterdir() if path.suffix != ".md")
    draw = random.Random(0)
    for _ in range(number(30, 2_000)):
        folder = shutil.copytree(whole, tmp_path / "broken")
        file = folder / draw.choice(names)
        file.write_bytes(flipped(file.read_bytes(), draw))
        try:
            assert TextDetector.from_pretrained(folder).assess(TEXTS)["probability"].notna().all()
        except PerplexityDetectorError as error:
            assert "\n" not in str(error)
        shutil.rmtree(folder)


def test_caches(tiny_gpt2, tmp_path):
    scorer = LanguageModelScorer(str(tiny_gpt2))
    CachedScorer(scorer, tmp_path).score(TEXTS)
    (shard,) = tmp_path.rglob("*.safetensors")
    whole = shard.read_bytes()
    draw = random.Random(0)
    for _ in range(number(30, 2_000)):
        for file in shard.parent.iterdir():
            file.unlink()
        shard.write_bytes(flipped(whole, draw))
        found = CachedScorer(scorer, tmp_path).score(TEXTS)
        expected = scorer.score(TEXTS)
        assert [len(one) for one in found] == [len(one) for one in expected]


def test_tiny_rows(tmp_path):
    rows = number(30_000, 1_000_000)
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n" + b"1,a\n" * rows)
    with grown() as memory:
        seen = sum(len(chunk) for chunk in read_chunks(path))
    assert seen == rows
    assert memory.megabytes < 50
