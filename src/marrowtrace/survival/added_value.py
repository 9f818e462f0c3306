"""What a marker adds to what is known without it.

Two nested models, of the clinical variables alone and with the marker, are compared by the
likelihood ratio test, and by the change in how well they predict: area under the ROC curve, Brier
score and net benefit at a horizon. Judged on the patients they were fitted to, models look better
than they are; the bootstrap estimates by how much (Harrell, Lee and Mark 1996, Stat. Med.
15:361-387), and the percentile interval of the resampled changes is moved by the same amount (the
location-shifted interval of Noma et al. 2021, Stat. Med. 40:5691-5701).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.absolute_risk import AbsoluteRisk, absolute_risk
from marrowtrace.survival.competing_risks import checked
from marrowtrace.survival.cox import CoxFit, WholeTest, check_level, json_rows, plain
from marrowtrace.survival.inverse_censoring import StateAtHorizon, state_at_horizon
from marrowtrace.survival.weighted_measures import area, brier, net_benefit

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AddedValue:
    """A model with the marker against one without.

    Parameters
    ----------
    without, with_marker : CoxFit
        Cause-specific Cox models on the same patients.
    likelihood_ratio : WholeTest
        That the marker adds nothing; NaN if a model had to be penalised.
    changes : DataFrame
        One row a measure: ``metric``, ``without``, ``with_marker`` (both on the patients fitted),
        ``optimism``, ``change`` (less the optimism), ``low``, ``high``. For the Brier score a
        change below 0 is the better.
    horizon : float
        Days.
    replicates, failed : int
        Bootstrap samples, and those in which a model could not be fitted or judged.
    level : float
    """

    without: CoxFit
    with_marker: CoxFit
    likelihood_ratio: WholeTest
    changes: pl.DataFrame
    horizon: float
    replicates: int
    failed: int
    level: float

    def table(self) -> pl.DataFrame:
        """Return one row a measure."""
        return self.changes

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready values."""
        test = self.likelihood_ratio
        return {
            "horizon": self.horizon,
            "level": self.level,
            "replicates": self.replicates,
            "failed": self.failed,
            "likelihood_ratio": {
                "statistic": plain(test.statistic), "degrees": test.degrees, "p": plain(test.p),
            },
            "changes": json_rows(self.changes),
        }  # fmt: skip


def added_value(
    rng: np.random.Generator,
    time: ArrayLike,
    event: ArrayLike,
    *,
    clinical: ArrayLike,
    marker: ArrayLike,
    horizon: float,
    thresholds: Sequence[float],
    cause: int = 1,
    replicates: int = 200,
    level: float = 0.95,
) -> AddedValue:
    """Estimate what a marker adds to clinical variables.

    Parameters
    ----------
    rng : numpy.random.Generator
        For the bootstrap.
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    clinical : array_like of float, shape (n, p)
    marker : array_like of float, shape (n,) or (n, m)
    horizon : float
        Days.
    thresholds : sequence of float
        Risks in (0, 1) from which one would treat, for the net benefit.
    cause : int
    replicates : int
        Bootstrap samples, at least 20.
    level : float

    Returns
    -------
    AddedValue

    Raises
    ------
    CohortError
        If the rows are at fault, there is no clinical variable, a setting is outside its range, or
        more than half of the bootstrap samples cannot be fitted.
    """
    check_level(level)
    times, codes, _ = checked(time, event)
    base = np.asarray(clinical, dtype=np.float64).reshape(times.size, -1)
    if base.shape[1] == 0:
        raise CohortError(
            "added value needs clinical variables to add to; name them, e.g. --adjust age,nodes"
        )
    if replicates < 20:
        raise CohortError(f"{replicates} bootstrap samples are too few; allowed: 20 or more")
    if not thresholds or not all(0 < cut < 1 for cut in thresholds):
        raise CohortError("thresholds must be risks inside (0, 1), e.g. 0.1")
    full = np.column_stack([base, np.asarray(marker, dtype=np.float64).reshape(times.size, -1)])
    state = state_at_horizon(times, codes, horizon=horizon, cause=cause)
    models = [absolute_risk(times, codes, covariates=x, cause=cause) for x in (base, full)]
    values = np.array([_measures(m, x, state, thresholds) for m, x in zip(models, (base, full),
                                                                         strict=True)])  # fmt: skip
    resampled, optimism = [], []
    for _ in range(replicates):
        rows = rng.integers(0, times.size, times.size)
        try:
            drawn = state_at_horizon(times[rows], codes[rows], horizon=horizon, cause=cause)
            change = np.zeros((2, values.shape[1]))
            for sign, x in ((-1, base), (1, full)):
                model = absolute_risk(
                    times[rows], codes[rows], covariates=x[rows], cause=cause, profile=False
                )
                change[0] += sign * _measures(model, x[rows], drawn, thresholds)
                change[1] += sign * _measures(model, x, state, thresholds)
        except CohortError:
            continue
        resampled.append(change[0])
        optimism.append(change[0] - change[1])
    failed = replicates - len(resampled)
    if failed > replicates / 2:
        raise CohortError(
            f"in {failed} of {replicates} bootstrap samples no model could be fitted, so the "
            "change has no interval: events are too few for so many variables"
        )
    extra = np.mean(optimism, axis=0)
    tail = (1 - level) / 2
    low, high = np.quantile(np.array(resampled), [tail, 1 - tail], axis=0) - extra
    fits = [model.hazards[0].fit for model in models]
    assert fits[0] is not None
    assert fits[1] is not None
    changes = pl.DataFrame(
        {
            "metric": ["auc", "brier", *(f"net_benefit_at_{cut:g}" for cut in thresholds)],
            "without": values[0],
            "with_marker": values[1],
            "optimism": extra,
            "change": values[1] - values[0] - extra,
            "low": low,
            "high": high,
        }
    )
    return AddedValue(
        fits[0], fits[1], _likelihood_ratio(fits[0], fits[1]), changes, float(horizon),
        replicates, failed, level,
    )  # fmt: skip


def _measures(
    model: AbsoluteRisk, x: Array, state: StateAtHorizon, thresholds: Sequence[float]
) -> Array:
    """Return area, Brier score and net benefits of a model on the patients of ``state``."""
    risk = model.predict(x, horizon=state.horizon)
    benefits = [net_benefit(state, risk >= cut, cut)[0] for cut in thresholds]
    return np.array([area(state, risk)[0], brier(state, risk)[0], *benefits])


def _likelihood_ratio(without: CoxFit, with_marker: CoxFit) -> WholeTest:
    from scipy.special import chdtrc

    degrees = len(with_marker.names) - len(without.names)
    if without.penalised or with_marker.penalised:
        return WholeTest(float("nan"), degrees, float("nan"))
    statistic = max(0.0, 2 * (with_marker.log_likelihood[1] - without.log_likelihood[1]))
    return WholeTest(statistic, degrees, float(chdtrc(degrees, statistic)))
