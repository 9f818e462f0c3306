"""``marrowtrace evidence pool``: detection rates, or the effect on outcome, pooled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.evidence_options import (
    AnalyteOption,
    ByOption,
    CancerOption,
    EndpointOption,
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
    percent,
    prognosis_of,
    rate_of,
)
from marrowtrace.cli.output import list_notes, say, write_json, write_table, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marrowtrace.evidence.leave_one_out import LeftOutInTurn
    from marrowtrace.evidence.plain_values import PlainValue
    from marrowtrace.evidence.pooling import PooledRate
    from marrowtrace.evidence.prognosis import PooledPrognosis
    from marrowtrace.evidence.row_regression import RowRegression
    from marrowtrace.evidence.tables import EvidenceTables

ModeratorsOption = Annotated[
    str | None,
    typer.Option(
        help="Meta-regression on these, parted by commas: assay, cancer, stage, marker, phase (or "
        "timing), volume."
    ),
]


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
    moderators: ModeratorsOption = None,
    rows: RowsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pool detection rates, or with --endpoint the effect on outcome."""
    from marrowtrace.errors import EvidenceError
    from marrowtrace.evidence.leave_one_out import leave_rows_out
    from marrowtrace.evidence.rate_subgroups import rate_subgroups
    from marrowtrace.evidence.row_regression import parse_moderators, regress_rows

    tables = load_tables(rows)
    query = make_query(
        analyte, phase, endpoint, method, as_printed, independent, source, cancer, stage, threshold
    )
    names = parse_moderators(moderators) if moderators is not None else ()
    extra: dict[str, PlainValue]
    if endpoint is not None:
        if by is not None:
            raise EvidenceError("--by is for detection rates; leave it out with --endpoint")
        effect = prognosis_of(tables, query, method)
        regression = regress_rows(effect, names) if names else None
        without = leave_rows_out(effect)
        if as_json:
            extra = {"leave_one_out": without.to_json()}
            write_json(effect.to_json() | extra | _regression_json(regression))
        else:
            _print_prognosis(effect)
            _print_without(without)
            _print_regression(regression)
            _say_rest(effect)
        cite(["sai2018", *effect.papers])
        return
    result = rate_of(tables, query, method)
    regression = regress_rows(result, names) if names else None
    groups = rate_subgroups(result, by) if by is not None else None
    others = _other_ways(tables, result, method)
    without = leave_rows_out(result)
    if as_json:
        extra = {
            "variants": [_summary(other) for other in others],
            "leave_one_out": without.to_json(),
        }
        if groups is not None:
            extra["subgroups"] = groups.to_json()
        write_json(result.to_json() | extra | _regression_json(regression))
    else:
        _print_rates(result, others)
        if groups is not None:
            for name, pooled in zip(groups.groups, groups.pooled, strict=True):
                write_text(
                    f"{by} {name}: {percent(pooled.estimate)} ({percent(pooled.ci_low)} to "
                    f"{percent(pooled.ci_high)}), {pooled.k} row(s)"
                )
            list_notes(groups.warnings)
        _print_without(without)
        _print_regression(regression)
        _say_rest(result)
    cite(["sai2018", *result.papers])


def _other_ways(tables: EvidenceTables, result: PooledRate, method: str | None) -> list[PooledRate]:
    """The same question as printed and corrected, shared patients heeded and not."""
    from dataclasses import replace

    from marrowtrace.errors import EvidenceError

    others = []
    for printed in (False, True):
        for dependence in ("pick", "independent"):
            other = replace(result.query, as_printed=printed, dependence=dependence)
            if other == result.query:
                others.append(result)
                continue
            try:
                others.append(rate_of(tables, other, method))
            except EvidenceError:  # nothing to pool that way
                continue
    return others


def _summary(result: PooledRate) -> dict[str, PlainValue]:
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
            "rate": percent(other.pooled.estimate),
            "95 % CI": f"{percent(other.pooled.ci_low)} to {percent(other.pooled.ci_high)}",
            "prediction": f"{percent(other.pooled.prediction_low)} to "
            f"{percent(other.pooled.prediction_high)}",
            "I2": percent(other.pooled.i2),
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
            f"I2 {percent(result.effect.i2)}"
        )
    shown = ["row", "label", "cancer", "phase", "endpoint", "n", "p", "hr", "ci_low", "ci_high"]
    write_table(result.table().select([*shown, "direction", "weight", "faults"]))


def _print_without(without: LeftOutInTurn) -> None:
    """What is left of the figure without each row."""
    if not without.rows:
        return
    frame = without.table().drop("tau2").rename({"i2": "I2"})
    known = [name for name in frame.columns if frame[name].null_count() < frame.height]
    write_table(frame.select(known), title="Without each row in turn")
    if without.influential:
        say(f"Influential: {', '.join(without.influential)}; judge the figure without them too.")


def _regression_json(regression: RowRegression | None) -> dict[str, PlainValue]:
    """The key of the meta-regression, if there is one."""
    return {} if regression is None else {"meta_regression": regression.to_json()}


def _print_regression(regression: RowRegression | None) -> None:
    """A meta-regression as text."""
    if regression is None:
        return
    fit, left = regression.fit, regression.fit.residual
    names = ["name", "estimate", "se", "ci_low", "ci_high", "p_value", "ratio"]
    ratio = "odds ratio" if regression.scale == "logit" else "hazard ratio"
    write_table(
        regression.table().select(names),
        title=f"Meta-regression, {regression.scale} scale, {fit.k} rows",
        headings={"name": "", "ratio": ratio},
    )
    against = f" (against {', '.join(regression.references)})" if regression.references else ""
    write_text(
        f"All moderators together{against}: p {fit.moderator_p_value:.2g}, R2 {percent(fit.r2)}. "
        f"Left between rows: tau2 {left.tau2:.2g}, I2 {percent(left.i2)}, Q {left.q:.1f} on "
        f"{left.q_df} df, p {left.q_p_value:.2g}."
    )
    list_notes([f"{out.row} is not in it: {out.reason}" for out in regression.left_out])
    list_notes(fit.warnings)


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
