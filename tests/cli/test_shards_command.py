"""Results in shards on the command line."""

import pandas as pd
import pytest

from perplexity_detector.io.results_folder import ResultsFolder
from perplexity_detector.pipelines.shards import MAX_ATTEMPTS
from tests.asked import log_of, refused
from tests.cli.running import MARKER, MODEL, TEXTS, frame, run


@pytest.fixture
def tables(tmp_path):
    """A folder of two tables, named in both ways."""
    folder = tmp_path / "in"
    folder.mkdir()
    frame()[:4].to_csv(folder / "a.csv", index=False)
    frame()[4:].to_parquet(folder / "b.parquet", index=False)
    return folder


def test_predict_check_and_merge(tables, detector, here, tmp_path):
    code, out, err = here(
        "predict", "--dataset=in/", "--output=out/", f"--detector={detector}", "--details"
    )
    assert (code, out) == (0, ""), err
    assert "6 texts in 2 shards: " in err
    assert err.rstrip().endswith("Results: out/")
    code, out, err = here("shards", "check", "out/")
    assert (code, out) == (0, "2 of 2 shards are whole, 6 texts.\n")
    code, out, err = here("shards", "merge", "out", "merged.csv")
    assert (code, err) == (0, "6 texts. Results: merged.csv\n")
    code, _, err = here(
        "predict", "--dataset=in/*", "--output=one.csv", f"--detector={detector}", "--details"
    )
    assert code == 0, err
    assert (tmp_path / "merged.csv").read_text() == (tmp_path / "one.csv").read_text()
    assert MARKER not in log_of(tmp_path)
    assert not any(text in log_of(tmp_path) for text in TEXTS)


def test_parts_for_many_machines(tables, detector, here, tmp_path):
    command = ["predict", f"--dataset={tables}", "--output=out/", f"--detector={detector}"]
    code, _, err = here(*command, "--shard=1/2")
    assert (code, "2 texts in 1 shard" in err) == (0, True), err
    code, out, _ = here("shards", "check", "out/")
    assert code == 1
    assert out.splitlines() == [
        "1 of 2 shards are whole, 2 texts.",
        "Shard 0 of 2 is missing.",
        "The same run with --resume writes what is missing.",
    ]
    assert "is not whole, shard 0 of 2 is missing" in refused(
        here("shards", "merge", "out", "merged.csv")
    )
    for _ in range(2):  # a part may be started again
        code, _, err = here(*command, "--shard=0/2")
        assert code == 0, err
    assert "Nothing was left to do." in err
    assert here("shards", "check", "out/")[0] == 0


def test_repair(tables, detector, here, tmp_path):
    command = ["predict", f"--dataset={tables}", "--output=out/", f"--detector={detector}"]
    assert here(*command)[0] == 0
    part = min((tmp_path / "out").glob("part-*"))
    before = part.read_bytes()
    part.write_bytes(before[:-1])
    code, out, _ = here("shards", "check", "out/")
    assert (code, "Shard 0 of 2 is damaged." in out) == (1, True)
    code, out, _ = here("shards", "check", "out/", "--repair")
    assert (code, "Damaged and doubled parts were deleted." in out) == (1, True)
    assert here(*command, "--resume")[0] == 0
    assert part.read_bytes() == before
    assert here("shards", "check", "out/")[0] == 0


def test_a_shard_that_has_stopped_the_program(tables, detector, tmp_path):
    command = [MODEL, "predict", "--dataset=in", "--output=out/", f"--detector={detector}"]
    assert run(*command, "--shard=1/2", cwd=tmp_path).returncode == 0
    folder = ResultsFolder(str(tmp_path / "out"))
    for _ in range(MAX_ATTEMPTS):  # the first table's four rows, and then their first half
        folder.count_attempt(0, range(4))
        folder.count_attempt(0, range(2))
    folder.count_attempt(0, range(1), MAX_ATTEMPTS)
    done = run(*command, "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Shard 0 has stopped the program 3 times" in done.stderr
    assert run(*command[:3], "--output=whole/", *command[4:], cwd=tmp_path).returncode == 0
    found, whole = (pd.read_parquet(tmp_path / name) for name in ("out", "whole"))
    assert found["generated"][0] == 0.5
    pd.testing.assert_frame_equal(found[1:], whole[1:])


def test_features(tables, here, tmp_path):
    code, _, err = here("features", f"--dataset={tables}", "--output=out/", "--families=stylometry")
    assert (code, "6 texts in 2 shards" in err) == (0, True), err
    assert here("features", f"--dataset={tables}/*", "--output=one.csv", "--families=stylometry")
    assert ResultsFolder(str(tmp_path / "out")).merge(str(tmp_path / "merged.csv")) == 6
    assert (tmp_path / "merged.csv").read_text() == (tmp_path / "one.csv").read_text()


def test_a_command_in_a_shell_that_is_started_twice(tables, detector, tmp_path):
    command = [MODEL, "predict", f"--dataset={tables}", "--output=out/", f"--detector={detector}"]
    done = run(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    again = run(*command, cwd=tmp_path)
    assert again.returncode == 2
    assert "out/ has 2 of 2 shards of an earlier run: pass --resume" in again.stderr
    assert pd.read_parquet(tmp_path / "out")["id"].tolist() == [f"r{n}" for n in range(6)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["predict", "in", "--output=o.csv", "--shard=0/2"], "--shard needs a folder"),
        (["predict", "in", "--output=o.csv", "--rows_per_shard=64"], "--rows_per_shard needs a f"),
        (["predict", "in", "--output=o/", "--shard=2/2"], "--shard is i/n, with i from 0 to n - 1"),
        (["predict", "in", "--output=o/", "--shard=1"], "--shard is i/n"),
        (["predict", "in", "--output=o/", "--rows_per_shard=0"], "--rows_per_shard is a whole n"),
        (["predict", "in", "--output=o/", "--rows_per_shard=65"], "give --rows_per_shard a mul"),
        (["predict", "-", "--output=o/"], "Standard input is read once, and not in shards"),
        (["predict", "in", "--output=o/", "--show"], "neither shown nor reported on"),
        (["predict", "no", "--output=o/"], "There is no table at"),
        (["predict", "in/*.tsv"], "There is no table at"),
        (["predict", "in", "--output=in/a.csv/"], "in/a.csv/ cannot be made a folder"),
        (["predict", "ftp://a/b", "--output=o/"], "a protocol that is not known"),
        (["predict", "in", "--output=o.csv", "--engine=ray"], "--engine needs a folder"),
        (["predict", "in", "--output=o/", "--engine=dask"], "--engine is ray, or left out, not da"),
        (["predict", "in", "--output=o/", "--workers=2"], "--workers is for an engine: add --en"),
        (["predict", "in", "--output=o/", "--engine=ray", "--workers=4:2"], "or a range, such as"),
        (["predict", "in", "--output=o/", "--engine=ray", "--shard=0/2"], "leave out --engine."),
        (["features", "in", "--max_words=9"], "--max_words is for a table in shards"),
        (["features", "in", "--resume"], "--resume is for a table in shards"),
        (["shards", "check", "in"], "in holds no results in shards"),
        (["shards", "merge", "in"], "Name the file to write"),
        (["shards", "join", "in"], "There is no `shards join`"),
    ],
)
def test_mistakes(tables, detector, here, arguments, sentence):
    if arguments[0] == "predict":
        arguments = [*arguments, f"--detector={detector}"]
    assert sentence in refused(here(*arguments))
