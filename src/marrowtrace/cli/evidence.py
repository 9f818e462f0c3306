"""``marrowtrace evidence``: published figures on CTCs and DTCs, audited, pooled and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.output import (
    cite_papers,
    list_notes,
    say,
    write_json,
    write_table,
    write_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from marrowtrace.evidence.comparison import Comparison
    from marrowtrace.evidence.pooling import PooledRate
    from marrowtrace.evidence.prognosis import PooledPrognosis
    from marrowtrace.evidence.selection import Query
    from marrowtrace.evidence.tables import EvidenceTables

app = typer.Typer(
    help="Published figures on CTCs and DTCs: listed, audited, pooled and compared.",
    no_args_is_help=True,
)

LIST_SCHEMA = "marrowtrace.evidence.list/1"
AUDIT_SCHEMA = "marrowtrace.evidence.audit/1"

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]
RowsOption = Annotated[
    Path | None, typer.Option("--rows", help="Your own rows, CSV or TOML, added to the tables.")
]
AnalyteOption = Annotated[str, typer.Option(help="CTC, DTC or CTC_cluster.")]
PhaseOption = Annotated[
    str | None, typer.Option(help="When cells were looked for: pre, on or post treatment.")
]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        help="Pool outcome, not detection: OS, DFS, PFS, ... or a family, death or progression."
    ),
]
MethodOption = Annotated[
    str | None,
    typer.Option(
        help="Rates: glmm (default), reml-logit, pm-logit, dl-logit, freeman-tukey. Outcome: "
        "fisher (default), stouffer, wilkinson, edgington, harmonic for p-values; REML, PM, DL, "
        "... for hazard ratios."
    ),
]
PrintedOption = Annotated[
    bool, typer.Option("--as-printed", help="Use the printed values, not the corrected ones.")
]
IndependentOption = Annotated[
    bool,
    typer.Option(
        "--independent",
        help="Take rows that share patients as independent: wrong, for comparison only.",
    ),
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        help="table1, table2, published or all. Default: table1 for rates, table2 for p-values, "
        "all for hazard ratios."
    ),
]
CancerOption = Annotated[str | None, typer.Option(help="Only this cancer, e.g. breast.")]
StageOption = Annotated[str | None, typer.Option(help="Only this stage, e.g. early.")]
ThresholdOption = Annotated[
    int | None, typer.Option(help="Only rows in which this many cells make a sample positive.")
]
ByOption = Annotated[
    str | None, typer.Option(help="Subgroups: cancer, stage, assay, marker or phase.")
]
FigureOption = Annotated[
    Path, typer.Option("--output", "-o", help="File to write: .svg, .png or .pdf.")
]


@app.command("list")
def list_(
    table: Annotated[str, typer.Option(help="rates, effects, figures or studies.")] = "rates",
    rows: RowsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rows: what is printed, and beside it what the source has."""
    from marrowtrace.errors import EvidenceError, did_you_mean
    from marrowtrace.evidence.published import published_figures

    tables = _tables(rows)
    frames: dict[str, Callable[[], pl.DataFrame]] = {
        "rates": tables.rate_table,
        "effects": tables.effect_table,
        "figures": published_figures,
        "studies": lambda: _study_table(tables),
    }
    if table not in frames:
        raise EvidenceError(
            f"table '{table}' is unknown; allowed: {', '.join(frames)}"
            f"{did_you_mean(table, list(frames))}"
        )
    frame = frames[table]()
    if as_json:
        write_json({"schema": LIST_SCHEMA, "table": table, "rows": frame.to_dicts()})
    else:
        write_table(frame.select([name for name in _SHORT[table] if name in frame.columns]))
        say("--json prints every column, with the reason of each correction and the citation.")
    column = {"figures": "citation", "studies": "key"}.get(table, "study")
    _cite(frame[column].to_list())


