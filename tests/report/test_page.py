"""One-file pages: nothing fetched, everything escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import polars as pl
import pytest

from marrowtrace import __version__
from marrowtrace.errors import CitationError, OutputError
from marrowtrace.report.page import (
    RESEARCH_USE,
    Figure,
    Items,
    Page,
    Paragraph,
    Section,
    Table,
    cell_text,
)

SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Balance(HTMLParser):
    """Checks that every element is closed where it should be."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.fetched = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value)
            if name in ("src", "data", "action", "srcset", "poster"):
                self.fetched.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(html):
    reader = Balance()
    reader.feed(html)
    assert reader.open == []
    return reader


@pytest.fixture
def page():
    frame = pl.DataFrame({"name": ["<b>", "x & y"], "rate": [0.25836, None], "n": [12345, 3]})
    return Page(
        title="A <title> & more",
        subtitle="under it",
        sections=[
            Section("First", [Paragraph("a < b", lead=True), Items(["one", "<two>"])]),
            Section("Second", [Table(frame, caption="cap", headings={"n": "N"}, footnotes=["f"])]),
            Section("Third", [Figure(SVG, alt="a line", caption="fig", wide=True)]),
        ],
        papers=["meng2004"],
        provenance={"seed": "42"},
    )


def test_page_is_well_formed_and_escaped(page):
    html = page.html()
    parsed(html)
    assert "<b>" not in html.split("<body>")[1]
    assert "&lt;two&gt;" in html
    assert "A &lt;title&gt; &amp; more" in html


def test_nothing_is_fetched(page):
    html = page.html()
    assert all(source.startswith("data:") for source in parsed(html).fetched)
    assert "<script" not in html
    assert "@import" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html


def test_contents_link_to_the_sections(page):
    reader = parsed(page.html())
    assert {link.removeprefix("#") for link in reader.links} == set(reader.ids)


def test_every_page_says_what_it_is_for_and_what_to_cite(page):
    html = page.html()
    assert html.count(RESEARCH_USE) == 2
    assert f"Made with marrowtrace {__version__}" in html
    assert "Meng S" in html
    assert "<dt>seed</dt><dd>42</dd>" in html


def test_readable_on_a_phone_and_in_print(page):
    html = page.html()
    assert "width=device-width" in html
    assert "@media print" in html
    assert "class='wide'" in html
    cards = Table(pl.DataFrame({"a": [1]}), cards=True).render()
    assert "class='table cards'" in cards
    assert "data-label='a'" in cards


def test_numbers_and_gaps(page):
    html = page.html()
    assert re.search(r"class='number'[^>]*>0\.258<", html)
    assert "12345" in html
    assert cell_text(None) == cell_text(float("nan")) == "\N{EN DASH}"
    assert cell_text([1, 2.5]) == "1, 2.5"
    assert cell_text(True) == "yes"
    assert cell_text(123456.7) == "123457"


def test_png_and_nothing_else(page):
    assert "data:image/png;base64," in Figure(PNG, alt="x").render()
    with pytest.raises(OutputError, match="neither SVG nor PNG"):
        Figure(b"GIF89a", alt="x")
    with pytest.raises(OutputError, match="has no description"):
        Figure(SVG, alt=" ")


def test_notes_and_empty_lists():
    assert Items([]).render() == ""
    assert "class='note'" in Paragraph("x", note=True).render()


def test_same_title_twice():
    sections = [Section("A b", []), Section("a B", [])]
    with pytest.raises(OutputError, match="two sections of the page are called 'a-b'"):
        Page(title="t", sections=sections)


def test_write(page, tmp_path):
    page.write(tmp_path / "p.html")
    assert (tmp_path / "p.html").read_text(encoding="utf-8") == page.html()
    page.write(tmp_path / "new" / "p.html")
    assert (tmp_path / "new" / "p.html").exists()
    with pytest.raises(OutputError, match="a part of the path is a file"):
        page.write(tmp_path / "p.html" / "p.html")


def test_unknown_paper():
    with pytest.raises(CitationError, match="no reference 'meng2005'"):
        Page(title="t", sections=[], papers=["meng2005"]).html()
