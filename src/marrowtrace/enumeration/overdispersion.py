r"""How far patients differ: the gamma-Poisson fit to counts in different amounts.

The law is that of `gamma_poisson`. The shape :math:`\theta` is small where a few patients carry
most cells; :math:`\theta \to \infty` is Poisson, all patients alike. That lies on the edge of the
model, so twice the log-likelihood ratio is compared with an even mixture of 0 and chi-square on one
degree of freedom (Self and Liang 1987, J. Am. Stat. Assoc. 82:605-610; remembered, not verified).
Intervals are by profile likelihood. The fit is judged by Pearson's statistic over classes of
counts, its p-value by refitting to counts drawn from the fit, for the amounts differ and
chi-square tables do not hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import optimize, special

from marrowtrace.cohort import Cohort
from marrowtrace.enumeration import gamma_poisson
from marrowtrace.enumeration.concentration import concentration_interval, unit_name
from marrowtrace.enumeration.counts import (
    PER,
    Floats,
    check_arguments,
    check_counts,
    first_per_patient,
    marker_counts,
    unit_of,
)
from marrowtrace.evidence.plain_values import PlainValue, plain, plain_fields, scalar_fields

_FARTHEST = 40.0  # how far from the estimate, on the log scale, the end of an interval is sought
_SMALLEST_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class GammaPoisson:
    """A gamma-Poisson law fitted to one count a patient.

    Parameters
    ----------
    mean, mean_low, mean_high : float
        Mean concentration over patients with its profile interval [cells in the amount ``per``];
        the upper end is infinite where the likelihood sets no bound.
    theta, theta_low, theta_high : float
        Shape; infinity for Poisson, NaN where nothing can be said.
    log_likelihood, log_likelihood_poisson : float
    poisson_p_value : float
        That the counts spread no more than Poisson's; NaN where nothing can be said.
    patients, positive, cells : int
        Counts, those above 0, and their sum.
    amount : float
        Examined in all [mL or nucleated cells].
    zeros_expected : float
        Patients without a cell that the fit expects.
    per : float
        Amount the concentrations refer to.
    unit : str
        Of the concentrations; empty for plain arrays.
    level : float
    statement : str
        The result as a sentence.
    """

    mean: float
    mean_low: float
    mean_high: float
    theta: float
    theta_low: float
    theta_high: float
    log_likelihood: float
    log_likelihood_poisson: float
    poisson_p_value: float
    patients: int
    positive: int
    cells: int
    amount: float
    zeros_expected: float
    per: float
    unit: str
    level: float
    statement: str

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values; NaN and infinity are None."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True)
class GoodnessOfFit:
    """Observed counts against those that the fitted law expects.

    Parameters
    ----------
    rows : DataFrame
        One row a class of counts: ``low``, ``high`` (-1: no upper end), ``observed``, ``expected``.
    statistic : float
        Pearson's, over the classes.
    p_value : float
        By refitting to counts drawn from the fit; NaN where too few patients leave one class only.
    replicates : int
    """

    rows: pl.DataFrame
    statistic: float
    p_value: float
    replicates: int

    def table(self) -> pl.DataFrame:
        """Return the classes, one a row."""
        return self.rows

    def to_json(self) -> dict[str, PlainValue]:
        """Return the result as plain JSON values."""
        return {
            "statistic": self.statistic,
            "p_value": plain(self.p_value),
            "replicates": self.replicates,
            "rows": plain(self.rows.to_dicts()),
        }


def fit_gamma_poisson(
    counts: ArrayLike,
    amounts: ArrayLike,
    *,
    per: float = 1.0,
    unit: str = "",
    level: float = 0.95,
) -> GammaPoisson:
    """Fit the gamma-Poisson law to one count a patient.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Cells counted, one sample a patient.
    amounts : array_like of float, shape (n,) or scalar
        Amount examined [mL or nucleated cells].
    per : float
        Amount the concentrations refer to.
    unit : str
        Of the concentrations, for the result.
    level : float
        Confidence level.

    Returns
    -------
    GammaPoisson
        Where all counts are 0, and for one patient, there is no theta; the interval of the mean is
        then the exact Poisson one, and the statement says what that leaves out.

    Raises
    ------
    CohortError
        If a count or an amount is impossible.
    ParameterError
        If per or level is outside its range.
    """
    y, a = check_counts(counts, amounts)
    low, high = concentration_interval([y.sum()], a.sum(), per=per, level=level)
    poisson = float(gamma_poisson.log_likelihood(y, y.sum() / a.sum() * a, math.inf))
    if y.sum() == 0 or y.size == 1:
        nan, mean = math.nan, float(y.sum() / a.sum())
        ends, ends_theta = (float(low[0]), float(high[0])), (nan, nan)
        theta, best, p_value, zeros = nan, poisson, nan, float(np.exp(-mean * a).sum())
    else:
        means, thetas = gamma_poisson.fit(y[np.newaxis], a)
        mean, theta = float(means[0]), float(thetas[0])
        best = max(float(gamma_poisson.log_likelihood(y, mean * a, theta)), poisson)
        cut = best - float(special.chdtri(1, 1 - level)) / 2
        ends_theta = _theta_interval(y, a, mean, theta, cut)
        low_c, high_c = _mean_interval(y, a, mean, cut)
        ends = (low_c * per, high_c * per)
        ratio = 2 * (best - poisson)
        p_value = 1.0 if math.isinf(theta) else 0.5 * float(special.chdtrc(1, max(ratio, 0.0)))
        zeros = float(gamma_poisson.probability_below(1, mean * a, theta).sum())
    return GammaPoisson(
        mean=mean * per,
        mean_low=ends[0],
        mean_high=ends[1],
        theta=theta,
        theta_low=ends_theta[0],
        theta_high=ends_theta[1],
        log_likelihood=best,
        log_likelihood_poisson=poisson,
        poisson_p_value=p_value,
        patients=y.size,
        positive=int((y > 0).sum()),
        cells=int(y.sum()),
        amount=float(a.sum()),
        zeros_expected=zeros,
        per=per,
        unit=unit,
        level=level,
        statement=_statement(y, mean * per, ends, theta, ends_theta, p_value, unit),
    )


def overdispersion(
    cohort: Cohort,
    cell_class: str,
    *,
    assay: str | None = None,
    site: str | None = None,
    phase: str | None = None,
    level: float = 0.95,
) -> GammaPoisson:
    """Fit the gamma-Poisson law to one marker over the patients of a cohort.

    Each patient gives the earliest sample that fits the choice, so that patients stay independent.

    Parameters
    ----------
    cohort : Cohort
    cell_class : str
    assay, site, phase : str, optional
        Only these samples.
    level : float

    Returns
    -------
    GammaPoisson

    Raises
    ------
    CohortError
        If no sample fits, or several assays or units do.
    ParameterError
        If level is outside its range.
    """
    rows = marker_counts(cohort, cell_class, assay=assay, site=site, phase=phase)
    unit = unit_of(rows)
    rows = first_per_patient(rows)
    return fit_gamma_poisson(
        rows["count"].to_numpy(),
        rows["examined"].to_numpy(),
        per=PER[unit],
        unit=unit_name(unit),
        level=level,
    )


def goodness_of_fit(
    rng: np.random.Generator,
    counts: ArrayLike,
    amounts: ArrayLike,
    *,
    theta: float | None = None,
    replicates: int = 499,
) -> GoodnessOfFit:
    """Judge whether the gamma-Poisson law, or Poisson's, fits counts.

    Parameters
    ----------
    rng : numpy.random.Generator
    counts : array_like of int, shape (n,)
        At least one above 0.
    amounts : array_like of float, shape (n,) or scalar
    theta : float, optional
        Fixed shape; infinity judges the Poisson law. Fitted where not given.
    replicates : int
        Data sets drawn, at least 99.

    Returns
    -------
    GoodnessOfFit

    Raises
    ------
    CohortError
        If a count or an amount is impossible.
    ParameterError
        If replicates or theta is outside its range, or all counts are 0.
    """
    y, a = check_counts(counts, amounts)
    check_arguments(
        "the goodness of fit",
        ("replicates", replicates, "whole numbers from 99"),
        ("cells counted", float(y.sum()), "above 0"),
        ("theta", math.inf if theta is None else theta, "above 0"),
    )
    mean, shape = _refit(y[np.newaxis], a, theta)
    starts = _classes(a, float(mean[0]), float(shape[0]), int(y.max()))
    observed, expected = _tabulate(y[np.newaxis], a, mean, shape, starts)
    statistic = float(_pearson(observed, expected)[0])
    drawn = gamma_poisson.draw(rng, mean[0] * a, float(shape[0]), replicates)
    drawn = drawn[drawn.sum(axis=1) > 0]
    again = _pearson(*_tabulate(drawn, a, *_refit(drawn, a, theta), starts))
    rows = pl.DataFrame(
        {
            "low": starts,
            "high": [*(s - 1 for s in starts[1:]), -1],
            "observed": observed[0].astype(np.int64),
            "expected": expected[0],
        }
    )
    p_value = (1 + int((again >= statistic - 1e-9).sum())) / (1 + again.size)
    return GoodnessOfFit(rows, statistic, p_value if len(starts) > 1 else math.nan, int(again.size))


def _refit(counts: Floats, amounts: Floats, theta: float | None) -> tuple[Floats, Floats]:
    """Means and shapes of many data sets; the shape may be fixed."""
    if theta is None:
        return gamma_poisson.fit(counts, amounts)
    mean, shape = counts.sum(axis=1) / amounts.sum(), np.full(counts.shape[0], float(theta))
    if math.isfinite(theta):
        mean = gamma_poisson.mean_given_theta(counts, amounts, shape, mean)
    return mean, shape


def _classes(amounts: Floats, mean: float, theta: float, largest: int) -> list[int]:
    """First counts of classes that each expect at least `_SMALLEST_EXPECTED` patients."""
    starts, below = [0], 0.0
    edges = range(1, largest + 2) if largest < 1000 else np.unique(np.geomspace(1, largest, 400))
    for edge in sorted({int(e) for e in edges}):
        under = float(gamma_poisson.probability_below(edge, mean * amounts, theta).sum())
        if under - below >= _SMALLEST_EXPECTED and amounts.size - under >= _SMALLEST_EXPECTED:
            starts.append(edge)
            below = under
    return starts


def _tabulate(
    counts: Floats, amounts: Floats, mean: Floats, theta: Floats, starts: list[int]
) -> tuple[Floats, Floats]:
    """Patients observed and expected in each class, shape (sets, classes)."""
    means, shape = mean[:, np.newaxis] * amounts, theta[:, np.newaxis]
    below = [np.zeros(counts.shape[0])]
    below += [gamma_poisson.probability_below(s, means, shape).sum(axis=1) for s in starts[1:]]
    below.append(np.full(counts.shape[0], float(amounts.size)))
    observed = [(counts >= s).sum(axis=1) for s in starts] + [np.zeros(counts.shape[0])]
    return -np.diff(np.stack(observed, axis=1), axis=1), np.diff(np.stack(below, axis=1), axis=1)


def _pearson(observed: Floats, expected: Floats) -> Floats:
    """Pearson's statistic of each data set."""
    return np.asarray(((observed - expected) ** 2 / np.maximum(expected, 1e-12)).sum(axis=1))


