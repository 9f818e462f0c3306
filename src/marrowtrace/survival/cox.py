r"""The Cox model: hazard :math:`h_0(t)\exp(x^\top\beta)`, fitted by the partial likelihood.

Cox 1972 (J. R. Stat. Soc. B 34:187-220), ties by Efron's or Breslow's approximation, start-stop
rows, strata with baseline hazards of their own, case weights, and the sandwich variance by
clusters (Lin and Wei 1989, J. Am. Stat. Assoc. 84:1074-1078). Numbers are those of R's ``coxph``.
Where the likelihood rises for ever, as when a group has no events, the estimate is infinite; it is
then penalised (`marrowtrace.survival.firth`), and the result says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.observations import Covariates, Observations, observations

ITERATIONS = 50
EVENTS_PER_COVARIATE = 10
"""Rule of thumb below which a note is made (Peduzzi et al. 1995, J. Clin. Epidemiol. 48:1503)."""


@dataclass(frozen=True, slots=True)
class WholeTest:
    """A test of all coefficients at once.

    Parameters
    ----------
    statistic : float
        Chi-square statistic.
    degrees : int
    p : float
    """

    statistic: float
    degrees: int
    p: float


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted Cox model.

    Parameters
    ----------
    names : tuple of str, length p
    coefficients : ndarray of float, shape (p,)
        Log hazard ratios per unit of each covariate.
    variance : ndarray of float, shape (p, p)
        Variance used for the intervals: the sandwich if ``robust``.
    model_variance : ndarray of float, shape (p, p)
        Inverse information.
    low, high : ndarray of float, shape (p,)
        Interval of the coefficients; by profile likelihood if ``penalised``, which may be infinite.
    p : ndarray of float, shape (p,)
    log_likelihood : tuple of float
        At the start (all coefficients 0) and at the maximum; penalised if ``penalised``.
    score, wald, likelihood_ratio : WholeTest
        ``wald`` uses ``variance``; the score test of a penalised fit is that of the plain one.
    rows, events, clusters : int
    ties : {"efron", "breslow"}
    robust, penalised : bool
    level : float
    notes : tuple of str
        What the reader of the numbers must know: few events, an infinite estimate.
    data : Observations
        What was fitted, for residuals and predictions.
    """

    names: tuple[str, ...]
    coefficients: NDArray[np.float64]
    variance: NDArray[np.float64]
    model_variance: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]
    log_likelihood: tuple[float, float]
    score: WholeTest
    wald: WholeTest
    likelihood_ratio: WholeTest
    rows: int
    events: int
    clusters: int
    ties: str
    robust: bool
    penalised: bool
    level: float
    notes: tuple[str, ...]
    data: Observations = field(repr=False)

    @property
    def standard_errors(self) -> NDArray[np.float64]:
        """Standard errors of the coefficients, shape (p,)."""
        return np.sqrt(np.diag(self.variance))

    @property
    def linear_predictor(self) -> NDArray[np.float64]:
        """Offset plus covariates times coefficients, rows as given; NaN for rows of weight 0."""
        eta = self.data.offset + self.data.covariates @ self.coefficients
        return self.data.in_given_order(eta)

    def table(self) -> pl.DataFrame:
        """Return one row a covariate: coefficient, standard error, hazard ratio, interval, p."""
        with np.errstate(over="ignore"):
            return pl.DataFrame(
                {
                    "covariate": self.names,
                    "coefficient": self.coefficients,
                    "standard_error": self.standard_errors,
                    "hazard_ratio": np.exp(self.coefficients),
                    "low": np.exp(self.low),
                    "high": np.exp(self.high),
                    "z": self.coefficients / self.standard_errors,
                    "p": self.p,
                }
            )

    def to_json(self) -> dict[str, Any]:
        """Return the fit as JSON-ready values; what is not finite becomes null."""
        tests = {"score": self.score, "wald": self.wald, "likelihood_ratio": self.likelihood_ratio}
        return {
            "rows": self.rows,
            "events": self.events,
            "clusters": self.clusters,
            "ties": self.ties,
            "robust": self.robust,
            "penalised": self.penalised,
            "level": self.level,
            "log_likelihood": list(self.log_likelihood),
            "tests": {
                name: {"statistic": plain(t.statistic), "degrees": t.degrees, "p": plain(t.p)}
                for name, t in tests.items()
            },
            "covariates": json_rows(self.table()),
            "notes": list(self.notes),
        }


