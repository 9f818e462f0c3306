"""``marrowtrace prognosis``: does a marker in blood or marrow tell who relapses?

``prognosis COHORT`` analyses, ``prognosis compare COHORT`` sets markers side by side; a word that
is not a command of the group is taken as the cohort.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from marrowtrace.cli.output import (
    cite_papers,
    list_notes,
    say,
    write_json,
    write_table,
    write_text,
)
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.cohort import Cohort
    from marrowtrace.report.marker_pairs import MarkerPair
    from marrowtrace.survival.marker_comparison import MarkerComparison
    from marrowtrace.survival.prognosis import Prognosis

_MAIN = "analyse"
_MANY_PAPERS = 8
_MAIN_PAPERS = ("anderson1983", "blanche2013", "lausen1992", "mcshane2005", "vickers2006")


class _CohortOrCommand(TyperGroup):
    """A group whose first word may be a cohort, for the main analysis."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the main command before a first word that is not a command."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_MAIN, *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the commands, then the options of the main analysis."""
        super().format_help(ctx, formatter)
        main = self.commands[_MAIN]
        inner: Any = main.context_class(main, info_name=ctx.info_name, parent=ctx.parent)
        main.format_help(inner, formatter)


app = typer.Typer(
    cls=_CohortOrCommand,
    help="Ask whether a marker in blood or marrow tells who has the event: "
    "`prognosis COHORT ...`, or `prognosis compare COHORT ...` for markers side by side.",
    no_args_is_help=True,
)

CohortArgument = Annotated[str, typer.Argument(help="Cohort folder, or a bundled example.")]
EndpointOption = Annotated[str, typer.Option(help="Endpoint of the follow-up, e.g. relapse.")]
MarkersOption = Annotated[
    str,
    typer.Option(
        help="Markers, parted by commas: cell class or analyte, then _pre, _on, _post or a day "
        "as _365d, then :>=1 for a threshold (:<3.5 where low is worse), :log2 or :low. E.g. "
        "DTC_post,CTC_pre:>=5"
    ),
]
AdjustOption = Annotated[
    str | None,
    typer.Option(help="Clinical variables, parted by commas: columns of the patients table."),
]
HorizonOption = Annotated[
    str | None,
    typer.Option(help="When predictions are judged, after the landmark, e.g. 5y (left out: 5y or "
                 "the longest the follow-up allows)."),
]  # fmt: skip
ThresholdsOption = Annotated[
    str, typer.Option(help="Risks from which one would treat, for the net benefit.")
]
LevelOption = Annotated[float, typer.Option(help="Confidence level.")]
SeedOption = Annotated[int, typer.Option(help="Seed of cross-validation, bootstrap, permutations.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


@app.command(_MAIN)
def analyse(
    cohort: CohortArgument,
    endpoint: EndpointOption,
    markers: MarkersOption,
    landmark: Annotated[
        str | None,
        typer.Option(
            help="Day on which the analysis starts, e.g. 365d, for markers measured after day 0; "
            "several, parted by commas, add the stacked model of all."
        ),
    ] = None,
    adjust: AdjustOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for report.html, tables and figures."),
    ] = None,
    horizon: HorizonOption = None,
    thresholds: ThresholdsOption = "0.1,0.2,0.3",
    bootstrap: Annotated[int, typer.Option(help="Samples for the added value.")] = 200,
    permutations: Annotated[int, typer.Option(help="For the p of a cut-point.")] = 1999,
    level: LevelOption = 0.95,
    seed: SeedOption = 1,
    overwrite: Annotated[bool, typer.Option(help="Replace the folder if it is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Analyse each marker: curves, hazard ratios, accuracy, net benefit, added value, cut-point."""
    import numpy as np

    from marrowtrace.report.marker_pairs import marker_pairs
    from marrowtrace.report.prognosis_files import prognosis_json, write_prognosis
    from marrowtrace.report.prognosis_methods import papers
    from marrowtrace.survival.prognosis import prognosis

    _check_free(output, overwrite)
    loaded = _load(cohort)
    rng = np.random.default_rng(seed)
    result = prognosis(
        rng,
        loaded,
        _endpoint(endpoint),
        markers=_words(markers),
        landmarks=_days(landmark),
        covariates=_words(adjust),
        horizon=_horizon(horizon),
        thresholds=_numbers(thresholds),
        bootstrap=bootstrap,
        permutations=permutations,
        level=level,
    )
    pairs = marker_pairs(rng, loaded, result.found)
    if output is not None:
        name = Path(cohort).name
        write_prognosis(result, pairs, loaded, output, name=name, seed=seed, replace=overwrite)
    if as_json:
        write_json(prognosis_json(result, pairs))
    else:
        _summary(result, pairs)
    notes = [*result.notes, *(f"{m.term.text}: {n}" for m in result.markers for n in m.notes)]
    list_notes(list(dict.fromkeys(notes)))
    if output is not None:
        say(f"Report: {output / 'report.html'}")
    keys = papers(result)
    main = [key for key in _MAIN_PAPERS if key in keys]
    if len(main) < len(keys):
        where = "the report lists" if output is not None else "with -o the report lists"
        say(f"The main papers follow; {where} all {len(keys)}.")
    cite_papers([*main, *_of_cohort(loaded)])


