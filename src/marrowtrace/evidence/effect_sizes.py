r"""Log hazard ratios from what papers print, and whether the printed figures agree.

With :math:`V` the information on the log hazard ratio and :math:`O-E` the log-rank excess,
:math:`\log HR = (O-E)/V` and :math:`\mathrm{se} = 1/\sqrt V` (Parmar, Torri and Stewart 1998, Stat.
Med. 17:2815-2834, remembered; Tierney et al. 2007, Trials 8:16). From a p-value and the events,
:math:`V = r\,d/(1+r)^2` with d events in all and r the allocation ratio, and
:math:`|O-E| = z\sqrt V` with z the normal quantile of half the two-sided p-value (Tierney's
equation as mended by Wang and Zeng 2013, Trials 14:391: z itself is not halved).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl
from scipy import special

from marrowtrace.errors import EvidenceError, ProblemList
from marrowtrace.evidence.heterogeneity import check_level
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields


@dataclass(frozen=True)
class LogHazardRatio:
    """A log hazard ratio with its standard error.

    Parameters
    ----------
    log_hr, se : float
    source : str
        What it was derived from.
    warnings : tuple of str
    """

    log_hr: float
    se: float
    source: str
    warnings: tuple[str, ...] = ()

    @property
    def hr(self) -> float:
        """Hazard ratio."""
        return math.exp(self.log_hr)

    @property
    def variance(self) -> float:
        """Squared standard error."""
        return self.se**2

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval of the hazard ratio."""
        half = _quantile(level) * self.se
        return math.exp(self.log_hr - half), math.exp(self.log_hr + half)

    @property
    def p_value(self) -> float:
        """Two-sided p-value of no effect."""
        return float(2 * special.ndtr(-abs(self.log_hr) / self.se))

    def table(self) -> pl.DataFrame:
        """Return one row: log HR, standard error, HR with its 95 % interval and p-value."""
        low, high = self.interval()
        derived = {"hr": self.hr, "ci_low": low, "ci_high": high, "p_value": self.p_value}
        return pl.DataFrame([scalar_fields(self) | derived])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True)
