"""A page in one HTML file: text, tables and figures, with nothing fetched from anywhere.

A page is put together from blocks and written once::

    page = Page(title="...", sections=[Section("What was found", [Paragraph("...")])])
    page.write(Path("report.html"))

All text is escaped, figures are embedded, there is no script, and a content security policy keeps
the browser from loading anything else. Wide tables and figures scroll inside their own box, or
tables turn into cards on a narrow screen (``Table(..., cards=True)``).
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import polars as pl

from marrowtrace import __version__
from marrowtrace.citations import reference_list
from marrowtrace.errors import OutputError
from marrowtrace.storage import atomic_file

RESEARCH_USE = "Research use only, not for clinical decisions."


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text; ``note=True`` sets it small, for footnotes, ``lead=True`` large, for the answer.

    Parameters
    ----------
    text : str
    note, lead : bool
    """

    text: str
    note: bool = field(default=False, kw_only=True)
    lead: bool = field(default=False, kw_only=True)

    def render(self) -> str:
        """Return the paragraph as HTML."""
        kind = " class='note'" if self.note else " class='lead'" if self.lead else ""
        return f"<p{kind}>{html.escape(self.text)}</p>"


@dataclass(frozen=True, slots=True)
class Items:
    """A list of plain texts.

    Parameters
    ----------
    texts : sequence of str
    note : bool
        Set it small, for footnotes.
    """

    texts: Sequence[str]
    note: bool = field(default=False, kw_only=True)

    def render(self) -> str:
        """Return the list as HTML, or nothing if it is empty."""
        if not self.texts:
            return ""
        kind = " class='note'" if self.note else ""
        return f"<ul{kind}>{''.join(f'<li>{html.escape(t)}</li>' for t in self.texts)}</ul>"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text and numbers.

    Parameters
    ----------
    frame : polars.DataFrame
        Numbers are set right and printed to ``digits`` significant digits, nulls as a dash.
    caption : str
    headings : mapping of str to str
        Heading of a column where it is not the column's name.
    footnotes : sequence of str
    cards : bool
        On a narrow screen show each row as a card; for tables of many or wordy columns.
    digits : int
        Significant digits of floating-point columns.
    """

    frame: pl.DataFrame
    caption: str = field(default="", kw_only=True)
    headings: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    footnotes: Sequence[str] = field(default=(), kw_only=True)
    cards: bool = field(default=False, kw_only=True)
    digits: int = field(default=3, kw_only=True)

    def render(self) -> str:
        """Return the table as HTML."""
        names = [self.headings.get(name, name) for name in self.frame.columns]
        numeric = [dtype.is_numeric() for dtype in self.frame.dtypes]
        sides = [" class='number'" if number else "" for number in numeric]
        head = "".join(
            f"<th scope='col'{side}>{html.escape(name)}</th>"
            for name, side in zip(names, sides, strict=True)
        )
        rows = []
        for row in self.frame.iter_rows():
            cells = "".join(
                f"<td{side} data-label='{html.escape(name, quote=True)}'>"
                f"{html.escape(cell_text(value, digits=self.digits))}</td>"
                for value, name, side in zip(row, names, sides, strict=True)
            )
            rows.append(f"<tr>{cells}</tr>")
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        kind = "table cards" if self.cards else "table"
        return (
            f"<div class='{kind}' tabindex='0'><table>{caption}<thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table></div>"
            + Items(self.footnotes, note=True).render()
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, embedded in the page.

    Parameters
    ----------
    image : bytes
        SVG or PNG file contents.
    alt : str
        What the picture shows, for those who cannot see it.
    caption : str
    footnotes : sequence of str
    wide : bool
        Keep the picture legible on a narrow screen by scrolling it sideways.

    Raises
    ------
    OutputError
        If the bytes are neither SVG nor PNG, or there is no description.
    """

    image: bytes
    alt: str
    caption: str = field(default="", kw_only=True)
    footnotes: Sequence[str] = field(default=(), kw_only=True)
    wide: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise OutputError("a figure has no description; say in 'alt' what it shows")
        _media_type(self.image)

    def render(self) -> str:
        """Return the figure as HTML."""
        data = base64.b64encode(self.image).decode("ascii")
        kind = " class='wide'" if self.wide else ""
        caption = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        return (
            f"<figure><div{kind} tabindex='0'><img alt='{html.escape(self.alt, quote=True)}' "
            f"src='data:{_media_type(self.image)};base64,{data}'></div>{caption}</figure>"
            + Items(self.footnotes, note=True).render()
        )


