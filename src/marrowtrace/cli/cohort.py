"""``marrowtrace cohort``: bring a clinic's files into the data model, check and describe them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.output import (
    cite_papers,
    list_notes,
    say,
    write_json,
    write_table,
    write_text,
)

if TYPE_CHECKING:
    from marrowtrace.cohort import Cohort

app = typer.Typer(
    help="Bring clinical files into one data model; check and describe them.",
    no_args_is_help=True,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV, TSV or XLSX file, or a cBioPortal study folder.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Cohort folder to write.")],
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML file that says which column is what; see `cohort map`."),
    ] = None,
    pseudonymise: Annotated[
        bool,
        typer.Option(
            help="Replace patient ids by random ones and drop names, birth dates and record "
            "numbers."
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            help="With --pseudonymise: makes the ids the same at every import. Keep it as you "
            "keep the file; it is written nowhere."
        ),
    ] = None,
    file_format: Annotated[
        str, typer.Option("--format", help="Format of the tables: parquet or csv.")
    ] = "parquet",
    overwrite: Annotated[
        bool, typer.Option(help="Replace the cohort folder if it is there.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Import a clinic's file as a cohort folder. Dates never leave the import."""
    from marrowtrace.errors import InputFileError
    from marrowtrace.io.folder import save_cohort

    if file.is_dir():
        from marrowtrace.io.cbioportal import read_study

        if mapping is not None or pseudonymise:
            option = "--mapping" if mapping is not None else "--pseudonymise"
            raise InputFileError(
                f"'{file}' is a study folder, which {option} does not apply to: its columns are "
                "known, and columns that identify persons are refused; leave the option out"
            )
        result = read_study(file)
    elif mapping is None:
        raise InputFileError(
            f"'{file}' needs a mapping file that says which column is what: "
            f"`marrowtrace cohort map {file} > mapping.toml` proposes one to correct, "
            "then give it with --mapping mapping.toml"
        )
    else:
        from marrowtrace.io.reshape import import_file

        result = import_file(file, mapping, pseudonymise=pseudonymise, seed=seed)
    save_cohort(result.cohort, output, format=file_format, replace=overwrite)
    if as_json:
        write_json(
            {
                "schema": "marrowtrace.cohort-import/1",
                "output": str(output),
                "index_event": result.cohort.index_event,
                "rows": {name: frame.height for name, frame in result.cohort.tables.items()},
                "report": list(result.report),
            }
        )
    say(f"Read {file.name}:")
    list_notes(result.report)
    say(f"{result.cohort!r}")
    say(f"Cohort written to {output}")


@app.command()
def check(
    cohort: Annotated[Path, typer.Argument(help="Cohort folder.")],
    as_json: JsonOption = False,
) -> None:
    """Check a cohort folder: checksums, tables, values; every problem at once."""
    loaded = load_cohort_argument(str(cohort))
    if as_json:
        write_json(
            {
                "schema": "marrowtrace.cohort-check/1",
                "valid": True,
                "index_event": loaded.index_event,
                "rows": {name: frame.height for name, frame in loaded.tables.items()},
            }
        )
    say(f"{loaded!r}: no problems")


@app.command()
def describe(
    cohort: Annotated[
        str, typer.Argument(help="Cohort folder, or the name of a bundled example such as azure.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for report.html.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a cohort holds: counts, follow-up, positivity by site and time, what is missing."""
    from marrowtrace.report.cohort_description import describe as describe_cohort

    loaded = load_cohort_argument(cohort)
    description = describe_cohort(loaded)
    if as_json:
        write_json(description.to_json())
    else:
        write_text(f"Day 0 is {description.index_event}.")
        write_table(description.rows, title="Rows")
        write_table(description.groups, title="Patients")
        write_table(description.numbers, title="Numbers known of the patients")
        write_table(description.follow_up_table(), title="Follow-up by reverse Kaplan-Meier")
        write_table(description.detection_table(), title="Positivity (exact intervals)")
        write_table(description.measurements, title="Other markers")
        write_table(description.treatments, title="Treatments (days)")
        write_table(description.missing, title="Missing values")
    cite_papers(["sai2018", *loaded.provenance.citations])
    if output is not None:
        from marrowtrace.report.cohort_page import cohort_page

        name = Path(cohort).name
        report = output / "report.html"
        cohort_page(description, name=name, provenance=loaded.provenance).write(report)
        say(f"Report: {report}")


@app.command("map")
def map_(
    file: Annotated[Path, typer.Argument(help="CSV, TSV or XLSX file.")],
) -> None:
    """Propose a mapping file from the headers, for a person to correct."""
    from marrowtrace.io.proposal import propose_mapping

    write_text(propose_mapping(file))
    say("This is a proposal: read every line of it before you import with it.")


@app.command()
def examples(as_json: JsonOption = False) -> None:
    """List the bundled example data sets."""
    import polars as pl

    from marrowtrace import datasets

    rows = [{"name": name, "what": datasets.about(name)} for name in datasets.names()]
    if as_json:
        write_json({"schema": "marrowtrace.examples/1", "examples": rows})
    else:
        write_table(pl.DataFrame(rows))


def load_cohort_argument(cohort: str) -> Cohort:
    """Load a cohort folder, or import a bundled example of that name."""
    from marrowtrace import datasets
    from marrowtrace.errors import MissingFileError, did_you_mean
    from marrowtrace.io.folder import load_cohort
    from marrowtrace.io.reshape import import_file

    folder = Path(cohort)
    if folder.exists():
        return load_cohort(folder)
    if cohort in datasets.names():
        return import_file(datasets.path(cohort), datasets.mapping(cohort)).cohort
    raise MissingFileError(
        f"'{cohort}' is neither a cohort folder nor a bundled example"
        f"{did_you_mean(cohort, datasets.names())}. Examples: {', '.join(datasets.names())}."
    )
