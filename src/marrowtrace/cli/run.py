"""``marrowtrace run``: a study from its protocol to a report."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marrowtrace.cli.output import cite_papers, say, write_json, write_table
from marrowtrace.errors import OutputError

_WORTH_TELLING = 5.0  # [s]

if TYPE_CHECKING:
    from marrowtrace.study.protocol import Protocol
    from marrowtrace.study.run import Ran

INTERRUPTED, TERMINATED = 130, 143


def run(
    study: Annotated[
        str, typer.Argument(help="A bundled study (marrowtrace study list), or a TOML file.")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the results.")] = None,
    patients: Annotated[
        int | None, typer.Option("--patients", "-n", help="Patients instead of the protocol's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the protocol's.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads; all processors if left out. Changes no result.")
    ] = None,
    chunk: Annotated[
        int | None, typer.Option(help="Patients in memory at a time. Changes no result.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print parameters with their sources and the plan, stop."),
    ] = False,
    figures: Annotated[
        str, typer.Option(help="Also write the figures for a paper, e.g. pdf,svg.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")] = False,
) -> None:
    """Run a study: simulate, treat, sample, analyse, and report beside what was published."""
    from marrowtrace.study.bundled import study as find_study
    from marrowtrace.study.chunk import with_patients

    protocol = with_patients(find_study(study), patients, seed)
    if dry_run:
        _plan(protocol, workers, as_json=as_json)
        return
    if out is None:
        raise typer.BadParameter("name a folder for the results", param_hint="'--out' / '-o'")
    formats = _formats(figures)
    with _stopping_cleanly(study, out, patients, seed):
        _compile(protocol)
        started = time.perf_counter()
        ran = _simulate(protocol, out, workers=workers, chunk=chunk, resume=resume)
        simulated = time.perf_counter() - started
        page, cited = _report(protocol, out, formats, simulated)
    if as_json:
        write_json(
            {
                "schema": "marrowtrace.run/1",
                "study": protocol.name,
                "patients": protocol.patients,
                "seed": protocol.seed,
                "simulated_now": ran.simulated_now,
                "output": str(out),
                "report": str(page),
                "seconds": round(time.perf_counter() - started, 1),
            }
        )
    say(
        f"{ran.simulated_now:,} patients simulated in {simulated:.1f} s, "
        f"{time.perf_counter() - started:.1f} s in all."
    )
    compared, behind = cited
    cite_papers(compared)
    if behind:
        say(f"  and {behind} papers behind the parameters, listed at the end of the report")
    say("Research use only, not for clinical decisions.")
    say(f"Report: {page}")


def _formats(figures: str) -> tuple[str, ...]:
    """Read the forms of the figures before the run, not after it."""
    from marrowtrace.errors import did_you_mean
    from marrowtrace.plotting.style import FORMS

    formats = tuple(word.strip().lower() for word in figures.split(",") if word.strip())
    for form in formats:
        if form not in FORMS:
            hint = did_you_mean(form, FORMS)
            raise OutputError(
                f"figures cannot be written as '{form}'{hint}; allowed: {', '.join(FORMS)}"
            )
    return formats


def _compile(protocol: Protocol) -> None:
    """Have the engine and the assays compiled, and say so if that took a while."""
    from marrowtrace.study.chunk import simulate_chunk

    started = time.perf_counter()
    simulate_chunk(protocol, 0, min(8, protocol.patients), seed=protocol.seed, workers=1)
    seconds = time.perf_counter() - started
    if seconds > _WORTH_TELLING:
        say(f"The engine was compiled in {seconds:.0f} s; that is done once for an installation.")


def _simulate(
    protocol: Protocol, out: Path, *, workers: int | None, chunk: int | None, resume: bool
) -> Ran:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    from marrowtrace.study.run import run as run_study

    class Rate(ProgressColumn):
        """Patients a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f}/s" if speed else "")

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(protocol.name, total=protocol.patients)
        return run_study(
            protocol,
            out,
            workers=workers,
            chunk=chunk,
            resume=resume,
            progress=lambda done, _: bar.update(task, completed=done),
            tell=say,
        )


def _report(
    protocol: Protocol, out: Path, formats: tuple[str, ...], simulated: float
) -> tuple[Path, tuple[list[str], int]]:
    """Write ``results.json`` and ``report.html``; return the page and what to cite."""
    from marrowtrace.report import study_page
    from marrowtrace.study.analysis import analyse
    from marrowtrace.study.results_file import write_results

    say("Analysing ...")
    results: dict[str, Any] = analyse(protocol, out)
    results.setdefault("timing", {})["simulation_seconds"] = round(simulated, 2)
    write_results(results, out)
    page = study_page.write(results, out, figures=formats)
    every = set(results.get("citations", []))
    compared = {each.get("citation") for each in results.get("published", [])} & every | {"sai2018"}
    return page, (sorted(compared), len(every - compared))


@contextmanager
def _stopping_cleanly(
    study: str, out: Path, patients: int | None, seed: int | None
) -> Iterator[None]:
    """Say how to go on when a run is stopped, by Ctrl-C, by a signal, or by a full disk."""
    stopped_by: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped_by.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        say(f"Stopped. What is done stays; go on with: {_again(study, out, patients, seed)}")
        raise typer.Exit(TERMINATED if stopped_by else INTERRUPTED) from None
    except OutputError as err:
        command = _again(study, out, patients, seed)
        raise OutputError(f"{err}\nWhat is done stays; go on with: {command}") from err
    finally:
        signal.signal(signal.SIGTERM, before)


def _again(study: str, out: Path, patients: int | None, seed: int | None) -> str:
    import shlex

    words = ["marrowtrace", "run", study]
    words += [] if patients is None else ["--patients", str(patients)]
    words += [] if seed is None else ["--seed", str(seed)]
    return shlex.join([*words, "--resume", "-o", str(out)])


def _plan(protocol: Protocol, workers: int | None, *, as_json: bool) -> None:
    """Print the parameters with their sources, and what would be done."""
    import polars as pl

    from marrowtrace.study.plan import plan

    found = plan(protocol, workers=workers)
    if as_json:
        write_json(
            {
                "schema": "marrowtrace.run-plan/1",
                "study": protocol.name,
                "patients": protocol.patients,
                "seed": protocol.seed,
                "arms": found.arms,
                "visits": found.visits,
                "published": [each.id for each in protocol.published],
                "parameters": found.parameters,
                "patients_simulated": found.patients,
                "readings": found.readings,
                "seconds": round(found.seconds, 1),
            }
        )
        return
    heads = ["symbol", "value", "unit", "kind", "citation", "where", "arm"]
    frame = pl.DataFrame(found.parameters, infer_schema_length=None).select(heads)
    several = (frame["arm"] != "").any()
    shown = frame if several else frame.drop("arm")
    write_table(shown, title=f"Parameters of {protocol.name}")
    write_table(pl.DataFrame(found.arms, infer_schema_length=None), title="Therapies (day)")
    write_table(pl.DataFrame(found.visits), title="Visits (day)")
    calibrated = sum(each.calibrated for each in protocol.published)
    say(protocol.question)
    say(
        f"{found.patients:,} patients in {len(protocol.arms)} arm(s), seed {protocol.seed}, to day "
        f"{protocol.horizon:g}; at most {found.readings:,} assay results; "
        f"{len(protocol.published)} published figures to compare with, {calibrated} of them used "
        "in calibration."
    )
    say(f"Estimated time: {_time(found.seconds)}.")


def _time(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"
