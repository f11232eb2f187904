"""Folders and zips of documents."""

import pytest

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.datasets import NO_LABEL
from perplexity_detector.io.documents import is_documents, read_chunks
from perplexity_detector.io.limits import Limits
from tests.io.documents.test_limits import PDF, zipped

TEXT = b"We walked to the lake."


def rows(path, **options):
    (frame,) = read_chunks(path, **options)
    return frame


@pytest.fixture
def folder(tmp_path):
    for name in ("b/essay10.txt", "b/essay2.md", "a.txt", ".DS_Store", "~$a.docx"):
        file = tmp_path / "essays" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(TEXT)
    return tmp_path / "essays"


def test_a_folder_in_its_natural_order(folder):
    (folder / "b" / "broken.pdf").write_bytes(b"%PDF-1.4")
    frame = rows(folder)
    assert frame["id"].tolist() == ["a.txt", "b/broken.pdf", "b/essay2.md", "b/essay10.txt"]
    assert frame["text"].tolist() == [TEXT.decode(), "", TEXT.decode(), TEXT.decode()]
    assert frame["problem"].tolist() == ["", "damaged or cut short", "", ""]
    assert [len(chunk) for chunk in read_chunks(folder, chunk_rows=3)] == [3, 1]


def test_a_zip_and_a_zip_within_it(tmp_path):
    deep = zipped({"d.zip": zipped({"e.txt": TEXT})})
    inner = zipped({"c.txt": TEXT, "deep.zip": deep})
    path = tmp_path / "a.zip"
    path.write_bytes(
        zipped({"x/b.pdf": PDF, "in.zip": inner, "__MACOSX/._b.pdf": b"x", "bad.zip": b"PK"})
    )
    frame = rows(path).set_index("id")
    assert frame.loc["x/b.pdf", "text"] == "A short text."
    assert frame.loc["in.zip/c.txt", "text"] == TEXT.decode()
    assert frame.loc["in.zip/deep.zip", "problem"] == "a zip too deep within zips; unpack it"
    assert frame.loc["bad.zip", "problem"] == "a damaged zip"
    assert len(frame) == 4


def test_the_unpacked_size_of_a_zip_is_limited(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.txt": TEXT, "b.txt": b"x" * 2_000_000}))
    frame = rows(path, limits=Limits(bytes=1_000_000))
    assert frame["problem"].tolist() == ["", "the zip unpacks to more than 1 MB"]


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (
            ["Ann Lee_71_assignsubmission_file_/a.txt", "Bo Po_72_assignsubmission_file_/b.txt"],
            ["Ann Lee_71_assignsubmission_file_", "Bo Po_72_assignsubmission_file_"],
        ),
        (
            ["Ann Lee_71_assignsubmission_file_/a.txt", "Ann Lee_71_assignsubmission_file_/b.txt"],
            ["Ann Lee_71_assignsubmission_file_/a.txt", "Ann Lee_71_assignsubmission_file_/b.txt"],
        ),
        (
            ["leeann_123_4567_My essay.txt", "pobo_LATE_124_4568_essay.txt"],
            ["leeann_123_4567", "pobo_LATE_124_4568"],
        ),
    ],
)
def test_exports_of_learning_platforms(tmp_path, names, ids):
    path = tmp_path / "export.zip"
    path.write_bytes(zipped(dict.fromkeys(names, TEXT)))
    assert rows(path)["id"].tolist() == ids


def test_labels_by_folder(tmp_path):
    path = tmp_path / "a.zip"
    names = ["0/a.txt", "generated/x/b.txt", "Human/c.txt", "other/d.txt"]
    path.write_bytes(zipped(dict.fromkeys(names, TEXT)))
    frame = rows(path, label=True)
    assert frame["generated"].tolist() == [0, 1, 0, NO_LABEL]
    assert "no folder named human" in frame["problem"][3]
    optional = rows(path, label=None)
    assert optional["generated"].tolist() == [0, 1, 0, NO_LABEL]
    assert optional["problem"].tolist() == [""] * 4


@pytest.mark.parametrize("name", ["nothing", "empty.zip", "no.zip", "missing.docx"])
def test_what_holds_no_documents_is_an_error(tmp_path, name):
    (tmp_path / "nothing").mkdir()
    (tmp_path / "empty.zip").write_bytes(zipped({}))
    (tmp_path / "no.zip").write_bytes(b"no zip")
    with pytest.raises(DatasetError):
        rows(tmp_path / name)


def test_tables_are_no_documents(tmp_path):
    assert [is_documents(one) for one in ("a.csv", "-", "a.jsonl.gz", tmp_path / "none")] == [
        False
    ] * 4
    assert all(is_documents(one) for one in ("a.PDF", "a.zip", "a.odt", tmp_path))