@app.command()
def audit(
    kind: Annotated[
        str | None, typer.Option(help="Only faults of this kind: ERROR, LIKELY or NOTE.")
    ] = None,
    rows: RowsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the faults of the review's tables, and what the cited papers say."""
    from marrowtrace.errors import EvidenceError, did_you_mean
    from marrowtrace.evidence.audit import KINDS, faults

    if kind is not None and kind.upper() not in KINDS:
        raise EvidenceError(
            f"kind '{kind}' is unknown; allowed: {', '.join(KINDS)}{did_you_mean(kind, KINDS)}"
        )
    found = [fault for fault in faults() if kind is None or fault.kind == kind.upper()]
    if rows is not None:
        own = len(_own(rows))
        say(f"{rows.name}: {own} row(s) read; none contradicts itself.")
    if as_json:
        write_json({"schema": AUDIT_SCHEMA, "faults": [fault.to_json() for fault in found]})
    else:
        for fault in found:
            write_text(
                f"{fault.number}. {fault.kind}  {fault.table}, {fault.place}: {fault.topic}\n"
                f"   printed: {fault.printed}\n"
                f"   source:  {fault.source_says} [{fault.status}]\n"
                f"   pooling: {fault.effect}\n"
            )
    say(f"{len(found)} fault(s).")
    _cite(["sai2018", *(fault.study for fault in found)])


@app.command()
def pool(
    analyte: AnalyteOption,
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
    as_json: JsonOption = False,
) -> None:
    """Pool detection rates, or with --endpoint the effect on outcome."""
    from dataclasses import replace

    from marrowtrace.errors import EvidenceError
    from marrowtrace.evidence.rate_subgroups import rate_subgroups

    tables = _tables(rows)
    query = _query(
        analyte, phase, endpoint, method, as_printed, independent, source, cancer, stage, threshold
    )
    if endpoint is not None:
        if by is not None:
            raise EvidenceError("--by is for detection rates; leave it out with --endpoint")
        effect = _prognosis(tables, query, method)
        if as_json:
            write_json(effect.to_json())
        else:
            _print_prognosis(effect)
        _cite(["sai2018", *effect.papers])
        return
    result = _rate(tables, query, method)
    others = []
    for printed in (False, True):
        for dependence in ("pick", "independent"):
            other = replace(query, as_printed=printed, dependence=dependence)
            if other == query:
                others.append(result)
                continue
            try:
                others.append(_rate(tables, other, method))
            except EvidenceError:  # nothing to pool that way
                continue
    groups = rate_subgroups(result, by) if by is not None else None
    if as_json:
        payload = result.to_json() | {"variants": [_summary(other) for other in others]}
        write_json(payload | ({"subgroups": groups.to_json()} if groups else {}))
    else:
        _print_rates(result, others)
        if groups is not None:
            for name, pooled in zip(groups.groups, groups.pooled, strict=True):
                write_text(
                    f"{by} {name}: {_percent(pooled.estimate)} ({_percent(pooled.ci_low)} to "
                    f"{_percent(pooled.ci_high)}), {pooled.k} row(s)"
                )
            list_notes(groups.warnings)
    _cite(["sai2018", *result.papers])


@app.command()
def compare(rows: RowsOption = None, as_json: JsonOption = False) -> None:
    """Hold CTCs against DTCs: in the same patients, then by phase and endpoint."""
    from marrowtrace.evidence.comparison import CLAIM, compare

    result = compare(_tables(rows))
    if as_json:
        write_json(result.to_json())
    else:
        import polars as pl

        write_text(f"The claim: {CLAIM}.\n")
        for sentence in result.answer:
            write_text(f"{sentence}\n")
        write_table(pl.DataFrame(_detection_rows(result)), title="Found in the same patients")
        shown = ["label", "endpoint", "when", "dtc_p", "ctc_p", "smaller"]
        shown += ["expected_p", "difference_low", "difference_high"]
        write_table(result.table().select(shown), title="Outcome in the same patients")
    _cite(result.papers)


@app.command()
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

    tables = _tables(rows)
    query = _query(
        analyte, phase, endpoint, method, as_printed, independent, source, cancer, stage, threshold
    )
    result: PooledRate | PooledPrognosis
    if endpoint is not None:
        result = _prognosis(tables, query, method)
        ax = forest_effects(result)
    else:
        result = _rate(tables, query, method)
        ax = forest_rates(result, subgroups=rate_subgroups(result, by) if by else None)
    write_figure(ax, output)
    say(f"Wrote {output}")
    _cite(["sai2018", *result.papers])


@app.command()
def funnel(
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
    rows: RowsOption = None,
) -> None:
    """Draw a funnel plot of detection rates, or with --endpoint of hazard ratios."""
    from marrowtrace.plotting.funnel import funnel_effects, funnel_rates
    from marrowtrace.plotting.style import write_figure

    tables = _tables(rows)
    if endpoint is not None and method is None:
        method = "REML"  # p-values have no funnel
    query = _query(
        analyte, phase, endpoint, method, as_printed, independent, source, cancer, stage, threshold
    )
    result: PooledRate | PooledPrognosis
    if endpoint is not None:
        result = _prognosis(tables, query, method)
        ax = funnel_effects(result)
    else:
        result = _rate(tables, query, method)
        ax = funnel_rates(result)
    write_figure(ax, output)
    say(f"Wrote {output}")
    _cite(["sai2018", *result.papers])


@app.command()
def page(
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")] = Path(
        "evidence.html"
    ),
    rows: RowsOption = None,
) -> None:
    """Write the audit, the pooled rates and the comparison as one HTML page."""
    from marrowtrace.report.evidence_page import evidence_page

    written = evidence_page(_tables(rows))
    written.write(output)
    say(f"Wrote {output}")
    _cite(written.papers)


