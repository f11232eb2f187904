import csv
import os
import stat
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.errors import InputError
from perplexity_detector.io.datasets import read_all
from perplexity_detector.io.results_writer import ResultsWriter

FRAME = pd.DataFrame(
    {"id": ["a", 'b,"c"', "d\ne"], "score": [0.25, None, 1.0], "verdict": ["human", "é", None]}
)


def test_frames_as_they_come(tmp_path):
    path = tmp_path / "new" / "folder" / "results.csv"
    with ResultsWriter(path, ["id", "score", "verdict"]) as results:
        results.write(FRAME)
        results.write(FRAME[:1])
        assert not path.exists()
    assert results.rows == 4
    assert path.read_bytes().decode() == (
        'id,score,verdict\na,0.25,human\n"b,""c""",,é\n"d\ne",1.0,\na,0.25,human\n'
    )
    assert [file.name for file in path.parent.iterdir()] == ["results.csv"]


def test_columns_are_chosen_and_ordered(tmp_path):
    with ResultsWriter(tmp_path / "a.csv", ["score", "id"]) as results:
        results.write(FRAME[:1])
    assert (tmp_path / "a.csv").read_text() == "score,id\n0.25,a\n"


def test_an_exception_leaves_earlier_results(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("earlier\n")
    with pytest.raises(KeyboardInterrupt), ResultsWriter(path, ["id"]) as results:
        results.write(FRAME)
        raise KeyboardInterrupt
    assert path.read_text() == "earlier\n"
    assert list(tmp_path.iterdir()) == [path]


def test_earlier_results_are_replaced_and_links_followed(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("earlier\n")
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    with ResultsWriter(link, ["id"]) as results:
        results.write(FRAME[:1])
    assert link.is_symlink()
    assert path.read_text() == "id\na\n"


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()
    with ResultsWriter(tmp_path / "results.csv", ["id"]):
        pass
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert len(modes) == 1


def test_standard_output(capsys):
    with ResultsWriter("-", ["id"]) as results:
        results.write(FRAME)
    assert capsys.readouterr().out == 'id\na\n"b,""c"""\n"d\ne"\n'


def test_standard_output_that_cannot_show_every_character():
    code = (
        "import pandas as pd; from perplexity_detector.io.results_writer import ResultsWriter\n"
        "with ResultsWriter('-', ['id']) as results: results.write(pd.DataFrame({'id': ['é']}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.stdout.split() == [b"id", b"\\xe9"]


def test_places_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="is a folder: name a file"):
        ResultsWriter(tmp_path, ["id"]).__enter__()
    with (
        pytest.raises(InputError, match=r"cannot be written .*: name another place"),
        ResultsWriter(file / "results.csv", ["id"]),
    ):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_devices_are_written_and_not_replaced():
    with ResultsWriter("/dev/null", ["id"]) as results:
        results.write(FRAME)
    assert not Path("/dev/null").is_file()
    with (
        pytest.raises(InputError, match="No space left on device"),
        ResultsWriter("/dev/full", ["id"]) as results,
    ):
        results.write(FRAME)
    assert Path("/dev/full").exists()


# the csv module of Python 3.10 cannot read NUL
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@settings(deadline=None, max_examples=100)
@given(cells=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("results") / "a.csv"
    frame = pd.DataFrame(
        {
            "id": pd.Series([f"i{row_id}" for row_id, _ in cells], dtype=object),
            "text": pd.Series([text for _, text in cells], dtype=object),
        }
    )
    with ResultsWriter(path, ["id", "text"]) as results:
        results.write(frame)
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == len(cells) + 1
    back = read_all(path)
    assert back["text"].tolist() == frame["text"].tolist()
    assert back["id"].tolist() == frame["id"].tolist()
