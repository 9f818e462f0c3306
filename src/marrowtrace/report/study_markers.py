"""Sections of a study's page on markers: the regenerated Table 2, and blood against marrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from marrowtrace.report.drawings import Drawings
from marrowtrace.report.folded_table import FoldedTable
from marrowtrace.report.number_words import (
    DASH,
    p_value,
    percent,
    percent_interval,
    ratio_interval,
)
from marrowtrace.report.page import Block, Paragraph, Section, Table

_OUTCOMES = {"death": "OS", "disease_free": "DFS"}
_LONG = {"death": "overall survival", "disease_free": "disease-free survival"}


def markers_section(results: Mapping[str, Any], drawings: Drawings) -> Section | None:
    """Return markers against outcome on the landmark clock, with naive clocks beside it."""
    from marrowtrace.plotting.marker_hazard_ratios import marker_hazard_ratios

    found = results["markers"]
    if found is None or not found["rows"]:
        return None
    blocks: list[Block] = [
        Paragraph(
            "Each marker counts from its own sample on, in those who gave it and were still at "
            "risk (landmark). The other clocks are shown because papers use them: counted from "
            "entry, a patient sampled later is credited with the time that he or she had to "
            "survive to be sampled (immortal time), and whoever relapsed before the sample is "
            "left out or falls among the negative."
        )
    ]
    for endpoint in dict.fromkeys(row["endpoint"] for row in found["rows"]):
        rows = [row for row in found["rows"] if row["endpoint"] == endpoint]
        name = _LONG.get(endpoint, endpoint.replace("_", " "))
        told = [
            f"{row['marker']} {ratio_interval(row['landmark'])}"
            for row in rows
            if row["landmark"]["hr"] is not None
        ]
        blocks.append(
            drawings.add(
                f"markers-{endpoint.replace('_', '-')}",
                marker_hazard_ratios(rows),
                alt=f"Hazard ratios for {name}: {'; '.join(told) or 'none could be estimated'}",
                caption=f"Hazard ratios for {name}, positive against negative, from the sample on "
                "(colour), and from entry with everyone who gave no sample taken as negative "
                "(grey): the distance between the two is what the clock does, not the cells.",
            )
        )
    blocks.append(_table_2(found["rows"]))
    late = [row for row in found["rows"] if row["naive"] is not None]
    if late:
        blocks += [Paragraph(_clock_sentence(late)), _immortal(late)]
    if found["printed"]:
        blocks.append(_printed(found["printed"]))
    return Section("Markers and outcome: Table 2 regenerated", blocks)


def _clock_sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the naive clocks make of the latest marker."""
    row = max(rows, key=lambda one: (one["immortal_years"], one["endpoint"] == "disease_free"))
    honest, naive = row["landmark"], row["naive"]
    return (
        f"Example: {row['marker']}, {_LONG.get(row['endpoint'], row['endpoint'])}. From the sample "
        f"on the hazard ratio is {ratio_interval(honest)}; from entry, with the never sampled as "
        f"negative, {ratio_interval(row['never_sampled_as_negative'])}. Free of the event after 5 "
        f"years are {percent(honest['free_positive'])} of the positive from the sample on, but "
        f"{percent(naive['free_positive'])} if time counts from entry."
    )


def _outcome(endpoint: str) -> str:
    return _OUTCOMES.get(endpoint, endpoint.replace("_", " "))