def cox_regression(
    time: ArrayLike,
    event: ArrayLike,
    *,
    covariates: Covariates,
    names: Sequence[str] | None = None,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    robust: bool | None = None,
    ties: str = "efron",
    penalised: bool | None = None,
    level: float = 0.95,
) -> CoxFit:
    """Fit a Cox model.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of bool, shape (n,)
    covariates : array_like of float, shape (n, p), or mapping or DataFrame of p columns
    names : sequence of str, optional
        Names of the columns of an array.
    entry : array_like of float, shape (n,), optional
        Start of each row [days]: left truncation, or start-stop rows of one patient.
    weights : array_like of float, shape (n,), optional
        Case weights >= 0.
    offset : array_like of float, shape (n,), optional
        Part of the linear predictor that is known.
    strata : array_like, shape (n,), optional
        Labels of groups with baseline hazards of their own.
    cluster : array_like, shape (n,), optional
        Labels of rows that belong together, e.g. the patient; asks for the sandwich variance.
    robust : bool, optional
        Sandwich variance; default: if there are clusters.
    ties : {"efron", "breslow"}
    penalised : bool, optional
        Firth's penalty always or never; default: only where the likelihood has no maximum.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    CoxFit

    Raises
    ------
    CohortError
        If the rows are at fault (all faults listed), nobody had an event, covariates are constant
        or collinear, the estimate is infinite and a penalty was forbidden, or the fit does not
        converge.
    """
    if ties not in ("efron", "breslow"):
        raise CohortError(f"ties '{ties}' are not known; allowed: efron, breslow")
    check_level(level)
    data = observations(
        time,
        event,
        covariates=covariates,
        names=names,
        entry=entry,
        weights=weights,
        offset=offset,
        strata=strata,
        cluster=cluster,
    )
    sandwich = cluster is not None if robust is None else robust
    return fit_observations(data, robust=sandwich, ties=ties, penalised=penalised, level=level)


