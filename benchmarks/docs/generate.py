"""Fills the tables of README.md and docs/**/*.md from measured json.

Run from the root of the checkout: `python -m benchmarks.docs`. A page marks a table's place with
`<!-- NAME -->` and `<!-- /NAME -->`; what is between them is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import document_tables
from benchmarks.boards import tables as board_tables
from benchmarks.distributed import tables as distributed_tables
from benchmarks.docs import headline
from benchmarks.docs.markdown import NotMeasuredError
from benchmarks.gpu import tables as gpu_tables
from benchmarks.quality import (
    comparison,
    early_exit_tables,
    flag_tables,
    learning_curve_tables,
    long_document_tables,
    notes,
    passage_tables,
    second_reader_tables,
    sentence_tables,
    shipped_tables,
    student_tables,
)
from benchmarks.quality import tables as quality_tables
from benchmarks.records import RESULTS, ROOT, read_json
from benchmarks.service import tables as service_tables
from benchmarks.speed import tables as speed_tables
from perplexity_detector.io.artefact_folder import PRETRAINED

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
DETECTORS = ("standard", "fast")
_ARTEFACT_FILES = ("metrics.json", "config.json")
_MARKED = re.compile(r"<!-- (?P<name>\w+) -->\n.*?<!-- /(?P=name) -->", re.S)


class Table(NamedTuple):
    """A table of the documentation.

    Attributes:
        write: markdown from the content of each file.
        files: in `RESULTS`; or, for each shipped detector, in its artefact (`_ARTEFACT_FILES`).
        command: measures what is missing.
    """

    write: Callable[..., str]
    files: tuple[str, ...]
    command: str


#: Tables of one file: its name, the command that measures it, and what writes them.
_BY_FILE: list[tuple[str, str, list[Callable[[Any], str]]]] = [
    (
        "quality.json",
        "quality",
        [
            quality_tables.detectors,
            quality_tables.detectors_development,
            quality_tables.held_out_sources,
            quality_tables.held_out_groups,
            quality_tables.families,
            quality_tables.people,
            quality_tables.without_verdict,
            quality_tables.lengths,
            quality_tables.attacks,
            quality_tables.learners,
            quality_tables.other_forms,
            quality_tables.generators,
            quality_tables.polished,
            quality_tables.recalibrated,
            comparison.comparison,
            quality_tables.review,
            quality_tables.review_sources,
            notes.networks,
            notes.binoculars,
            notes.cost,
        ],
    ),
    (
        "speed.json",
        "speed",
        [
            speed_tables.peers,
            speed_tables.ceilings,
            speed_tables.end_to_end,
            speed_tables.start_up,
            distributed_tables.paper_cores,
        ],
    ),
    ("metrics.json", "quality", [shipped_tables.shipped_metrics, shipped_tables.shipped_sources]),
    ("config.json", "quality", [shipped_tables.training_data]),
    ("sentences.json", "quality.sentences measure", [sentence_tables.sentences]),
    (
        "passages.json",
        "quality.passages measure",
        [passage_tables.passage_auroc, passage_tables.passages, passage_tables.false_passages],
    ),
    (
        "flags.json",
        "quality.flags",
        [flag_tables.flags_of_people, flag_tables.flags_of_attacks],
    ),
    (
        "early_exit.json",
        "quality.early_exit",
        [
            early_exit_tables.early_exit,
            early_exit_tables.early_exit_cascades,
            early_exit_tables.early_exit_rules,
            early_exit_tables.early_exit_sources,
        ],
    ),
    (
        "long_documents.json",
        "quality.long_documents measure",
        [long_document_tables.long_documents, long_document_tables.long_documents_joined],
    ),
    ("students.json", "quality.students measure", [student_tables.students]),
    ("second_reader.json", "quality.second_reader", [second_reader_tables.second_reader]),
    ("bos_token.json", "quality.bos_token", [quality_tables.bos_token]),
    ("precision.json", "speed.precision", [speed_tables.precision]),
    ("reading_profile.json", "speed.reading_profile", [speed_tables.reading_profile]),
    ("depth.json", "speed.depth", [speed_tables.depth]),
    ("classifiers.json", "speed.classifiers", [speed_tables.classifiers]),
    ("resources.json", "speed.resources", [speed_tables.resources]),
    ("scale.json", "speed.scale", [speed_tables.scale]),
    ("training.json", "speed.training", [speed_tables.training_cost]),
    ("load.json", "service", [service_tables.load]),
    ("gpu.json", "gpu", [gpu_tables.gpu, distributed_tables.paper_cards]),
    (
        "distributed.json",
        "distributed",
        [
            distributed_tables.engine,
            distributed_tables.million_shards,
            distributed_tables.paper_storage,
            distributed_tables.paper_times,
        ],
    ),
    ("mixed.json", "service.mixed", [service_tables.mixed]),
    ("pan.json", "boards.pan", [board_tables.pan, board_tables.pan_genres, board_tables.pan_texts]),
    ("raid.json", "boards.raid measure", [board_tables.raid, board_tables.raid_texts]),
    ("documents.json", "documents", [document_tables.documents, document_tables.pdf_packages]),
]
TABLES: dict[str, Table] = {
    "headline": Table(
        headline.headline, ("learning_curve.json", "speed.json"), "quality.learning_curve"
    ),
    "learning_curve": Table(
        learning_curve_tables.learning_curve,
        ("learning_curve.json", "quality.json"),
        "quality.learning_curve",
    ),
    **{
        write.__name__: Table(write, (file,), command)
        for file, command, writers in _BY_FILE
        for write in writers
    },
}


def main() -> None:
    """Rewrite the tables in place."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


def filled(text: str) -> str:
    """The text with every marked table written again.

    Raises:
        KeyError: a marker names no table.
    """
    return _MARKED.sub(
        lambda found: "\n\n".join(
            part
            for part in (
                f"<!-- {found['name']} -->",
                written(found["name"]),
                f"<!-- /{found['name']} -->",
            )
            if part
        ),
        text,
    )


def written(name: str, results: Path = RESULTS) -> str:
    """A table as markdown, or how to measure it if there is no file yet.

    It is empty where the file was written before this table was measured.
    """
    table = TABLES[name]
    contents = []
    for file in table.files:
        if file in _ARTEFACT_FILES:
            contents.append({one: read_json(PRETRAINED / one / file) for one in DETECTORS})
        elif (results / file).is_file():
            contents.append(read_json(results / file))
        else:
            return f"Not measured yet: run `python -m benchmarks.{table.command}`."
    try:
        return table.write(*contents)
    except NotMeasuredError:
        return ""
