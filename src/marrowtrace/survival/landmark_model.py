"""Cox models at landmarks: what a marker tells of the future once it is known.

At a landmark the patients still at risk are followed anew, with the last value of each marker known
by then (Anderson, Cain and Gelber 1983, J. Clin. Oncol. 1:710-719). Several landmarks are stacked
into one super-model, each with its baseline hazard, with coefficients that may change from landmark
to landmark and the sandwich variance by patient, since one patient comes in many times (van
Houwelingen 2007, Scand. J. Stat. 34:70-85).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, did_you_mean
from marrowtrace.survival.cox import CoxFit, cox_regression, json_rows
from marrowtrace.survival.cox_prediction import PredictedSurvival, predict_survival
from marrowtrace.survival.marker import Marker


@dataclass(frozen=True, slots=True)
class LandmarkData:
    """Patients at risk at one or several landmarks, with what is known of them.

    Parameters
    ----------
    frame : DataFrame
        One row a patient and landmark: ``patient_id``, ``landmark`` [day], ``time`` (days after
        the landmark), ``event`` (follow-up code; 0 after the window), then markers and covariates.
    counts : DataFrame
        One row a landmark: ``landmark``, ``at_risk``, ``analysed``, ``without_value`` (left out
        because a marker or covariate is missing), ``events`` (code 1).
    columns : tuple of str
        Names of markers and covariates.
    endpoint : str
    window : float or None
        Days after each landmark at which follow-up is cut.
    """

    frame: pl.DataFrame
    counts: pl.DataFrame
    columns: tuple[str, ...]
    endpoint: str
    window: float | None

    def table(self) -> pl.DataFrame:
        """Return how many patients each landmark has."""
        return self.counts

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON-ready values."""
        return {
            "endpoint": self.endpoint,
            "window": self.window,
            "columns": list(self.columns),
            "landmarks": json_rows(self.counts),
        }


@dataclass(frozen=True, slots=True)
class LandmarkFit:
    """A Cox model at one landmark, or the super-model of several.

    Parameters
    ----------
    fit : CoxFit
        With interactions, ``marker`` is the coefficient at the first landmark and
        ``marker:landmark`` its change from the first landmark to the last.
    data : LandmarkData
    landmarks : tuple of float
    interactions : bool
    """

    fit: CoxFit
    data: LandmarkData
    landmarks: tuple[float, ...]
    interactions: bool

    def table(self) -> pl.DataFrame:
        """Return one row a coefficient."""
        return self.fit.table()

    def to_json(self) -> dict[str, Any]:
        """Return fit and counts as JSON-ready values."""
        return {
            "landmarks": list(self.landmarks),
            "interactions": self.interactions,
            "fit": self.fit.to_json(),
            "data": self.data.to_json(),
        }

    def predict(
        self, values: dict[str, float], *, landmark: float, days: float, level: float = 0.95
    ) -> PredictedSurvival:
        """Predict survival ``days`` after a landmark of a patient then at risk.

        Parameters
        ----------
        values : dict of str to float
            Value of each marker and covariate known at the landmark.
        landmark : float
            One of the model's.
        days : float
            Days after the landmark.
        level : float

        Raises
        ------
        CohortError
            If the landmark is not one of the model's, or a value is missing.
        """
        if landmark not in self.landmarks:
            allowed = ", ".join(f"{s:g}" for s in self.landmarks)
            raise CohortError(f"day {landmark:g} is not a landmark of the model: {allowed}")
        row = dict(values)
        if self.interactions:
            place = float(_scaled(np.array([landmark]), self.landmarks)[0])
            row |= {f"{name}:landmark": value * place for name, value in values.items()}
        stratum = _label(landmark) if len(self.landmarks) > 1 else None
        return predict_survival(self.fit, row, times=[days], stratum=stratum, level=level)


def landmark_data(
    cohort: Cohort,
    endpoint: str,
    *,
    landmarks: Sequence[float],
    markers: Sequence[Marker],
    covariates: Sequence[str] = (),
    window: float | None = None,
) -> LandmarkData:
    """Stack the patients at risk at each landmark with what is known of them by then.

    Parameters
    ----------
    cohort : Cohort
    endpoint : str
    landmarks : sequence of float
        Days from the index event.
    markers : sequence of Marker
    covariates : sequence of str
        Numeric columns of the patients table, known at baseline.
    window : float, optional
        Cut follow-up this many days after each landmark.

    Returns
    -------
    LandmarkData

    Raises
    ------
    CohortError
        If there is no landmark, the endpoint, a marker or a covariate is unknown, nobody is at
        risk, or a marker was measured only after a landmark (immortal time).
    """
    days = sorted(set(landmarks))
    if not days:
        raise CohortError("no landmark was given; name at least one day, e.g. 180")
    if window is not None and not window > 0:
        raise CohortError(f"the window is {window:g} days; allowed: above 0")
    columns = (*(marker.name for marker in markers), *covariates)
    if len(set(columns)) < len(columns):
        raise CohortError(f"markers and covariates share a name: {', '.join(columns)}")
    baseline = _baseline(cohort, covariates)
    frames, counts = [], []
    for day in days:
        at_risk = cohort.at(day).at_risk(endpoint)
        if not at_risk.height:
            raise CohortError(
                f"nobody is at risk of '{endpoint}' after day {day:g}; choose an earlier landmark"
            )
        frame = at_risk.join(baseline, on="patient_id", how="left", maintain_order="left")
        for marker in markers:
            known = marker.known(cohort, landmark=day, endpoint=endpoint)
            known = known.rename({"value": marker.name})
            frame = frame.join(known, on="patient_id", how="left", maintain_order="left")
        whole = frame.drop_nulls(columns)
        if window is not None:
            whole = whole.with_columns(
                pl.when(pl.col("time") <= window).then("event").otherwise(0).alias("event"),
                pl.min_horizontal("time", pl.lit(float(window))).alias("time"),
            )
        frames.append(
            whole.select(
                "patient_id", pl.lit(float(day)).alias("landmark"), "time", "event", *columns
            )
        )
        counts.append(
            {
                "landmark": float(day),
                "at_risk": at_risk.height,
                "analysed": whole.height,
                "without_value": at_risk.height - whole.height,
                "events": int((whole["event"] == 1).sum()),
            }
        )
    return LandmarkData(pl.concat(frames), pl.DataFrame(counts), columns, endpoint, window)


