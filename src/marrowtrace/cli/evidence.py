"""``marrowtrace evidence``: published figures on CTCs and DTCs, audited, pooled and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrace.cli.evidence_curves import effect, reconstruct
from marrowtrace.cli.evidence_figures import forest, funnel
from marrowtrace.cli.evidence_options import JsonOption, RowsOption, cite, load_tables
from marrowtrace.cli.evidence_pool import pool
from marrowtrace.cli.output import say, write_json, write_table, write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from marrowtrace.evidence.comparison import Comparison
    from marrowtrace.evidence.tables import EvidenceTables

app = typer.Typer(
    help="Published figures on CTCs and DTCs: listed, audited, pooled and compared.",
    no_args_is_help=True,
)

LIST_SCHEMA = "marrowtrace.evidence.list/1"
AUDIT_SCHEMA = "marrowtrace.evidence.audit/1"


@app.command("list")
def list_(
    table: Annotated[str, typer.Option(help="rates, effects, figures or studies.")] = "rates",
    rows: RowsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rows: what is printed, and beside it what the source has."""
    from marrowtrace.errors import EvidenceError, did_you_mean
    from marrowtrace.evidence.published import published_figures

    tables = load_tables(rows)
    frames: dict[str, Callable[[], pl.DataFrame]] = {
        "rates": tables.rate_table,
        "effects": tables.effect_table,
        "figures": published_figures,
        "studies": lambda: _study_table(tables),
    }
    if table not in frames:
        raise EvidenceError(
            f"table '{table}' is unknown; allowed: {', '.join(frames)}"
            f"{did_you_mean(table, list(frames))}"
        )
    frame = frames[table]()
    if as_json:
        write_json({"schema": LIST_SCHEMA, "table": table, "rows": frame.to_dicts()})
    else:
        write_table(frame.select([name for name in _SHORT[table] if name in frame.columns]))
        say("--json prints every column, with the reason of each correction and the citation.")
    column = {"figures": "citation", "studies": "key"}.get(table, "study")
    cite(frame[column].to_list())


@app.command()
def audit(
    kind: Annotated[
        str | None, typer.Option(help="Only faults of this kind: ERROR, LIKELY or NOTE.")
    ] = None,
    rows: RowsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the faults of the review's tables, and what the cited papers say."""
    from marrowtrace.errors import EvidenceError, did_you_mean
    from marrowtrace.evidence.audit import KINDS, faults

    if kind is not None and kind.upper() not in KINDS:
        raise EvidenceError(
            f"kind '{kind}' is unknown; allowed: {', '.join(KINDS)}{did_you_mean(kind, KINDS)}"
        )
    found = [fault for fault in faults() if kind is None or fault.kind == kind.upper()]
    if rows is not None:
        own = len(_own(rows))
        say(f"{rows.name}: {own} row(s) read; none contradicts itself.")
    if as_json:
        write_json({"schema": AUDIT_SCHEMA, "faults": [fault.to_json() for fault in found]})
    else:
        for fault in found:
            write_text(
                f"{fault.number}. {fault.kind}  {fault.table}, {fault.place}: {fault.topic}\n"
                f"   printed: {fault.printed}\n"
                f"   source:  {fault.source_says} [{fault.status}]\n"
                f"   pooling: {fault.effect}\n"
            )
    say(f"{len(found)} fault(s).")
    cite(["sai2018", *(fault.study for fault in found)])


app.command()(pool)


@app.command()
def compare(rows: RowsOption = None, as_json: JsonOption = False) -> None:
    """Hold CTCs against DTCs: in the same patients, then by phase and endpoint."""
    from marrowtrace.evidence.comparison import CLAIM, compare

    result = compare(load_tables(rows))
    if as_json:
        write_json(result.to_json())
    else:
        import polars as pl

        write_text(f"The claim: {CLAIM}.\n")
        for sentence in result.answer:
            write_text(f"{sentence}\n")
        write_table(pl.DataFrame(_detection_rows(result)), title="Found in the same patients")
        shown = ["label", "endpoint", "when", "dtc_p", "ctc_p", "smaller"]
        shown += ["expected_p", "difference_low", "difference_high"]
        write_table(result.table().select(shown), title="Outcome in the same patients")
    cite(result.papers)


app.command()(forest)
app.command()(funnel)
app.command()(reconstruct)
app.command()(effect)


@app.command()
def page(
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")] = Path(
        "evidence.html"
    ),
    rows: RowsOption = None,
) -> None:
    """Write the audit, the pooled rates and the comparison as one HTML page."""
    from marrowtrace.report.evidence_page import evidence_page

    written = evidence_page(load_tables(rows))
    written.write(output)
    say(f"Wrote {output}")
    cite(written.papers)


_SHORT = {
    "rates": [
        *("row", "study", "cancer", "analyte", "phase", "threshold", "n", "percent", "k"),
        *("k_corrected", "faults", "status"),
    ],
    "effects": [
        *("row", "study", "analyte", "phase", "phase_corrected", "endpoint", "endpoint_corrected"),
        *("n", "n_corrected", "p", "hr", "faults"),
    ],
    "figures": [
        *("id", "quantity", "bound", "value", "unit", "low", "high", "k", "n", "citation"),
        "status",
    ],
    "studies": ["key", "cohort", "pools", "rows", "note"],
}


def _own(rows: Path) -> tuple[object, ...]:
    """The user's rows."""
    from marrowtrace.evidence.tables import read_rows

    own = read_rows(rows)
    return (*own.rates, *own.effects)


def _detection_rows(result: Comparison) -> list[dict[str, object]]:
    """Pairs of detection rates as table rows."""
    return [
        {
            "study": pair.label,
            "when": pair.when,
            "DTC": f"{pair.dtc_k}/{pair.dtc_n}",
            "CTC": f"{pair.ctc_k}/{pair.ctc_n}",
            "odds ratio": pair.odds_ratio,
            "CI low": pair.interval[0],
            "CI high": pair.interval[1],
            "note": pair.note,
        }
        for pair in result.detection
    ]


def _study_table(tables: EvidenceTables) -> pl.DataFrame:
    """Studies with their groups of patients and how many rows they have."""
    import polars as pl

    keys = [row.study for row in tables.rates] + [row.study for row in tables.effects]
    listed = []
    for key in sorted(set(keys)):
        study = tables.study(key)
        listed.append(
            {
                "key": key,
                "cohort": study.cohort,
                "pools": ", ".join(study.pools),
                "rows": keys.count(key),
                "note": study.note,
                "citation": tables.citation(key),
            }
        )
    return pl.DataFrame(listed)
