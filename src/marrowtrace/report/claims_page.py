"""The pages of the claims: every statement with its verdict, and the title claim by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from marrowtrace.report.claims_table import ClaimsTable
from marrowtrace.report.page import Block, Items, Page, Paragraph, Section, Table
from marrowtrace.storage import atomic_file

PAGE, TITLE_PAGE, RECORD = "claims.html", "title-claim.html", "claims.json"
TITLE_CLAIM = "C006"

_MEANING = {
    "reproduced": "comes out of the model, the assays or the data without having been put in; a "
    "change that must make the check fail does so",
    "contradicted": "our model, data, or the cited paper itself says otherwise",
    "undetermined": "neither follows; what would settle it is said",
    "built in": "true because it was assumed: no evidence for the statement",
    "not modelled": "outside of what the model can speak of, with the reason",
}


def write(
    results: Mapping[str, Any], contest: Mapping[str, Any] | None, folder: Path
) -> tuple[Path, ...]:
    """Write the pages and the record into a folder.

    Parameters
    ----------
    results : mapping
        As `marrowtrace.claims.run.Results.to_json` gives them.
    contest : mapping or None
        As `marrowtrace.claims.marker_contest.Contest.to_json` gives it; None for no such page.
    folder : Path

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    written = [folder / PAGE, folder / RECORD]
    claims_page(results, linked=contest is not None).write(written[0])
    with atomic_file(written[1]) as path:
        text = json.dumps(dict(results), indent=1, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
    if contest is not None:
        written.append(folder / TITLE_PAGE)
        title_page(contest, results).write(written[-1])
    return tuple(written)


def claims_page(results: Mapping[str, Any], *, linked: bool = False) -> Page:
    """Put the verdicts on a page.

    Parameters
    ----------
    results : mapping
        As `write` takes them.
    linked : bool
        Whether the page on the title claim stands beside it.

    Returns
    -------
    Page
    """
    rows, counts = results["claims"], results["counts"]
    said = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
    glance: list[Block] = [
        Paragraph(f"{len(rows)} statements of the review were held against it: {said}.", lead=True),
        Table(
            pl.DataFrame(
                [
                    {"verdict": name, "claims": number, "meaning": _MEANING[name]}
                    for name, number in counts.items()
                ]
            ),
            cards=True,
        ),
    ]
    if linked:
        glance.append(
            Paragraph(
                f"The title claim, {TITLE_CLAIM}, has a page of its own: {TITLE_PAGE}.", note=True
            )
        )
    sections = [Section("At a glance", glance)]
    against = [row for row in rows if row["verdict"] == "contradicted"]
    if against:
        sections.append(Section("What is contradicted", [_contradictions(against)]))
    sections.append(Section("By section", [_by_section(rows)]))
    sections.append(Section("Every statement", [ClaimsTable(pl.DataFrame(), rows=rows)]))
    return Page(
        title="The review, statement by statement",
        subtitle="Sai and Xiang 2018 as executable checks",
        sections=sections,
        papers=["sai2018"],
        provenance=_made(results),
    )


def title_page(contest: Mapping[str, Any], results: Mapping[str, Any]) -> Page:
    """Put the contest of the two markers after therapy on a page.

    Parameters
    ----------
    contest, results : mapping
        As `write` takes them.

    Returns
    -------
    Page
    """
    verdict = next((row for row in results["claims"] if row["id"] == TITLE_CLAIM), None)
    answer: list[Block] = [Paragraph(contest["answer"], lead=True), Items(contest["findings"])]
    if verdict is not None:
        answer.append(
            Paragraph(f"Verdict on {TITLE_CLAIM}: {verdict['verdict']}. {verdict['figure']}.")
        )
    sections = [Section("The answer", answer)]
    for table in contest["tables"]:
        frame = pl.DataFrame(table["rows"], infer_schema_length=None)
        shown = Table(frame, headings=table["headings"], footnotes=table["footnotes"], cards=True)
        sections += [Section(table["title"], [Paragraph(table["text"]), shown])]
    sections.append(Section("How it was done", [Items(contest["methods"])]))
    return Page(
        title="After therapy: cells in marrow or cells in blood?",
        subtitle="The title claim of Sai and Xiang 2018 under the assays, times and biologies "
        "that decide it",
        sections=sections,
        papers=contest["papers"],
        provenance=_made(results),
    )


def _contradictions(rows: list[Mapping[str, Any]]) -> Table:
    """What is contradicted, and by whom."""
    return Table(
        pl.DataFrame(
            [
                {
                    "id": row["id"],
                    "statement": row["statement"],
                    "found": row["figure"],
                    "by": row["against"],
                }
                for row in rows
            ]
        ),
        cards=True,
    )


def _by_section(rows: list[Mapping[str, Any]]) -> Table:
    """Counts of the verdicts by section."""
    names = list(dict.fromkeys(row["section"] for row in rows))
    return Table(
        pl.DataFrame(
            [
                {"section": name}
                | {
                    verdict: sum(r["section"] == name and r["verdict"] == verdict for r in rows)
                    for verdict in _MEANING
                }
                for name in names
            ]
        ),
        cards=True,
    )


def _made(results: Mapping[str, Any]) -> dict[str, str]:
    return {"set": "quick" if results["quick"] else "full", "seed": str(results["seed"])}
