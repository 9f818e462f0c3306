"""Sections of a study's page on relapse: how often, when, where, and from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from marrowtrace.report.drawings import Drawings
from marrowtrace.report.number_words import (
    DASH,
    p_value,
    percent,
    percent_interval,
    ratio_interval,
)
from marrowtrace.report.page import Block, Items, Paragraph, Section, Table

MOST_PANELS = 4
FEW_RELAPSES = 10


def recurrence_section(results: Mapping[str, Any], drawings: Drawings) -> Section | None:
    """Return cumulative incidences by arm and by marker, and the annual hazard."""
    found = results["recurrence"]
    blocks: list[Block] = []
    if found is not None:
        blocks += _by_arm(results, drawings)
        blocks += _by_marker(results, drawings)
    if results["hazard"] is not None:
        blocks += _hazard(results, drawings)
    main = "" if found is None else found["main"]
    title = "Survival over the years" if main == "death" else "Relapse over the years"
    return Section(title, blocks) if blocks else None


def _by_arm(results: Mapping[str, Any], drawings: Drawings) -> list[Block]:
    from marrowtrace.plotting.cumulative_incidence import cumulative_incidence_curves

    found, study = results["recurrence"], results["study"]
    labels = {one["name"]: one["label"] for one in study["endpoints"]}
    main = next((one for one in found["by_arm"] if one["endpoint"] == found["main"]), None)
    blocks: list[Block] = []
    if main is not None:
        name = labels.get(main["endpoint"], main["endpoint"])
        last = _last_marks(main["curves"])
        blocks.append(
            drawings.add(
                "recurrence-by-arm",
                cumulative_incidence_curves(
                    main["curves"], xlabel=_clock(main, study), test=main["test"],
                    ylabel=f"cumulative incidence: {name}",
                ),
                alt=f"Cumulative incidence of {name}: {last}",
                caption=f"Cumulative incidence of {name} with 95 % bands{_competing(main)}. "
                f"{last}. Curves are drawn while at least 10 patients are at risk.",
            )
        )  # fmt: skip
    rows = []
    for one in found["by_arm"]:
        for curve in one["curves"]:
            row = {
                "endpoint": labels.get(one["endpoint"], one["endpoint"]),
                "group": curve["group"],
                "events": f"{curve['events']:,} of {curve['patients']:,}",
            }
            row |= {f"{at['year']:g} years": _at(at) for at in curve["at"]}
            row["p"] = p_value(one["test"]["p"])
            rows.append(row)
    if rows:
        frame = _aligned(rows)
        tests = {one["test"]["name"] for one in found["by_arm"] if one["test"]["name"]}
        note = [f"p: {' or '.join(sorted(tests))} test between groups"] if tests else []
        if not tests:
            frame = frame.drop("p")
        caption = "Cumulative incidence of every endpoint (Aalen-Johansen) with 95 % intervals."
        blocks.append(Table(frame, caption=caption, cards=True, footnotes=note))
    if found["arms_compared"]:
        blocks.append(_arms(found["arms_compared"], labels, paired=study["allocation"] == "paired"))
    return blocks


def _competing(one: Mapping[str, Any]) -> str:
    """Whether anything competed with an endpoint, for its caption."""
    return ", other ends competing" if any(c["competing"] for c in one["curves"]) else ""


def _arms(rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str], *, paired: bool) -> Table:
    """Arms against the first."""
    found = []
    for row in rows:
        line = {
            "endpoint": labels.get(row["endpoint"], row["endpoint"]),
            "comparison": f"{row['arm']} against {row['against']}",
            "HR (95 % CI)": ratio_interval(row),
            "p": p_value(row["p"]),
        }
        line |= {f"{one['year']:g} years": _gap(one) for one in row["differences"]}
        found.append(line)
    how = (
        "The same patients are in both arms: robust intervals by patient, p by Wald's test, "
        "differences from the discordant pairs."
        if paired
        else "Independent arms: p by the log-rank test, differences of Aalen-Johansen estimates."
    )
    return Table(
        _aligned(found),
        caption="Arms compared: hazard ratios, and differences of incidence in points.",
        cards=True,
        footnotes=[how],
    )


def _gap(one: Mapping[str, Any]) -> str:
    if one["difference"] is None:
        return DASH
    value, low, high = (100 * one[key] for key in ("difference", "low", "high"))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def _by_marker(results: Mapping[str, Any], drawings: Drawings) -> list[Block]:
    from marrowtrace.plotting.cumulative_incidence import incidence_grid

    chosen = _telling(results["recurrence"]["by_marker"])
    if not chosen:
        return []
    endpoint = chosen[0]["endpoint"].replace("_", " ")
    titles = [f"{one['cell_class']}, {one['visit']}" for one in chosen]
    words = []
    for one, title in zip(chosen, titles, strict=True):
        ends = [f"{c['group']} {_at(c['at'][-1])}" for c in one["curves"] if c["at"]]
        words.append(f"{title}: {', '.join(ends)}")
    return [
        drawings.add(
            "recurrence-by-marker",
            incidence_grid(chosen, titles=titles, xlabel="years after the sample"),
            alt=f"Cumulative incidence of {endpoint} by marker: {'; '.join(words)}",
            caption=f"Cumulative incidence of {endpoint} in positive and negative patients, on a "
            "clock that starts at the sample, among those who gave it and were at risk then. The "
            "wider the gap, the more the result told.",
        )
    ]


def _telling(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """First marker before therapy and first after it, of each cell class; at most four."""
    chosen: list[Mapping[str, Any]] = []
    for cells in ("CTC", "DTC"):
        mine = [
            one for one in found
            if one["cell_class"] == cells and all(c["patients"] for c in one["curves"])
        ]  # fmt: skip
        before = [one for one in mine if one["phase"] == "pre"]
        after = [one for one in mine if one["phase"] != "pre"]
        chosen += [*before[:1], *after[:1]]
    return chosen[:MOST_PANELS]


def _hazard(results: Mapping[str, Any], drawings: Drawings) -> list[Block]:
    from marrowtrace.plotting.annual_hazard import annual_hazards

    found = results["hazard"]
    published = [
        row for row in results["published"]
        if row["band"] is not None and row["simulated"] is not None
    ]  # fmt: skip
    groups = [group for group in found["groups"] if group["years"]]
    if not groups:
        return []
    peaks = []
    for group in groups:
        known = [y for y in group["years"] if y["rate"] is not None]
        top = max(known, key=lambda y: y["rate"], default=None)
        if top is not None:
            peaks.append(f"{group['group']}: highest in year {top['to_year']:g} "
                         f"({percent(top['rate'])})")  # fmt: skip
    papers = sorted({row["paper"] for row in published if row["paper"]})
    beside = f" Pale bars: {', '.join(papers)}." if papers else ""
    endpoint = found["endpoint"].replace("_", " ")
    blocks: list[Block] = [
        drawings.add(
            "annual-hazard",
            annual_hazards(
                groups, published=published, ylabel=f"{endpoint}: events per 100 patients and year"
            ),
            alt=f"Annual hazard of {endpoint}. {'; '.join(peaks)}",
            caption=f"Annual hazard of {endpoint} with exact 95 % intervals: {'; '.join(peaks)}."
            f"{beside}",
        )
    ]
    rows = [
        {
            "group": group["group"],
            "years": f"{band['from_year']:g} to {band['to_year']:g}",
            "events": f"{band['events']:,}",
            "patient-years": f"{band['person_years']:,.0f}",
            "a year": percent_interval(band),
        }
        for group in groups
        for band in group["bands"]
    ]
    blocks.append(Table(pl.DataFrame(rows), caption="Hazard by bands of years.", cards=True))
    return blocks


def origin_section(results: Mapping[str, Any], drawings: Drawings) -> Section | None:
    """Return where relapses came from; None if that was not asked for."""
    from marrowtrace.plotting.relapse_routes import relapse_durations, relapse_routes

    groups = results["relapse_origin"]
    if not groups:
        return None
    lead = Paragraph(
        "This section is the truth of the simulation. No clinic sees it, no estimate above uses "
        "it, and it follows from the structure of the model that was chosen."
    )
    found = [one for one in groups if one["relapses"]]
    if not found:
        none = Paragraph("No distant relapse was seen, so there is nothing to tell.")
        return Section("Where relapses came from", [lead, none])
    blocks: list[Block] = [lead, Items([_origin_words(one) for one in found])]
    ways = "; ".join(
        f"{one['group']}: "
        + ", ".join(f"{row['meaning']} {percent(row['rate'])}" for row in one["routes"])
        for one in found
    )
    blocks.append(
        drawings.add(
            "relapse-routes",
            relapse_routes(found),
            alt=f"Routes of first distant relapses: {ways}",
            caption="By which route the cell came that grew into the first distant relapse, with "
            "exact 95 % intervals.",
        )
    )
    first = found[0]
    if first["durations"]:
        everyone = [row for row in first["durations"] if row["origin"] == "all"]
        text = "; ".join(f"{row['interval']} {row['median']:.2g} years" for row in everyone)
        shown = [
            row for row in first["durations"]
            if row["origin"] == "all" or row["relapses"] >= FEW_RELAPSES
        ]  # fmt: skip
        arm = f" (arm {first['group']})" if len(found) > 1 else ""
        blocks.append(
            drawings.add(
                "relapse-durations",
                relapse_durations(shown),
                alt=f"Median durations: {text}",
                caption=f"How long relapses took{arm}, medians: {text}. Number of relapses in "
                f"brackets; origins of fewer than {FEW_RELAPSES} are not drawn.",
            )
        )
    rows = [
        {
            **({"arm": one["group"]} if len(groups) > 1 else {}),
            "origin": row["origin"],
            "site": row["site"] or DASH,
            "relapses": f"{row['count']:,}",
        }
        for one in found
        for row in one["site_by_origin"]
    ]
    blocks.append(Table(pl.DataFrame(rows), caption="Site and origin of first distant relapses."))
    return Section("Where relapses came from", blocks)


def _origin_words(found: Mapping[str, Any]) -> str:
    """One group's relapses in a sentence."""
    head = "" if found["group"] == "all" else f"{found['group']}: "
    said = [f"{head}{found['relapses']:,} first distant relapses."]
    if found["before_surgery"] is not None:
        said.append(f"Seeded before surgery: {percent_interval(found['before_surgery'])}.")
    if found["through_marrow"] is not None:
        rested = percent_interval(found["through_marrow"])
        said.append(f"From a cell that had rested in marrow, there or on its way: {rested}.")
    return " ".join(said)


def _clock(one: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    return f"years from {'surgery' if one['clock'] == 'surgery' else study['index_event']}"


def _last_marks(curves: Sequence[Mapping[str, Any]]) -> str:
    """Incidences at the last year given, in words."""
    ends = [f"{c['group']} {_at(c['at'][-1])}" for c in curves if c["at"]]
    years = {c["at"][-1]["year"] for c in curves if c["at"]}
    return f"After {max(years):g} years: {', '.join(ends)}" if ends else "Follow-up is short"


def _at(at: Mapping[str, Any]) -> str:
    return percent_interval(at, value="incidence")


def _aligned(rows: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """Rows that may lack columns as a frame, years in order and p last."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    years = sorted((n for n in names if n.endswith(" years")), key=lambda n: float(n.split()[0]))
    order = [n for n in names if n not in years and n != "p"] + years + ["p"]
    return pl.DataFrame({name: [row.get(name, DASH) for row in rows] for name in order})
