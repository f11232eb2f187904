"""Tables of quality.json: which folds they average, and what they do with an earlier record."""

import pytest

from benchmarks.docs.generate import TABLES, written
from benchmarks.docs.markdown import NotMeasuredError
from benchmarks.quality import notes, tables
from benchmarks.records import write_json

WITH_INTERVAL = {"fpr_1": 0.02, "fpr_1_low": 0.01, "fpr_1_high": 0.03,
                 "fpr_5": 0.06, "fpr_5_low": 0.05, "fpr_5_high": 0.07}  # fmt: skip
NAMES = ("standard", "fast", "standard 0.2", "fast 0.2", "tfidf")


def figures_of(auroc, fpr=0.012):
    row = {"auroc": auroc, "tpr_at_1": 0.5, "tpr_at_5": 0.7, "brier": 0.1, "ece": 0.02}
    intervals = {"intervals": {"auroc": [0.88, 0.92]}}
    return {**row, "n_human": 200.0, "n_generated": 0.0, "fpr_1": fpr, "fpr_5": 0.04, **intervals}


def fold_of(name, half, auroc, kind="source", **parts):
    detectors = {one: figures_of(auroc) for one in NAMES}
    return {"kind": kind, "name": name, "half": half, "detectors": detectors, **parts}


def earlier_record():
    """As it was written before there were halves, sources of people and verdicts."""
    folds = [fold_of("test split", "", 0.99, "none"), fold_of("a", "", 0.9), fold_of("b", "", 0.8)]
    for fold in folds:
        del fold["half"]
        for name in ("standard 0.2", "fast 0.2"):
            del fold["detectors"][name]
    prose = {"prose": {"novels": {"n_human": 120.0, **WITH_INTERVAL}}}
    return {"folds": folds, "standard": prose, "fast": prose}


def record():
    def parts(rate, share):
        people = {"mine": {"n_human": 120.0, **WITH_INTERVAL, "fpr_1": rate}}
        verdicts = {part: {"texts": 9.0, "share": share} for part in ("people", "models", "all")}
        verdicts["100-149"] = {"texts": 4.0, "share": share / 2}
        return {
            "people": dict.fromkeys(NAMES[:4], people),
            "without_verdict": dict.fromkeys(NAMES[:4], verdicts),
        }

    return {
        **{name: {"people": {"theirs": {"n_human": 400.0, **WITH_INTERVAL}}, "prose": {}}
           for name in ("standard", "fast")},
        "folds": [
            fold_of("test split", "", 0.99, "none"),
            fold_of("a", "development", 0.7, **parts(0.05, 0.1)),
            fold_of("b", "confirmation", 0.9, **parts(0.02, 0.2)),
            fold_of("c", "confirmation", 0.8, **parts(0.03, 0.4)),
        ],
    }  # fmt: skip


def is_rectangular(lines):
    return {line.count("|") for line in lines} == {lines[0].count("|")}


def test_means_are_over_one_half():
    means = tables.means(record(), "standard")
    assert means["auroc"] == pytest.approx(0.85)
    assert means["auroc_lowest"] == 0.8
    assert means["fpr_1_highest"] == 0.03  # of a source of people
    assert tables.means(record(), "tfidf")["fpr_1_highest"] == 0.012  # of a fold
    assert tables.means(record(), "standard", "development")["auroc"] == 0.7
    with pytest.raises(NotMeasuredError):
        tables.means(record(), "encoder")


def test_each_half_has_its_table_with_both_versions():
    lines = tables.detectors(record()).splitlines()
    assert lines[2].startswith("| **`standard`** | 0.990 | 0.850 | 0.800 | 0.500 |")
    assert "| `fast`, version 0.2 |" in lines[5]
    assert is_rectangular(lines)
    lines = tables.detectors_development(record()).splitlines()
    assert lines[2].startswith("| **`standard`** | 0.990 | 0.700 | 0.700 | 0.500 |")


def test_a_detector_may_lack_the_test_split():
    measured = record()
    for fold in measured["folds"][1:]:
        fold["detectors"]["encoder"] = figures_of(0.6)
    assert "| MiniLM-L6, fine-tuned | - | 0.600 |" in tables.detectors(measured)


def test_held_out_sources_name_their_half():
    lines = tables.held_out_sources(record()).splitlines()
    assert lines[2].startswith("| a | development | 200 | 0 | 0.700 (0.880 to 0.920) | 0.500 |")
    assert is_rectangular(lines)


def test_people_are_shown_source_by_source():
    lines = tables.people(record()).splitlines()
    assert lines[2].startswith(
        "| mine | left out | 120 | 5.0% (1.0% to 3.0%) | 6.0% (5.0% to 7.0%)"
    )
    assert lines[-1].startswith("| theirs | judged only | 400 |")
    assert is_rectangular(lines)


def test_texts_without_a_verdict_are_shown_by_kind_and_length():
    lines = tables.without_verdict(record()).splitlines()
    assert lines[0] == (
        "| texts without a verdict | `standard` | `fast` | `standard`, version 0.2 "
        "| `fast`, version 0.2 |"
    )
    assert lines[2] == "| people's | 30.0% | 30.0% | 30.0% | 30.0% |"
    assert "| 100-149 words | 15.0% |" in lines[6]
    assert lines[5].startswith("| 50-99 words | - |")


def test_an_earlier_record_still_fills_what_it_has(tmp_path):
    earlier = earlier_record()
    write_json(tmp_path / "quality.json", earlier)
    for name in ("detectors_development", "without_verdict", "families"):
        assert written(name, tmp_path) == ""
    assert "0.850" in written("detectors", tmp_path)
    assert written("people", tmp_path).splitlines()[2].startswith("| novels | general prose |")
    assert "detectors_development" in TABLES


def test_networks_say_how_many_texts_they_learned_from():
    measured = {
        "networks": {
            "budget": {"max_texts": None, "parts": 3},
            "texts": {"encoder": [9000, 8000, 8500]},
            "seconds": {"encoder": [10.0, 20.0, 30.0]},
        }
    }
    assert "learns from 8,000 texts or more" in notes.networks(measured)
    assert "MiniLM-L6, fine-tuned 20 s" in notes.networks(measured)
    assert "not measured yet" in notes.networks({})