_SHORT = {
    "rates": [
        *("row", "study", "cancer", "analyte", "phase", "threshold", "n", "percent", "k"),
        *("k_corrected", "faults", "status"),
    ],
    "effects": [
        *("row", "study", "analyte", "phase", "phase_corrected", "endpoint", "endpoint_corrected"),
        *("n", "n_corrected", "p", "hr", "faults"),
    ],
    "figures": [
        *("id", "quantity", "bound", "value", "unit", "low", "high", "k", "n", "citation"),
        "status",
    ],
    "studies": ["key", "cohort", "pools", "rows", "note"],
}


def _tables(rows: Path | None) -> EvidenceTables:
    """The tables that ship with marrowtrace, and the user's rows."""
    from marrowtrace.evidence.tables import bundled, read_rows

    return bundled() if rows is None else bundled().joined(read_rows(rows))


def _own(rows: Path) -> tuple[object, ...]:
    """The user's rows."""
    from marrowtrace.evidence.tables import read_rows

    own = read_rows(rows)
    return (*own.rates, *own.effects)


def _query(
    analyte: str,
    phase: str | None,
    endpoint: str | None,
    method: str | None,
    as_printed: bool,
    independent: bool,
    source: str | None,
    cancer: str | None,
    stage: str | None,
    threshold: int | None,
) -> Query:
    """What to pool, from the options."""
    from marrowtrace.errors import EvidenceError, did_you_mean
    from marrowtrace.evidence.p_values import COMBINATION_METHODS
    from marrowtrace.evidence.prognosis import endpoints_of
    from marrowtrace.evidence.selection import Query
    from marrowtrace.evidence.tables import PUBLISHED, TABLE_1, TABLE_2

    sources = {
        "table1": (TABLE_1,),
        "table2": (TABLE_2,),
        "published": (PUBLISHED,),
        "all": (TABLE_1, TABLE_2, PUBLISHED),
    }
    if source is None:
        combining = method is None or method in COMBINATION_METHODS
        source = "table1" if endpoint is None else "table2" if combining else "all"
    if source not in sources:
        raise EvidenceError(
            f"source '{source}' is unknown; allowed: {', '.join(sources)}"
            f"{did_you_mean(source, list(sources))}"
        )
    return Query(
        analyte=analyte,
        phase=phase,
        endpoints=() if endpoint is None else endpoints_of(endpoint),
        cancer=cancer,
        stage=stage,
        threshold=threshold,
        sources=sources[source],
        as_printed=as_printed,
        dependence="independent" if independent else "pick",
    )


def _rate(tables: EvidenceTables, query: Query, method: str | None) -> PooledRate:
    """Pool detection rates."""
    from marrowtrace.evidence.pooling import pool_rates

    return pool_rates(tables, query, method=method or "glmm")


def _prognosis(tables: EvidenceTables, query: Query, method: str | None) -> PooledPrognosis:
    """Pool effects on outcome."""
    from marrowtrace.evidence.prognosis import pool_prognosis

    return pool_prognosis(tables, query, method=method or "fisher")


def _summary(result: PooledRate) -> dict[str, object]:
    """One way of pooling in a few values."""
    names = ("values", "dependence", "estimate", "ci_low", "ci_high", "prediction_low")
    full = result.to_json()
    return {name: full[name] for name in (*names, "prediction_high", "i2", "k", "n", "poolable")}


