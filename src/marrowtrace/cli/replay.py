"""``marrowtrace replay``: one patient's life, drawn and told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marrowtrace.cli.output import say, write_json, write_table


def replay(
    folder: Annotated[Path, typer.Argument(help="Folder that `marrowtrace simulate` wrote.")],
    patient: Annotated[int, typer.Argument(help="Number of the patient, from 0.")],
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure",
            help="Drawing (png, svg, pdf); patient-N.png in the folder if left out.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")] = False,
) -> None:
    """Simulate one patient of a history again in detail: events as a table, course as a figure."""
    from marrowtrace.plotting.patient_life import patient_life
    from marrowtrace.plotting.style import write_figure
    from marrowtrace.simulation import History
    from marrowtrace.simulation import replay as again

    life = again(History.load(folder), patient)
    if as_json:
        write_json(
            {
                "schema": "marrowtrace.patient-life/1",
                "patient": patient,
                "events": life.events.fill_nan(None).to_dicts(),
            }
        )
    else:
        write_table(life.events, title=f"Patient {patient}")
    path = folder / f"patient-{patient}.png" if figure is None else figure
    write_figure(patient_life(life), path)
    say(f"The course is drawn in '{path}'.")
