"""Which marker tells more? Several markers, the same patients, the same day, every measure.

Only patients in whom all markers are known are taken. Each measure of each marker has its interval,
and each difference an interval from the paired influences of the patients
(`marrowtrace.survival.difference`), so that what the markers share cancels. Area and concordance
judge the marker itself; Brier score and net benefit the probability that a model of the marker
predicts for patients it was not fitted to (cross-validation, the same parts for all markers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from marrowtrace.survival.absolute_risk import cross_fitted_risk
from marrowtrace.survival.concordance import uno_concordance
from marrowtrace.survival.cox import check_level, cox_regression, json_rows
from marrowtrace.survival.cox_residuals import score_residuals_of
from marrowtrace.survival.difference import influence_difference
from marrowtrace.survival.inverse_censoring import StateAtHorizon, state_at_horizon
from marrowtrace.survival.marker_words import MarkerTerm, parse_markers
from marrowtrace.survival.population import Population, population
from marrowtrace.survival.prognosis import check_thresholds, chosen_horizon
from marrowtrace.survival.weighted_measures import (
    area,
    brier,
    interval,
    net_benefit,
    share_positive,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerComparison:
    """Markers side by side.

    Parameters
    ----------
    markers : tuple of str
    endpoint : str
    landmark, horizon : float
        Days.
    patients, events, competing : int
    clinical : tuple of str
        Clinical variables that are in every prediction.
    metrics : DataFrame
        ``marker``, ``metric``, ``estimate``, ``ci_low``, ``ci_high``; one row each.
    differences : DataFrame
        ``first``, ``second``, ``metric``, ``estimate`` (first less second), ``ci_low``,
        ``ci_high``, ``p``; one row a pair and metric.
    flow : DataFrame
    level : float
    notes : tuple of str
    """

    markers: tuple[str, ...]
    endpoint: str
    landmark: float
    horizon: float
    patients: int
    events: int
    competing: int
    clinical: tuple[str, ...]
    metrics: pl.DataFrame
    differences: pl.DataFrame
    flow: pl.DataFrame
    level: float
    notes: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return one row a pair and metric."""
        return self.differences

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready values."""
        return {
            "markers": list(self.markers),
            "endpoint": self.endpoint,
            "landmark": self.landmark,
            "horizon": self.horizon,
            "patients": self.patients,
            "events": self.events,
            "competing_events": self.competing,
            "clinical_variables": list(self.clinical),
            "level": self.level,
            "metrics": json_rows(self.metrics),
            "differences": json_rows(self.differences),
            "flow": self.flow.to_dicts(),
            "notes": list(self.notes),
        }


def compare_markers(
    rng: np.random.Generator,
    cohort: Cohort,
    endpoint: str,
    *,
    markers: Sequence[str],
    landmark: float | None = None,
    covariates: Sequence[str] = (),
    horizon: float | None = None,
    thresholds: Sequence[float] = (0.1, 0.2, 0.3),
    level: float = 0.95,
) -> MarkerComparison:
    """Compare markers on the same patients, from the same landmark.

    Parameters
    ----------
    rng : numpy.random.Generator
        For cross-validation.
    cohort, endpoint, covariates, horizon, thresholds, level
        As in `marrowtrace.survival.prognosis.prognosis`.
    markers : sequence of str
        Two or more.
    landmark : float, optional
        Day.

    Returns
    -------
    MarkerComparison

    Raises
    ------
    CohortError
        As `marrowtrace.survival.prognosis.prognosis`; or if there are fewer than two markers, or
        too few patients have all of them.
    """
    check_level(level)
    check_thresholds(thresholds)
    terms = parse_markers(markers, cohort)
    if len(terms) < 2:
        raise CohortError(
            f"a comparison needs two markers or more; only '{terms[0].text}' was given"
        )
    found = population(cohort, endpoint, markers=terms, covariates=covariates, landmark=landmark)
    frame = found.complete([*(term.text for term in terms), *found.covariates])
    happened = int((frame["event"] == 1).sum())
    if frame.height < 2 or not happened:
        raise CohortError(
            f"{frame.height} patient(s) at risk have all of "
            f"{', '.join([*(t.text for t in terms), *found.covariates])}, {happened} of them with "
            "the event, so the markers cannot be compared on the same patients"
        )
    at, why = chosen_horizon(found, horizon)
    notes = [*found.notes, *why]
    left = found.frame.height - frame.height
    if left:
        notes.append(f"{left} patient(s) at risk lack one of the values and are left out of all")
    time, code = frame["time"].to_numpy(), frame["event"].to_numpy()
    state = state_at_horizon(time, code, horizon=at)
    seed = int(rng.integers(2**63))
    binary = all(term.kind == "binary" for term in terms)
    measures = {
        term.text: _measures(seed, frame, term, found, state, thresholds, binary) for term in terms
    }
    if not binary:
        notes.append("hazard ratios are per standard deviation of what is modelled, to be alike")
    if (code > 1).any():
        notes.append("no concordance: it has no agreed form with competing events; see the area")
    differences = [
        {"first": a.text, "second": b.text}
        | _difference(metric, measures[a.text][metric], measures[b.text][metric], at, level)
        for a, b in combinations(terms, 2)
        for metric in measures[a.text]
    ]
    return MarkerComparison(
        markers=tuple(term.text for term in terms),
        endpoint=endpoint,
        landmark=found.landmark,
        horizon=at,
        patients=frame.height,
        events=happened,
        competing=int((code > 1).sum()),
        clinical=found.covariates,
        metrics=pl.DataFrame(
            [_row(term.text, metric, *measure, level) for term in terms
             for metric, measure in measures[term.text].items()]
        ),
        differences=pl.DataFrame(differences),
        flow=found.flow,
        level=level,
        notes=tuple(notes),
    )  # fmt: skip


def _measures(
    seed: int,
    frame: pl.DataFrame,
    term: MarkerTerm,
    found: Population,
    state: StateAtHorizon,
    thresholds: Sequence[float],
    binary: bool,
) -> dict[str, tuple[float, Array]]:
    """Return each measure of a marker with the patients' influences on it."""
    time, code = frame["time"].to_numpy(), frame["event"].to_numpy()
    raw = frame[term.text].to_numpy()
    value = term.on_model_scale(raw)
    if not value.std() > 0:
        raise CohortError(
            f"marker '{term.text}' is {raw[0]:g} in all {raw.size} patients who have every marker, "
            "so it cannot be compared"
        )
    scaled = value if binary else value / value.std(ddof=1)
    clinical = found.clinical(frame)
    x = np.column_stack([value, clinical])
    risk = cross_fitted_risk(
        np.random.default_rng(seed), time, code, covariates=x, horizon=state.horizon
    )
    ranking = risk if found.covariates else value
    out = {
        "log_hazard_ratio": _log_hazard_ratio(time, code, np.column_stack([scaled, clinical])),
        "auc": area(state, ranking),
        "brier": brier(state, risk),
    }
    if not (code > 1).any():
        c = uno_concordance(time, code == 1, risk=ranking, horizon=state.horizon)
        out["concordance"] = (c.value, c.influence)
    if binary and not found.covariates:
        sensitivity = share_positive(state, value > 0.5, among_cases=True)
        false, part = share_positive(state, value > 0.5, among_cases=False)
        out |= {"sensitivity": sensitivity, "specificity": (1 - false, -part)}
    for cut in thresholds:
        out[f"net_benefit_at_{cut:g}"] = net_benefit(state, risk >= cut, cut)
    return out


def _log_hazard_ratio(time: Array, code: NDArray[np.int64], x: Array) -> tuple[float, Array]:
    """Return the first coefficient of a Cox model and each patient's influence on it."""
    fit = cox_regression(time, code == 1, covariates=x)
    residuals = score_residuals_of(fit.data, fit.coefficients, fit.ties) @ fit.model_variance
    return float(fit.coefficients[0]), fit.data.in_given_order(residuals[:, 0])


def _row(
    marker: str, metric: str, estimate: float, influence: Array, level: float
) -> dict[str, Any]:
    _, low, high = interval(estimate, influence, level)
    return {"marker": marker, "metric": metric, "estimate": estimate, "ci_low": float(low),
            "ci_high": float(high)}  # fmt: skip


def _difference(
    metric: str,
    first: tuple[float, Array],
    second: tuple[float, Array],
    horizon: float,
    level: float,
) -> dict[str, Any]:
    found = influence_difference(metric, horizon, first[0] - second[0], first[1] - second[1], level)
    return {"metric": metric, "estimate": found.estimate, "ci_low": found.low,
            "ci_high": found.high, "p": found.p}  # fmt: skip
