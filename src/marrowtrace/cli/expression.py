"""``marrowtrace expression``: what the data can answer, and what state the cells are in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marrowtrace.cli.output import cite_papers, list_notes, say, write_json, write_table, write_text

if TYPE_CHECKING:
    from marrowtrace.expression.matrix import Expression
    from marrowtrace.expression.samples import Samples

app = typer.Typer(
    help="Expression of CTCs, DTCs and tumours: what may be compared, which state cells are in.",
    no_args_is_help=True,
)

PAPERS = ("sai2018",)
_BUNDLED = ("rm1",)
_Matrices = Annotated[
    list[str],
    typer.Argument(
        metavar="MATRIX...",
        help="CSV, TSV, .h5ad, 10x folder or GEO series matrix; or the bundled data set rm1.",
    ),
]
_Types = Annotated[str | None, typer.Option(help="Type of each matrix, with commas, e.g. CTC,DTC.")]
_Studies = Annotated[
    str | None,
    typer.Option(help="Study of each matrix, with commas; each is its own study if left out."),
]
_Metadata = Annotated[
    Path | None, typer.Option(help="Table of samples: type, study, patient, platform, batch.")
]
_TypeColumn = Annotated[
    str | None, typer.Option(help="Column of the metadata that holds the type.")
]
_PatientColumn = Annotated[
    str | None, typer.Option(help="Column of the metadata that holds the patient.")
]
_StudyColumn = Annotated[
    str | None, typer.Option(help="Column of the metadata that holds the study.")
]
_BatchColumn = Annotated[
    str | None, typer.Option(help="Column of the metadata that holds a batch to be taken out.")
]
_Scale = Annotated[
    str | None,
    typer.Option(help="counts, tpm, linear, log or ratio; found out if left out."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]
_PlatformTable = Annotated[
    Path | None, typer.Option(help="For a series matrix: table of probes (ID, Gene Symbol).")
]


@app.command()
def design(
    matrices: _Matrices,
    types: _Types = None,
    studies: _Studies = None,
    metadata: _Metadata = None,
    type_column: _TypeColumn = None,
    patient_column: _PatientColumn = None,
    study_column: _StudyColumn = None,
    batch_column: _BatchColumn = None,
    scale: _Scale = None,
    platform_table: _PlatformTable = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw the design to a .svg, .png or .pdf file.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say which contrasts of types the data can bear, before any gene is looked at."""
    from marrowtrace.expression.analysis import design_of

    columns = _columns(type_column, patient_column, study_column, batch_column)
    _, samples = _read(matrices, types, studies, metadata, columns, scale, platform_table)
    found = design_of(samples)
    if figure is not None:
        from marrowtrace.plotting.design_diagram import draw_design
        from marrowtrace.plotting.style import write_figure

        write_figure(draw_design(found), figure)
    if as_json:
        write_json(found.to_json())
    else:
        write_table(found.table(), title="Samples of each type by study and batch")
        say(
            f"Rank of [batches | types]: {found.rank_both}; {found.rank_batches} for the batches "
            f"and {len(found.types)} types need {found.rank_batches + found.rank_types - 1}."
        )
        for contrast in found.contrasts:
            mark = "can be answered" if contrast.identifiable else "REFUSED"
            write_text(f"{contrast.second} against {contrast.first}: {mark}. {contrast.reason}")
    cite_papers(PAPERS)


@app.command()
def run(
    matrices: _Matrices,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    types: _Types = None,
    studies: _Studies = None,
    metadata: _Metadata = None,
    type_column: _TypeColumn = None,
    patient_column: _PatientColumn = None,
    study_column: _StudyColumn = None,
    batch_column: _BatchColumn = None,
    scale: _Scale = None,
    platform_table: _PlatformTable = None,
    cells: Annotated[
        bool | None,
        typer.Option("--cells/--bulk", help="Single cells or bulk samples; found out from depth."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Use data that fail their quality check; recorded.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Compare counts by moderated t on log2 CPM instead of PyDESeq2."
        ),
    ] = False,
    no_genes: Annotated[
        bool, typer.Option("--no-genes", help="Do not compare single genes between types.")
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace the folder if it is there.")] = False,
    as_json: _Json = False,
) -> None:
    """Design, quality, scores, calls, fractions and contrasts, as results.json and report.html."""
    from marrowtrace.expression.analysis import analyse
    from marrowtrace.provenance import Provenance, SourceFile
    from marrowtrace.report.expression_page import write_expression

    columns = _columns(type_column, patient_column, study_column, batch_column)
    read, samples = _read(matrices, types, studies, metadata, columns, scale, platform_table)
    found = analyse(read, samples, cells=cells, force=force, differential=not no_genes, quick=quick)
    files = [_path(name) for name in matrices] + [p for p in (metadata, platform_table) if p]
    provenance = Provenance(
        action="expression run",
        sources=[SourceFile.of(path) for path in files if path.is_file()],
        parameters={"forced": found.forced, "quick": quick, "types": types, "studies": studies},
        notes=found.notes,
        citations=PAPERS,
    )
    write_expression(found, output, provenance=provenance, replace=overwrite)
    if as_json:
        write_json(found.to_json())
    list_notes([note for each in read for note in (f"{each.name}: {n}" for n in each.notes)])
    for refusal in found.refused:
        say(f"Refused: {refusal.reason}")
    if found.forced:
        say("The data failed their quality check and were used all the same (--force).")
    say(f"Written: {output / 'results.json'}, {output / 'report.html'}")
    cite_papers(PAPERS)


def _columns(
    type_: str | None, patient: str | None, study: str | None, batch: str | None
) -> dict[str, str]:
    named = {"type": type_, "patient": patient, "study": study, "batch": batch}
    return {role: column for role, column in named.items() if column is not None}


def _path(name: str) -> Path:
    """A file of the user's, or a bundled data set by name."""
    if name in _BUNDLED and not Path(name).is_file():
        from importlib.resources import files

        return Path(str(files("marrowtrace.datasets"))) / name / "counts.tsv.gz"
    return Path(name)


def _read(
    matrices: list[str],
    types: str | None,
    studies: str | None,
    metadata: Path | None,
    columns: dict[str, str],
    scale: str | None,
    platform: Path | None,
) -> tuple[list[Expression], Samples]:
    """Matrices and what is known of their samples."""
    from marrowtrace.expression.reading import read_many
    from marrowtrace.expression.samples import (
        describe_samples,
        read_observations,
        read_table,
    )

    paths = [_path(name) for name in matrices]
    bundled = [p for p, name in zip(paths, matrices, strict=True) if p != Path(name)]
    table: Any = None
    if metadata is not None:
        table = read_table(metadata)
    elif bundled and len(paths) == 1 and types is None:
        table = read_table(bundled[0].with_name("samples.csv"))
    elif len(paths) == 1 and paths[0].suffix == ".h5ad" and types is None:
        table = read_observations(paths[0])
    if columns and table is None:
        from marrowtrace.errors import InputFileError

        raise InputFileError("a column was named, but there is no metadata table; give --metadata")
    names = {p: m for p, m in zip(paths, matrices, strict=True) if p in bundled}
    read = read_many(paths, scale=scale, platform=platform, names=names)
    samples = describe_samples(
        read,
        metadata=table,
        types=None if types is None else [t.strip() for t in types.split(",")],
        studies=None if studies is None else [s.strip() for s in studies.split(",")],
        columns=columns,
    )
    return read, samples