@app.command()
def compare(
    cohort: CohortArgument,
    endpoint: EndpointOption,
    markers: MarkersOption,
    landmark: Annotated[
        str | None, typer.Option(help="Day on which the comparison starts, e.g. 365d.")
    ] = None,
    adjust: AdjustOption = None,
    horizon: HorizonOption = None,
    thresholds: ThresholdsOption = "0.1,0.2,0.3",
    level: LevelOption = 0.95,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Set markers side by side: same patients, same day, every measure with its difference."""
    import numpy as np

    from marrowtrace.errors import CohortError
    from marrowtrace.survival.marker_comparison import compare_markers

    loaded = _load(cohort)
    days = _days(landmark)
    if len(days) > 1:
        raise CohortError(f"a comparison has one landmark; {len(days)} were given")
    result = compare_markers(
        np.random.default_rng(seed),
        loaded,
        _endpoint(endpoint),
        markers=_words(markers),
        landmark=days[0] if days else None,
        covariates=_words(adjust),
        horizon=_horizon(horizon),
        thresholds=_numbers(thresholds),
        level=level,
    )
    if as_json:
        payload = result.to_json()
        write_json({"schema": "marrowtrace.prognosis.compare/1", **payload, "seed": seed})
    else:
        _show(result)
    list_notes(result.notes)
    keys = ["cox1972", "blanche2013", "graf1999", "uno2011", "vickers2006"]
    if result.landmark > 0:
        keys.append("anderson1983")
    cite_papers([*keys, *_of_cohort(loaded)])


def _summary(result: Prognosis, pairs: tuple[MarkerPair, ...]) -> None:
    """Print the answer and the main tables."""
    from marrowtrace.report.prognosis_page import accuracy_table, verdict

    write_table(result.found.flow, title="Patients")
    for marker in result.markers:
        write_text(verdict(marker, result.found.endpoint))
    names = ["marker", "model", "covariate", "hazard_ratio", "low", "high", "p"]
    write_table(result.hazard_ratios().select(names), title="Hazard ratios")
    years = result.settings.horizon / DAYS_PER_YEAR
    write_table(accuracy_table(result), title=f"Prediction at {years:.3g} years")
    for marker in result.markers:
        if marker.added is not None:
            p = marker.added.likelihood_ratio.p
            title = f"What {marker.term.text} adds to the clinical variables (p {p:.2g})"
            write_table(marker.added.changes.drop("optimism"), title=title)
        if marker.cut is not None and marker.cut.curve.height > 1:
            c = marker.cut
            write_text(
                f"Best cut-point of {marker.term.text}: above {c.cut:g}; p {c.p_naive:.2g} naive, "
                f"{c.p_permutation:.2g} corrected for the search; hazard ratio "
                f"{math.exp(c.naive.coefficients[0]):.2f} naive, "
                f"{math.exp(c.validated.coefficients[0]):.2f} cross-validated"
            )
    for pair in pairs:
        for text in pair.sentences():
            if text:
                write_text(text)


def _show(result: MarkerComparison) -> None:
    """Print the comparison."""
    write_text(
        f"{' and '.join(result.markers)} in the same {result.patients} patients from day "
        f"{result.landmark:g} on, {result.events} with {result.endpoint}; predictions at "
        f"{result.horizon / DAYS_PER_YEAR:.3g} years."
    )
    write_table(result.metrics, title="Each marker")
    write_table(result.differences, title="Differences, first less second")


def _of_cohort(cohort: Cohort) -> list[str]:
    """Return the papers of a cohort, if they are few; say where they are if they are many."""
    keys = list(cohort.provenance.citations)
    if len(keys) <= _MANY_PAPERS:
        return keys
    say(f"The cohort itself rests on {len(keys)} papers: see its provenance.json.")
    return []


def _check_free(output: Path | None, overwrite: bool) -> None:
    """Refuse a folder in use before anything is computed."""
    from marrowtrace.errors import OutputError

    if output is not None and not overwrite and output.is_dir() and any(output.iterdir()):
        raise OutputError(
            f"'{output}' exists already; choose another folder, or replace it with --overwrite"
        )


def _words(text: str | None) -> list[str]:
    """Split at commas."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _endpoint(text: str) -> str:
    """Return the accepted term for an endpoint, e.g. for OS; other words stand as they are."""
    from marrowtrace import terms

    return terms.ENDPOINT.normalise(text) or text


def _days(text: str | None) -> list[float]:
    from marrowtrace.survival.marker_words import parse_day

    return [parse_day(part) for part in _words(text)]


def _horizon(text: str | None) -> float | None:
    from marrowtrace.survival.marker_words import parse_day

    return None if text is None else parse_day(text, what="the horizon")


def _numbers(text: str) -> list[float]:
    from marrowtrace.errors import CohortError

    try:
        return [float(part) for part in _words(text)]
    except ValueError:
        raise CohortError(f"thresholds '{text}' are not numbers; write them as 0.1,0.2") from None


def _load(cohort: str) -> Cohort:
    from marrowtrace.cli.cohort import load_cohort_argument as load

    return load(cohort)
