"""The page of a study: ``report.html`` from ``results.json``, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marrowtrace.report.drawings import Drawings, check_forms
from marrowtrace.report.number_words import percent, percent_interval, ratio_interval
from marrowtrace.report.page import Block, Items, Page, Paragraph, Section
from marrowtrace.report.study_findings import (
    detection_section,
    published_section,
    verdict_sentence,
)
from marrowtrace.report.study_lives import lives_section
from marrowtrace.report.study_markers import blood_marrow_section, markers_section
from marrowtrace.report.study_outcomes import origin_section, recurrence_section
from marrowtrace.report.study_patients import design_section, patients_section
from marrowtrace.report.study_record import limits_section, methods_section, parameters_section

_LONG = {"death": "overall survival", "disease_free": "disease-free survival"}
REPORT = "report.html"
FIGURES = "figures"


def study_page(results: Mapping[str, Any], drawings: Drawings | None = None) -> Page:
    """Put the results of a study on a page.

    Parameters
    ----------
    results : mapping
        As `marrowtrace.study.analysis.analyse` gives them, or read from ``results.json``.
    drawings : Drawings, optional
        Keeps the figures, for those who want them as files.

    Returns
    -------
    Page
    """
    kept = Drawings() if drawings is None else drawings
    study, provenance = results["study"], results["provenance"]
    sections: list[Section | None] = [
        Section("At a glance", _glance(results)),
        design_section(results),
        patients_section(results, kept),
        detection_section(results, kept),
        published_section(results, kept),
        recurrence_section(results, kept),
        origin_section(results, kept),
        markers_section(results, kept),
        blood_marrow_section(results, kept),
        lives_section(results, kept),
        limits_section(results),
        parameters_section(results),
        methods_section(results),
    ]
    return Page(
        title=study["title"],
        subtitle=f"Simulated study '{study['name']}', {study['analysed']:,} patients analysed",
        sections=[section for section in sections if section is not None],
        papers=results["citations"],
        provenance={
            "study": study["name"],
            "seed": str(study["seed"]),
            **{name: str(value) for name, value in provenance.items()},
        },
    )


def write(results: Mapping[str, Any], folder: Path, *, figures: Sequence[str] = ()) -> Path:
    """Write ``report.html``, and the figures as files where they are wanted.

    Parameters
    ----------
    results : mapping
        As `study_page` takes them.
    folder : Path
    figures : sequence of {"svg", "png", "pdf"}
        Forms in which each figure is written to ``figures/``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OutputError
        If a form is unknown or a file cannot be written.
    """
    check_forms(figures)
    drawings = Drawings()
    page = study_page(results, drawings)
    if figures:
        drawings.write(folder / FIGURES, figures)
    path = folder / REPORT
    page.write(path)
    return path


def _glance(results: Mapping[str, Any]) -> list[Block]:
    """The answer in a few sentences."""
    study = results["study"]
    lead = (
        f"{study['analysed']:,} virtual patients, {len(study['arms'])} arm"
        f"{'' if len(study['arms']) == 1 else 's'}. {study['question']}"
    )
    said = [
        *_found(results["detection"]),
        *_relapsed(results["recurrence"]),
        *_arms(results["recurrence"]),
        *_from_where(results["relapse_origin"]),
        *_markers(results["markers"]),
    ]
    if results["published"]:
        said.append(verdict_sentence(results["published"]))
    said.append(
        "These are simulated patients: read 'What the model cannot say' before you quote a number."
    )
    return [Paragraph(lead, lead=True), Items(said)]


def _found(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """First detection rate of each cell class."""
    said = []
    for cells in ("CTC", "DTC"):
        first = next(
            (row for row in rows if row["cell_class"] == cells and row["rate"] is not None), None
        )
        if first is not None:
            arm = "" if first["arm"] == "all" else f", {first['arm']}"
            said.append(
                f"{cells}s at the visit '{first['visit']}' ({first['assay']}{arm}): "
                f"{percent_interval(first)} of {first['assayed']:,} positive."
            )
    return said


def _relapsed(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return []
    main = next((one for one in found["by_arm"] if one["endpoint"] == found["main"]), None)
    if main is None:
        return []
    said = []
    for curve in main["curves"]:
        marks = [
            f"{percent(at['incidence'])} by {at['year']:g} years"
            for at in curve["at"]
            if at["year"] in (5.0, 10.0, 20.0) or at is curve["at"][-1]
        ]
        if marks:
            who = "" if curve["group"] == "all" else f" ({curve['group']})"
            said.append(f"{main['endpoint'].replace('_', ' ').capitalize()}{who}: "
                        f"{', '.join(marks)}.")  # fmt: skip
    return said


def _arms(found: Mapping[str, Any] | None) -> list[str]:
    """The arms against the first, for the main endpoint."""
    rows = [] if found is None else found["arms_compared"]
    return [
        f"{row['arm']} against {row['against']}: hazard ratio {ratio_interval(row)} for "
        f"{row['endpoint'].replace('_', ' ')}."
        for row in rows
        if found is not None and row["endpoint"] == found["main"] and row["hr"] is not None
    ]


def _from_where(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the truth says of the first group that relapsed."""
    found = next((one for one in groups if one["through_marrow"] is not None), None)
    if found is None:
        return []
    before = found["before_surgery"]
    early = f"; {percent(before['rate'])} were seeded before surgery" if before else ""
    arm = "" if found["group"] == "all" else f" ({found['group']})"
    return [
        f"In truth, {percent(found['through_marrow']['rate'])} of first distant relapses{arm} grew "
        f"from a cell that had rested in marrow{early}."
    ]


def _markers(found: Mapping[str, Any] | None) -> list[str]:
    """Last marker after therapy of each cell class that can be estimated."""
    if found is None:
        return []
    said = []
    endpoints = list(dict.fromkeys(row["endpoint"] for row in found["rows"]))
    wanted = "disease_free" if "disease_free" in endpoints else endpoints[0] if endpoints else ""
    for cells in ("CTC", "DTC"):
        known = [
            row for row in found["rows"]
            if row["cell_class"] == cells and row["endpoint"] == wanted
            and row["landmark"]["hr"] is not None
        ]  # fmt: skip
        after = [row for row in known if row["phase"] == "post"] or known
        if after:
            row = after[0]
            said.append(
                f"{row['marker']}: hazard ratio {ratio_interval(row['landmark'])} for "
                f"{_LONG.get(wanted, wanted.replace('_', ' '))}, from the sample on."
            )
    return said
