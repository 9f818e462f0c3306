"""The evidence page: what the tables hold, their faults, the pooled rates and CTCs against DTCs."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from marrowtrace.citations import bibliography, cite
from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.asymmetry import asymmetry
from marrowtrace.evidence.audit import KINDS, faults
from marrowtrace.evidence.comparison import CLAIM, Comparison, compare
from marrowtrace.evidence.leave_one_out import leave_rows_out
from marrowtrace.evidence.pooling import PooledRate, pool_rates
from marrowtrace.evidence.prognosis import combined_p_text, endpoints_of, pool_prognosis
from marrowtrace.evidence.selection import RULE, Query
from marrowtrace.evidence.tables import PUBLISHED, TABLE_1, TABLE_2, USER, EvidenceTables
from marrowtrace.plotting.forest import draw_forest, rate_content
from marrowtrace.plotting.style import image_bytes
from marrowtrace.report.page import Block, Figure, Items, Page, Paragraph, Section, Table

_METHODS = (
    ("glmm", "binomial-normal model"),
    ("reml-logit", "logit, REML, Knapp-Hartung"),
    ("freeman-tukey", "double arcsine"),
)


def evidence_page(tables: EvidenceTables) -> Page:
    """Put the evidence together as one page.

    Parameters
    ----------
    tables : EvidenceTables

    Returns
    -------
    Page
    """
    comparison = compare(tables)
    studies = {row.study for row in tables.rates} | {row.study for row in tables.effects}
    keys = sorted({"sai2018", *studies, *(fault.study for fault in faults()), *comparison.papers})
    return Page(
        title="What is published about CTCs and DTCs",
        subtitle="Detection rates and prognostic effects study by study, with their faults, and "
        "the pooled answer with its uncertainty.",
        sections=[
            _in_short(tables, comparison),
            *(_rates(tables, analyte) for analyte in ("DTC", "CTC")),
            _outcome(tables),
            _against(comparison),
            _faults(),
            _rows(tables),
        ],
        papers=[key for key in keys if key in bibliography()],
    )


def _in_short(tables: EvidenceTables, comparison: Comparison) -> Section:
    """The answers in a paragraph each."""
    blocks: list[Block] = []
    for analyte in ("DTC", "CTC"):
        parts = []
        for printed in (False, True):
            result = pool_rates(tables, Query(analyte=analyte, phase="pre", as_printed=printed))
            pooled = result.pooled
            parts.append(
                f"{_percent(pooled.estimate)} ({_percent(pooled.ci_low)} to "
                f"{_percent(pooled.ci_high)}) {result.values}, {pooled.k} rows. {pooled.verdict}"
            )
        blocks.append(Paragraph(f"{analyte} before treatment: {' '.join(parts)}", lead=True))
    counts = ", ".join(f"{sum(f.kind == kind for f in faults())} {kind}" for kind in KINDS)
    blocks.append(
        Paragraph(
            f"The printed tables hold {len(faults())} faults ({counts}). Printed values stay as "
            "printed; what the source has stands beside them with its reason, and is used unless "
            f"said otherwise. Rows of one group of patients are not independent: {RULE}."
        )
    )
    blocks.append(Paragraph(f"The claim: {CLAIM}. {comparison.answer[0]}", lead=True))
    return Section("In short", blocks)


def _rates(tables: EvidenceTables, analyte: str) -> Section:
    """Pooled detection rates of one cell class."""
    main = pool_rates(tables, Query(analyte=analyte, phase="pre"))
    content = rate_content(main)
    ax = draw_forest(replace(content, footnotes=()))
    figure = ax.get_figure(root=True)
    assert figure is not None
    rows = []
    for printed in (False, True):
        for dependence in ("pick", "independent"):
            query = Query(analyte=analyte, phase="pre", as_printed=printed, dependence=dependence)
            for method, name in _METHODS:
                rows.append(_way(pool_rates(tables, query, method=method), name))
    wider = Query(analyte=analyte, phase="pre", sources=(TABLE_1, PUBLISHED))
    rows.append(_way(pool_rates(tables, wider), "binomial-normal model, other papers added"))
    after = Query(analyte=analyte, phase="post", sources=(TABLE_1, PUBLISHED))
    blocks: list[Block] = [
        Paragraph(main.pooled.verdict),
        Figure(
            image_bytes(figure),
            alt=f"Forest plot of {analyte} detection rates before treatment: pooled "
            f"{_percent(main.pooled.estimate)}, {main.pooled.k} rows.",
            caption=f"{analyte} before treatment, Table 1, corrected values.",
            footnotes=content.footnotes,
            wide=True,
        ),
        *_robustness(main),
        Table(
            pl.DataFrame(rows),
            caption=f"{analyte} before treatment, every way of pooling",
            footnotes=[
                "'as independent' counts patients of one group more than once: shown to reproduce "
                "a careless reading, not to be used."
            ],
        ),
    ]
    try:
        later = pool_rates(tables, after)
    except EvidenceError:
        pass
    else:
        blocks.append(
            Paragraph(
                f"After treatment, over all papers: {_percent(later.pooled.estimate)} "
                f"({_percent(later.pooled.ci_low)} to {_percent(later.pooled.ci_high)}), "
                f"{later.pooled.k} groups of patients. {later.pooled.verdict}"
            )
        )
    blocks.append(Items([*main.flags], note=True))
    return Section(f"How often {analyte}s are found", blocks)


def _robustness(result: PooledRate) -> list[Block]:
    """What one row or missing small studies could do to a pooled rate."""
    found = asymmetry(result)
    tests = ", ".join(f"{test.name} p = {test.p_value:.2g}" for test in found.tests)
    parts = [f"Asymmetry of the funnel: {tests}." if tests else f"{found.sentence}."]
    if found.fill is not None:
        rate, low, high = found.pooled(adjusted=True)
        parts.append(
            f"Trim and fill adds {found.fill.filled} made-up row(s) to {len(result.rows)}: "
            f"{_percent(rate)} ({_percent(low)} to {_percent(high)})."
        )
    notes = [*found.refused, *found.warnings]
    blocks: list[Block] = [Paragraph(" ".join(parts))]
    without = leave_rows_out(result).rows
    if without:
        rows = [
            {
                "Without": f"{row.label} ({row.row})",
                "Rate": _percent(row.estimate),
                "95 % CI": f"{_percent(row.ci_low)} to {_percent(row.ci_high)}",
                "I²": _percent(row.i2),
                "Influential": "yes" if row.influential else "no",
            }
            for row in without
        ]
        caption = f"{result.query.analyte} before treatment without each row in turn"
        blocks.append(Table(pl.DataFrame(rows), caption=caption, footnotes=notes))
    elif notes:
        blocks.append(Items(notes, note=True))
    return blocks


def _way(result: PooledRate, method: str) -> dict[str, object]:
    """One way of pooling as a table row."""
    pooled = result.pooled
    return {
        "Values": result.values,
        "Shared patients": "one row kept"
        if result.query.dependence == "pick"
        else "as independent",
        "Method": method,
        "Rate": _percent(pooled.estimate),
        "95 % CI": f"{_percent(pooled.ci_low)} to {_percent(pooled.ci_high)}",
        "Prediction": f"{_percent(pooled.prediction_low)} to {_percent(pooled.prediction_high)}",
        "I²": _percent(pooled.i2),
        "Rows": pooled.k,
    }


def _outcome(tables: EvidenceTables) -> Section:
    """Combined p-values of Table 2."""
    rows = []
    for analyte in ("DTC", "CTC"):
        for word in ("OS", "DFS", "progression"):
            for phase in ("pre", "post"):
                for printed in (False, True):
                    query = Query(
                        analyte=analyte,
                        phase=phase,
                        endpoints=endpoints_of(word),
                        sources=(TABLE_2,),
                        as_printed=printed,
                    )
                    try:
                        result = pool_prognosis(tables, query)
                    except EvidenceError:  # no such row
                        continue
                    assert result.p is not None
                    low, high = result.p.p_low, result.p.p_high
                    rows.append(
                        {
                            "Cells": analyte,
                            "Endpoint": word,
                            "Phase": phase,
                            "Values": result.values,
                            "Combined p": combined_p_text(low, high),
                            "Groups": len(result.rows),
                            "Rows": ", ".join(row.row for row in result.rows),
                        }
                    )
    return Section(
        "Outcome, from p-values alone",
        [
            Paragraph(
                "Table 2 prints p-values without effect sizes, events or direction. Fisher's "
                "method says whether any study found something, not how much and not which way; "
                "a bound or 'ns' makes the result a range. 'Progression' puts DFS, PFS, PSA "
                "progression and their like together, as the table does."
            ),
            Table(pl.DataFrame(rows), caption="Fisher's combined p-values"),
        ],
    )


def _against(comparison: Comparison) -> Section:
    """CTCs against DTCs."""
    detection = [
        {
            "Study": pair.label,
            "When": pair.when,
            "DTC": f"{pair.dtc_k}/{pair.dtc_n}",
            "CTC": f"{pair.ctc_k}/{pair.ctc_n}",
            "Odds ratio, DTC to CTC": f"{pair.odds_ratio:.2f} ({pair.interval[0]:.2f} to "
            f"{pair.interval[1]:.2f})",
            "Note": pair.note,
        }
        for pair in comparison.detection
    ]
    outcome = [
        {
            "Study": pair.label,
            "Endpoint": pair.endpoint,
            "When": pair.when,
            "p, DTC": pair.dtc_p,
            "p, CTC": pair.ctc_p,
            "Carriers, DTC": _of(pair.dtc_k, pair.dtc_n),
            "Carriers, CTC": _of(pair.ctc_k, pair.ctc_n),
            "p of CTC expected at DTC's hazard ratio": pair.expected_p,
            "p of the difference": f"{pair.difference_low:.2g} to {pair.difference_high:.2g}"
            if pair.difference_low == pair.difference_low
            else None,
        }
        for pair in comparison.prognosis
    ]
    ratios = [
        {
            "Cells": ratio.analyte,
            "Endpoint": ratio.endpoint,
            "Phase": ratio.phase,
            "Study": ratio.label,
            "Cancer": f"{ratio.cancer}, {ratio.stage}",
            "Hazard ratio": f"{ratio.hr:g}",
            "95 % CI": None
            if ratio.ci_low != ratio.ci_low
            else f"{ratio.ci_low:.2f} to {ratio.ci_high:.2f}",
            "Adjustment": ratio.adjustment,
            "Status": ratio.status,
        }
        for ratio in comparison.ratios
    ]
    return Section(
        "CTCs against DTCs",
        [
            Items(comparison.answer),
            Table(
                pl.DataFrame(detection),
                caption="Looked for in the same patients",
                footnotes=[
                    "Who carried both is not in the abstracts; the two counts are taken as "
                    "independent, so the intervals are if anything too wide."
                ],
                cards=True,
            ),
            Table(
                pl.DataFrame(outcome),
                caption="Held against outcome in the same patients",
                footnotes=[
                    "The difference is a range over directions and values that are not printed."
                ],
                cards=True,
            ),
            Table(
                pl.DataFrame(ratios),
                caption="Hazard ratios as printed, over different patients",
                footnotes=["Where no interval is printed, it is from the p-value, if exact."],
                cards=True,
            ),
            Items(
                [
                    f"{cite(s.study).short}, for {s.favours}s: {s.says}"
                    for s in comparison.statements
                ]
            ),
        ],
    )


def _faults() -> Section:
    """The audit."""
    rows = [
        {
            "No.": str(fault.number),
            "Kind": fault.kind,
            "Where": f"{fault.table}, {fault.place}",
            "Printed": fault.printed,
            "The cited paper": fault.source_says,
            "Read": fault.status,
            "Effect on pooling": fault.effect,
        }
        for fault in faults()
    ]
    return Section(
        f"The {len(rows)} faults of the printed tables",
        [
            Paragraph(
                "ERROR: contradicted by the cited paper's abstract. LIKELY: evidence within the "
                "table. NOTE: presentation. Read: whether the source was seen, the fault follows "
                "from the print alone, or the source is remembered and not verified."
            ),
            Table(pl.DataFrame(rows), caption="Faults", cards=True),
        ],
    )


def _rows(tables: EvidenceTables) -> Section:
    """All detection rates."""
    rows = [
        {
            "Row": row.row,
            "Study": tables.label(row.study),
            "Cells": row.analyte,
            "Cancer": row.cancer,
            "Phase": row.phase,
            "Printed": f"{row.percent or '-'} % of {row.n}"
            if row.k is None
            else f"{row.k}/{row.n}",
            "Corrected": "; ".join(f"{c.column}: {c.value}" for c in row.corrections) or None,
            "Status": row.status,
        }
        for row in tables.rates
    ]
    own = sum(row.source == USER for row in tables.rates)
    text = (
        "Every detection rate that can be drawn on; `marrowtrace evidence list --json` has all "
        "columns."
    )
    if own:
        text += f" {own} of them are your own."
    return Section("The rows", [Paragraph(text), Table(pl.DataFrame(rows), cards=True)])


def _of(carriers: int | None, examined: int | None) -> str | None:
    """Carriers of examined, as far as known."""
    if carriers is None:
        return None if examined is None else f"? of {examined}"
    return f"{carriers} of {examined}"


def _percent(share: float) -> str:
    """A share in per cent."""
    return "\N{EN DASH}" if share != share else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"
