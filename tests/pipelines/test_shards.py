"""Runs in shards: whatever computes them, and whatever is lost, every row is there once."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import ANY

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.classifier.provenance import Provenance
from perplexity_detector.errors import ArtefactError, DatasetError, InputError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.io.datasets import read_chunks
from perplexity_detector.io.results_folder import ResultsFolder
from perplexity_detector.io.shards import Dataset
from perplexity_detector.io.storage import open_folder
from perplexity_detector.pipelines import train
from perplexity_detector.pipelines.features_task import FeaturesTask
from perplexity_detector.pipelines.predict import predict
from perplexity_detector.pipelines.shards import (
    MAX_ATTEMPTS,
    STOPS_PROGRAM,
    begin,
    compute,
    halves,
    locked,
    pending,
)
from perplexity_detector.pipelines.tasks import load_features_task, load_predict_task
from perplexity_detector.version import __version__
from tests.io.object_store import (
    DroppingProxy,
    gcs_environment,
    gcs_server,
    s3_environment,
    s3_server,
)
from tests.labelled import LIGHT, light_detector, sample, two_styles
from tests.paths import ROOT
from tests.pipelines import killing

ROWS = 15
SHARD_ROWS = 4  # two chunks of the task in `killing`


@pytest.fixture
def rows(tmp_path):
    """Writes a dataset of three files, in which some texts can be set."""

    def write(texts=None):
        folder = tmp_path / "in"
        if folder.is_dir() and texts is None:
            return Dataset(str(folder))
        folder.mkdir(exist_ok=True)
        for number in range(3):
            frame = pd.DataFrame(
                {
                    "id": [f"f{number}-{n}" for n in range(ROWS)],
                    "text": ["word " * (n + 1) for n in range(ROWS)],
                }
            )
            for row, text in (texts or {}).items():
                if row.startswith(f"f{number}-"):
                    frame.loc[frame["id"] == row, "text"] = text
            frame.to_parquet(folder / f"{number}.parquet", row_group_size=7)
        return Dataset(str(folder))

    return write


def run(dataset, output, load=killing.load, shard_rows=SHARD_ROWS):
    """Compute everything that is left, in this process."""
    manifest = begin(dataset, str(output), load(), resume=True, shard_rows=shard_rows)
    return list(compute(str(output), load, pending(str(output), manifest)))


def parts(output):
    """Name and hash of each part."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in output.glob("part-*.parquet")
    }


def results(output):
    return pd.read_parquet(output)


def program(output, seconds=0.0):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.pipelines.killing", str(output), str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def whole(rows, tmp_path):
    """Parts of a run that nothing disturbed."""
    run(rows(), tmp_path / "whole")
    return parts(tmp_path / "whole")


def test_results_are_those_of_a_run_with_one_file(tmp_path):
    detector = light_detector(fpr=0.1).fit(*two_styles(160))
    detector.save_pretrained(tmp_path / "model")
    path = tmp_path / "rows.csv"
    texts = two_styles(200, seed=1)[0]
    texts[70] = ""
    frame = pd.DataFrame({"id": ["\u00e9", *range(199)], "text": texts})
    frame.to_csv(path, index=False)
    for details, raw in ((False, False), (True, True)):
        one = tmp_path / "one.csv"
        list(predict(read_chunks(path, chunk_rows=64), detector, one, details=details, raw=raw))
        load = partial(
            load_predict_task, tmp_path, str(tmp_path / "model"), fpr=0.1, details=details, raw=raw
        )
        output = tmp_path / f"out-{details}"
        commits = run(Dataset(str(path)), output, load, shard_rows=64)
        assert [commit.rows for commit in commits] == [64, 64, 64, 8]
        if details:
            assert sum(commit.problems for commit in commits) == 1
        ResultsFolder(str(output)).merge(str(tmp_path / "merged.csv"))
        assert (tmp_path / "merged.csv").read_bytes() == one.read_bytes()
        metadata = [tmp_path / f"{name}.meta.json" for name in ("one", "merged")]
        assert [file.exists() for file in metadata] == [details] * 2
    ours, merged = (json.loads(file.read_text()) for file in metadata)
    assert len(merged["texts"]) == 200
    for found in (ours, merged):
        assert found["provenance"].pop("time")
        assert found["provenance"].pop("detector") in (None, "model")  # the first has no name
    assert merged == ours


