"""Rows in every format, and what is checked of them."""

import csv
import io
import json

import pandas as pd
import pytest

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.datasets import Columns, read_all

ROWS = [
    {
        "id": "a1",
        "prompt_id": 0,
        "text": "One, two.\n\nThree.",
        "generated": 0,
        "source": "persuade",
    },
    {"id": "b2", "prompt_id": 1, "text": 'She said "NA".', "generated": 1, "source": ""},
    {"id": "3", "prompt_id": 1, "text": "NA", "generated": 0, "source": "naïve — 東京"},
]
CSV = "id,prompt_id,text,generated\n"


def as_csv(rows=ROWS, delimiter=","):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_jsonl(rows=ROWS):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet(rows=ROWS):
    out = io.BytesIO()
    pd.DataFrame(rows).to_parquet(out, index=False)
    return out.getvalue()


CONTENT = {
    "csv": as_csv(),
    "tsv": as_csv(delimiter="\t"),
    "jsonl": as_jsonl(),
    "parquet": as_parquet(),
}


def error_of(path, columns=None, **options):
    with pytest.raises(DatasetError) as caught:
        read_all(path, columns or Columns(), **options)
    message = str(caught.value)
    assert message.count("\n") == 0
    assert message.endswith(".")
    return message


def check_rows(frame):
    assert frame["id"].tolist() == ["a1", "b2", "3"]
    assert frame["text"].tolist() == [row["text"] for row in ROWS]
    assert frame["generated"].tolist() == [0, 1, 0]
    assert frame["prompt_id"].tolist() == ["0", "1", "1"]
    assert frame["source"].tolist() == ["persuade", "", "naïve — 東京"]
    assert frame["problem"].tolist() == ["", "", ""]
    assert list(frame.columns) == [
        "id", "text", "line", "problem", "generated", "prompt_id", "source",
    ]  # fmt: skip


class FakeStdin:
    def __init__(self, content):
        self.buffer = io.BytesIO(content)
