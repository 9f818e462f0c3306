"""The command ``marrowtrace`` and its error boundary.

An error that the user can mend ends with one message and status 2; anything else is ours to mend
and ends with the traceback, a request to report it, and status 70; Ctrl-C ends with status 130.
"""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from marrowtrace.cli import (
    assay,
    catalog,
    claims,
    cohort,
    evidence,
    expression,
    phylogeny,
    prognosis,
    replay,
    simulate,
    study,
)
from marrowtrace.cli import run as study_run
from marrowtrace.errors import MarrowtraceError

USER_ERROR, INTERNAL_ERROR, INTERRUPTED = 2, 70, 130

app = typer.Typer(
    name="marrowtrace",
    help="Model, measure and forecast the tumour cells that stay in bone marrow after therapy. "
    "Research use only, not for clinical decisions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(claims.app, name="claims")
app.add_typer(cohort.app, name="cohort")
app.add_typer(assay.app, name="assay")
app.add_typer(catalog.app, name="catalog")
app.add_typer(evidence.app, name="evidence")
app.add_typer(expression.app, name="expression")
app.add_typer(phylogeny.app, name="phylogeny")
app.add_typer(prognosis.app, name="prognosis")
app.add_typer(study.app, name="study")
app.command()(study_run.run)
app.command()(simulate.simulate)
app.command()(replay.replay)


def _print_version(wanted: bool) -> None:
    if wanted:
        from marrowtrace import __version__

        typer.echo(f"marrowtrace {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Model, measure and forecast the tumour cells that stay in bone marrow after therapy."""


def run() -> None:
    """Run the command line; the entry point of the ``marrowtrace`` script."""
    try:
        app()
    except MarrowtraceError as err:
        sys.stderr.write(f"marrowtrace: {err}\n")
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        sys.stderr.write("marrowtrace: interrupted\n")
        sys.exit(INTERRUPTED)
    except Exception:  # the boundary: whatever comes here is a defect of ours
        traceback.print_exc()
        sys.stderr.write(
            "marrowtrace: this is a defect of marrowtrace, not of your input; please report it "
            "with the lines above and `marrowtrace --version`.\n"
        )
        sys.exit(INTERNAL_ERROR)