def test_what_the_results_were_made_with(tmp_path):
    detector = light_detector().fit(*two_styles(160))
    detector.save_pretrained(tmp_path / "model")
    pd.DataFrame({"id": range(2), "text": two_styles(2)[0]}).to_csv(tmp_path / "a.csv", index=False)
    load = partial(load_predict_task, tmp_path, str(tmp_path / "model"), details=True)
    (commit,) = run(Dataset(str(tmp_path / "a.csv")), tmp_path / "out", load, shard_rows=64)
    assert commit.package_version == __version__
    assert datetime.fromisoformat(commit.time).utcoffset() == timedelta(0)
    file = tmp_path / "out" / "_shards" / "results.meta.json"
    first = file.read_bytes()
    ours = Provenance.of(load().detector, "model").to_dict()
    assert json.loads(first) == {"provenance": {**ours, "time": ANY}}
    run(Dataset(str(tmp_path / "a.csv")), tmp_path / "out", load, shard_rows=64)
    assert file.read_bytes() == first  # the run that began
    file.write_text("{")
    with pytest.raises(ArtefactError, match=r"results.meta.json in .* is damaged: delete it"):
        ResultsFolder(str(tmp_path / "out")).merge(str(tmp_path / "merged.csv"))
    file.unlink()
    run(Dataset(str(tmp_path / "a.csv")), tmp_path / "out", load, shard_rows=64)
    ResultsFolder(str(tmp_path / "out")).merge("/dev/null")  # which has no file next to it
    ResultsFolder(str(tmp_path / "out")).merge(str(tmp_path / "merged.csv"))
    assert (tmp_path / "merged.meta.json").exists()


