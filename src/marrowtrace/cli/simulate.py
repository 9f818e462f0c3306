"""``marrowtrace simulate``: the true course of many virtual patients, into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.output import cite_papers, say, write_json, write_table

if TYPE_CHECKING:
    from marrowtrace.simulation import Scenario


def simulate(
    study: Annotated[str, typer.Argument(help="Parameter set, e.g. early-breast.")],
    patients: Annotated[int, typer.Option("--patients", "-n", help="Number of patients.")],
    seed: Annotated[int, typer.Option(help="Seed; one seed always gives the same patients.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the history.")],
    workers: Annotated[
        int | None, typer.Option(help="Threads; all processors if left out. Changes no result.")
    ] = None,
    regimen: Annotated[
        list[str] | None,
        typer.Option(help="Regimen of the catalogue instead of the usual ones; repeat for more."),
    ] = None,
    untreated: Annotated[bool, typer.Option("--untreated", help="No regimen at all.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another value, e.g. ctc_half_life='1 h'; repeat for more."),
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option(help="TOML of measured values, as `marrowtrace expression run` writes it."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print parameters with their sources, then stop.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")] = False,
) -> None:
    """Simulate virtual patients from the first cell to the last relapse."""
    from marrowtrace.simulation import scenario, simulate_to

    chosen = () if untreated else (tuple(regimen) if regimen else None)
    arm = scenario(study, regimens=chosen, values=_measured(values) | _values(set_ or []))
    if dry_run:
        _plan(arm, patients, as_json=as_json)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{arm.name}", total=patients)
        done = simulate_to(
            out,
            arm,
            patients,
            seed,
            workers=workers,
            progress=lambda now, _: bar.update(task, completed=now),
            resume=resume,
        )
    if as_json:
        write_json(
            {
                "schema": "marrowtrace.simulation/1",
                "scenario": arm.name,
                "patients": done,
                "seed": seed,
                "output": str(out),
            }
        )
    say(f"{done} patients simulated into '{out}'; `marrowtrace replay {out} 0` shows one life.")
    cite_papers(arm.parameters.citations())


def _measured(path: Path | None) -> dict[str, float | str]:
    """Read the tables of a file of values: each ``[symbol]`` with its ``value``."""
    import tomllib

    from marrowtrace.errors import InputFileError, ParameterError, ProblemList
    from marrowtrace.storage import require_file

    if path is None:
        return {}
    try:
        tables = tomllib.loads(require_file(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise InputFileError(f"{path} cannot be read as TOML: {err}") from err
    problems = ProblemList()
    found: dict[str, float | str] = {}
    for symbol, table in tables.items():
        if symbol == "other":  # measured, but no parameter of the model
            continue
        if not isinstance(table, dict) or not isinstance(table.get("value"), (int, float, str)):
            problems.add(symbol, f"is no table with a value; write [{symbol}] and value = NUMBER")
            continue
        found[symbol] = table["value"]
    problems.raise_any(ParameterError, f"the values of '{path}'")
    return found


def _values(settings: list[str]) -> dict[str, float | str]:
    """Read ``symbol=value`` settings."""
    from marrowtrace.errors import ParameterError, ProblemList

    problems = ProblemList()
    values: dict[str, float | str] = {}
    for setting in settings:
        symbol, equals, value = setting.partition("=")
        if not equals:
            problems.add(setting, "is not a setting; write it as symbol=value")
        values[symbol.strip()] = value.strip()
    problems.raise_any(ParameterError, "the settings")
    return values


def _plan(arm: Scenario, patients: int, *, as_json: bool) -> None:
    """Print what would be simulated."""
    import polars as pl

    rows = [parameter.as_row() for parameter in arm.parameters.values()]
    if as_json:
        write_json(
            {
                "schema": "marrowtrace.simulation-plan/1",
                "scenario": arm.name,
                "patients": patients,
                "horizon": arm.horizon,
                "therapies": [therapy.agent for therapy in arm.therapies],
                "parameters": rows,
            }
        )
        return
    heads = ["symbol", "value", "unit", "kind", "citation", "where"]
    write_table(pl.DataFrame(rows).select(heads), title=f"Parameters of {arm.name}")
    for therapy in arm.therapies:
        say(f"{therapy.agent}: day {therapy.start:g}, for {therapy.duration:g} days")
    say(f"{patients} patients to day {arm.horizon:g}, about {patients / 25_000:.0f} s on one core")
