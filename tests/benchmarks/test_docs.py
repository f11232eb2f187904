"""The documentation shows what was measured."""

import pytest

from benchmarks.docs.generate import PAGES, TABLES, filled


@pytest.mark.parametrize("page", PAGES, ids=lambda file: file.stem)
def test_the_tables_are_what_was_measured(page):
    text = page.read_text(encoding="utf-8")
    assert text == filled(text), "run `python -m benchmarks.docs`"


def test_every_table_is_on_a_page():
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in TABLES if f"<!-- {name} -->" not in pages] == []


def test_what_is_between_markers_is_replaced():
    text = "a\n\n<!-- resources -->\nold\n<!-- /resources -->\n\nb"
    assert "old" not in filled(text)
    assert "peak memory" in filled(text)
    assert filled(filled(text)) == filled(text)
    with pytest.raises(KeyError):
        filled("<!-- unknown -->\n<!-- /unknown -->")
