"""Options of ``marrowtrace evidence`` and what its commands read, ask and cite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.output import cite_papers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marrowtrace.evidence.pooling import PooledRate
    from marrowtrace.evidence.prognosis import PooledPrognosis
    from marrowtrace.evidence.selection import Query
    from marrowtrace.evidence.tables import EvidenceTables

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]
RowsOption = Annotated[
    Path | None, typer.Option("--rows", help="Your own rows, CSV or TOML, added to the tables.")
]
AnalyteOption = Annotated[str, typer.Option(help="CTC, DTC or CTC_cluster.")]
PhaseOption = Annotated[
    str | None, typer.Option(help="When cells were looked for: pre, on or post treatment.")
]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        help="Pool outcome, not detection: OS, DFS, PFS, ... or a family, death or progression."
    ),
]
MethodOption = Annotated[
    str | None,
    typer.Option(
        help="Rates: glmm (default), reml-logit, pm-logit, dl-logit, freeman-tukey. Outcome: "
        "fisher (default), stouffer, wilkinson, edgington, harmonic for p-values; REML, PM, DL, "
        "... for hazard ratios."
    ),
]
PrintedOption = Annotated[
    bool, typer.Option("--as-printed", help="Use the printed values, not the corrected ones.")
]
IndependentOption = Annotated[
    bool,
    typer.Option(
        "--independent",
        help="Take rows that share patients as independent: wrong, for comparison only.",
    ),
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        help="table1, table2, published or all. Default: table1 for rates, table2 for p-values, "
        "all for hazard ratios."
    ),
]
CancerOption = Annotated[str | None, typer.Option(help="Only this cancer, e.g. breast.")]
StageOption = Annotated[str | None, typer.Option(help="Only this stage, e.g. early.")]
ThresholdOption = Annotated[
    int | None, typer.Option(help="Only rows in which this many cells make a sample positive.")
]
ByOption = Annotated[
    str | None, typer.Option(help="Subgroups: cancer, stage, assay, marker or phase.")
]
FigureOption = Annotated[
    Path, typer.Option("--output", "-o", help="File to write: .svg, .png or .pdf.")
]


def load_tables(rows: Path | None) -> EvidenceTables:
    """The tables that ship with marrowtrace, and the user's rows."""
    from marrowtrace.evidence.tables import bundled, read_rows

    return bundled() if rows is None else bundled().joined(read_rows(rows))


def make_query(
    analyte: str,
    phase: str | None,
    endpoint: str | None,
    method: str | None,
    as_printed: bool,
    independent: bool,
    source: str | None,
    cancer: str | None,
    stage: str | None,
    threshold: int | None,
) -> Query:
    """What to pool, from the options."""
    from marrowtrace.errors import EvidenceError, did_you_mean
    from marrowtrace.evidence.p_values import COMBINATION_METHODS
    from marrowtrace.evidence.prognosis import endpoints_of
    from marrowtrace.evidence.selection import Query
    from marrowtrace.evidence.tables import PUBLISHED, TABLE_1, TABLE_2

    sources = {
        "table1": (TABLE_1,),
        "table2": (TABLE_2,),
        "published": (PUBLISHED,),
        "all": (TABLE_1, TABLE_2, PUBLISHED),
    }
    if source is None:
        combining = method is None or method in COMBINATION_METHODS
        source = "table1" if endpoint is None else "table2" if combining else "all"
    if source not in sources:
        raise EvidenceError(
            f"source '{source}' is unknown; allowed: {', '.join(sources)}"
            f"{did_you_mean(source, list(sources))}"
        )
    return Query(
        analyte=analyte,
        phase=phase,
        endpoints=() if endpoint is None else endpoints_of(endpoint),
        cancer=cancer,
        stage=stage,
        threshold=threshold,
        sources=sources[source],
        as_printed=as_printed,
        dependence="independent" if independent else "pick",
    )


def rate_of(tables: EvidenceTables, query: Query, method: str | None) -> PooledRate:
    """Pool detection rates."""
    from marrowtrace.evidence.pooling import pool_rates

    return pool_rates(tables, query, method=method or "glmm")


def prognosis_of(tables: EvidenceTables, query: Query, method: str | None) -> PooledPrognosis:
    """Pool effects on outcome."""
    from marrowtrace.evidence.prognosis import pool_prognosis

    return pool_prognosis(tables, query, method=method or "fisher")


def percent(share: float) -> str:
    """A share in per cent."""
    if share != share:
        return "-"
    return f"{100 * share:.1f} %"


def cite(keys: Sequence[str]) -> None:
    """Papers to cite that are in the bibliography, each once."""
    from marrowtrace.citations import bibliography

    cite_papers(key for key in dict.fromkeys(keys) if key in bibliography())
