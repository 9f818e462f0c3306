"""The result folder of a prognosis: figures, tables as CSV, results as JSON, and the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.provenance import Provenance
from marrowtrace.report.marker_pairs import MarkerPair, pairs_table
from marrowtrace.report.prognosis_methods import papers
from marrowtrace.report.prognosis_page import accuracy_table, prognosis_page
from marrowtrace.report.remark import remark_table
from marrowtrace.storage import atomic_folder
from marrowtrace.survival.prognosis import Prognosis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA = "marrowtrace.prognosis/1"


def write_prognosis(
    result: Prognosis,
    pairs: Sequence[MarkerPair],
    cohort: Cohort,
    folder: Path,
    *,
    name: str,
    seed: int,
    replace: bool = False,
) -> None:
    """Write ``report.html``, ``results.json``, ``provenance.json``, ``tables/`` and ``figures/``.

    Parameters
    ----------
    result : Prognosis
    pairs : sequence of MarkerPair
    cohort : Cohort
    folder : pathlib.Path
        Written whole or not at all.
    name : str
        Of the cohort.
    seed : int
    replace : bool
        Whether a folder that is there may be replaced.

    Raises
    ------
    OutputError
        If the folder is in use or cannot be written.
    """
    record = Provenance(
        action="prognosis",
        sources=cohort.provenance.sources,
        parameters={
            "cohort": name,
            "endpoint": result.found.endpoint,
            "markers": [m.term.text for m in result.markers],
            "landmark": result.found.landmark,
            "horizon": result.settings.horizon,
            "clinical_variables": list(result.found.covariates),
            "bootstrap": result.settings.bootstrap,
            "permutations": result.settings.permutations,
        },
        seed=seed,
        citations=papers(result),
    )
    with atomic_folder(folder, replace=replace) as temporary:
        figures = prognosis_figures(result)
        page = prognosis_page(result, pairs, cohort, name=name, seed=seed, figures=figures)
        (temporary / "tables").mkdir()
        (temporary / "figures").mkdir()
        for key, frame in prognosis_tables(result, pairs, cohort).items():
            if frame.height:
                frame.write_csv(temporary / "tables" / f"{key}.csv")
        for key, image in figures.items():
            (temporary / "figures" / f"{key}.svg").write_bytes(image)
        payload = json.dumps(
            prognosis_json(result, pairs), indent=2, ensure_ascii=False, allow_nan=False
        )
        (temporary / "results.json").write_text(payload + "\n", encoding="utf-8")
        (temporary / "provenance.json").write_text(record.dumps(), encoding="utf-8")
        page.write(temporary / "report.html")


def prognosis_json(result: Prognosis, pairs: Sequence[MarkerPair]) -> dict[str, Any]:
    """Return the result with the pairs of markers as JSON-ready values."""
    return {"schema": SCHEMA, **result.to_json(), "pairs": [pair.to_json() for pair in pairs]}


def prognosis_tables(
    result: Prognosis, pairs: Sequence[MarkerPair], cohort: Cohort
) -> dict[str, pl.DataFrame]:
    """Return every table of the result by name; those without rows were not done."""
    named = [(m, pl.lit(m.term.text).alias("marker")) for m in result.markers]
    curves = [
        curve.table().select(label, pl.lit(group).alias("group"), pl.all())
        for m, label in named
        for group, curve in m.curves.items()
    ]
    incidence = [
        curve.table().select(label, pl.lit(group).alias("group"), pl.all())
        for m, label in named
        for group, curve in m.incidence.items()
    ]
    areas = [m.auc.table().select(label, pl.all()) for m, label in named if m.auc]
    decisions = [m.decision.table().select(label, pl.all()) for m, label in named if m.decision]
    groups = [m.calibration.groups.select(label, pl.all()) for m, label in named if m.calibration]
    added = [m.added.changes.select(label, pl.all()) for m, label in named if m.added]
    cuts = [m.cut.table().select(label, pl.lit(m.cut.cut).alias("cut"), pl.all(),
                                 pl.lit(m.cut.p_permutation).alias("p_corrected"))
            for m, label in named if m.cut]  # fmt: skip
    return {
        "flow": result.found.flow,
        "markers": result.table(),
        "hazard_ratios": result.hazard_ratios(),
        "characteristics": result.characteristics(),
        "curves": _joined(curves),
        "incidence": _joined(incidence),
        "accuracy": accuracy_table(result),
        "areas_over_time": _joined(areas),
        "decision_curves": _joined(decisions),
        "calibration": _joined(groups),
        "added_value": _joined(added),
        "cut_points": _joined(cuts),
        "landmarks": _joined([s.ratios.select(pl.lit(s.term.text).alias("marker"), pl.all())
                              for s in result.series]),
        "dynamic_risks": _joined([s.risks.select(pl.lit(s.term.text).alias("marker"), pl.all())
                                  for s in result.series]),
        "pairs": pairs_table(tuple(pairs)),
        "remark": remark_table(result, cohort),
    }  # fmt: skip


def prognosis_figures(result: Prognosis) -> Mapping[str, bytes]:
    """Draw every figure of the result that the data allow, as SVG by name."""
    from marrowtrace.plotting.calibration_curve import calibration_curves
    from marrowtrace.plotting.competing_events import incidence_curves
    from marrowtrace.plotting.cut_point import cut_point_search
    from marrowtrace.plotting.decision_curve import decision_curves
    from marrowtrace.plotting.landmark import (
        dynamic_risk,
        landmark_curves,
        name_the_landmark,
        ratios_by_landmark,
    )
    from marrowtrace.plotting.time_dependent_auc import areas_over_time

    endpoint = result.found.endpoint.replace("_", " ")
    out: dict[str, bytes] = {}
    for index, m in enumerate(result.markers, start=1):
        if m.curves:
            free = "free of every event" if m.competing else f"free of {endpoint}"
            ax = landmark_curves(m.curves, landmark=result.found.landmark, ylabel=free)
            out[f"curves_{index}"] = _svg(ax)
        if m.incidence:
            ax = incidence_curves(
                m.incidence, ylabel=f"cumulative incidence of {endpoint}", followed=m.curves
            )
            out[f"incidence_{index}"] = _svg(name_the_landmark(ax, result.found.landmark))
        if m.cut is not None and m.cut.curve.height > 1:
            out[f"cut_{index}"] = _svg(cut_point_search(m.cut, name=m.term.text))
    for index, m in enumerate(result.markers, start=1):
        for series in result.series:
            if series.term.text == m.term.text:
                out[f"landmarks_{index}"] = _svg(ratios_by_landmark(series))
                out[f"dynamic_{index}"] = _svg(dynamic_risk(series))
    areas = {m.term.text: m.auc for m in result.markers if m.auc is not None}
    if areas:
        out["areas"] = _svg(areas_over_time(areas))
    fits = {m.term.text: m.calibration for m in result.markers if m.calibration is not None}
    if fits:
        out["calibration"] = _svg(calibration_curves(fits))
    curves = {m.term.text: m.decision for m in result.markers if m.decision is not None}
    if curves:
        out["decision"] = _svg(decision_curves(curves))
    return out


def _joined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame()


def _svg(ax: Axes) -> bytes:
    from matplotlib.figure import Figure as Drawing

    from marrowtrace.plotting.style import image_bytes

    figure = ax.get_figure(root=True)
    assert isinstance(figure, Drawing)
    return image_bytes(figure)