def _theta_interval(
    y: Floats, a: Floats, mean: float, theta: float, cut: float
) -> tuple[float, float]:
    """Profile interval of theta."""

    def above(log_theta: float) -> float:
        shape = np.array([math.exp(log_theta)])
        c = gamma_poisson.mean_given_theta(y[np.newaxis], a, shape, np.array([mean]))
        return float(gamma_poisson.log_likelihood(y, c[0] * a, shape[0])) - cut

    top = math.log(gamma_poisson.LARGEST_THETA * max(mean * float(a.mean()), 1.0))
    at = min(math.log(theta) if math.isfinite(theta) else top, top)
    low = _end(above, at, -1.0)
    poisson = float(gamma_poisson.log_likelihood(y, y.sum() / a.sum() * a, math.inf)) - cut
    return low, math.inf if poisson >= 0 else _end(above, at, 1.0)


def _mean_interval(y: Floats, a: Floats, mean: float, cut: float) -> tuple[float, float]:
    """Profile interval of the mean concentration."""

    def above(log_mean: float) -> float:
        mu = math.exp(log_mean) * a
        shape = gamma_poisson.theta_given_mean(y, mu)
        return float(gamma_poisson.log_likelihood(y, mu, shape)) - cut

    return _end(above, math.log(mean), -1.0), _end(above, math.log(mean), 1.0)


