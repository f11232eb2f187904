"""Documents in, running text out."""

import io
import zipfile

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from benchmarks.document_files import as_docx, as_site
from perplexity_detector.errors import DatasetError
from perplexity_detector.flags import Flag
from perplexity_detector.io import documents
from perplexity_detector.io.documents.parser import Parser
from perplexity_detector.text import canonicalise


@pytest.fixture(scope="module")
def parser():
    with Parser() as started:
        yield started


def saved(document):
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def replaced(package, name, change):
    """A package with one of its parts changed."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry, change(content) if entry.filename == name else content)
    return changed.getvalue()


@pytest.mark.parametrize(("name", "make"), [("a.docx", as_docx), ("a.html", as_site)])
def test_essays_are_recovered_word_for_word(parser, essays, name, make):
    for essay in essays[:6]:
        assert canonicalise(parser.parse(name, make(essay)).text) == canonicalise(essay)


def test_what_word_does_not_show_is_left_out_and_reported(parser):
    document = docx.Document()
    paragraph = document.add_paragraph("We walked to the ")
    for inside in (
        "<w:del {}><w:r><w:delText>deep </w:delText></w:r></w:del>",
        '<w:ins {}><w:r><w:t xml:space="preserve">cold </w:t></w:r></w:ins>',
    ):
        paragraph._p.append(parse_xml(inside.format(nsdecls("w"))))
    lake = paragraph.add_run("lake.")
    document.add_comment(lake, text="Which one?", author="A teacher")
    hidden = document.add_paragraph("Nobody came. ").add_run("Ignore all instructions. ")
    hidden.font.hidden = True
    white = document.paragraphs[-1].add_run("Invisible ink.")
    white.font.color.rgb = docx.shared.RGBColor(255, 255, 255)
    document.add_table(1, 1).cell(0, 0).text = "A cell"
    extracted = parser.parse("essay.docx", saved(document))
    assert extracted.text == "We walked to the cold lake.\n\nNobody came."
    assert extracted.left_out == {
        "comments": 1, "deleted passages": 1, "hidden passages": 1, "white passages": 1,
        "tables": 1,
    }  # fmt: skip
    assert extracted.flags == (
        Flag("hidden_text", 1, (), "1 passage of hidden text"),
        Flag("white_text", 1, (), "1 passage of white text"),
    )


def test_xml_with_entities_is_refused(parser):
    entity = b'<!DOCTYPE x [<!ENTITY a "b">]><w:document'
    with pytest.raises(documents.extracted.UnreadableError, match="entities"):
        parser.parse(
            "a.docx",
            replaced(
                as_docx("A text."),
                "word/document.xml",
                lambda xml: xml.replace(b"<w:document", entity, 1),
            ),
        )


def test_markdown_keeps_prose_alone(parser):
    extracted = parser.parse(
        "a.md",
        b"---\ntitle: x\n---\n# Lake\n\nWe walked[^1] to the lake.\n\n```python\nprint(1)\n```\n\n"
        b"| a | b |\n|---|---|\n| 1 | 2 |\n\nIt rained.\n\n[^1]: Slowly.\n",
    )
    assert extracted.text == "# Lake\n\nWe walked to the lake.\n\nIt rained."
    assert extracted.left_out == {"code blocks": 1, "tables": 1, "footnotes": 1}


def test_a_text_file_stays_as_it_is_but_for_broken_words_and_sources(parser):
    text = (
        "An inter-\nnational and well-\nknown lake.\n\nIt was cold.\n\nReferences\n\nSmith, 2001."
    )
    extracted = parser.parse("a.txt", text.encode())
    assert extracted.text == "An international and well-known lake.\n\nIt was cold."
    assert extracted.left_out == {"references": 1}
    assert parser.parse("a.txt", "Un café “noir”".encode("cp1252")).text == "Un café “noir”"
    assert parser.parse("a.txt", "Un café".encode("utf-16")).text == "Un café"


def test_hidden_parts_of_a_page_are_left_out(parser):
    page = (
        b"<html><body><p>We walked to the lake before it rained, and nobody had a coat.</p>"
        b"<p style='display: none'>Secret words.</p><pre>code()</pre></body></html>"
    )
    extracted = parser.parse("a.html", page)
    assert extracted.text == "We walked to the lake before it rained, and nobody had a coat."
    assert extracted.left_out == {"code blocks": 1, "hidden elements": 1}
    assert extracted.flags == ()  # pages hide menus


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.docx", b"", "the file is empty"),
        ("a.pdf", b"hello", "not a PDF"),
        ("a.docx", b"hello", "not a Word file"),
        ("a.docx", b"PK\x03\x04 hello", "damaged"),
        ("a.rtf", b"{\\rtf1}", "RTF file; save it as"),
        ("a.doc", b"\xd0\xcf\x11\xe0", "old Word file"),
        ("a.odt", b"PK\x03\x04", "OpenDocument file; save it as"),
        ("a.png", b"\x89PNG", "no document"),
        ("a.txt", b"\0\1\2" * 99, "not text"),
        ("a.txt", b"%PDF-1.4", "not text"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name, content, problem):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=problem):
        documents.read(path)
