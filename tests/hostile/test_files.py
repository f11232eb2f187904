"""Files of rows that are costly to read: read within limits, or refused in one sentence."""

import gzip
import time

import pytest

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.datasets import describe_problems, read_all
from tests.hostile.peak_memory import grown


def error_of(path, **options):
    with pytest.raises(DatasetError) as caught:
        read_all(path, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "start",
    ['{"id": "b", "text": "', '{"id": "b", "x": "', '{"id": "b", "x": "a", ', '{"id": "b", '],
)
@pytest.mark.parametrize("filler", ["a", '\\"', '"', "\\", '"a": "', " "])
def test_a_broken_line_of_json_costs_little(tmp_path, start, filler):
    path = tmp_path / "rows.jsonl.gz"
    broken = start + filler * (4_000_000 // len(filler))
    path.write_bytes(gzip.compress(f'{{"id": "a", "text": "Fine"}}\n{broken}\n'.encode(), 1))
    begin = time.monotonic()
    with grown() as memory:
        frame = read_all(path)
    assert describe_problems(frame) == ["line 2 (id b): not valid JSON"]
    assert time.monotonic() - begin < 2
    assert memory.megabytes < 100