def _end(above: Callable[[float], float], at: float, direction: float) -> float:
    """Where ``above`` falls to 0, seen from ``at``; 0 or infinity if it does not."""
    step = 0.25
    while above(at + direction * step) > 0:
        step *= 2
        if step > _FARTHEST:
            return 0.0 if direction < 0 else math.inf
    ends = sorted((at, at + direction * step))
    return math.exp(float(optimize.brentq(above, ends[0], ends[1], xtol=1e-12)))


def _statement(
    y: Floats,
    mean: float,
    ends: tuple[float, float],
    theta: float,
    ends_theta: tuple[float, float],
    p_value: float,
    unit: str,
) -> str:
    """The fit as a sentence."""
    unit = f" {unit}" if unit else ""
    if y.sum() == 0:
        return (
            f"No cell in any of {y.size} sample(s): the mean is 0 to {ends[1]:.3g}{unit} if "
            "patients are alike (Poisson). How far they differ cannot be told, and if they differ "
            "the true mean may be higher."
        )
    if y.size == 1:
        return (
            f"One patient: the concentration is {mean:.3g}{unit} ({ends[0]:.3g} to {ends[1]:.3g}, "
            "Poisson); how far patients differ cannot be told."
        )
    found = f"Mean {mean:.3g}{unit} ({ends[0]:.3g} to {ends[1]:.3g})"
    if math.isinf(theta):
        return (
            f"{found}. The counts spread no more than Poisson's: patients may be alike, with theta "
            f"at least {ends_theta[0]:.3g}."
        )
    span = f"({ends_theta[0]:.3g} to {ends_theta[1]:.3g})"
    verdict = (
        "Poisson is refused" if p_value < 0.05 else "Poisson, with all patients alike, is possible"
    )
    shown = f"p = {p_value:.2g}" if p_value >= 1e-4 else "p < 0.0001"
    return f"{found}; theta {theta:.3g} {span}. {verdict} ({shown})."
