"""``marrowtrace evidence forest | funnel``: figures of pooled rows, and tests of asymmetry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.evidence_options import (
    AnalyteOption,
    ByOption,
    CancerOption,
    EndpointOption,
    FigureOption,
    IndependentOption,
    JsonOption,
    MethodOption,
    PhaseOption,
    PrintedOption,
    RowsOption,
    SourceOption,
    StageOption,
    ThresholdOption,
    cite,
    load_tables,
    make_query,
    prognosis_of,
    rate_of,
)
from marrowtrace.cli.output import list_notes, say, write_json, write_table, write_text

if TYPE_CHECKING:
    from marrowtrace.evidence.asymmetry import Asymmetry
    from marrowtrace.evidence.pooling import PooledRate
    from marrowtrace.evidence.prognosis import PooledPrognosis

FunnelFigureOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Figure to write: .svg, .png or .pdf; left out, the tests alone."
    ),
]


def forest(
    analyte: AnalyteOption,
    output: FigureOption,
    phase: PhaseOption = None,
    endpoint: EndpointOption = None,
    method: MethodOption = None,
    as_printed: PrintedOption = False,
    independent: IndependentOption = False,
    source: SourceOption = None,
    cancer: CancerOption = None,
    stage: StageOption = None,
    threshold: ThresholdOption = None,
    by: ByOption = None,
    rows: RowsOption = None,
) -> None:
    """Draw a forest plot of detection rates, or with --endpoint of hazard ratios."""
    from marrowtrace.evidence.rate_subgroups import rate_subgroups
    from marrowtrace.plotting.forest import forest_effects, forest_rates
    from marrowtrace.plotting.style import write_figure

    tables = load_tables(rows)
    query = make_query(
        analyte, phase, endpoint, method, as_printed, independent, source, cancer, stage, threshold
    )
    result: PooledRate | PooledPrognosis
    if endpoint is not None:
        result = prognosis_of(tables, query, method)
        ax = forest_effects(result)
    else:
        result = rate_of(tables, query, method)
        ax = forest_rates(result, subgroups=rate_subgroups(result, by) if by else None)
    write_figure(ax, output)
    say(f"Wrote {output}")
    cite(["sai2018", *result.papers])


def funnel(
    analyte: AnalyteOption,
    output: FunnelFigureOption = None,
    phase: PhaseOption = None,
    endpoint: EndpointOption = None,
    method: MethodOption = None,
    as_printed: PrintedOption = False,
    independent: IndependentOption = False,
    source: SourceOption = None,
    cancer: CancerOption = None,
    stage: StageOption = None,
    threshold: ThresholdOption = None,
    rows: RowsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test rates, or with --endpoint hazard ratios, for asymmetry, and draw their funnel plot."""
    from marrowtrace.evidence.asymmetry import asymmetry
    from marrowtrace.plotting.funnel import funnel as draw
    from marrowtrace.plotting.style import write_figure

    tables = load_tables(rows)
    if endpoint is not None and method is None:
        method = "REML"  # p-values have no funnel
    query = make_query(
        analyte, phase, endpoint, method, as_printed, independent, source, cancer, stage, threshold
    )
    result: PooledRate | PooledPrognosis
    if endpoint is not None:
        result = prognosis_of(tables, query, method)
    else:
        result = rate_of(tables, query, method)
    found = asymmetry(result)
    if output is not None:
        write_figure(draw(found), output)
        say(f"Wrote {output}")
    if as_json:
        write_json(found.to_json())
    else:
        _print_asymmetry(found)
    cite(["sai2018", *result.papers])


def _print_asymmetry(found: Asymmetry) -> None:
    """Tests of asymmetry and trim and fill as text."""
    write_table(found.table(), title=f"Tests of asymmetry, {len(found.result.rows)} rows")
    if found.fill is not None:
        lines = []
        for adjusted in (False, True):
            value, low, high = found.pooled(adjusted=adjusted)
            lines.append(f"{value:.3g} ({low:.3g} to {high:.3g})")
        what = "hazard ratio" if found.result.query.endpoints else "rate"
        write_text(
            f"Trim and fill ({found.fill.estimator}, {found.fill.observed.method}): "
            f"{found.fill.filled} filled on the {found.fill.side}; {what} {lines[0]} as observed, "
            f"{lines[1]} with them."
        )
    list_notes([*found.refused, *found.warnings])