def landmark_cox(
    cohort: Cohort,
    endpoint: str,
    *,
    landmark: float,
    markers: Sequence[Marker],
    covariates: Sequence[str] = (),
    window: float | None = None,
    level: float = 0.95,
) -> LandmarkFit:
    """Fit a Cox model to the patients at risk at a landmark.

    Competing events end the time at risk, so hazard ratios are cause-specific.

    Parameters
    ----------
    cohort, endpoint, markers, covariates, window
        As in `landmark_data`.
    landmark : float
        Day; 0 uses what was known at the index event.
    level : float

    Returns
    -------
    LandmarkFit

    Raises
    ------
    CohortError
        As `landmark_data` and `marrowtrace.survival.cox.cox_regression`.
    """
    data = landmark_data(
        cohort, endpoint, landmarks=[landmark], markers=markers, covariates=covariates,
        window=window,
    )  # fmt: skip
    frame = data.frame
    fit = cox_regression(
        frame["time"], frame["event"] == 1, covariates=frame.select(data.columns), level=level
    )
    return LandmarkFit(fit, data, (float(landmark),), False)


def landmark_super_model(
    cohort: Cohort,
    endpoint: str,
    *,
    landmarks: Sequence[float],
    markers: Sequence[Marker],
    window: float,
    covariates: Sequence[str] = (),
    interactions: bool = False,
    level: float = 0.95,
) -> LandmarkFit:
    """Fit one Cox model to several landmarks at once.

    Parameters
    ----------
    cohort, endpoint, markers, covariates
        As in `landmark_data`.
    landmarks : sequence of float
        Two days or more.
    window : float
        Days after each landmark for which predictions are wanted; follow-up is cut there.
    interactions : bool
        Whether coefficients may change linearly from the first landmark to the last.
    level : float

    Returns
    -------
    LandmarkFit
        Baseline hazards by landmark, sandwich variance by patient.

    Raises
    ------
    CohortError
        As `landmark_data` and `marrowtrace.survival.cox.cox_regression`; or if there are fewer
        than two landmarks.
    """
    data = landmark_data(
        cohort, endpoint, landmarks=landmarks, markers=markers, covariates=covariates,
        window=window,
    )  # fmt: skip
    days = tuple(data.counts["landmark"].to_list())
    if len(days) < 2:
        raise CohortError(
            f"a super-model needs two landmarks or more; only day {days[0]:g} was given"
        )
    frame = data.frame
    x = frame.select(data.columns)
    if interactions:
        place = pl.Series("place", _scaled(frame["landmark"].to_numpy(), days))
        x = x.with_columns((pl.col(c) * place).alias(f"{c}:landmark") for c in data.columns)
    fit = cox_regression(
        frame["time"], frame["event"] == 1, covariates=x,
        strata=[_label(day) for day in frame["landmark"]],
        cluster=frame["patient_id"], level=level,
    )  # fmt: skip
    return LandmarkFit(fit, data, days, interactions)


def _label(day: float) -> str:
    """Name of a landmark's stratum."""
    return f"day {day:g}"


def _scaled(days: NDArray[np.float64], landmarks: tuple[float, ...]) -> NDArray[np.float64]:
    """Place of days between the first landmark (0) and the last (1)."""
    return (days - landmarks[0]) / (landmarks[-1] - landmarks[0])


def _baseline(cohort: Cohort, covariates: Sequence[str]) -> pl.DataFrame:
    """Return the covariates as numbers, one row a patient."""
    patients = cohort.patients
    for name in covariates:
        if name not in patients.columns:
            hint = did_you_mean(name, patients.columns)
            raise CohortError(f"the patients have no column '{name}'{hint}")
        if not (patients[name].dtype.is_numeric() or patients[name].dtype == pl.Boolean):
            raise CohortError(
                f"covariate '{name}' is {patients[name].dtype}, not a number; add a column that "
                "codes its groups as 0 and 1"
            )
    return patients.select("patient_id", *(pl.col(c).cast(pl.Float64) for c in covariates))
