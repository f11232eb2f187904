"""The texts that shipped detectors learn from: sources that permit it, each with its licence.

Run from the root of the checkout: `python -m benchmarks.quality.training_texts --corpus=CORPUS
--sources=SOURCES --output=FILE`. SOURCES is a csv with the columns `file`, `source`, `licence` and
`learn_from` (`yes` or `no`), where `file` names the corpus without its ending.
"""

from __future__ import annotations

from pathlib import Path

import fire
import pandas as pd


def main(corpus: str, sources: str, output: str) -> None:
    """Write the permitted texts of a corpus with a column `licence`, as parquet."""
    permitted(pd.read_parquet(corpus), pd.read_csv(sources), Path(corpus).stem).to_parquet(output)


def permitted(corpus: pd.DataFrame, sources: pd.DataFrame, file: str) -> pd.DataFrame:
    """The rows whose source may be learned from, with its `licence`.

    Args:
        corpus: rows with a column `source`.
        sources: columns file, source, licence, learn_from.
        file: the name by which `sources` knows the corpus.

    Raises:
        ValueError: a source of the corpus is not listed.
    """
    listed = sources[sources["file"] == file].set_index("source")
    if unknown := sorted(set(corpus["source"]) - set(listed.index)):
        raise ValueError(f"It is not known whether {', '.join(unknown)} may be learned from.")
    allowed = corpus[corpus["source"].map(listed["learn_from"]) == "yes"]
    return allowed.assign(licence=allowed["source"].map(listed["licence"]))


if __name__ == "__main__":
    fire.Fire(main)
