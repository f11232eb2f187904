"""Files that are broken or too much cost themselves and nothing else."""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.document_files import as_docx, as_site
from perplexity_detector.errors import DatasetError
from perplexity_detector.io.documents import read_chunks
from perplexity_detector.io.documents.extracted import UnreadableError
from perplexity_detector.io.documents.parser import Parser
from perplexity_detector.io.limits import Limits

#: The smallest PDF with a text.
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R"
    b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>>>>>>>endobj\n"
    b"4 0 obj<</Length 42>>stream\nBT /F 12 Tf 40 200 Td (A short text.) Tj ET\nendstream endobj\n"
    b"trailer<</Root 1 0 R>>\n"
)
WHOLE = {
    "a.pdf": PDF,
    "a.docx": as_docx("A short text."),
    "a.html": as_site("A short text."),
    "a.md": b"# A\n\nshort | text\n---|---\n",
    "a.zip": b"",
}


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


WHOLE["a.zip"] = zipped({"b.txt": b"A short text.", "c.docx": WHOLE["a.docx"]})


@pytest.fixture(scope="module")
def parser():
    with Parser() as started:
        yield started


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from([name for name in WHOLE if name != "a.zip"]),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=30),
)
def test_a_broken_document_is_read_or_unreadable(parser, name, cut, flips):
    content = bytearray(WHOLE[name])
    for place, value in flips:
        content[int(place * (len(content) - 1))] = value
    try:
        assert isinstance(parser.parse(name, bytes(content[: int(cut * len(content))])).text, str)
    except UnreadableError as error:
        assert "Traceback" not in str(error)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cut=st.floats(0.2, 1),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=20),
)
def test_a_broken_zip_gives_rows_or_one_error(tmp_path, cut, flips):
    content = bytearray(WHOLE["a.zip"])
    for place, value in flips:
        content[int(place * (len(content) - 1))] = value
    path = tmp_path / "a.zip"
    path.write_bytes(content[: int(cut * len(content))])
    try:
        for chunk in read_chunks(path):
            assert list(chunk) == ["id", "text", "problem", "left_out"]
    except DatasetError:
        pass


def test_limits(parser):
    with Parser(Limits(pages=0)) as strict, pytest.raises(UnreadableError, match="1 pages"):
        strict.parse("a.pdf", PDF)
    with Parser(Limits(document_bytes=5)) as strict, pytest.raises(UnreadableError, match="larger"):
        strict.parse("a.txt", b"A text.")
    bomb = zipped({"[Content_Types].xml": b"<a/>", "word/document.xml": b" " * 3_000_000})
    strict = Parser(Limits(docx_bytes=2_000_000))
    with strict, pytest.raises(UnreadableError, match="unpacks to more than 2 MB"):
        strict.parse("a.docx", bomb)


def test_memory_is_limited_and_the_next_document_is_read():
    with Parser(Limits(memory=300_000_000)) as strict:
        with pytest.raises(UnreadableError, match="memory"):
            strict.parse("a.docx", zipped({"[Content_Types].xml": b"<!--" + b" " * 400_000_000}))
        assert strict.parse("a.txt", b"A text.").text == "A text."


def test_a_document_that_takes_too_long_is_stopped(monkeypatch):
    from perplexity_detector.io.documents import parser as module

    monkeypatch.setattr(module, "_START_SECONDS", 0.0)
    with (
        Parser(Limits(document_seconds=0.001)) as strict,
        pytest.raises(UnreadableError, match="seconds"),
    ):
        strict.parse("a.html", WHOLE["a.html"])