def _table_2(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One row a marker, with hazard ratio and p of every outcome beside each other."""
    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        found, name = row["landmark"], _outcome(row["endpoint"])
        line = lines.setdefault(
            row["marker"],
            {
                "phase": row["phase"],
                "marker": row["marker"],
                "positive": f"{found['positives']:,} of {found['patients']:,}",
            },
        )
        line[f"{name}: HR (95 % CI)"] = ratio_interval(found)
        line[f"{name}: p"] = p_value(found["p"])
        remark = _remark(found)
        if remark != DASH and remark not in line.get("remark", ""):
            line["remark"] = "; ".join(filter(None, (line.get("remark"), f"{name}: {remark}")))
    names = list(dict.fromkeys(name for line in lines.values() for name in line))
    order = [name for name in names if name != "remark"] + ["remark"] * ("remark" in names)
    return Table(
        pl.DataFrame({n: [line.get(n, DASH) for line in lines.values()] for n in order}),
        caption="Prognosis by CTCs and DTCs before and after therapy, landmark clock.",
        cards=True,
        footnotes=[
            "HR: Cox model, Efron's ties, arms as strata where there are several; p: log-rank.",
            "Many tests stand here side by side; p-values are not corrected for their number.",
        ],
    )


def _remark(found: Mapping[str, Any]) -> str:
    words = [found["remark"]] if found["remark"] else []
    if found["penalised"]:
        words.append("Firth's penalty: one group had no event")
    return "; ".join(words) or DASH


def _immortal(rows: Sequence[Mapping[str, Any]]) -> FoldedTable:
    def free(found: Mapping[str, Any]) -> str:
        return f"{percent(found['free_positive'])} / {percent(found['free_negative'])}"

    frame = pl.DataFrame(
        {
            "marker": [row["marker"] for row in rows],
            "outcome": [_outcome(row["endpoint"]) for row in rows],
            "immortal years": [f"{row['immortal_years']:.2g}" for row in rows],
            "HR landmark": [ratio_interval(row["landmark"]) for row in rows],
            "HR never sampled = negative": [
                ratio_interval(row["never_sampled_as_negative"]) for row in rows
            ],
            "free at 5 years, landmark": [free(row["landmark"]) for row in rows],
            "free at 5 years, naive": [free(row["naive"]) for row in rows],
        }
    )
    return FoldedTable(
        frame,
        caption="What the clock does: landmark beside the naive clocks (open to read)",
        cards=True,
        footnotes=[
            "free at 5 years: Kaplan-Meier, positive / negative patients, 5 years from the start "
            "of the clock. On the naive clock (from entry, the same patients) all of them survive "
            "the immortal years by construction, so the share free of the event is too high.",
        ],
    )


def _printed(rows: Sequence[Mapping[str, Any]]) -> FoldedTable:
    frame = pl.DataFrame(
        {
            "paper": [row["paper"] for row in rows],
            "cells": [row["cell_class"] for row in rows],
            "phase": [row["phase"] for row in rows],
            "outcome": [row["endpoint"] for row in rows],
            "stage": [row["stage"] for row in rows],
            "patients": [
                DASH if row["patients"] is None else f"{row['patients']:,}" for row in rows
            ],
            "p": [row["p"] or DASH for row in rows],
            "HR": [DASH if row["hr"] is None else f"{row['hr']:.3g}" for row in rows],
        }
    )
    return FoldedTable(
        frame,
        caption="What the review's Table 2 prints of the same cells and outcomes (open to read)",
        cards=True,
        footnotes=[
            "Corrected where the cited paper differs from the review. Their p-values come from 24 "
            "to 1,489 patients each and are not comparable with those of a large simulated study; "
            "compare directions and hazard ratios."
        ],
    )


def blood_marrow_section(results: Mapping[str, Any], drawings: Drawings) -> Section | None:
    """Return CTCs against DTCs in the same patients; None if no visit has both."""
    from marrowtrace.plotting.marker_accuracy import marker_accuracy

    found = [one for one in results["ctc_against_dtc"] if one["table"] is not None]
    if not found:
        return None
    main = found[0]
    blocks: list[Block] = [
        Paragraph(
            f"{main['blood']} and {main['marrow']} in the same {main['patients']:,} patients. "
            + _difference_sentence(main)
        )
    ]
    shown = [one for one in main["accuracy"] if one["auc"]]
    if shown:
        titles = [_LONG.get(one["endpoint"], one["endpoint"].replace("_", " ")) for one in shown]
        words = [
            f"{title}, {row['year']:g} years: blood {row['blood']['value']:.2f}, marrow "
            f"{row['marrow']['value']:.2f}"
            for one, title in zip(shown, titles, strict=True)
            for row in one["auc"]
        ]
        blocks.append(
            drawings.add(
                "blood-against-marrow",
                marker_accuracy(shown, titles=titles),
                alt=f"Time-dependent area under the curve: {'; '.join(words)}",
                caption="How well the count at this visit tells who will have the event within so "
                "many years (area under the time-dependent curve, 95 % intervals). One half is "
                "chance.",
            )
        )
    main_caption = f"Uno's C and AUC(t) at the visit '{main['visit']}', with their difference."
    blocks.append(Table(_accuracy(found[:1]), caption=main_caption, cards=True))
    if len(found) > 1:
        caption = "Uno's C and AUC(t) at the other visits (open to read)"
        blocks.append(FoldedTable(_accuracy(found[1:]), caption=caption, cards=True))
    blocks += _discordance(found)
    return Section("Blood against marrow", blocks)


def _difference_sentence(one: Mapping[str, Any]) -> str:
    told = next((a for a in one["accuracy"] if a["concordance"] is not None), None)
    if told is None:
        return "Events are too few to compare how well they tell outcome."
    concordance = told["concordance"]
    gap = concordance["difference"]
    name = _LONG.get(told["endpoint"], told["endpoint"].replace("_", " "))
    if gap["low"] > 0:
        verdict = "the marrow marker tells more"
    elif gap["high"] < 0:
        verdict = "the blood marker tells more"
    else:
        verdict = "neither is shown to tell more"
    return (
        f"For {name}, {verdict}: Uno's C {concordance['marrow']['value']:.3f} (marrow) and "
        f"{concordance['blood']['value']:.3f} (blood), difference {gap['value']:+.3f} "
        f"({gap['low']:+.3f} to {gap['high']:+.3f})."
    )


def _accuracy(found: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Measures of both markers, one row a visit, outcome and measure."""
    rows = []
    for one in found:
        for accuracy in one["accuracy"]:
            head = {"visit": one["visit"], "outcome": _outcome(accuracy["endpoint"])}
            concordance = accuracy["concordance"]
            if concordance is None:
                row = {"measure": "C", "blood": DASH, "marrow": DASH}
                row |= {"marrow less blood": accuracy["remark"] or DASH, "p": DASH}
                rows.append(head | row)
                continue
            name = f"C to {concordance['horizon_years']:g} years"
            rows.append(head | _pair(name, concordance))
            rows += [head | _pair(f"AUC at {auc['year']:g} years", auc) for auc in accuracy["auc"]]
    return pl.DataFrame(rows)


def _pair(measure: str, found: Mapping[str, Any]) -> dict[str, str]:
    gap = found["difference"]
    return {
        "measure": measure,
        "blood": ratio_interval(found["blood"], value="value"),
        "marrow": ratio_interval(found["marrow"], value="value"),
        "marrow less blood": f"{gap['value']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})",
        "p": p_value(gap["p"]),
    }


def _discordance(found: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Discordance tables of all visits, and what noise explains of the first."""
    rows = []
    for one in found:
        table, total = one["table"], one["patients"]
        agree = {"rate": table["observed"], "low": table["observed_low"]}
        kappa = {"hr": table["kappa"], "low": table["kappa_low"], "high": table["kappa_high"]}
        rows.append(
            {
                "visit": one["visit"],
                "both": _of(table["both"], total),
                "blood only": _of(table["blood_only"], total),
                "marrow only": _of(table["marrow_only"], total),
                "neither": _of(table["neither"], total),
                "agree": percent_interval(agree | {"high": table["observed_high"]}),
                "kappa": ratio_interval(kappa),
            }
        )
    caption = "Positive in blood, marrow, both or neither, in the same patients."
    blocks: list[Block] = [Table(pl.DataFrame(rows), caption=caption, cards=True)]
    noise, remark = found[0]["noise"], found[0]["noise_remark"]
    if noise is not None:
        said = f" ({remark})" if remark else ""
        blocks.append(
            Paragraph(
                f"Part explained by sampling noise at the visit '{found[0]['visit']}'{said}: "
                f"{noise['statement']} Had both samples seen the same burden, they would still "
                "disagree that often, because few cells are in a tube or an aspirate."
            )
        )
    elif remark:
        blocks.append(Paragraph(f"Part explained by sampling noise: {remark}.", note=True))
    return blocks


def _of(count: int, total: int) -> str:
    return f"{count:,} ({percent(count / total)})"