Block: TypeAlias = Paragraph | Items | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it.

    Parameters
    ----------
    title : str
    blocks : sequence of Block
    """

    title: str
    blocks: Sequence[Block]

    @property
    def anchor(self) -> str:
        """Name that a link within the page points to."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.casefold()).strip("-") or "section"

    def render(self) -> str:
        """Return the section as HTML."""
        body = "".join(block.render() for block in self.blocks)
        return f"<section id='{self.anchor}'><h2>{html.escape(self.title)}</h2>{body}</section>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole page.

    Parameters
    ----------
    title : str
    sections : sequence of Section
    subtitle : str
    papers : iterable of str
        Keys of the papers to cite, listed in the footer.
    provenance : mapping of str to str
        What made the page (command, seed, checksums), listed in the footer.

    Raises
    ------
    OutputError
        If two sections have the same title, so that links could not tell them apart.
    """

    title: str
    sections: Sequence[Section]
    subtitle: str = ""
    papers: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        anchors = [section.anchor for section in self.sections]
        for anchor in sorted(set(anchors)):
            if anchors.count(anchor) > 1:
                raise OutputError(f"two sections of the page are called '{anchor}'; rename one")

    def html(self) -> str:
        """Return the page as one HTML document.

        Raises
        ------
        CitationError
            If a paper to cite is not in the bibliography.
        """
        links = "".join(
            f"<li><a href='#{s.anchor}'>{html.escape(s.title)}</a></li>" for s in self.sections
        )
        contents = (
            f"<nav aria-label='Contents'><ul>{links}</ul></nav>" if len(self.sections) > 2 else ""
        )
        subtitle = f"<p class='subtitle'>{html.escape(self.subtitle)}</p>" if self.subtitle else ""
        body = "\n".join(section.render() for section in self.sections)
        return (
            "<!DOCTYPE html>\n<html lang='en-GB'><head><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'>"
            "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; "
            "img-src data:; style-src 'unsafe-inline'\">"
            f"<meta name='generator' content='marrowtrace {__version__}'>"
            f"<title>{html.escape(self.title)}</title><style>{_STYLE}</style></head>\n<body>"
            f"<p class='research' role='note'>{RESEARCH_USE}</p>"
            f"<header><h1>{html.escape(self.title)}</h1>{subtitle}</header>{contents}\n"
            f"<main>{body}</main>\n{self._footer()}</body></html>\n"
        )

    def write(self, path: Path) -> None:
        """Write the page to ``path``, whole or not at all, making the folder if there is none.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        text = self.html()
        with atomic_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def _footer(self) -> str:
        """Version, papers to cite and what made the page."""
        papers = "".join(f"<li>{html.escape(p)}</li>" for p in reference_list(self.papers))
        cited = f"<h2>Papers to cite</h2><ul class='papers'>{papers}</ul>" if papers else ""
        made = "".join(
            f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
            for name, value in self.provenance.items()
        )
        record = f"<dl>{made}</dl>" if made else ""
        return (
            f"<footer>{cited}{record}<p>Made with marrowtrace {html.escape(__version__)}. "
            f"{RESEARCH_USE}</p></footer>"
        )


def cell_text(value: object, *, digits: int = 3) -> str:
    """Return a table cell as text: a dash for nothing, ``digits`` significant digits for floats.

    Examples
    --------
    >>> cell_text(0.25836), cell_text(1234567), cell_text(3.45e-7), cell_text(True)
    ('0.258', '1234567', '3.45e-07', 'yes')
    """
    if value is None or value != value:  # NaN is the one value that differs from itself
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(cell_text(item, digits=digits) for item in value)
    return str(value)


def _media_type(image: bytes) -> str:
    """Media type of a picture's bytes."""
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if b"<svg" in image[:2000]:
        return "image/svg+xml"
    raise OutputError("a figure is neither SVG nor PNG; save it as one of the two")


_STYLE = """
:root{--ink:#1a1a1a;--soft:#555;--line:#d0d0d0;--tint:#f4f6f8;--link:#00588f}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:0 1.25rem 3rem;max-width:62rem;color:var(--ink);background:#fff;
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:1.8rem;line-height:1.2;margin:1.5rem 0 .4rem}
h2{font-size:1.25rem;line-height:1.3;margin:2.4rem 0 .6rem;border-bottom:1px solid var(--line)}
p,li{max-width:46rem;overflow-wrap:break-word}
a{color:var(--link)}
.subtitle{color:var(--soft);margin:0 0 1rem}
.research{margin:0 -1.25rem;padding:.4rem 1.25rem;max-width:none;background:#fff4d6;
font-size:.85rem}
.lead{font-size:1.12rem}
.note{font-size:.85rem;color:var(--soft)}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.2rem;list-style:none;margin:0;padding:0}
.table,.wide{overflow-x:auto}
.table{margin:1rem 0 .4rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
thead th{border-bottom:2px solid var(--soft);background:var(--tint)}
.number{text-align:right;font-variant-numeric:tabular-nums}
td.number{white-space:nowrap}
figure{margin:1.2rem 0 .4rem}
img{max-width:100%;height:auto;display:block}
figcaption{font-size:.9rem;color:var(--soft);margin-top:.4rem}
footer{margin-top:3rem;padding-top:.5rem;border-top:2px solid var(--line);font-size:.85rem;
color:var(--soft)}
footer h2{font-size:1rem;border:0;margin:.5rem 0}
footer dt{font-weight:600}footer dd{margin:0 0 .3rem}
@media screen and (max-width:40rem){
body{padding:0 .9rem 2rem}.research{margin:0 -.9rem;padding:.4rem .9rem}
h1{font-size:1.45rem}
.wide img{max-width:none;width:40rem}
.cards thead{display:none}
.cards table,.cards tbody,.cards tr,.cards td,.cards caption{display:block;width:100%}
.cards tr{border:1px solid var(--line);border-radius:6px;margin:0 0 .8rem;padding:.3rem .6rem}
.cards td{border:0;padding:.15rem 0;text-align:left;white-space:normal}
.cards td::before{content:attr(data-label) ": ";font-weight:600;color:var(--soft)}
}
@media print{
body{max-width:none;padding:0;font-size:10pt}.research{margin:0}
nav{display:none}.table,.wide{overflow:visible}
tr,figure{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}
a{color:inherit;text-decoration:none}
details::details-content{content-visibility:visible;display:block}
}
@page{margin:18mm}
"""
