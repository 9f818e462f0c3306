"""Sections of a study's page on who was studied and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from marrowtrace.report.drawings import Drawings
from marrowtrace.report.number_words import DASH, percent, years
from marrowtrace.report.page import Block, Items, Paragraph, Section, Table

_FLOW_VISITS = 5


def patients_section(results: Mapping[str, Any], drawings: Drawings) -> Section:
    """Return who was simulated: the baseline table and the flow of patients."""
    from marrowtrace.plotting.flow_diagram import flow_diagram

    study, flow = results["study"], results["flow"]
    visits = [step["visit"] for step in flow["arms"][0]["visits"]] if flow["arms"] else []
    shown = visits if len(visits) <= _FLOW_VISITS else [*visits[: _FLOW_VISITS - 1], visits[-1]]
    labels = {arm["name"]: arm["label"] for arm in study["arms"]}
    figure = drawings.add(
        "flow",
        flow_diagram(flow, labels=labels, visits=shown),
        alt="Flow diagram: " + _flow_words(flow),
        caption="Flow of patients. A patient is under observation at a visit if free of "
        f"{flow['endpoint'].replace('_', ' ')}, alive and followed; each sampled patient gave the "
        "samples of that visit.",
        footnotes=[f"Not every visit is drawn: {', '.join(shown)} are."] if shown != visits else [],
    )
    blocks: list[Block] = [_baseline(results["patients"]), figure]
    treated = _treated(flow)
    if treated is not None:
        blocks.append(treated)
    return Section("Who was studied", blocks)


def design_section(results: Mapping[str, Any]) -> Section:
    """Return what was done: arms, visits, endpoints and follow-up."""
    study = results["study"]
    arms = [
        f"{_name(arm)}: {', '.join(arm['regimens']) or 'no therapy'}; "
        + (f"surgery on day {arm['surgery']:g}" if arm["surgery"] is not None else "no surgery")
        + "".join(f"; {rule}" for rule in arm["rules"])
        for arm in study["arms"]
    ]
    visits = pl.DataFrame(
        {
            "visit": [visit["name"] for visit in study["visits"]],
            "when": [
                "when a relapse is found" if visit["day"] is None else
                f"{years(visit['day'])} after {study['index_event']}" if visit["day"] else
                f"at {study['index_event']}"
                for visit in study["visits"]
            ],
            "phase": [visit["phase"] for visit in study["visits"]],
            "assays": [", ".join(visit["assays"]) or DASH for visit in study["visits"]],
        }
    )  # fmt: skip
    follow = study["follow_up"]
    closing = "" if follow["closes"] is None else f", study closed after {years(follow['closes'])}"
    many = len(study["arms"]) > 1
    how = f" Arms were {study['allocation']}." if many else ""
    if many and study["pooled"] != "all":
        how += (
            f" The same patients are in every arm; where no arm is named, numbers are of arm "
            f"'{study['pooled']}'."
        )
    text = (
        f"{study['patients']:,} patients were simulated by the parameter set "
        f"'{study['cancer']}' ({study['about']}), {study['structure']} structure, seed "
        f"{study['seed']}.{how} Followed for at most {years(study['horizon'])}{closing}; lost to "
        f"follow-up: {percent(follow['drop_out'] * 365.25)} a year. Day 0 is "
        f"{study['index_event']}."
    )
    endpoints = [
        f"{one['label']}: {one['meaning']}" if one["label"] != one["meaning"] else one["meaning"]
        for one in study["endpoints"]
    ]
    return Section(
        "What was done",
        [
            Paragraph(study["question"]),
            Paragraph(text),
            Items(arms),
            Table(visits, caption="Visits and what the samples went to.", cards=True),
            Paragraph("Endpoints, whatever comes first competing: " + "; ".join(endpoints) + "."),
        ],
    )


def _name(arm: Mapping[str, Any]) -> str:
    """Name of an arm with its label."""
    return arm["label"] if arm["label"] == arm["name"] else f"{arm['name']} ({arm['label']})"


def _baseline(patients: Mapping[str, Any]) -> Table:
    names = [group["name"] for group in patients["groups"]]
    columns: dict[str, list[str]] = {"characteristic": []}
    columns |= {name: [] for name in names}
    last = ""
    for row in patients["rows"]:
        level = row["level"] or "median (quartiles)"
        head = row["characteristic"] if row["characteristic"] != last else ""
        last = row["characteristic"]
        columns["characteristic"].append(f"{head}: {level}" if head else f"\N{EM SPACE}{level}")
        for name in names:
            columns[name].append(_cell(row["kind"], row["groups"][name]))
    return Table(
        pl.DataFrame(columns),
        caption="Patients at baseline, as the clinic saw them: medians with quartiles, or counts.",
        headings={g["name"]: f"{g['name']} ({g['patients']:,})" for g in patients["groups"]},
        cards=len(names) > 2,
    )


def _cell(kind: str, found: Mapping[str, Any]) -> str:
    if kind == "number":
        if found["median"] is None:
            return DASH
        return f"{found['median']:.3g} ({found['low']:.3g} to {found['high']:.3g})"
    return f"{found['count']:,} ({percent(found['share'])})"


def _treated(flow: Mapping[str, Any]) -> Table | None:
    names = list(dict.fromkeys(name for row in flow["arms"] for name in row["treated"]))
    if not names:
        return None
    columns = {"treatment": names}
    for row in flow["arms"]:
        columns[row["arm"]] = [
            f"{row['treated'].get(name, 0):,} "
            f"({percent(row['treated'].get(name, 0) / max(row['patients'], 1))})"
            for name in names
        ]
    caption = "Patients who took each treatment, by arm."
    return Table(pl.DataFrame(columns), caption=caption, cards=len(columns) > 3)


def _flow_words(flow: Mapping[str, Any]) -> str:
    words = []
    for row in flow["arms"]:
        end = row["end"]
        words.append(
            f"arm {row['arm']}: {row['patients']} patients, {end['relapsed']} relapsed, "
            f"{end['died']} died without relapse, {end['left']} left observation"
        )
    return "; ".join(words)
