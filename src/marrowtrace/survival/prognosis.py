"""From a cohort to an answer: does a marker tell who will have the event?

Takes the patients at risk at the landmark with what was known by then (`population`), analyses each
marker on its own (`marker_prognosis`), all of them together, and, for several landmarks, the
stacked model of all landmarks (`landmark_model`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, ProblemList
from marrowtrace.survival.cox import CoxFit, check_level, json_rows
from marrowtrace.survival.kaplan_meier import SurvivalCurve, reverse_kaplan_meier
from marrowtrace.survival.landmark_model import LandmarkFit, landmark_cox, landmark_super_model
from marrowtrace.survival.marker_prognosis import (
    MarkerPrognosis,
    Settings,
    joint_model,
    marker_prognosis,
)
from marrowtrace.survival.marker_words import MarkerTerm, parse_markers
from marrowtrace.survival.population import Population, population
from marrowtrace.units import DAYS_PER_YEAR

FEW_EVENTS = 10
_YEARS = (5.0, 3.0, 2.0, 1.0, 0.5)


@dataclass(frozen=True, slots=True)
class LandmarkSeries:
    """One marker over several landmarks.

    Parameters
    ----------
    term : MarkerTerm
    ratios : DataFrame
        One row a landmark that could be analysed: ``landmark``, ``at_risk``, ``analysed``,
        ``events``, ``hazard_ratio``, ``low``, ``high``.
    stacked : LandmarkFit
        The super-model, coefficients free to change from the first to the last landmark.
    risks : DataFrame
        Dynamic prediction: ``landmark``, ``value`` (of the marker), ``risk`` of the event within
        the window, ``low``, ``high``.
    window : float
        Days after each landmark.
    """

    term: MarkerTerm
    ratios: pl.DataFrame
    stacked: LandmarkFit
    risks: pl.DataFrame
    window: float

    def table(self) -> pl.DataFrame:
        """Return the hazard ratio of each landmark."""
        return self.ratios

    def to_json(self) -> dict[str, Any]:
        """Return the series as JSON-ready values."""
        return {
            "marker": self.term.text,
            "window": self.window,
            "landmarks": json_rows(self.ratios),
            "stacked": self.stacked.fit.to_json(),
            "risks": json_rows(self.risks),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Prognosis:
    """The whole analysis.

    Parameters
    ----------
    found : Population
        Who was analysed.
    settings : Settings
    index_event : str
        What day 0 is.
    follow_up : SurvivalCurve
        Of still being followed after the landmark, by the reverse Kaplan-Meier method.
    markers : tuple of MarkerPrognosis
    joint : CoxFit or None
        All markers and clinical variables together; None for one marker.
    series : tuple of LandmarkSeries
        Empty for one landmark.
    notes : tuple of str
    """

    found: Population
    settings: Settings
    index_event: str
    follow_up: SurvivalCurve
    markers: tuple[MarkerPrognosis, ...]
    joint: CoxFit | None
    series: tuple[LandmarkSeries, ...]
    notes: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return one row a marker: what a reader wants first."""
        return pl.DataFrame([_summary(m) for m in self.markers])

    def hazard_ratios(self) -> pl.DataFrame:
        """Return one row a marker, model and covariate."""
        parts = [marker.hazard_ratios() for marker in self.markers]
        if self.joint is not None:
            parts.append(
                self.joint.table().select(
                    pl.lit("all").alias("marker"), pl.lit("all markers together").alias("model"),
                    pl.exclude("z"), pl.lit(self.joint.penalised).alias("penalised"),
                )
            )  # fmt: skip
        return pl.concat(parts)

    def characteristics(self) -> pl.DataFrame:
        """Return clinical variables by marker group: how the marker goes with what is known."""
        rows = []
        for marker in self.markers:
            frame = self.found.complete([marker.term.text])
            high, _ = marker.term.groups(frame[marker.term.text].to_numpy())
            for name in self.found.covariates:
                values = frame[name]
                rows.append(
                    {
                        "marker": marker.term.text,
                        "variable": name,
                        "mean_low": values.filter(pl.Series(~high)).mean(),
                        "mean_high": values.filter(pl.Series(high)).mean(),
                        "missing": values.null_count(),
                    }
                )
        schema = {"marker": pl.String, "variable": pl.String, "mean_low": pl.Float64,
                  "mean_high": pl.Float64, "missing": pl.Int64}  # fmt: skip
        return pl.DataFrame(rows, schema=schema)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-ready values."""
        followed = self.follow_up.median()[0]
        return {
            "endpoint": self.found.endpoint,
            "index_event": self.index_event,
            "landmark": self.found.landmark,
            "horizon": self.settings.horizon,
            "thresholds": list(self.settings.thresholds),
            "level": self.settings.level,
            "clinical_variables": list(self.found.covariates),
            "patients": self.found.frame.height,
            "events": int((self.found.frame["event"] == 1).sum()),
            "median_follow_up": followed if np.isfinite(followed) else None,
            "flow": self.found.flow.to_dicts(),
            "marker_ages": json_rows(self.found.ages),
            "markers": [marker.to_json() for marker in self.markers],
            "joint_model": None if self.joint is None else self.joint.to_json(),
            "landmarks": [series.to_json() for series in self.series],
            "notes": list(self.notes),
        }


def prognosis(
    rng: np.random.Generator,
    cohort: Cohort,
    endpoint: str,
    *,
    markers: Sequence[str],
    landmarks: Sequence[float] = (),
    covariates: Sequence[str] = (),
    horizon: float | None = None,
    thresholds: Sequence[float] = (0.1, 0.2, 0.3),
    bootstrap: int = 200,
    permutations: int = 1999,
    level: float = 0.95,
) -> Prognosis:
    """Ask of each marker whether it tells who will have the event.

    Parameters
    ----------
    rng : numpy.random.Generator
        For cross-validation, bootstrap and permutations.
    cohort : Cohort
    endpoint : str
        Code 1 is the event, 2 and above compete with it.
    markers : sequence of str
        As `marrowtrace.survival.marker_words` reads them, e.g. ``"DTC_post:>=1"``.
    landmarks : sequence of float
        Days. The analysis starts at the first; without any at day 0, with what was known then.
    covariates : sequence of str
        Clinical variables, columns of the patients table.
    horizon : float, optional
        Days after the landmark at which predictions are judged; left out: 5 years, or less where
        fewer than a tenth of the patients are followed so long.
    thresholds : sequence of float
        Risks in (0, 1) from which one would treat.
    bootstrap, permutations : int
    level : float

    Returns
    -------
    Prognosis

    Raises
    ------
    CohortError
        If a marker was measured only after the start of the analysis (immortal time), nobody is at
        risk or has the event, a name is unknown, or a setting is outside its range.
    """
    check_level(level)
    check_thresholds(thresholds)
    terms = parse_markers(markers, cohort)
    days = sorted(set(landmarks))
    start = days[0] if days else None
    found = population(cohort, endpoint, markers=terms, covariates=covariates, landmark=start)
    at, why = chosen_horizon(found, horizon)
    settings = Settings(
        horizon=at, thresholds=tuple(thresholds), bootstrap=bootstrap, permutations=permutations,
        level=level,
    )  # fmt: skip
    notes = [*found.notes, *why]
    events = int((found.frame["event"] == 1).sum())
    if events < FEW_EVENTS:
        notes.append(
            f"{events} event(s) in all: fewer than {FEW_EVENTS}, so every number here is uncertain "
            "beyond its interval, and a missing difference is no sign of none"
        )
    problems = ProblemList()
    analysed = []
    for term in terms:
        try:
            analysed.append(marker_prognosis(rng, found, term, settings))
        except CohortError as err:
            problems.add(term.text, str(err))
    problems.raise_any(CohortError, "the analysis of the markers")
    joint = None
    try:
        joint = joint_model(found, settings)
    except CohortError as err:
        notes.append(f"model of all markers together: not done; {err}")
    series = [_series(cohort, found, term, days, settings, notes)
              for term in terms if len(days) > 1]  # fmt: skip
    return Prognosis(
        found=found,
        settings=settings,
        index_event=cohort.index_event,
        follow_up=reverse_kaplan_meier(found.frame["time"], found.frame["event"], level=level),
        markers=tuple(analysed),
        joint=joint,
        series=tuple(s for s in series if s is not None),
        notes=tuple(notes),
    )


def check_thresholds(thresholds: Sequence[float]) -> None:
    """Refuse thresholds outside (0, 1), or none."""
    if not thresholds or not all(0 < cut < 1 for cut in thresholds):
        listed = ", ".join(f"{cut:g}" for cut in thresholds) or "(none)"
        raise CohortError(f"thresholds {listed} must be risks inside (0, 1), e.g. 0.1")


def chosen_horizon(found: Population, horizon: float | None) -> tuple[float, list[str]]:
    """Return the horizon, and a note if it had to be chosen.

    Raises
    ------
    CohortError
        If the horizon asked for is not above 0 or nobody is followed so long.
    """
    time = found.frame["time"].to_numpy()
    if horizon is not None:
        if not 0 < horizon < time.max():
            raise CohortError(
                f"the horizon is {horizon:g} days after the start of the analysis, but follow-up "
                f"ends after {time.max():g}; choose one between"
            )
        return float(horizon), []
    for years in _YEARS:
        day = years * DAYS_PER_YEAR
        if (time > day).mean() >= 0.1:
            return day, [
                f"predictions are judged at {years:g} year(s) after day {found.landmark:g}: the "
                "longest of 5, 3, 2, 1 and 0.5 years for which at least a tenth of the patients "
                "are followed"
            ]
    day = float(np.quantile(time, 0.9))
    return day, [f"follow-up is short: predictions are judged {day:g} days after the start"]


def _series(
    cohort: Cohort,
    found: Population,
    term: MarkerTerm,
    days: Sequence[float],
    settings: Settings,
    notes: list[str],
) -> LandmarkSeries | None:
    """Analyse one marker at each landmark and at all together."""
    rows, marker = [], term.modelled()
    for day in days:
        try:
            one = landmark_cox(
                cohort, found.endpoint, landmark=day, markers=[marker], window=settings.horizon,
                level=settings.level,
            )  # fmt: skip
        except CohortError as err:
            notes.append(f"{term.text} at the landmark on day {day:g}: not done; {err}")
            continue
        ratio, low, high = one.table().select("hazard_ratio", "low", "high").row(0)
        counts = one.data.counts.row(0, named=True)
        rows.append({"landmark": day, "at_risk": counts["at_risk"], "analysed": counts["analysed"],
                     "events": counts["events"], "hazard_ratio": ratio, "low": low,
                     "high": high})  # fmt: skip
    usable = [row["landmark"] for row in rows]
    if len(usable) < 2:
        return None
    try:
        stacked = landmark_super_model(
            cohort, found.endpoint, landmarks=usable, markers=[marker], window=settings.horizon,
            interactions=True, level=settings.level,
        )  # fmt: skip
        risks = _dynamic(stacked, term, settings)
    except CohortError as err:
        notes.append(f"{term.text}, all landmarks together: not done; {err}")
        return None
    return LandmarkSeries(term, pl.DataFrame(rows), stacked, risks, settings.horizon)


def _dynamic(stacked: LandmarkFit, term: MarkerTerm, settings: Settings) -> pl.DataFrame:
    """Predict the risk within the window at each landmark for a low and a high value."""
    known = stacked.data.frame[term.text].to_numpy()
    chosen: NDArray[np.float64] = np.quantile(known, [0.25, 0.75])
    words = [f"value {_back(term, v):.3g}" for v in chosen]
    if term.kind == "binary":
        chosen, words = np.array([0.0, 1.0]), ["negative", "positive"]
    elif term.kind == "count":
        chosen, words = np.array([0.0, np.log2(3.0)]), ["no cell", "2 cells"]
    rows = []
    for day in stacked.landmarks:
        last = float(stacked.data.frame.filter(pl.col("landmark") == day)["time"].max() or 0.0)  # type: ignore[arg-type]
        for value, word in zip(chosen, words, strict=True):
            later = stacked.predict(
                {term.text: float(value)}, landmark=day, days=min(settings.horizon, last),
                level=settings.level,
            )  # fmt: skip
            rows.append(
                {
                    "landmark": day,
                    "value": word,
                    "risk": 1 - float(later.survival[0, 0]),
                    "low": 1 - float(later.high[0, 0]),
                    "high": 1 - float(later.low[0, 0]),
                }
            )
    return pl.DataFrame(rows)


def _back(term: MarkerTerm, value: float) -> float:
    """Return a value on the scale measured."""
    signed = -value if term.low else value
    return float(2**signed) if term.log else float(signed)


def _summary(marker: MarkerPrognosis) -> dict[str, Any]:
    row = marker.cox.table().row(0, named=True)
    adjusted = marker.adjusted.table().row(0, named=True) if marker.adjusted else None
    auc = marker.auc.table().row(-1, named=True) if marker.auc else None
    return {
        "marker": marker.term.text,
        "compares": marker.term.scale,
        "patients": marker.patients,
        "high_group": marker.high,
        "events": marker.events,
        "hazard_ratio": row["hazard_ratio"],
        "low": row["low"],
        "high": row["high"],
        "p": row["p"],
        "adjusted_hazard_ratio": adjusted["hazard_ratio"] if adjusted else None,
        "adjusted_low": adjusted["low"] if adjusted else None,
        "adjusted_high": adjusted["high"] if adjusted else None,
        "auc": auc["value"] if auc else None,
        "auc_low": auc["low"] if auc else None,
        "auc_high": auc["high"] if auc else None,
    }
