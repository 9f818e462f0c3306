"""One page on what markers tell of an endpoint: answer, curves, models, use, methods, REMARK."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.report.marker_pairs import MarkerPair
from marrowtrace.report.page import Block, Figure, Items, Page, Paragraph, Section, Table
from marrowtrace.report.prognosis_methods import methods, papers
from marrowtrace.report.remark import remark_table
from marrowtrace.survival.marker_prognosis import MarkerPrognosis
from marrowtrace.survival.prognosis import Prognosis
from marrowtrace.units import DAYS_PER_YEAR

_MEASURES = {"auc": "area under the ROC curve", "brier": "Brier score"}


def prognosis_page(
    result: Prognosis,
    pairs: Sequence[MarkerPair],
    cohort: Cohort,
    *,
    name: str,
    seed: int,
    figures: Mapping[str, bytes],
) -> Page:
    """Put a prognosis on a page.

    Parameters
    ----------
    result : Prognosis
    pairs : sequence of MarkerPair
    cohort : Cohort
        That it was made from.
    name : str
        Of the cohort, for the title.
    seed : int
    figures : mapping of str to bytes
        SVG images by name, as `marrowtrace.report.prognosis_files.prognosis_figures` draws them.

    Returns
    -------
    Page
    """
    endpoint = result.found.endpoint.replace("_", " ")
    sections = [
        Section("What was found", _answer(result)),
        Section("Who was analysed", _who(result)),
        Section("Each marker", _markers(result, figures)),
        Section("How well it predicts", _accuracy(result, figures)),
        Section("Is it of use?", _use(result, figures)),
    ]
    if pairs:
        said = [text for pair in pairs for text in pair.sentences() if text]
        sections.append(Section("Markers side by side", [Items(said)]))
    if result.series:
        sections.append(Section("Landmark by landmark", _landmarks(result, figures)))
    if any(m.cut is not None for m in result.markers):
        sections.append(Section("Cut-points", _cuts(result.markers, figures)))
    sections += [
        Section("How it was done", [Paragraph(t) for t in methods(result, seed=seed) if t]),
        Section("REMARK checklist", [_remark(result, cohort)]),
    ]
    return Page(
        title=f"Prognosis: {', '.join(m.term.text for m in result.markers)} and {endpoint}",
        subtitle=f"Cohort {name}; {_start(result)}",
        sections=sections,
        papers=[*papers(result), *cohort.provenance.citations],
        provenance={"made by": "marrowtrace prognosis", "seed": str(seed)}
        | {f"SHA-256 of {s.name}": s.sha256 for s in cohort.provenance.sources},
    )


def verdict(marker: MarkerPrognosis, endpoint: str) -> str:
    """Say in one sentence what the marker alone tells."""
    row = marker.cox.table().row(0, named=True)
    low, high = row["low"], row["high"]
    told = "the interval holds 1, so the data do not settle it"
    if low > 1:
        told = "the worse the marker, the sooner the event"
    elif high < 1:
        told = "the event comes later where the marker was expected to be the worse"
    area = ""
    if marker.auc is not None:
        last = marker.auc.table().row(-1, named=True)
        years = last["horizon"] / DAYS_PER_YEAR
        area = (
            f" Area under the ROC curve at {years:.3g} years {last['value']:.2f} "
            f"({last['low']:.2f} to {last['high']:.2f})."
        )
    return (
        f"{marker.term.text}: hazard ratio for {endpoint.replace('_', ' ')} "
        f"{row['hazard_ratio']:.2f} ({low:.2f} to {high:.2f}), {marker.term.scale}; "
        f"{marker.events} events in {marker.patients} patients; {told}.{area}"
    )


def _start(result: Prognosis) -> str:
    if result.found.landmark > 0:
        return f"landmark on day {result.found.landmark:g}"
    return f"from {result.index_event.replace('_', ' ')} (day 0)"


def _answer(result: Prognosis) -> list[Block]:
    blocks: list[Block] = [
        Paragraph(verdict(marker, result.found.endpoint), lead=True) for marker in result.markers
    ]
    if result.notes:
        blocks += [Paragraph("To be borne in mind:"), Items(list(result.notes))]
    return blocks


def _who(result: Prognosis) -> list[Block]:
    rows = [
        {
            "marker": m.term.text,
            "known": m.patients,
            "unknown": result.found.frame.height - m.patients,
            "better group": f"{m.group_names[0]}: {m.patients - m.high}",
            "worse group": f"{m.group_names[1]}: {m.high}",
            "events": m.events,
            "competing": m.competing,
        }
        for m in result.markers
    ]
    followed, low, high = (v / DAYS_PER_YEAR for v in result.follow_up.median())
    median = "The median follow-up is not reached."
    if not math.isnan(followed):
        bounds = f" ({low:.1f} to {high:.1f})" if not math.isnan(low + high) else ""
        median = f"Median follow-up from there {followed:.1f} years{bounds}."
    blocks: list[Block] = [
        Table(result.found.flow, caption="Flow of patients."),
        Table(pl.DataFrame(rows), caption="Markers at the start of the analysis.", cards=True),
        Paragraph(median),
    ]
    table = result.characteristics()
    if table.height:
        heads = {"mean_low": "mean in better group", "mean_high": "mean in worse group"}
        caption = "Clinical variables by marker group; of coded groups the share."
        blocks.append(Table(table, caption=caption, headings=heads, cards=True))
    return blocks


def _markers(result: Prognosis, figures: Mapping[str, bytes]) -> list[Block]:
    blocks: list[Block] = []
    for index, m in enumerate(result.markers):
        text, what = m.term.text, f"curves_{index + 1}"
        if what in figures:
            kind = " (cause-specific)" if m.competing else ""
            tests = f"log-rank p {m.log_rank.p:.2g}{kind}" if m.log_rank else "no log-rank test"
            gain = ""
            if m.gain is not None:
                gain = (
                    f"; mean event-free time up to the horizon {m.gain.value:.0f} days longer in "
                    f"the better group ({m.gain.low:.0f} to {m.gain.high:.0f})"
                )
            free = "every event" if m.competing else "the event"
            blocks.append(
                Figure(
                    figures[what],
                    f"Kaplan-Meier curves by {text}, with numbers at risk",
                    caption=f"Free of {free} by {text}: {tests}{gain}.",
                    wide=True,
                )
            )
        if f"incidence_{index + 1}" in figures:
            p = f"Gray's test p {m.gray.p:.2g}" if m.gray else "no test"
            blocks.append(
                Figure(
                    figures[f"incidence_{index + 1}"],
                    f"Cumulative incidence by {text}, competing events counted",
                    caption=f"Cumulative incidence (Aalen-Johansen) by {text}: {p}.",
                    wide=True,
                )
            )
        if m.notes:
            blocks.append(Items([f"{text}: {note}" for note in m.notes], note=True))
    ratios = result.hazard_ratios()
    blocks.append(
        Table(
            ratios.select("marker", "model", "covariate", "hazard_ratio", "low", "high", "p"),
            caption="Hazard ratios; Fine-Gray rows are subdistribution hazard ratios.",
            headings={"hazard_ratio": "hazard ratio"},
            cards=True,
        )
    )
    proportional = [
        {"marker": m.term.text, "p": float(m.proportional.p[0])}
        for m in result.markers
        if m.proportional is not None
    ]
    if proportional:
        blocks.append(
            Table(
                pl.DataFrame(proportional),
                caption="Proportional hazards.",
                footnotes=["A small p: the hazard ratio changes with time, so that one number "
                           "for all of follow-up is an average."],
            )
        )  # fmt: skip
    return blocks


def _accuracy(result: Prognosis, figures: Mapping[str, bytes]) -> list[Block]:
    table = accuracy_table(result)
    blocks: list[Block] = []
    if table.height:
        words = pl.col("measure").replace(_MEASURES)
        caption = "At the horizon, with intervals."
        blocks.append(Table(table.with_columns(words), caption=caption, cards=True))
    if "areas" in figures:
        blocks.append(
            Figure(
                figures["areas"],
                "Area under the ROC curve over the horizon, one line a marker",
                caption="Area under the ROC curve over time; a half is guessing.",
            )
        )
    if "calibration" in figures:
        blocks.append(
            Figure(
                figures["calibration"],
                "Observed against predicted probability in groups of similar risk",
                caption="Calibration of the cross-validated predictions; a slope of 1 and points "
                "on the line are ideal.",
            )
        )
    return blocks or [Paragraph("The data do not allow predictions to be judged; see the notes.")]


def accuracy_table(result: Prognosis) -> pl.DataFrame:
    """Return one row a marker and measure at the horizon: ``value``, ``low``, ``high``."""
    rows = []
    for m in result.markers:
        for part in (m.auc, m.brier):
            if part is not None:
                row = part.table().row(-1, named=True)
                rows.append((m.term.text, part.metric, row["value"], row["low"], row["high"]))
        if m.concordance is not None:
            c = m.concordance
            rows.append((m.term.text, "concordance (Uno)", c.value, c.low, c.high))
        if m.calibration is not None:
            k = m.calibration
            rows.append((m.term.text, "calibration slope", k.slope, k.slope_low, k.slope_high))
            rows.append(
                (m.term.text, "observed over predicted", k.ratio, k.ratio_low, k.ratio_high)
            )
    schema = {"marker": pl.String, "measure": pl.String, "value": pl.Float64, "low": pl.Float64,
              "high": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _use(result: Prognosis, figures: Mapping[str, bytes]) -> list[Block]:
    blocks: list[Block] = []
    if "decision" in figures:
        blocks.append(
            Figure(
                figures["decision"],
                "Decision curves: net benefit of acting on each marker, of treating all and nobody",
                caption="A prediction is of use at the risks at which its curve is above those of "
                "treating all and of treating nobody.",
            )
        )
    parts = [
        m.decision_at.table().select(pl.lit(m.term.text).alias("marker"), "threshold",
                                     "net_benefit", "low", "high", "treat_all", "treated")
        for m in result.markers if m.decision_at is not None
    ]  # fmt: skip
    if parts:
        heads = {"net_benefit": "net benefit", "treat_all": "treating all",
                 "treated": "share treated"}  # fmt: skip
        caption = "Net benefit, in events per patient."
        blocks.append(Table(pl.concat(parts), caption=caption, headings=heads, cards=True))
    added = [(m.term.text, m.added) for m in result.markers if m.added is not None]
    for text, value in added:
        p = value.likelihood_ratio.p
        known = f"likelihood ratio p {p:.2g}" if p == p else "no likelihood ratio test (penalised)"
        blocks.append(
            Table(
                value.changes.select(
                    pl.col("metric")
                    .replace(_MEASURES)
                    .str.replace("net_benefit_at_", "net benefit at "),
                    "without",
                    "with_marker",
                    "change",
                    "low",
                    "high",
                ),
                caption=f"What {text} adds to the clinical variables: {known}.",
                headings={"with_marker": "with the marker"},
                footnotes=["Change: less the optimism. For the Brier score below 0 is better."],
                cards=True,
            )
        )
    if not added:
        blocks.append(
            Paragraph(
                "Added value over clinical variables was not asked for (--adjust).", note=True
            )
        )
    return blocks


def _landmarks(result: Prognosis, figures: Mapping[str, bytes]) -> list[Block]:
    blocks: list[Block] = []
    for series in result.series:
        index = [m.term.text for m in result.markers].index(series.term.text) + 1
        blocks += [
            Figure(
                figures[f"landmarks_{index}"],
                f"Hazard ratio of {series.term.text} at each landmark and in the stacked model",
                caption=f"{series.term.text}: hazard ratio by landmark.",
            ),
            Figure(
                figures[f"dynamic_{index}"],
                f"Risk predicted at each landmark by the value of {series.term.text}",
                caption=f"{series.term.text}: risk from each landmark on, by the value then known.",
            ),
            Table(series.ratios, caption=f"{series.term.text} by landmark.", cards=True),
        ]
    return blocks


def _cuts(markers: Sequence[MarkerPrognosis], figures: Mapping[str, bytes]) -> list[Block]:
    blocks: list[Block] = [
        Paragraph(
            "The best cut-point of many looks better than it is: beside the naive numbers stand "
            "those that pay for the search. Report the corrected ones."
        )
    ]
    for index, m in enumerate(markers, start=1):
        if m.cut is None:
            continue
        if m.cut.curve.height == 1:
            only = (
                f"{m.term.text}: only one cut-point, above {m.cut.cut:g}, leaves a tenth of the "
                "patients on both sides, so there was nothing to search."
            )
            blocks.append(Paragraph(only))
            continue
        small = m.cut.p_small_sample
        bound = "" if small is None else f", at most {small:.2g} by exact laws of small samples"
        blocks += [
            Figure(
                figures[f"cut_{index}"],
                f"Standardised log-rank statistic of every cut-point of {m.term.text}",
                caption=f"{m.term.text}: above {m.cut.cut:g} against at or below; naive p "
                f"{m.cut.p_naive:.2g}, corrected {m.cut.p_permutation:.2g} (permutations), "
                f"{m.cut.p_limit:.2g} (limit), {m.cut.p_bonferroni:.2g} (Bonferroni){bound}.",
            ),
            Table(
                m.cut.table().select("estimate", "hazard_ratio", "low", "high", "p"),
                caption=f"Hazard ratio at the cut-point of {m.term.text}.",
                headings={"hazard_ratio": "hazard ratio"},
            ),
        ]
    return blocks


def _remark(result: Prognosis, cohort: Cohort) -> Block:
    return Table(
        remark_table(result, cohort),
        caption="The 20 items of REMARK (in our words): what the data answer.",
        cards=True,
    )
