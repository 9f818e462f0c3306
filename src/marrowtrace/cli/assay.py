"""``marrowtrace assay``: the methods of finding tumour cells, and what they can find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.output import cite_papers, say, write_json, write_table, write_text

if TYPE_CHECKING:
    from marrowtrace.assays import Assay

app = typer.Typer(
    help="Assays of blood and marrow: what they look for, with sources, and what they can find.",
    no_args_is_help=True,
)

SCHEMA = "marrowtrace.assay/1"
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]
NameArgument = Annotated[
    str, typer.Argument(help="Name of a bundled assay, or the path of an assay file (.toml).")
]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the bundled assays."""
    import polars as pl

    from marrowtrace.assays import assay, names

    rows = []
    for name in names():
        found = assay(name)
        rows.append(
            {
                "name": name,
                "title": found.title,
                "specimen": found.specimen,
                "examined": found.examined,
                "unit": found.examined_unit,
                "detection": found.average_detection,
                "epithelial": found["recovery"] * found.markers[0],
                "mesenchymal": found["recovery"] * found.markers[2],
                "readout": found.readout,
            }
        )
    if as_json:
        write_json({"schema": SCHEMA, "assays": rows})
        return
    write_table(pl.DataFrame(rows), title="Assays")
    say("Detection: probability that a tumour cell in the sample is seen, on average and by")
    say("phenotype. `marrowtrace assay show NAME` prints every number with its source.")


@app.command()
def show(
    name: NameArgument,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="Print an assay file to start your own from.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one assay: its numbers, ranges, units, kinds and sources."""
    import polars as pl

    from marrowtrace.assays import to_toml

    found = _find(name)
    if as_toml:
        write_text(to_toml(found))
        return
    numbers = [number.as_row() for number in found.numbers.values()]
    words = {
        "name": found.name,
        "title": found.title,
        "specimen": found.specimen,
        "cell_class": found.cell_class,
        "readout": found.readout,
        "clusters": found.clusters,
        "rule": found.rule,
        "calibrated": found.calibrated,
        "notes": found.notes,
    }
    if as_json:
        summary = {"average_detection": found.average_detection, "examined": found.examined}
        write_json({"schema": SCHEMA, "assay": words | summary, "numbers": numbers})
        return
    write_text(f"{found.title}\n{found.notes}")
    write_text(
        f"{found.specimen.replace('_', ' ')}, {found.cell_class}, readout {found.readout}, a "
        f"cluster counts as {found.clusters}; a cell in the sample is seen with probability "
        f"{found.average_detection:.3g}"
    )
    shown = [
        {
            "number": row["symbol"],
            "value": row["value"],
            "range": f"{row['low']:.4g} to {row['high']:.4g}",
            "unit": row["unit"],
            "meaning": row["meaning"],
            "source": str(found.numbers[row["symbol"]].source),
        }
        for row in numbers
    ]
    write_table(pl.DataFrame(shown))
    cite_papers({"sai2018", *found.citations()})


@app.command()
def power(
    name: NameArgument,
    cells: Annotated[
        str, typer.Option(help="True tumour cells in the whole blood or marrow, with commas.")
    ] = "1e2,1e3,1e4,1e5,1e6,1e7",
    volumes: Annotated[
        str,
        typer.Option(help="Amounts of each side, with commas: mL, or mononuclear cells."),
    ] = "",
    aspirates: Annotated[
        str, typer.Option(help="Numbers of aspirates, or of tubes of one draw.")
    ] = "1",
    phenotype: Annotated[
        str, typer.Option(help="Shares epithelial, hybrid, mesenchymal, with commas.")
    ] = "",
    burst: Annotated[
        float, typer.Option(help="Log-sd of the blood's level between draws; 0: steady.")
    ] = 0.0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the table and the figure.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Detection probability against the true burden, by amount and number of aspirates."""
    from marrowtrace.assays.power import power as compute
    from marrowtrace.errors import ParameterError

    found = _find(name)
    shares = _numbers("phenotype", phenotype) if phenotype else None
    if shares is not None and len(shares) != 3:
        raise ParameterError(
            f"--phenotype '{phenotype}' has {len(shares)} shares; give three, e.g. 0.4,0.3,0.3"
        )
    sides = _numbers("aspirates", aspirates)
    if any(side != int(side) for side in sides):
        raise ParameterError(f"--aspirates '{aspirates}' are not whole numbers, e.g. 1,2")
    result = compute(
        found,
        _numbers("cells", cells),
        amounts=_numbers("volumes", volumes) if volumes else None,
        aspirates=[int(side) for side in sides],
        phenotype=(shares[0], shares[1], shares[2]) if shares else None,
        burst_log_sd=burst,
    )
    if out is not None:
        _write(result, out)
    if as_json:
        write_json({"schema": SCHEMA, "power": result.to_json()})
        return
    write_table(result.table(), title=f"{found.title}: probability of a positive result")
    for sentence in result.statements():
        write_text(sentence)
    if out is not None:
        say(f"Wrote {out / 'power.csv'}, {out / 'detectable.csv'} and {out / 'power.svg'}.")
    cite_papers({"sai2018", *found.citations()})


def _find(name: str) -> Assay:
    """A bundled assay, or one of a file."""
    from marrowtrace.assays import assay, names, read

    if name not in names() and (name.endswith(".toml") or "/" in name):
        return read(Path(name))
    return assay(name)


def _numbers(what: str, text: str) -> list[float]:
    from marrowtrace.errors import ParameterError

    found = []
    for part in text.split(","):
        try:
            found.append(float(part))
        except ValueError as err:
            raise ParameterError(
                f"--{what} has '{part.strip()}', which is not a number; give numbers with commas, "
                "e.g. 1e4,1e5"
            ) from err
    return found


def _write(result: object, folder: Path) -> None:
    from marrowtrace.assays.power import Power
    from marrowtrace.plotting.detection_curve import detection_curves
    from marrowtrace.plotting.style import write_figure
    from marrowtrace.storage import atomic_file

    assert isinstance(result, Power)
    for stem, frame in (("power", result.rows), ("detectable", result.detectable)):
        with atomic_file(folder / f"{stem}.csv") as path:
            frame.write_csv(path)
    write_figure(detection_curves(result), folder / "power.svg")
    write_figure(detection_curves(result), folder / "power.png")
