"""Everything that is asked of one marker: curves, hazard ratios, accuracy, added value, cut-point.

Each part is done where the data allow it; where they do not, a note says why, and the rest stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.absolute_risk import cross_fitted_risk
from marrowtrace.survival.added_value import AddedValue, added_value
from marrowtrace.survival.calibration import Calibration, calibration
from marrowtrace.survival.competing_risks import CumulativeIncidence, cumulative_incidence
from marrowtrace.survival.concordance import Concordance, uno_concordance
from marrowtrace.survival.cox import CoxFit, cox_regression
from marrowtrace.survival.cut_points import CutPoint, cut_point
from marrowtrace.survival.fine_gray import fine_gray
from marrowtrace.survival.gray import GrayTest, gray_test
from marrowtrace.survival.inverse_censoring import state_at_horizon
from marrowtrace.survival.kaplan_meier import SurvivalCurve, kaplan_meier
from marrowtrace.survival.log_rank import LogRankTest, log_rank_test
from marrowtrace.survival.marker_words import MarkerTerm
from marrowtrace.survival.net_benefit import DecisionCurve, decision_curve
from marrowtrace.survival.population import Population
from marrowtrace.survival.proportional_hazards import (
    ProportionalHazardsTest,
    proportional_hazards_test,
)
from marrowtrace.survival.restricted_mean import (
    RestrictedMean,
    restricted_mean_difference,
    restricted_mean_of,
)
from marrowtrace.survival.time_dependent_accuracy import Accuracy, brier_score, time_dependent_auc
from marrowtrace.units import DAYS_PER_YEAR

Array = NDArray[np.float64]
_Result = TypeVar("_Result")
_FINE_GRAY_ROWS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What all markers of an analysis share.

    Parameters
    ----------
    horizon : float
        Days after the landmark at which predictions are judged.
    thresholds : tuple of float
        Risks from which one would treat.
    bootstrap, permutations : int
    level : float
    """

    horizon: float
    thresholds: tuple[float, ...] = (0.1, 0.2, 0.3)
    bootstrap: int = 200
    permutations: int = 1999
    level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerPrognosis:
    """What one marker tells of the endpoint.

    Parameters
    ----------
    term : MarkerTerm
    patients, events, competing : int
        Analysed (at risk with a known value), with the event, with a competing event.
    high : int
        Patients in the high group.
    group_names : tuple of str
        Low and high group, for curves.
    cox : CoxFit
        Of the marker alone; cause-specific.
    subdistribution : CoxFit or None
        Fine-Gray model; None without competing events.
    adjusted : CoxFit or None
        With the clinical variables.
    proportional : ProportionalHazardsTest or None
    curves : mapping of str to SurvivalCurve
        By group: free of the event, or of every event where there are competing ones.
    incidence : mapping of str to CumulativeIncidence
        By group; empty without competing events.
    log_rank : LogRankTest or None
    gray : GrayTest or None
    gain : RestrictedMean or None
        Mean event-free time up to the horizon, low less high group.
    auc, brier : Accuracy or None
    concordance : Concordance or None
        Uno's, up to the horizon; None with competing events.
    calibration : Calibration or None
    decision : DecisionCurve or None
    decision_at : DecisionCurve or None
        At the thresholds asked for.
    added : AddedValue or None
    cut : CutPoint or None
    notes : tuple of str
    """

    term: MarkerTerm
    patients: int
    events: int
    competing: int
    high: int
    group_names: tuple[str, str]
    cox: CoxFit
    subdistribution: CoxFit | None
    adjusted: CoxFit | None
    proportional: ProportionalHazardsTest | None
    curves: Mapping[str, SurvivalCurve]
    incidence: Mapping[str, CumulativeIncidence]
    log_rank: LogRankTest | None
    gray: GrayTest | None
    gain: RestrictedMean | None
    auc: Accuracy | None
    brier: Accuracy | None
    concordance: Concordance | None
    calibration: Calibration | None
    decision: DecisionCurve | None
    decision_at: DecisionCurve | None
    added: AddedValue | None
    cut: CutPoint | None
    notes: tuple[str, ...]

    @property
    def models(self) -> dict[str, CoxFit]:
        """The models by name."""
        found = {
            "marker alone": self.cox,
            "marker alone, Fine-Gray": self.subdistribution,
            "with clinical variables": self.adjusted,
        }
        return {name: fit for name, fit in found.items() if fit is not None}

    def hazard_ratios(self) -> pl.DataFrame:
        """Return one row a model and covariate."""
        parts = [
            fit.table().select(
                pl.lit(self.term.text).alias("marker"), pl.lit(name).alias("model"),
                pl.exclude("z"), pl.lit(fit.penalised).alias("penalised"),
            )
            for name, fit in self.models.items()
        ]  # fmt: skip
        return pl.concat(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the results as JSON-ready values; parts that were not done are null."""
        parts = {
            "proportional_hazards": self.proportional, "log_rank": self.log_rank,
            "gray": self.gray, "restricted_mean_difference": self.gain, "auc": self.auc,
            "brier": self.brier, "concordance": self.concordance,
            "calibration": self.calibration, "net_benefit": self.decision_at,
            "added_value": self.added, "cut_point": self.cut,
        }  # fmt: skip
        return {
            "marker": self.term.text,
            "kind": self.term.kind,
            "hazard_ratio_compares": self.term.scale,
            "patients": self.patients,
            "events": self.events,
            "competing_events": self.competing,
            "groups": {
                self.group_names[0]: self.patients - self.high,
                self.group_names[1]: self.high,
            },
            "models": {name: fit.to_json() for name, fit in self.models.items()},
            **{name: None if part is None else part.to_json() for name, part in parts.items()},
            "notes": list(self.notes),
        }


def marker_prognosis(
    rng: np.random.Generator, found: Population, term: MarkerTerm, settings: Settings
) -> MarkerPrognosis:
    """Analyse one marker in the patients in whom it is known.

    Parameters
    ----------
    rng : numpy.random.Generator
        For cross-validation, bootstrap and permutations.
    found : Population
    term : MarkerTerm
    settings : Settings

    Raises
    ------
    CohortError
        If the marker is the same in all patients, or none of those who have it had the event.
    """
    frame = found.complete([term.text])
    time, code = frame["time"].to_numpy(), frame["event"].to_numpy()
    raw = frame[term.text].to_numpy()
    value = term.on_model_scale(raw)
    event, level = code == 1, settings.level
    rivals = bool((code > 1).any())
    notes: list[str] = []
    missing = found.frame.height - frame.height
    if missing:
        notes.append(f"{missing} of {found.frame.height} patients at risk have no value: left out")
    cox = cox_regression(time, event, covariates={term.text: value}, level=level)
    high, names = term.groups(raw)
    labels = np.where(high, names[1], names[0])
    split = bool(high.any() and not high.all())
    if not split:
        notes.append("all values fall in one group, so no curves are compared")
    part = _Parts(notes)
    risk = part(
        "prediction",
        lambda: cross_fitted_risk(rng, time, code, covariates=value, horizon=settings.horizon),
    )
    predicted = np.empty(0) if risk is None else risk
    groups = list(names) if split else []
    curves = {g: kaplan_meier(time[labels == g], code[labels == g] > 0, level=level)
              for g in groups}  # fmt: skip
    fits = part("adjusted model", lambda: _adjusted(found, term, settings))
    at = settings.horizon
    many = float((code > 1).sum()) * np.unique(time[code == 0]).size
    if rivals and many > _FINE_GRAY_ROWS:
        notes.append("Fine-Gray model: not done; too many patients and days for its weighted rows")
    return MarkerPrognosis(
        term=term,
        patients=frame.height,
        events=int(event.sum()),
        competing=int((code > 1).sum()),
        high=int(high.sum()),
        group_names=names,
        cox=cox,
        subdistribution=part("Fine-Gray model", lambda: fine_gray(
            time, code, covariates={term.text: value}, level=level,
        )) if rivals and many <= _FINE_GRAY_ROWS else None,
        adjusted=fits,
        proportional=part("test of proportional hazards", lambda: proportional_hazards_test(cox)),
        curves=curves,
        incidence=part("cumulative incidence", lambda: {
            g: cumulative_incidence(time[labels == g], code[labels == g], level=level)
            for g in groups
        }) or {} if rivals and split else {},
        log_rank=part("log-rank test", lambda: log_rank_test(time, event, group=labels))
        if split else None,
        gray=part("Gray's test", lambda: gray_test(time, code, group=labels))
        if rivals and split else None,
        gain=part("restricted means", lambda: restricted_mean_difference(
            *(restricted_mean_of(curve, horizon=at) for curve in curves.values()), level=level,
        )) if split else None,
        auc=part("area under the ROC curve", lambda: _auc_over_time(time, code, value, settings)),
        brier=part("Brier score", lambda: brier_score(
            time, code, risk=predicted, horizons=[at], level=level,
        )) if risk is not None else None,
        concordance=None if rivals else part("concordance", lambda: uno_concordance(
            time, event, risk=value, horizon=at, level=level,
        )),
        calibration=part("calibration", lambda: calibration(
            time, code, risk=np.clip(predicted, 1e-9, 1 - 1e-9), horizon=at, level=level,
        )) if risk is not None else None,
        decision=part("decision curve", lambda: decision_curve(
            time, code, risk=predicted, horizon=at, thresholds=_grid(predicted), level=level,
        )) if risk is not None else None,
        decision_at=part("net benefit", lambda: decision_curve(
            time, code, risk=predicted, horizon=at, thresholds=settings.thresholds, level=level,
        )) if risk is not None else None,
        added=_added(rng, found, term, settings, part),
        cut=None if term.kind == "binary" else part("cut-point", lambda: cut_point(
            rng, time, event, marker=raw, permutations=settings.permutations, level=level,
        )),
        notes=tuple(dict.fromkeys([*notes, *cox.notes, *(fits.notes if fits else ())])),
    )  # fmt: skip


class _Parts:
    """Does the parts of an analysis, and notes those that the data do not allow."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes

    def __call__(self, what: str, do: Callable[[], _Result]) -> _Result | None:
        try:
            return do()
        except CohortError as err:
            self.notes.append(f"{what}: not done; {err}")
            return None


def _columns(found: Population, term: MarkerTerm) -> tuple[pl.DataFrame, Array, Array]:
    """Return the patients with marker and clinical variables known, the latter, and the marker."""
    frame = found.complete([term.text, *found.covariates])
    value = term.on_model_scale(frame[term.text].to_numpy())
    return frame, found.clinical(frame), value


def _adjusted(found: Population, term: MarkerTerm, settings: Settings) -> CoxFit | None:
    if not found.covariates:
        return None
    frame, clinical, value = _columns(found, term)
    return cox_regression(
        frame["time"], frame["event"] == 1, covariates=np.column_stack([value, clinical]),
        names=[term.text, *found.covariates], level=settings.level,
    )  # fmt: skip


def _added(
    rng: np.random.Generator, found: Population, term: MarkerTerm, settings: Settings, part: _Parts
) -> AddedValue | None:
    if not found.covariates:
        return None
    frame, clinical, value = _columns(found, term)
    return part(
        "added value",
        lambda: added_value(
            rng, frame["time"].to_numpy(), frame["event"].to_numpy(), clinical=clinical,
            marker=value, horizon=settings.horizon, thresholds=settings.thresholds,
            replicates=settings.bootstrap, level=settings.level,
        ),
    )  # fmt: skip


def _auc_over_time(
    time: Array, code: NDArray[np.int64], value: Array, settings: Settings
) -> Accuracy:
    """Estimate the area each year up to the horizon, where it can be; at the horizon it must."""
    step = DAYS_PER_YEAR if settings.horizon >= 2 * DAYS_PER_YEAR else settings.horizon / 4
    earlier = np.arange(step, settings.horizon - step / 2, step)
    days = [day for day in earlier.tolist() if _can_be_judged(time, code, day)]
    return time_dependent_auc(
        time, code, risk=value, horizons=[*days, settings.horizon], level=settings.level
    )


def _can_be_judged(time: Array, code: NDArray[np.int64], day: float) -> bool:
    try:
        return int(state_at_horizon(time, code, horizon=day).case.sum()) >= 5
    except CohortError:
        return False


def _grid(risk: Array) -> Sequence[float]:
    """Return thresholds up to a little above the highest risk, in steps of 1 %."""
    highest = min(0.9, float(risk.max()) + 0.05)
    return [k / 100 for k in range(1, max(6, int(highest * 100)) + 1)]


def joint_model(found: Population, settings: Settings) -> CoxFit | None:
    """Fit all markers and clinical variables in one model; None for one marker alone.

    Raises
    ------
    CohortError
        As `marrowtrace.survival.cox.cox_regression`.
    """
    if len(found.markers) < 2:
        return None
    frame = found.complete([*(t.text for t in found.markers), *found.covariates])
    columns = {t.text: t.on_model_scale(frame[t.text].to_numpy()) for t in found.markers}
    columns |= {name: frame[name].to_numpy() for name in found.covariates}
    return cox_regression(
        frame["time"], frame["event"] == 1, covariates=columns, level=settings.level
    )
