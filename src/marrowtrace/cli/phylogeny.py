"""``marrowtrace phylogeny``: who seeded whom, and when they left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marrowtrace.cli.output import cite_papers, say, write_json, write_table, write_text
from marrowtrace.cli.phylogeny_input import read_input, read_tree

if TYPE_CHECKING:
    from marrowtrace.phylogeny.migration import MigrationHistories
    from marrowtrace.phylogeny.rooting import Rootings

app = typer.Typer(
    help="Trees of cells and clones by site: overlap, who seeded whom, and when they left.",
    no_args_is_help=True,
)

PAPERS = ("sai2018", "elkebir2018")


@app.command()
def migrate(
    tree: Annotated[
        str,
        typer.Argument(
            help="Clone tree: lines 'parent child' or Newick; or the name of a bundled patient, "
            "e.g. A22.tree."
        ),
    ],
    labeling: Annotated[
        str,
        typer.Argument(help="Sites of the clones: lines 'clone site' or 'clone site site ...'."),
    ],
    primary: Annotated[
        str,
        typer.Option(
            help="Site of the primary; 'unknown' if any site may be it; 'unsampled' if it is none "
            "of them."
        ),
    ],
    order: Annotated[
        str,
        typer.Option(
            help="What to minimise, the most important first: U unobserved clones, M migrations, "
            "C comigrations, S seeding sites."
        ),
    ] = "U,M,C",
    resolve: Annotated[
        bool | None,
        typer.Option(
            "--resolve/--keep",
            help="Split clones over sites, which resolves polytomies, or keep the tree as it is. "
            "By default it is kept where only leaves have sites, one each.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="Most histories to list.")] = 1000,
    time_limit: Annotated[float, typer.Option(help="Seconds for each integer program.")] = 120.0,
    histories: Annotated[
        bool, typer.Option("--histories", help="With --json: every history with its nodes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")] = False,
) -> None:
    """Find the most parsimonious migration histories of a clone tree."""
    from marrowtrace.phylogeny.migration import UNKNOWN, infer_migrations
    from marrowtrace.phylogeny.rooting import compare_rootings

    clones = read_tree(tree, labeling)
    letters = tuple(order.split(","))
    found = infer_migrations(
        clones, primary, order=letters, resolve=resolve, limit=limit, time_limit=time_limit
    )
    rootings = None
    if primary == UNKNOWN and UNKNOWN not in clones.sites:
        rootings = compare_rootings(clones, order=letters, resolve=resolve, time_limit=time_limit)
    if as_json:
        payload: dict[str, Any] = dict(found.to_json())
        if rootings is not None:
            payload["rootings"] = rootings.to_json()
        if histories:
            payload["histories"] = [history.to_json() for history in found.histories]
        write_json(payload)
    else:
        _print_histories(found, rootings)
    cite_papers(PAPERS)


def _print_histories(found: MigrationHistories, rootings: Rootings | None) -> None:
    best = found.best.graph
    write_text(
        f"{best.n_migrations} migrations, {best.n_comigrations} comigrations, "
        f"{len(best.seeding_sites)} seeding site(s): {best.pattern} ({best.pattern_words})"
    )
    write_table(found.table(), title="Histories of equal cost")
    write_table(found.pair_table(), title="Who seeded whom")
    if found.complete:
        say(f"These are all {len(found.histories)} histories of this cost.")
    else:
        say(
            f"There are more histories of this cost than the {len(found.histories)} listed; the "
            "column 'in all' holds for those as well."
        )
    if best.self_seeding:
        say("The primary is seeded again from another site (self-seeding).")
    if best.marrow_seeds:
        say(f"Bone marrow is a source: {', '.join(best.marrow_seeds)}.")
    if rootings is not None:
        write_table(rootings.table(), title="Each site as the primary")
        say(f"Origin: {rootings.statement}.")


@app.command()
def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A bundled patient (A22, CRC1, CRC2), a cohort folder, .h5ad, MAF, single cells "
            "or a table of samples.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    primary: Annotated[str | None, typer.Option(help="Site of the primary, or 'unknown'.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Table of each cell's or sample's site.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="scite, sphyr, condor or scarlet.")
    ] = None,
    cell_names: Annotated[Path | None, typer.Option(help="Names of the cells, one a line.")] = None,
    mutation_names: Annotated[
        Path | None, typer.Option(help="Names of the mutations, one a line.")
    ] = None,
    patient: Annotated[str | None, typer.Option(help="Which patient of a cohort.")] = None,
    copies: Annotated[
        Path | None, typer.Option(help="Copy numbers: MEDICC2's table, segments, or SEG.")
    ] = None,
    tree: Annotated[str | None, typer.Option(help="Clone tree, for the migration history.")] = None,
    labeling: Annotated[str | None, typer.Option(help="Sites of the clones of the tree.")] = None,
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Do not look for normal cells and doublets.")
    ] = False,
    expansion: Annotated[
        float | None,
        typer.Option(help="Years from the primary's first cell to diagnosis, for Hu's timing."),
    ] = None,
    clock: Annotated[
        float | None, typer.Option(help="Mutations a year along a line, in what was read.")
    ] = None,
    clock_log_sd: Annotated[
        float, typer.Option(help="Standard deviation of the log of the clock's rate.")
    ] = 0.0,
    threshold: Annotated[
        float, typer.Option(help="Support from which a verdict is given, 0.5 to below 1.")
    ] = 0.9,
    seed: Annotated[int, typer.Option(help="Seed; one seed always gives the same page.")] = 1,
    overwrite: Annotated[bool, typer.Option(help="Replace the folder if it is there.")] = False,
) -> None:
    """Judge one patient: linear or parallel, when the cells left, and who seeded whom."""
    import numpy as np

    from marrowtrace.errors import InputFileError
    from marrowtrace.phylogeny.dissemination import judge_dissemination
    from marrowtrace.phylogeny.site_comparison import compare_sites
    from marrowtrace.report.phylogeny_page import phylogeny_page
    from marrowtrace.storage import atomic_folder

    if (tree is None) != (labeling is None):
        raise InputFileError("--tree and --labeling go together; one of them is not given")
    data = read_input(
        source, primary=primary, labels=labels, form=form, cell_names=cell_names,
        mutation_names=mutation_names, patient=patient, copies=copies,
        tree=None if tree is None or labeling is None else (tree, labeling),
    )  # fmt: skip
    found = judge_dissemination(
        compare_sites(data, detect=not keep_all), np.random.default_rng(seed),
        threshold=threshold, expansion=expansion, clock=clock, clock_log_sd=clock_log_sd,
    )  # fmt: skip
    made = {"command": f"marrowtrace phylogeny run {source}", "seed": str(seed)}
    with atomic_folder(output, replace=overwrite) as folder:
        for name, table in found.tables().items():
            table.write_csv(folder / f"{name}.csv")
        text = json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
        (folder / "results.json").write_text(text + "\n", encoding="utf-8")
        if found.tree is not None:
            (folder / "cells.nwk").write_text(found.tree.newick() + "\n", encoding="utf-8")
        phylogeny_page(found, provenance=made).write(folder / "report.html")
    for note in found.comparison.notes:
        say(note)
    support = ", ".join(f"{name} {value:.2g}" for name, value in found.verdict.support.items())
    say(f"Verdict: {found.verdict.verdict} (support: {support}).")
    say(f"Written: {output / 'results.json'} and {output / 'report.html'}")
    cite_papers((*PAPERS, "hu2020"))
