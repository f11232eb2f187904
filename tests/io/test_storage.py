"""Folders on a disk and in an object store behave alike."""

import sys
import threading

import pytest

from perplexity_detector.errors import DatasetError, InputError
from perplexity_detector.io import storage
from perplexity_detector.io.storage import StoredFile, find_tables, open_folder, open_stored
from tests.io.object_store import (
    gcs_environment,
    gcs_server,
    s3_environment,
    s3_server,
)


@pytest.fixture(scope="module")
def bucket():
    pytest.importorskip("s3fs", reason="needs the extra s3")
    pytest.importorskip("moto", reason="needs an S3 server")
    with s3_server() as address, s3_environment(address):
        yield "s3://bucket"


@pytest.fixture(scope="module")
def google_bucket():
    pytest.importorskip("gcsfs", reason="needs the extra gcs")
    pytest.importorskip("gcp_storage_emulator", reason="needs a server like Google's")
    with gcs_server() as address, gcs_environment(address):
        yield "gs://bucket"


@pytest.fixture(params=["disk", "bucket", "google_bucket"])
def place(request, tmp_path):
    """A place of its own for each test."""
    if request.param == "disk":
        return str(tmp_path / "place")
    return f"{request.getfixturevalue(request.param)}/{request.node.originalname}"


def test_a_folder_holds_what_was_written(place):
    folder = open_folder(place)
    assert folder.read("a") is None
    assert folder.names() == folder.names("deep/er") == []
    folder.write("a", b"one")
    folder.write("a", b"two")
    folder.write("deep/er/b", b"")
    assert (folder.read("a"), folder.read("deep/er/b")) == (b"two", b"")
    assert (folder.names(), folder.names("deep/er")) == (["a"], ["b"])
    folder.delete("a")
    folder.delete("a")
    assert folder.names() == []


def test_of_many_that_create_a_file_one_does(place):
    created = []
    folders = [open_folder(place) for _ in range(8)]

    def create(number):
        created.append((folders[number].create("sub/a", b"%d" % number), number))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((_, winner),) = [one for one in created if one[0]]
    assert folders[0].read("sub/a") == b"%d" % winner
    assert not folders[0].create("sub/a", b"late")


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(storage.os, "link", refuse)
    folder = open_folder(str(tmp_path))
    assert folder.create("a", b"one")
    assert not folder.create("a", b"two")
    assert folder.read("a") == b"one"


def test_tables_of_a_folder_a_pattern_and_a_file(place):
    folder = open_folder(place)
    for name in ("b.csv", "a.parquet", "sub/c.jsonl.gz", "_SUCCESS", "x.crc", ".d.csv", "_e/f.csv"):
        folder.write(name, name.encode())
    base = place if storage.is_url(place) else str(storage.local_path(place))
    everything = [f"{base}/{name}" for name in ("a.parquet", "b.csv", "sub/c.jsonl.gz")]
    assert [file.url for file in find_tables(place)] == everything
    assert [file.url for file in find_tables(f"{place}/[ab].*")] == everything[:2]
    (one,) = find_tables(f"{place}/b.csv")
    assert (one.url, one.size) == (everything[1], 5)
    with open_stored(one) as stream:
        assert stream.read() == b"b.csv"


def test_a_file_that_changed_is_refused(place):
    folder = open_folder(place)
    folder.write("a.csv", b"text\none\n")
    (file,) = find_tables(place)
    folder.write("a.csv", b"text\ntwo!\n")
    with pytest.raises(DatasetError, match="is not the file any more"), open_stored(file):
        pass


def test_what_is_not_there(place):
    with pytest.raises(DatasetError, match="There is no table at"):
        find_tables(f"{place}/*.csv")
    missing = StoredFile(f"{place}/a.csv", 1, "")
    with pytest.raises(DatasetError, match="cannot be read"), open_stored(missing):
        pass


def test_a_place_that_cannot_be_written(tmp_path, bucket):
    (tmp_path / "file").write_text("")
    for place in (str(tmp_path / "file"), "s3://no-such-bucket/out"):
        with pytest.raises(InputError, match="cannot be written"):
            open_folder(place).write("a", b"")


def test_protocols_that_are_not_known_or_not_installed(monkeypatch):
    with pytest.raises(InputError, match="begins with a protocol that is not known"):
        find_tables("https://example.org/a.csv")
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    loaded = sys.modules["fsspec.registry"]._registry
    monkeypatch.delitem(loaded, "gs", raising=False)
    with pytest.raises(InputError, match=r"perplexity-detector\[gcs\]"):
        find_tables("gs://bucket/a.csv")
