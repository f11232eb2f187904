"""How much of the sample essays survives in PDF, Word and HTML files, and what it does to verdicts.

`python -m benchmarks.documents` makes the files, reads them as `predict` does, and writes
results/documents.json: words recovered in order, words added, and changes of probability and
verdict against the plain text. It also compares the reading order of pypdf with pypdfium2's.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

import fire
import pypdf
import pypdfium2

from benchmarks.document_files import as_docx, as_site, printer, sample_rows
from benchmarks.document_tables import documents, pdf_packages
from benchmarks.machine import machine
from benchmarks.records import RESULTS, write_json
from perplexity_detector import TextDetector, canonicalise
from perplexity_detector.io.documents.parser import Parser

OUTPUT = RESULTS / "documents.json"
PACKAGES = ("torch", "pypdfium2", "pypdf", "python-docx", "trafilatura")


def make(texts: Sequence[str]) -> dict[str, list[bytes]]:
    """Files of each kind, in the order of the texts."""
    files = {
        "txt": [text.encode() for text in texts],
        "docx": [as_docx(text) for text in texts],
        "html": [as_site(text) for text in texts],
    }
    with printer() as print_pdf:
        for columns in (1, 2):
            files[f"pdf{columns}"] = [print_pdf(text, columns) for text in texts]
    return files


def recovered(expected: str, found: str) -> tuple[float, float]:
    """Share of the words that are found in order, and of those that were not in the text."""
    words, read = canonicalise(expected).split(), canonicalise(found).split()
    blocks = SequenceMatcher(None, words, read, autojunk=False).get_matching_blocks()
    common = sum(block.size for block in blocks)
    return common / len(words), 1 - common / max(1, len(read))


def measure(detectors: str | tuple[str, ...] = ("standard", "fast")) -> None:
    """Make, read and score the files; write the results.

    Args:
        detectors: names of shipped detectors.
    """
    rows = sample_rows()
    texts = [row["text"] for row in rows]
    files = make(texts)
    record: dict[str, Any] = {"machine": machine(PACKAGES), "essays": len(texts), "kinds": {}}
    read: dict[str, list[str]] = {}
    for kind, contents in files.items():
        with Parser() as parser:
            parser.parse(_name(kind), contents[0])  # loads the package
            begun = time.perf_counter()
            read[kind] = [parser.parse(_name(kind), content).text for content in contents]
            seconds = time.perf_counter() - begun
        shares = [recovered(*pair) for pair in zip(texts, read[kind], strict=True)]
        record["kinds"][kind] = {
            "recovered_min": min(share for share, _ in shares),
            "recovered_mean": statistics.mean(share for share, _ in shares),
            "added_max": max(added for _, added in shares),
            "documents_per_second": len(contents) / seconds,
        }
    record["pdf_packages"] = {
        f"pdf{columns}": _compare(files[f"pdf{columns}"], texts) for columns in (1, 2)
    }
    for name in [detectors] if isinstance(detectors, str) else detectors:
        scores = _score(name, {"plain": texts, **read})
        for kind in files:
            pairs = list(zip(scores["plain"], scores[kind], strict=True))
            record["kinds"][kind][name] = {
                "difference_max": max(abs(a[0] - b[0]) for a, b in pairs),
                "verdicts_changed": sum(a[1] != b[1] for a, b in pairs),
            }
    write_json(OUTPUT, record)
    print(documents(record))
    print(pdf_packages(record))


def _name(kind: str) -> str:
    return f"essay.{'pdf' if kind.startswith('pdf') else kind}"


def _compare(contents: Sequence[bytes], texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Words that each package gives in order, with nothing done to its text."""
    found = {}
    for package, reader in (("pypdf", _pypdf), ("pypdfium2", _pypdfium2)):
        begun = time.perf_counter()
        read = [reader(content) for content in contents]
        rate = len(contents) / (time.perf_counter() - begun)
        shares = [recovered(*pair)[0] for pair in zip(texts, read, strict=True)]
        found[package] = {"min": min(shares), "mean": statistics.mean(shares), "rate": rate}
    return found


def _pypdf(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def _pypdfium2(content: bytes) -> str:
    return "\n".join(
        page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content)
    )


def _score(detector: str, texts: dict[str, list[str]]) -> dict[str, list[tuple[float, str]]]:
    """Probability and verdict of each text; equal canonical texts are read once."""
    loaded = TextDetector.from_pretrained(detector, progress=True)
    forms = {kind: [canonicalise(text) for text in all_] for kind, all_ in texts.items()}
    unique = list(dict.fromkeys(form for all_ in forms.values() for form in all_))
    assessed = dict(zip(unique, loaded.assess_texts(unique), strict=True))
    return {
        kind: [(assessed[form].probability, assessed[form].verdict) for form in all_]
        for kind, all_ in forms.items()
    }


if __name__ == "__main__":
    fire.Fire(measure)