class PrintedAgreement:
    """Whether a printed p-value fits the printed hazard ratio and interval.

    Parameters
    ----------
    p_printed_low, p_printed_high : float
        The printed p-value, or the interval that it stands for.
    p_implied : float
        Wald p-value of the printed hazard ratio and interval, taken at face value.
    p_implied_low, p_implied_high : float
        Over all figures that round to the printed ones.
    discrepancy : float
        Distance between the two intervals in powers of ten; 0 where they meet, infinite where one
        is exactly 0.
    consistent : bool
        Whether the discrepancy is within the tolerance.
    message : str
    """

    p_printed_low: float
    p_printed_high: float
    p_implied: float
    p_implied_low: float
    p_implied_high: float
    discrepancy: float
    consistent: bool
    message: str

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values."""
        return plain_fields(self)


def log_hr_from_interval(
    hr: float,
    low: float,
    high: float,
    *,
    level: float = 0.95,
    decimals: int = 2,
) -> LogHazardRatio:
    """Log hazard ratio and standard error from a hazard ratio and its confidence interval.

    Parameters
    ----------
    hr, low, high : float
        As printed; low < hr < high.
    level : float
        Confidence level of the printed interval.
    decimals : int
        Decimals to which the figures are printed. An interval that is not symmetric about log HR,
        beyond what rounding explains, is warned of.

    Returns
    -------
    LogHazardRatio
        The standard error is from the width of the interval.

    Raises
    ------
    EvidenceError
        If a figure is not above 0 or they are out of order.
    """
    _check_interval(hr, low, high, decimals)
    z = _quantile(level)
    half = 0.5 * 10.0**-decimals
    lower, upper = math.log(hr / low), math.log(high / hr)
    # how far rounding alone can move the two halves apart
    slack = sum(math.log((x + half) / (x - half)) if x > half else math.inf for x in (low, high))
    slack += 2 * math.log((hr + half) / (hr - half)) if hr > half else math.inf
    warnings = []
    if abs(lower - upper) > slack / 2 + 1e-12:
        implied = math.sqrt(low * high)
        warnings.append(
            f"HR {hr:g} ({low:g} to {high:g}) is not symmetric on the log scale: the middle of the "
            f"interval is {implied:.{decimals}f}; one figure is misprinted, or the interval is not "
            "a Wald interval"
        )
    se = (math.log(high) - math.log(low)) / (2 * z)
    return LogHazardRatio(
        math.log(hr), se, f"HR with its {100 * level:g} % interval", tuple(warnings)
    )


def log_hr_from_p(
    p: float,
    events: float,
    *,
    harmful: bool,
    ratio: float = 1.0,
    sides: int = 2,
) -> LogHazardRatio:
    """Log hazard ratio and standard error from a log-rank p-value and the number of events.

    Parameters
    ----------
    p : float
        Exact p-value, 0 < p <= 1. A bound such as ``<.0001`` gives no effect size; combine it in
        `p_values` instead.
    events : float
        Events in both groups together.
    harmful : bool
        Whether the hazard ratio is above 1; a p-value does not tell.
    ratio : float
        Patients (better: person-time) in one group over the other: the randomisation ratio, or
        marker-positive to marker-negative. Far from 1 the result is rough.
    sides : {1, 2}
        Whether the p-value is one- or two-sided.

    Returns
    -------
    LogHazardRatio

    Raises
    ------
    EvidenceError
        If a figure is impossible.
    """
    problems = ProblemList()
    if not 0 < p <= 1:
        problems.add("p", f"{p:g} is outside (0, 1]; a bound cannot be turned into an effect size")
    if not (events > 0 and math.isfinite(events)):
        problems.add("events", f"{events:g} is not above 0; give the events of both groups")
    if not (ratio > 0 and math.isfinite(ratio)):
        problems.add("ratio", f"{ratio:g} is not above 0; for equal groups give 1")
    if sides not in (1, 2):
        problems.add("sides", f"{sides} is neither 1 nor 2")
    problems.raise_any(EvidenceError, "the p-value and events")
    z = max(0.0, -float(special.ndtri(p / sides)))
    information = events * ratio / (1 + ratio) ** 2
    warnings = []
    if not 0.2 <= ratio <= 5:
        warnings.append(
            f"groups of {ratio:g} to 1: V from the ratio assumes that events fall in that ratio, "
            "which fails where the hazards differ much"
        )
    sign = 1.0 if harmful else -1.0
    return LogHazardRatio(
        sign * z / math.sqrt(information),
        1 / math.sqrt(information),
        f"p = {p:g} and {events:g} events",
        tuple(warnings),
    )


def log_hr_from_log_rank(excess: float, variance: float) -> LogHazardRatio:
    """Log hazard ratio (Peto) from the log-rank O - E and its variance V.

    Parameters
    ----------
    excess : float
        Observed less expected events in the group whose hazard is the numerator.
    variance : float
        Hypergeometric variance of it, above 0.

    Returns
    -------
    LogHazardRatio

    Raises
    ------
    EvidenceError
        If the variance is not above 0, or the excess not finite.
    """
    if not (variance > 0 and math.isfinite(variance) and math.isfinite(excess)):
        raise EvidenceError(
            f"O - E = {excess:g} with V = {variance:g}: both must be finite and V above 0"
        )
    return LogHazardRatio(excess / variance, 1 / math.sqrt(variance), "O - E and V")


def check_printed_p(
    hr: float,
    low: float,
    high: float,
    p: tuple[float, float],
    *,
    decimals: int = 2,
    level: float = 0.95,
    tolerance: float = 0.5,
) -> PrintedAgreement:
    """Hold a printed p-value against the printed hazard ratio and interval.

    Parameters
    ----------
    hr, low, high : float
        As printed.
    p : tuple of float
        Lower and upper end of what the printed p-value stands for (equal for a number; see
        `p_values.parse_p`).
    decimals : int
        Decimals of the printed hazard ratio and interval.
    level : float
    tolerance : float
        Powers of ten by which the two may differ before they are called inconsistent: log-rank,
        likelihood-ratio and Wald tests of the same data do not agree exactly (0.5 is assumed).

    Returns
    -------
    PrintedAgreement

    Raises
    ------
    EvidenceError
        If the figures are impossible.
    """
    _check_interval(hr, low, high, decimals)
    if not 0 <= p[0] <= p[1] <= 1:
        raise EvidenceError(f"p-value from {p[0]:g} to {p[1]:g} is not within 0 to 1, low first")
    z = _quantile(level)
    half = 0.5 * 10.0**-decimals

    def implied(centre: float, lower: float, upper: float) -> float:
        se = math.log(upper / lower) / (2 * z)
        return float(2 * special.ndtr(-abs(math.log(centre)) / se))

    lower_from, lower_to = max(low - half, 1e-12), low + half
    upper_from, upper_to = high - half, high + half
    centres = [max(hr - half, 1e-12), hr + half]
    widest = (lower_from, upper_to)
    narrowest = (min(lower_to, hr), max(upper_from, hr))
    least = min(implied(c, *_apart(narrowest)) for c in centres)
    most = 1.0 if centres[0] <= 1 <= centres[1] else max(implied(c, *widest) for c in centres)
    gap = _gap(p, (least, most))
    consistent = gap <= tolerance
    printed = f"{p[0]:.3g}" if p[0] == p[1] else f"{p[0]:.3g} to {p[1]:.3g}"
    message = (
        f"printed p = {printed}; HR {hr:g} ({low:g}-{high:g}) implies {least:.2g} to {most:.2g}: "
        + ("they agree" if consistent else f"{gap:.1f} powers of ten apart; one is misprinted")
    )
    return PrintedAgreement(
        p[0], p[1], implied(hr, low, high), least, most, gap, consistent, message
    )


def _apart(ends: tuple[float, float]) -> tuple[float, float]:
    """Ends of an interval, kept from meeting."""
    return (ends[0], ends[1]) if ends[1] > ends[0] else (ends[0], ends[0] * (1 + 1e-9))


def _gap(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Distance of two intervals in powers of ten, 0 where they overlap."""
    if one[0] <= other[1] and other[0] <= one[1]:
        return 0.0
    small, large = (one[1], other[0]) if one[1] < other[0] else (other[1], one[0])
    return math.inf if small == 0 else math.log10(large / small)


def _quantile(level: float) -> float:
    """Two-sided normal quantile of a confidence level."""
    return float(special.ndtri((1 + check_level(level)) / 2))


def _check_interval(hr: float, low: float, high: float, decimals: int) -> None:
    """Refuse an impossible hazard ratio with interval."""
    if not all(math.isfinite(x) and x > 0 for x in (hr, low, high)):
        raise EvidenceError(
            f"HR {hr:g} ({low:g} to {high:g}): all three must be above 0; if they are logarithms, "
            "exponentiate them first"
        )
    if not low < high or not low <= hr <= high:
        raise EvidenceError(
            f"HR {hr:g} is not inside its interval {low:g} to {high:g}; check the order"
        )
    if decimals < 0:
        raise EvidenceError(f"decimals = {decimals} is below 0")
