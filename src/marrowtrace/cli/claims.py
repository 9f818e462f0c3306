"""``marrowtrace claims``: the statements of the review, held against model, assays and data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marrowtrace.cli.output import cite_papers, say, write_json, write_table, write_text

if TYPE_CHECKING:
    from marrowtrace.claims.claim import Claim

app = typer.Typer(
    help="The review's 119 statements as checks: reproduced, contradicted, undetermined, built "
    "in, or not modelled.",
    no_args_is_help=True,
)
LIST_SCHEMA = "marrowtrace.claims-list/1"
SHOW_SCHEMA = "marrowtrace.claim/1"
RECORD, TITLE_CLAIM = "claims.json", "C006"
_Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]
_Section = Annotated[
    str, typer.Option("--section", help="Only this section, e.g. 5.2 or 'Table 1'.")
]
_Quick = Annotated[bool, typer.Option("--quick", help="Smaller cohorts; minutes instead of tens.")]


@app.command("list")
def list_(section: _Section = "", as_json: _Json = False) -> None:
    """List the statements."""
    import polars as pl

    rows = [_row(each) for each in _chosen(section)]
    if as_json:
        write_json({"schema": LIST_SCHEMA, "claims": rows})
    else:
        write_table(pl.DataFrame(rows).select("id", "section", "kind", "statement", "quantity"))
        say("`marrowtrace claims show C048` checks one; `claims check` checks them all.")
    cite_papers(["sai2018"])


@app.command()
def show(
    claim: Annotated[str, typer.Argument(help="Number of the statement, e.g. C070.")],
    full: Annotated[bool, typer.Option("--full", help="Cohorts of full size.")] = False,
    as_json: _Json = False,
) -> None:
    """Check one statement and print what it says, rests on, and came to."""
    from marrowtrace.claims.claim import claim as find_claim
    from marrowtrace.claims.run import run

    found = find_claim(claim)
    result = run([found], quick=not full).results[0]
    record = result.to_json()
    if as_json:
        write_json({"schema": SHOW_SCHEMA, **_row(found), **record})
    else:
        write_text(_in_words(found, record))
    cite_papers(["sai2018"])


@app.command()
def check(
    section: _Section = "",
    quick: _Quick = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the page and the record of results."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Earlier claims.json; status 2 if a verdict differs from it."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Check the statements, each that passes also under a change that must make it fail."""
    import polars as pl
    from rich.console import Console
    from rich.progress import Progress

    from marrowtrace.claims.run import run
    from marrowtrace.claims.world import World

    chosen, world = _chosen(section), World(quick=quick)
    before = None if against is None else _verdicts(against)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("claims", total=len(chosen))
        results = run(
            chosen,
            world=world,
            progress=lambda done, _, name: bar.update(
                task, completed=done, description=name or "claims"
            ),
        )
    record = results.to_json()
    if out is not None:
        from marrowtrace.report.claims_page import write

        contest: dict[str, Any] | None = None
        if any(each.id == TITLE_CLAIM for each in chosen):
            from marrowtrace.claims.marker_contest import contest as hold_contest

            contest = hold_contest(world).to_json()
        for path in write(record, contest, out):
            say(f"Wrote {path}")
    if as_json:
        write_json(record)
    else:
        rows = [
            {
                "id": row["id"],
                "verdict": row["verdict"],
                "figure": row["figure"],
                "fails when": row["perturbation"] or None,
            }
            for row in record["claims"]
        ]
        write_table(pl.DataFrame(rows, infer_schema_length=None))
    say("; ".join(f"{number} {verdict}" for verdict, number in results.counts.items()) + ".")
    cite_papers(["sai2018"])
    if before is not None:
        _compare(record, before)


def _compare(record: dict[str, Any], before: dict[str, str]) -> None:
    """Raise an error that lists the verdicts which are not those of an earlier run."""
    from marrowtrace.errors import EvidenceError, ProblemList

    problems = ProblemList()
    for row in record["claims"]:
        was = before.get(row["id"])
        if was is not None and was != row["verdict"]:
            problems.add(row["id"], f"was '{was}', is '{row['verdict']}': {row['figure']}")
    problems.raise_any(EvidenceError, "the verdicts against those of the earlier run")


def _verdicts(path: Path) -> dict[str, str]:
    """Verdicts of an earlier record."""
    import json

    from marrowtrace.errors import InputFileError
    from marrowtrace.storage import require_file

    try:
        record = json.loads(require_file(path).read_text(encoding="utf-8"))
        return {row["id"]: row["verdict"] for row in record["claims"]}
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as err:
        raise InputFileError(
            f"{path} is not a record of `marrowtrace claims check` ({err!r}); give the "
            f"{RECORD} that -o wrote"
        ) from err


def _chosen(section: str) -> tuple[Claim, ...]:
    from marrowtrace.claims.claim import claims, in_section

    return in_section(section) if section else claims()


def _row(claim: Claim) -> dict[str, Any]:
    """A claim as plain values."""
    from dataclasses import asdict

    return asdict(claim)


def _in_words(claim: Claim, record: dict[str, Any]) -> str:
    """A claim and its result, line by line."""
    interval = record["interval"]
    lines = {
        "claim": f"{claim.id}, section {claim.section} [{claim.references or 'no reference'}]",
        "says": claim.statement,
        "gives": claim.quantity,
        "rests on": claim.rests_on,
        "test": claim.test,
        "known": claim.note,
        "verdict": record["verdict"] + (f", by {record['against']}" if record["against"] else ""),
        "figure": record["figure"],
        "value": ""
        if record["value"] is None or interval is None
        else f"{record['value']:.4g} ({_end(interval[0])} to {_end(interval[1])})",
        "settled by": record["settle"],
        "fails when": record["perturbation"],
        "gives then": record["under_perturbation"] or "",
    }
    return "".join(f"{name:<11} {text}\n" for name, text in lines.items() if text)


def _end(value: float | None) -> str:
    """An end of an interval; open if there is none."""
    return "open" if value is None else f"{value:.4g}"