def fit_observations(
    data: Observations,
    *,
    robust: bool = False,
    ties: str = "efron",
    penalised: bool | None = None,
    level: float = 0.95,
    profile: bool = True,
) -> CoxFit:
    """Fit a Cox model to rows that are checked already; see `cox_regression`.

    Without ``profile`` a penalised fit has Wald intervals: quicker, for predictions alone.
    """
    from scipy.special import chdtrc, ndtr

    from marrowtrace.survival import cox_kernels as kernels
    from marrowtrace.survival.firth import fit_penalised

    p = len(data.names)
    if p == 0:
        raise CohortError("a Cox model needs at least one covariate; none was given")
    centre, scale = data.covariates.mean(axis=0), data.covariates.std(axis=0)
    z = np.ascontiguousarray((data.covariates - centre) / scale)
    beta, score, information = np.zeros(p), np.zeros(p), np.zeros((p, p))
    arrays = (data.time, data.event, data.entry, data.by_entry, data.starts, data.weights)
    code, first, last, statistic, _steps = kernels.maximise(
        z, *arrays, data.offset, ties == "efron", ITERATIONS, beta, score, information
    )
    notes: list[str] = []
    if data.events < EVENTS_PER_COVARIATE * p:
        notes.append(
            f"{data.events} events for {p} covariate(s): fewer than {EVENTS_PER_COVARIATE} "
            "events a covariate, so estimates may be far off and intervals too narrow"
        )
    if code == kernels.SINGULAR:
        raise CohortError(_singular(information, data.names))
    if code == kernels.NOT_CONVERGED:
        text = (
            f"the Cox model did not converge in {ITERATIONS} steps, as with covariates of extreme "
            "skewness (take logarithms)"
        )
        if penalised is False:
            raise CohortError(text)
        penalised = True
        notes.append(f"{text}; Firth's penalised likelihood was used, with profile intervals")
    if code == kernels.MONOTONE:
        guilty = _infinite(score, information, data.names)
        text = (
            f"the estimate of {guilty} is infinite: its likelihood rises for ever, as when one "
            "group has no events"
        )
        if penalised is False:
            raise CohortError(f"{text}; allow the penalised fit, or join groups")
        penalised = True
        notes.append(f"{text}; Firth's penalised likelihood was used, with profile intervals")
    quantile = NormalDist().inv_cdf(0.5 + level / 2)
    if penalised:
        firth = fit_penalised(
            z, arrays, data.offset, ties == "efron", level, data.names, profile=profile
        )
        beta, information = firth.coefficients, firth.information
        first, last = (v + float(np.log(scale).sum()) for v in firth.log_likelihood)
    model = np.linalg.inv(information) / np.outer(scale, scale)
    coefficients = beta / scale
    variance = model
    if robust:
        from marrowtrace.survival.cox_residuals import score_residuals_of

        residuals = score_residuals_of(data, coefficients, ties) * data.weights[:, None]
        influence = residuals @ model
        grouped = np.zeros((int(data.cluster.max()) + 1, p))
        np.add.at(grouped, data.cluster, influence)
        variance = grouped.T @ grouped
    errors = np.sqrt(np.diag(variance))
    low, high = coefficients - quantile * errors, coefficients + quantile * errors
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0: no effect, and no error either
        p_values = 2 * ndtr(-np.abs(coefficients / errors))
    if penalised and profile and not robust:
        low, high, p_values = firth.low / scale, firth.high / scale, firth.p
    wald = math.nan
    if np.linalg.matrix_rank(variance, hermitian=True) == p:
        wald = float(coefficients @ np.linalg.solve(variance, coefficients))
    else:
        notes.append("the variance is singular (too few clusters), so there is no Wald test")
    tests = [WholeTest(s, p, float(chdtrc(p, s))) for s in (statistic, wald, 2 * (last - first))]
    return CoxFit(
        names=data.names,
        coefficients=coefficients,
        variance=variance,
        model_variance=model,
        low=low,
        high=high,
        p=np.asarray(p_values, dtype=np.float64),
        log_likelihood=(float(first), float(last)),
        score=tests[0],
        wald=tests[1],
        likelihood_ratio=tests[2],
        rows=data.rows,
        events=data.events,
        clusters=int(np.count_nonzero(np.bincount(data.cluster))),
        ties=ties,
        robust=robust,
        penalised=bool(penalised),
        level=level,
        notes=tuple(notes),
        data=data,
    )


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1)."""
    if not 0 < level < 1:
        raise CohortError(f"confidence level {level} is outside (0, 1), e.g. 0.95")


def plain(value: float) -> float | None:
    """Return a float, or None for what JSON cannot hold."""
    return float(value) if math.isfinite(value) else None


def json_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON-ready values; what is not finite becomes null."""
    return [
        {k: plain(v) if isinstance(v, float) else v for k, v in row.items()}
        for row in frame.iter_rows(named=True)
    ]


def _singular(information: NDArray[np.float64], names: tuple[str, ...]) -> str:
    """Say which covariates do not vary among those at risk at the event times."""
    flat = [name for name, value in zip(names, np.diag(information), strict=True) if value < 1e-12]
    if flat:
        return (
            f"covariate(s) {', '.join(flat)} do not vary among the patients at risk at the event "
            "times (within strata), so their effect cannot be estimated; leave them out"
        )
    return (
        f"covariates {', '.join(names)} are collinear among the patients at risk at the event "
        "times (within strata); leave one of them out"
    )


def _infinite(
    score: NDArray[np.float64], information: NDArray[np.float64], names: tuple[str, ...]
) -> str:
    """Name the covariates whose estimates still run away: those with long last steps."""
    step = np.abs(np.linalg.lstsq(information, score, rcond=None)[0])
    far = [name for name, size in zip(names, step, strict=True) if size > 0.05 * step.max()]
    return ", ".join(far)