def _print_rates(result: PooledRate, others: Sequence[PooledRate]) -> None:
    """A pooled rate as text: each way of pooling, then the rows of the one asked for."""
    import polars as pl

    ways = [
        {
            "": ">" if other is result else "",
            "values": other.values,
            "rows of one group": "one kept"
            if other.query.dependence == "pick"
            else "as independent",
            "rate": _percent(other.pooled.estimate),
            "95 % CI": f"{_percent(other.pooled.ci_low)} to {_percent(other.pooled.ci_high)}",
            "prediction": f"{_percent(other.pooled.prediction_low)} to "
            f"{_percent(other.pooled.prediction_high)}",
            "I2": _percent(other.pooled.i2),
            "rows": other.pooled.k,
            "patients": other.pooled.n,
        }
        for other in others
    ]
    title = f"{result.query.analyte} {result.query.phase or 'all phases'}, {result.pooled.method}"
    write_table(pl.DataFrame(ways), title=title)
    write_text(f"{result.values}: {result.pooled.verdict}")
    shown = ["row", "label", "cancer", "assay", "marker", "k", "n", "rate", "ci_low", "ci_high"]
    frame = result.table().select([*shown, "weight", "faults"])
    write_table(frame, title=f"Rows behind it ({result.values})")
    _say_rest(result)


def _print_prognosis(result: PooledPrognosis) -> None:
    """A pooled effect as text."""
    import math

    from marrowtrace.evidence.prognosis import combined_p_text

    if result.p is not None:
        text = combined_p_text(result.p.p_low, result.p.p_high)
        write_text(f"{result.values}, {result.method}: combined p {text}")
        write_text(f"direction: {result.p.direction}")
    if result.effect is not None:
        hr, low, high = (
            math.exp(value)
            for value in (result.effect.estimate, result.effect.ci_low, result.effect.ci_high)
        )
        write_text(
            f"{result.values}, {result.method}: hazard ratio {hr:.3g} ({low:.3g} to {high:.3g}), "
            f"I2 {_percent(result.effect.i2)}"
        )
    shown = ["row", "label", "cancer", "phase", "endpoint", "n", "p", "hr", "ci_low", "ci_high"]
    write_table(result.table().select([*shown, "direction", "weight", "faults"]))
    _say_rest(result)


def _say_rest(result: PooledRate | PooledPrognosis) -> None:
    """What was left out, what to know and which flags touched the figure, on stderr."""
    from marrowtrace.evidence.selection import RULE

    if result.query.dependence == "pick":
        say(f"Rows that share patients are not independent: {RULE}.")
    if result.left_out:
        say("Left out:")
        list_notes([f"{out.row}: {out.reason}" for out in result.left_out])
    if result.warnings:
        say("To know:")
        list_notes(result.warnings)
    if result.flags:
        say("Flags that touched it:")
        list_notes(result.flags)


def _detection_rows(result: Comparison) -> list[dict[str, object]]:
    """Pairs of detection rates as table rows."""
    return [
        {
            "study": pair.label,
            "when": pair.when,
            "DTC": f"{pair.dtc_k}/{pair.dtc_n}",
            "CTC": f"{pair.ctc_k}/{pair.ctc_n}",
            "odds ratio": pair.odds_ratio,
            "CI low": pair.interval[0],
            "CI high": pair.interval[1],
            "note": pair.note,
        }
        for pair in result.detection
    ]


def _study_table(tables: EvidenceTables) -> pl.DataFrame:
    """Studies with their groups of patients and how many rows they have."""
    import polars as pl

    keys = [row.study for row in tables.rates] + [row.study for row in tables.effects]
    listed = []
    for key in sorted(set(keys)):
        study = tables.study(key)
        listed.append(
            {
                "key": key,
                "cohort": study.cohort,
                "pools": ", ".join(study.pools),
                "rows": keys.count(key),
                "note": study.note,
                "citation": tables.citation(key),
            }
        )
    return pl.DataFrame(listed)


def _percent(share: float) -> str:
    """A share in per cent."""
    if share != share:
        return "-"
    return f"{100 * share:.1f} %"


def _cite(keys: Sequence[str]) -> None:
    """Papers to cite that are in the bibliography, each once."""
    from marrowtrace.citations import bibliography

    cite_papers(key for key in dict.fromkeys(keys) if key in bibliography())