@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_in_any_order_on_any_number_of_machines(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    frame = pd.DataFrame({"id": range(30), "text": ["word " * (n + 1) for n in range(30)]})
    frame.to_csv(folder / "rows.csv", index=False)
    dataset = Dataset(str(folder / "rows.csv"))
    run(dataset, folder / "whole")
    output = folder / "out"
    manifest = begin(dataset, str(output), killing.load(), shard_rows=SHARD_ROWS)
    machines = data.draw(st.integers(1, 6))
    for number in data.draw(st.permutations(range(machines))):
        mine = pending(str(output), manifest, (number, machines))
        again = data.draw(st.lists(st.sampled_from(range(len(manifest)))))  # at least once
        list(compute(str(output), killing.load, [*mine, *again]))
    assert parts(output) == parts(folder / "whole")
    assert ResultsFolder(str(output)).check().is_whole


def test_a_kill_at_any_moment(rows, whole, tmp_path):
    output = tmp_path / "out"
    begin(rows(), str(output), killing.load(), shard_rows=SHARD_ROWS)
    for commits in (1, 3):
        killed = program(output, seconds=0.05)
        for _ in range(commits):
            assert killed.stdout.readline()
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    assert 0 < len(parts(output)) < len(whole)
    run(rows(), output)
    assert parts(output) == whole
    assert list((output / "_shards" / "attempts").iterdir()) == []


def test_what_was_killed_between_part_and_commit(rows, whole, tmp_path):
    output = tmp_path / "out"
    run(rows(), output)
    (output / "_shards" / "commits" / "0000003.json").unlink()
    assert ResultsFolder(str(output)).check().doubled  # a part that no commit names
    run(rows(), output)
    assert parts(output) == whole


def test_rows_that_stop_the_program_are_found(rows, tmp_path):
    killers = {"f0-5": killing.KILLER, "f2-14": killing.KILLER}  # a shard's second, its last
    dataset, output = rows(killers), tmp_path / "out"
    begin(dataset, str(output), killing.load(), shard_rows=SHARD_ROWS)
    deaths = 0
    while (done := program(output)).wait() != 0:
        assert done.returncode == 3
        deaths += 1
        assert deaths <= 2 * MAX_ATTEMPTS  # two shards have such rows
    found = results(output).set_index("id")
    assert found[found["problem"] != ""].index.tolist() == list(killers)
    assert set(found.loc[list(killers), "problem"]) == {STOPS_PROGRAM}
    assert ResultsFolder(str(output)).check().is_whole
    assert len(found) == found.index.nunique() == 3 * ROWS
    # all rows but those of their chunks are as they would be without them
    (tmp_path / "in").rename(tmp_path / "with")
    run(rows(), tmp_path / "without")
    without = results(tmp_path / "without").set_index("id")
    same = (found == without).all(axis=1)
    assert {*found.index[~same]} == {"f0-4", "f0-5", "f2-14"}
    assert list((output / "_shards" / "attempts").iterdir()) == []
    assert list((output / "_shards" / "pieces").iterdir()) == []


def test_a_row_that_raises_is_found_as_well(rows, tmp_path):
    dataset, output = rows({"f1-5": killing.RAISER}), tmp_path / "out"
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            run(dataset, output)
    run(dataset, output)
    found = results(output)
    assert found.loc[found["problem"] != "", "id"].tolist() == ["f1-5"]


def test_an_error_of_the_user_counts_as_no_attempt(rows, tmp_path):
    dataset, output = rows(), tmp_path / "out"
    manifest = begin(dataset, str(output), killing.load(), shard_rows=SHARD_ROWS)
    os.utime(tmp_path / "in" / "0.parquet", (0, 0))
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(DatasetError, match="is not the file any more"):
            list(compute(str(output), killing.load, pending(str(output), manifest)))
    assert sum(ResultsFolder(str(output)).attempts(0).values()) == 0


def test_a_program_that_stops_before_any_row(rows, tmp_path):
    output = str(tmp_path / "out")
    manifest = begin(rows(), output, killing.load(), shard_rows=SHARD_ROWS)
    folder = ResultsFolder(output)
    for _ in range(MAX_ATTEMPTS):
        folder.count_attempt(0, manifest[0].rows)
    (tmp_path / "in" / "0.parquet").unlink()
    with pytest.raises(InputError, match=r"Rows 1 to 4 of .*0.parquet cannot be computed"):
        list(compute(output, killing.load, [0]))


def test_the_first_commit_counts(rows, tmp_path):
    output = tmp_path / "out"
    run(rows(), output)
    folder = ResultsFolder(str(output))
    before = parts(output)
    first = folder.commit(0)
    assert first is not None
    other = (
        folder.read(first).to_pandas().assign(generated=0.25)
    )  # of a machine that rounds otherwise
    assert folder.write(0, other, killing.load().columns, 1.0, "other") == first
    assert parts(output) == before


def test_what_is_missing_doubled_or_damaged(rows, whole, tmp_path):
    output = tmp_path / "out"
    run(rows(), output)
    folder = ResultsFolder(str(output))
    assert folder.check().is_whole
    names = sorted(parts(output))
    (output / names[2]).write_bytes((output / names[2]).read_bytes()[:-1])
    (output / names[4]).unlink()
    (output / "_shards" / "commits" / "0000006.json").write_text("{")
    (output / "_shards" / "commits" / "0000008.json").unlink()
    (output / names[8]).unlink()
    doubled = "part-0000000-0123456789abcdef.parquet"
    (output / doubled).write_bytes((output / names[0]).read_bytes())
    found = folder.check()
    assert (found.missing, found.damaged) == ([8], [2, 4, 6])
    assert found.doubled == [doubled, names[6]]
    assert not found.is_whole
    with pytest.raises(InputError, match=r"is not whole, shard 8 of 12 is missing"):
        folder.merge(str(tmp_path / "merged.csv"))
    assert folder.check(repair=True) == found
    assert folder.check().missing == [2, 4, 6, 8]
    run(rows(), output)
    assert folder.check().is_whole
    assert parts(output) == whole


def test_a_damaged_part_is_not_merged(rows, tmp_path):
    output = tmp_path / "out"
    run(rows(), output)
    part = min(output.glob("part-*"))
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(ArtefactError, match=f"{part.name} in .* is damaged"):
        ResultsFolder(str(output)).merge(str(tmp_path / "merged.csv"))
    assert not (tmp_path / "merged.csv").exists()


def test_another_run_is_not_mixed_in(rows, tmp_path):
    output = str(tmp_path / "out")
    dataset = rows()
    begin(dataset, output, killing.load(), shard_rows=SHARD_ROWS)
    with pytest.raises(InputError, match="has 0 of 12 shards of an earlier run"):
        begin(dataset, output, killing.load(), shard_rows=SHARD_ROWS)
    with pytest.raises(InputError, match="was begun with another rows of a chunk"):
        begin(dataset, output, killing.CountWords(4), resume=True, shard_rows=SHARD_ROWS)
    with pytest.raises(InputError, match="was begun with another dataset"):
        begin(Dataset(f"{dataset.place}/*"), output, killing.load(), True, SHARD_ROWS)
    with pytest.raises(InputError, match="are not whole chunks of 2"):
        begin(dataset, output, killing.load(), True, 5)
    with pytest.raises(InputError, match="was begun with another set of columns"):
        list(compute(output, partial(load_features_task, families=["stylometry"]), [0]))
    other = load_features_task(families=["stylometry"])
    with pytest.raises(InputError, match="was begun with another set of columns"):
        list(compute(output, killing.load, [0], task=other))


def test_a_program_that_sends_a_task_to_others_begins_quickly():
    code = (
        "import sys, pickle\n"
        "from perplexity_detector.pipelines import distributed, tasks\n"
        "pickle.dumps(tasks.load_predict_task)\n"
        "print(*{'torch', 'transformers', 'xgboost', 'sklearn', 'ray'} & set(sys.modules))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert loaded.split() == []


def test_one_run_at_a_time(tmp_path):
    output = str(tmp_path / "out")
    with locked(output):
        with pytest.raises(InputError, match="Another run is writing"), locked(output):
            pass
        with locked(output, (0, 2)), locked(output, (1, 2)):  # parts are others' business
            pass
    with locked(output):
        pass


@given(start=st.integers(0, 99), rows=st.integers(2, 500), chunk=st.integers(1, 64))
def test_halves(start, rows, chunk):
    whole = range(start * chunk, start * chunk + rows)
    first, second = halves(whole, chunk)
    assert [*first, *second] == [*whole]
    assert len(first) >= len(second) > 0
    if rows > chunk:
        assert len(first) % chunk == 0


@contextmanager
def s3():
    pytest.importorskip("s3fs", reason="needs the extra s3")
    pytest.importorskip("moto", reason="needs an S3 server")
    with s3_server() as address:
        proxy = DroppingProxy(address, every=20)
        with closing(proxy), s3_environment(proxy.address):
            yield "s3://bucket", proxy


@contextmanager
def gcs():
    pytest.importorskip("gcsfs", reason="needs the extra gcs")
    pytest.importorskip("gcp_storage_emulator", reason="needs a server like Google's")
    with gcs_server() as address:
        proxy = DroppingProxy(address, every=20)
        with closing(proxy), gcs_environment(proxy.address):
            yield "gs://bucket", proxy


@pytest.mark.parametrize("store", [s3, gcs])
def test_object_storage_that_drops_one_request_in_twenty(store, rows, whole, tmp_path):
    with store() as (bucket, proxy):
        inputs = open_folder(f"{bucket}/in")
        for path in (tmp_path / "in").iterdir():
            inputs.write(path.name, path.read_bytes())
        output = f"{bucket}/out"
        manifest = begin(Dataset(f"{bucket}/in/*.parquet"), output, killing.load(), False, 4)
        for number in range(2):
            mine = pending(output, manifest, (number, 2))
            list(compute(output, killing.load, mine))
        folder = ResultsFolder(output)
        assert folder.check().is_whole
        folder.merge(str(tmp_path / "merged.csv"))
        names = open_folder(output).names()
    assert proxy.dropped >= 5
    assert names == sorted(whole)
    assert pd.read_csv(tmp_path / "merged.csv")["id"].is_unique


def test_features_in_shards(tmp_path):
    path = tmp_path / "rows.csv"
    texts = [*two_styles(7)[0], ""]
    pd.DataFrame({"id": range(8), "text": texts}).to_csv(path, index=False)
    load = partial(load_features_task, families=LIGHT)
    run(Dataset(str(path)), tmp_path / "out", load, shard_rows=64)
    table = results(tmp_path / "out")
    expected = FeatureExtractor(LIGHT).fit().transform(texts[:7])
    assert table.columns.tolist() == ["id", *FeatureExtractor(LIGHT).get_feature_names_out()]
    assert (table.iloc[:7, 1:].to_numpy() == expected).all()
    assert table.iloc[7, 1:].isna().all()


def test_training_finds_in_the_cache_what_many_machines_put_there(tiny_gpt2, tmp_path, monkeypatch):
    frame = sample()[["id", "text", "generated", "prompt_id"]]
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    settings: dict[str, Any] = {"lm": str(tiny_gpt2), "cache": str(tmp_path / "cache")}
    output = str(tmp_path / "out")
    load = partial(load_features_task, max_words=40, families=["perplexity"], **settings)
    manifest = begin(Dataset(str(path)), output, load(), shard_rows=64)
    for number in range(2):
        list(compute(output, load, pending(output, manifest, (number, 2))))
    written = set((tmp_path / "cache").rglob("*.safetensors"))
    assert written
    detector = light_detector()
    detector.extractor = FeatureExtractor(["perplexity", "representation"], **settings)
    train.train(frame.assign(problem=""), detector, max_words=40, augmentation_rate=0.0)
    assert set((tmp_path / "cache").rglob("*.safetensors")) == written  # nothing was read anew
    assert isinstance(FeaturesTask(detector.extractor).fingerprint()["language model"], str)
