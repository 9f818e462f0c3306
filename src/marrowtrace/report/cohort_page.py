"""One page on what a cohort holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from marrowtrace.cohort import TABLES
from marrowtrace.provenance import Provenance
from marrowtrace.report.cohort_description import CohortDescription
from marrowtrace.report.page import Figure, Items, Page, Paragraph, Section, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.report.page import Block
    from marrowtrace.survival.kaplan_meier import SurvivalCurve


def cohort_page(description: CohortDescription, *, name: str, provenance: Provenance) -> Page:
    """Put the description of a cohort on a page.

    Parameters
    ----------
    description : CohortDescription
    name : str
        Name of the cohort, for the title.
    provenance : Provenance
        How the cohort was made.

    Returns
    -------
    Page
    """
    patients = description.rows.row(0)[1]
    lead = f"{patients:,} patients; day 0 is {description.index_event}. " + _follow_up_sentence(
        description
    )
    said = [Paragraph(str(note)) for note in provenance.parameters.get("notes", ())]
    glance = [Paragraph(lead, lead=True), *said, _row_counts(description.rows)]
    sections = [
        Section("At a glance", glance),
        Section("Patients", _patient_blocks(description)),
    ]
    if description.follow_up.height:
        sections.append(Section("Follow-up", _follow_up_blocks(description)))
    sections.append(Section("What was found where", _detection_blocks(description)))
    if description.measurements.height:
        caption = "Other markers, with quartiles over all samples."
        block = Table(description.measurements, caption=caption, cards=True)
        sections.append(Section("Other markers", [block]))
    if description.treatments.height:
        caption = "Courses of treatment; start in days from day 0."
        block = Table(description.treatments, caption=caption, cards=True)
        sections.append(Section("Treatments", [block]))
    sections.append(Section("What is missing", _missing_blocks(description.missing)))
    sections.append(Section("Where it comes from", _provenance_blocks(provenance)))
    return Page(
        title=f"Cohort {name}",
        subtitle="What the data hold, before any analysis",
        sections=sections,
        papers=provenance.citations,
        provenance={"made by": provenance.action, "imported": provenance.created}
        | {f"SHA-256 of {s.name}": s.sha256 for s in provenance.sources},
    )


def _follow_up_sentence(description: CohortDescription) -> str:
    parts = []
    for row in description.follow_up.iter_rows(named=True):
        followed = row["median_follow_up"]
        years = "not reached" if math.isnan(followed) else f"{followed:.1f} years"
        endpoint = row["endpoint"].replace("_", " ")
        parts.append(f"{endpoint.capitalize()}: {row['events']:,} events, median follow-up {years}")
    return "; ".join(parts) + "." if parts else "No follow-up."


def _row_counts(rows: pl.DataFrame) -> Block:
    meaning = [TABLES[name].meaning for name in rows["table"].to_list()]
    return Table(
        rows.with_columns(pl.Series("what a row is", meaning)), caption="Rows in each table."
    )


def _patient_blocks(description: CohortDescription) -> list[Block]:
    blocks: list[Block] = []
    if description.groups.height:
        blocks.append(Table(description.groups, caption="Characteristics of the patients."))
    if description.numbers.height:
        blocks.append(
            Table(description.numbers, caption="Numbers known of the patients, with quartiles.")
        )
    return blocks or [Paragraph("Nothing but their ids is known of the patients.")]


def _follow_up_blocks(description: CohortDescription) -> list[Block]:
    from marrowtrace.plotting.survival_curve import survival_curves

    table = Table(
        description.follow_up_table(),
        caption="Events and follow-up by endpoint. Follow-up is the reverse Kaplan-Meier median.",
        footnotes=[
            "Free of it: Kaplan-Meier estimate with its log-log interval; competing events are "
            "counted as censored there, so it is no probability of staying free where they are "
            "many.",
        ],
        cards=True,
    )
    free = survival_curves(_readable(description.event_free), ylabel="free of the event")
    followed = survival_curves(
        _readable(description.followed), ylabel="still followed", marks=False
    )
    by_arm = [
        Figure(
            _svg(survival_curves(curves, ylabel=_axis(endpoint))),
            f"Kaplan-Meier curves of {endpoint.replace('_', ' ')} by arm, with numbers at risk",
            caption=f"{endpoint.replace('_', ' ').capitalize()} by arm, with 95 % intervals. Arms "
            "are compared here by eye only; patients may differ in other ways.",
        )
        for endpoint, curves in description.event_free_by_arm.items()
        if curves
    ]
    return [
        table,
        Figure(
            _svg(free),
            "Kaplan-Meier curves of being free of each endpoint, with numbers at risk",
            caption="Share free of the event over the years, with the 95 % interval; ticks are "
            "censorings and the numbers below the axis are the patients at risk.",
        ),
        *by_arm,
        Figure(
            _svg(followed),
            "Reverse Kaplan-Meier curves of still being under follow-up",
            caption="Share still under follow-up: where this curve falls, the curve above rests "
            "on few patients.",
        ),
    ]


def _axis(endpoint: str) -> str:
    words = endpoint.replace("_", " ")
    return words if words.endswith("survival") else f"free of {words}"


def _readable(curves: Mapping[str, SurvivalCurve]) -> dict[str, SurvivalCurve]:
    return {name.replace("_", " "): curve for name, curve in curves.items()}


def _detection_blocks(description: CohortDescription) -> list[Block]:
    rows = description.detection.rows
    if not rows.height:
        return [Paragraph("No tumour cells were counted in this cohort: it has no enumerations.")]
    from marrowtrace.plotting.positivity import detection_rates

    return [
        Figure(
            _svg(detection_rates(description.detection)),
            "Share of positive samples by cell class, site, assay and phase, with intervals",
            caption="Share of samples in which tumour cells were found, with the exact 95 % "
            "interval; the fractions are positive over all samples.",
        ),
        Table(
            description.detection_table(),
            caption="Positivity by site, assay and phase.",
            footnotes=[
                "Exact (Clopper-Pearson) intervals for samples; where patients gave several "
                "samples in a phase the interval is too narrow for patients.",
                "Samples that were not assayed are not counted as negative.",
            ],
            cards=True,
        ),
    ]


def _missing_blocks(missing: pl.DataFrame) -> list[Block]:
    gaps = missing.filter(pl.col("share") < 1)
    empty = missing.filter(pl.col("share") == 1)
    blocks: list[Block] = []
    if gaps.height:
        from marrowtrace.plotting.positivity import missing_values

        shares = {
            f"{row['table']}.{row['column']}": float(row["share"])
            for row in gaps.sort("share", descending=True).head(40).iter_rows(named=True)
        }
        blocks.append(
            Figure(
                _svg(missing_values(shares)),
                "Share of missing values by column",
                caption="Share of rows without a value, by column.",
            )
        )
    else:
        blocks.append(Paragraph("No column has gaps."))
    if empty.height:
        names = ", ".join(f"{r['table']}.{r['column']}" for r in empty.iter_rows(named=True))
        blocks.append(Paragraph(f"Without any value: {names}.", note=True))
    return blocks


def _provenance_blocks(provenance: Provenance) -> list[Block]:
    if not provenance.notes:
        return [Paragraph("The source said nothing further about itself.")]
    return [
        Paragraph("What was understood, converted or left out when the data were read:"),
        Items(list(provenance.notes)),
    ]


def _svg(ax: Axes) -> bytes:
    from matplotlib.figure import Figure as Drawing

    from marrowtrace.plotting.style import image_bytes

    figure = ax.get_figure(root=True)
    assert isinstance(figure, Drawing)
    return image_bytes(figure)
