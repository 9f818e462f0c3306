"""``marrowtrace evidence reconstruct | effect``: patients and effects from what papers print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.evidence_options import JsonOption
from marrowtrace.cli.output import cite_papers, list_notes, say, write_json, write_table, write_text

if TYPE_CHECKING:
    from marrowtrace.evidence.effect_sizes import LogHazardRatio

EFFECT_SCHEMA = "marrowtrace.evidence.effect/1"
_INTERVAL = "se = (log upper - log lower) / (2 z), z the normal quantile of the interval's level"
_P_VALUE = "V = r d / (1 + r)^2, log HR = +-z / sqrt V, se = 1 / sqrt V"
_LOG_RANK = "log HR = (O - E) / V, se = 1 / sqrt V"


def reconstruct(
    curve: Annotated[Path, typer.Argument(help="CSV with columns time,survival (0 to 1).")],
    at_risk: Annotated[
        Path, typer.Option("--at-risk", help="CSV with columns time,at_risk, from time 0.")
    ],
    events: Annotated[
        int | None, typer.Option(help="Events of the arm over the whole curve, if printed.")
    ] = None,
    arm: Annotated[str, typer.Option(help="Name of the arm, for the column arm.")] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="CSV of patients to write; stdout if left out."),
    ] = None,
) -> None:
    """Make patients that draw a published Kaplan-Meier curve (Guyot et al. 2012)."""
    from marrowtrace.evidence.curve_files import patient_rows, reconstruct_file
    from marrowtrace.storage import atomic_file

    made = reconstruct_file(curve, at_risk=at_risk, total_events=events)
    text = patient_rows(made, name=arm).write_csv()
    if output is None:
        write_text(text)
    else:
        with atomic_file(output) as temporary:
            temporary.write_text(text, encoding="utf-8")
        say(f"Wrote {output}")
    say(
        f"Reconstructed, not the trial's own data: {made.times.size} patients, "
        f"{made.total_events} events; the curve is met within {made.largest_gap:.3g}."
    )
    list_notes(made.notes)
    cite_papers(["guyot2012"])


def effect(
    hr: Annotated[float | None, typer.Option(help="Hazard ratio as printed.")] = None,
    ci_low: Annotated[float | None, typer.Option(help="Lower end of its interval.")] = None,
    ci_high: Annotated[float | None, typer.Option(help="Upper end of its interval.")] = None,
    level: Annotated[float, typer.Option(help="Confidence level of the interval.")] = 0.95,
    decimals: Annotated[
        int, typer.Option(help="Decimals to which hazard ratio and interval are printed.")
    ] = 2,
    p: Annotated[float | None, typer.Option(help="Exact log-rank p-value.")] = None,
    events: Annotated[float | None, typer.Option(help="Events in both groups together.")] = None,
    ratio: Annotated[
        float, typer.Option(help="With --p: patients in one group over the other.")
    ] = 1.0,
    harmful: Annotated[
        bool | None,
        typer.Option("--worse/--better", help="With --p: whether the hazard ratio is above 1."),
    ] = None,
    o_e: Annotated[float | None, typer.Option("--o-e", help="Log-rank O - E.")] = None,
    v: Annotated[float | None, typer.Option("--v", help="Its variance V.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn what a paper prints into a log hazard ratio and its standard error."""
    from marrowtrace.errors import EvidenceError
    from marrowtrace.evidence.effect_sizes import (
        log_hr_from_interval,
        log_hr_from_log_rank,
        log_hr_from_p,
    )

    ways = {
        "--hr, --ci-low and --ci-high": (hr, ci_low, ci_high),
        "--p, --events and --worse or --better": (p, events, harmful),
        "--o-e and --v": (o_e, v),
    }
    begun = [way for way, values in ways.items() if any(x is not None for x in values)]
    if len(begun) != 1:
        said = f"{' as well as '.join(begun)} are given" if begun else "nothing is given"
        raise EvidenceError(f"{said}; give one of: {'; '.join(ways)}")
    if any(x is None for x in ways[begun[0]]):
        direction = "; a p-value does not tell the direction" if p is not None else ""
        raise EvidenceError(f"part of {begun[0]} is missing; give all of them{direction}")
    if hr is not None and ci_low is not None and ci_high is not None:
        found = log_hr_from_interval(hr, ci_low, ci_high, level=level, decimals=decimals)
        formula = _INTERVAL
        papers = ["tierney2007"]
    elif p is not None and events is not None and harmful is not None:
        found, formula = log_hr_from_p(p, events, harmful=harmful, ratio=ratio), _P_VALUE
        papers = ["parmar1998", "tierney2007"]
    else:
        assert o_e is not None
        assert v is not None
        found, formula = log_hr_from_log_rank(o_e, v), _LOG_RANK
        papers = ["parmar1998", "tierney2007"]
    if as_json:
        write_json(_effect_json(found, formula, papers))
    else:
        write_table(found.table().drop("source"))
        write_text(f"From {found.source}: {formula}.")
    list_notes(found.warnings)
    cite_papers(papers)


def _effect_json(found: LogHazardRatio, formula: str, papers: list[str]) -> dict[str, object]:
    """A log hazard ratio as plain JSON values."""
    low, high = found.interval()
    return {
        "schema": EFFECT_SCHEMA,
        "log_hr": found.log_hr,
        "se": found.se,
        "hr": found.hr,
        "ci_low": low,
        "ci_high": high,
        "p_value": found.p_value,
        "source": found.source,
        "formula": formula,
        "warnings": list(found.warnings),
        "papers": papers,
    }
