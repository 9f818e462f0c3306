r"""Combining p-values where studies print nothing else, with censored ones as intervals.

A printed ``<.0001`` is the interval [0, 0.0001] and ``ns`` the interval [0.05, 1]. Every method
here rises with each of its inputs, so the combined p-value over all values that the inputs may have
runs from the value at the lower ends to the value at the upper ends. Nothing is made up in between.

Methods and sources: Fisher 1925 (*Statistical methods for research workers*); Stouffer et al. 1949
(*The American soldier*), weighted; Wilkinson 1951 (Psychol. Bull. 48:156-158), the r-th smallest;
Edgington 1972 (J. Psychol. 80:351-363), the sum; the harmonic mean of Wilson 2019 (Proc. Natl Acad.
Sci. USA 116:1195-1200). All but the last are exact under independence. The harmonic mean is
calibrated by the Landau distribution, which is asymptotically exact (many p-values, or a small
result) and tolerates dependence.

A combined p-value tests whether *any* study has an effect. It gives no size, and with two-sided
inputs of unknown direction it gives no direction either: the result says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl
from scipy import special, stats

from marrowtrace.errors import EvidenceError, ProblemList, did_you_mean
from marrowtrace.evidence.heterogeneity import Floats
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields

CombinationMethod = Literal["fisher", "stouffer", "wilkinson", "edgington", "harmonic"]
COMBINATION_METHODS: tuple[str, ...] = get_args(CombinationMethod)
NOT_SIGNIFICANT = 0.05
"""Lower end of the interval that ``ns`` stands for."""

_EULER_GAMMA = 0.5772156649015329
_NUMBER = re.compile(r"\d*\.?\d+(?:e-?\d+)?")


@dataclass(frozen=True)
class PValue:
    """A p-value, or the interval that a censored one stands for.

    Parameters
    ----------
    low, high : float
        Equal for a p-value that was printed as a number.
    printed : str
        As it stands in the paper, if it does.
    """

    low: float
    high: float
    printed: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise EvidenceError(
                f"p-value from {self.low:g} to {self.high:g} is not within 0 to 1, low first"
            )

    @property
    def censored(self) -> bool:
        """Whether only a bound is known."""
        return self.low < self.high


@dataclass(frozen=True)
class CombinedP:
    """A combined p-value over what its inputs may be.

    Parameters
    ----------
    p_low, p_high : float
        Equal where no input is censored.
    method : str
    sides : str
        ``two`` or ``one``.
    direction : str
        What the result says about direction.
    exactness : str
        Exact under independence, or asymptotic.
    k, censored : int
        Number of p-values, and of those known as a bound only.
    warnings : tuple of str
    """

    p_low: float
    p_high: float
    method: str
    sides: str
    direction: str
    exactness: str
    k: int
    censored: int
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values."""
        return plain_fields(self)


def parse_p(text: str, *, rounded: bool = False) -> PValue:
    """Read a p-value as papers print it.

    Parameters
    ----------
    text : str
        A number (``.031``, ``0,03``), a bound (``<.0001``, ``> 0.05``, ``<=.01``) or ``ns``.
    rounded : bool
        Take a printed number as the interval that rounds to it (.03 is 0.025 to 0.035).

    Returns
    -------
    PValue

    Raises
    ------
    EvidenceError
        If it is none of these.

    Examples
    --------
    >>> parse_p("<.0001")
    PValue(low=0.0, high=0.0001, printed='<.0001')
    >>> parse_p("n.s.").low
    0.05
    """
    bare = text.strip().casefold().replace(" ", "")
    if bare.replace(".", "") in ("ns", "notsignificant"):
        return PValue(NOT_SIGNIFICANT, 1.0, text)
    bare = bare.removeprefix("p").replace(",", ".").replace("≤", "<").replace("≥", ">")
    sign = bare[:1] if bare[:1] in ("<", ">", "=") else ""
    digits = bare[len(sign) :].removeprefix("=")
    if not _NUMBER.fullmatch(digits) or not 0 <= float(digits) <= 1:
        raise EvidenceError(
            f"'{text}' is not a p-value; write a number from 0 to 1, a bound such as <.0001, or ns"
        )
    value = float(digits)
    if sign == "<":
        return PValue(0.0, value, text)
    if sign == ">":
        return PValue(value, 1.0, text)
    if rounded and "e" not in digits:
        places = len(digits.partition(".")[2])
        half = 0.5 * 10.0**-places
        return PValue(max(0.0, value - half), min(1.0, value + half), text)
    return PValue(value, value, text)


def combine_p_values(
    p_values: Sequence[PValue | float | str],
    *,
    method: CombinationMethod = "fisher",
    weights: Sequence[float] | None = None,
    directions: Sequence[int] | None = None,
    rank: int = 1,
) -> CombinedP:
    """Combine two-sided p-values of independent studies.

    Parameters
    ----------
    p_values : sequence of PValue, float or str, length k
        Two-sided; text is read by `parse_p`.
    method : {"fisher", "stouffer", "wilkinson", "edgington", "harmonic"}
    weights : sequence of float, length k, optional
        For ``stouffer``: the square root of patients or of events.
    directions : sequence of int, length k, optional
        1 where the effect runs the way tested for (say, positive patients do worse), -1 where it
        runs the other way, 0 where it is not stated. Given, the p-values are made one-sided; one of
        unknown direction becomes the whole interval from p/2 to 1 - p/2. Left out, the two-sided
        values are combined and the result has no direction.
    rank : int
        For ``wilkinson``: the r-th smallest p-value is tested, 1 being the smallest.

    Returns
    -------
    CombinedP

    Raises
    ------
    EvidenceError
        If there is no p-value, or an option does not fit.
    """
    if not p_values:
        raise EvidenceError("no p-values given; at least 1 is needed")
    read = [_as_p(value) for value in p_values]
    _check_options(method, len(read), weights, directions, rank)
    low, high = np.array([p.low for p in read]), np.array([p.high for p in read])
    warnings: list[str] = []
    if directions is None:
        sides, direction = "two", "unknown: two-sided p-values, a small result has no direction"
    else:
        low, high = _one_sided(low, high, np.array(directions))
        unknown = sum(d == 0 for d in directions)
        sides = "one"
        direction = "as stated by study"
        if unknown:
            direction = f"as stated by study, unknown for {unknown} of {len(read)}"
            warnings.append(
                f"{unknown} study direction(s) unknown: each counts as anything from p/2 to 1 - p/2"
            )
    censored = sum(p.censored for p in read)
    if censored:
        warnings.append(f"{censored} of {len(read)} p-values are bounds: the result is an interval")
    if len(read) == 1:
        warnings.append("one p-value: nothing is combined")
    w = np.ones(len(read)) if weights is None else np.asarray(weights, dtype=np.float64)
    statistic = _combiner(method, w, rank)
    p_low, p_high = statistic(low), statistic(high)
    return CombinedP(
        p_low=0.0 if math.isnan(p_low) else p_low,
        p_high=1.0 if math.isnan(p_high) else p_high,
        method=method,
        sides=sides,
        direction=direction,
        exactness=(
            "asymptotically exact (Landau distribution), tolerates dependence"
            if method == "harmonic"
            else "exact for independent studies"
        ),
        k=len(read),
        censored=censored,
        warnings=tuple(warnings),
    )


def fisher(p: Floats) -> float:
    """Fisher's combined p-value: -2 sum(log p) is chi-square on 2k degrees of freedom."""
    if np.any(p == 0):
        return 0.0
    return float(special.chdtrc(2 * p.size, -2 * float(np.sum(np.log(p)))))


def stouffer(p: Floats, weights: Floats) -> float:
    """Stouffer's weighted combined p-value; NaN where a 0 meets a 1."""
    if np.any(p == 0) and np.any(p == 1):
        return math.nan
    z = -special.ndtri(p)
    return float(special.ndtr(-float(weights @ z) / math.sqrt(float(weights @ weights))))


def wilkinson(p: Floats, rank: int) -> float:
    """Wilkinson's p-value of the ``rank``-th smallest, a beta tail; rank 1 is Tippett's."""
    smallest = float(np.sort(p)[rank - 1])
    return float(special.betainc(rank, p.size - rank + 1, smallest))


def edgington(p: Floats) -> float:
    """Edgington's p-value of the sum: the Irwin-Hall law, the normal one beyond 20 terms."""
    total, k = float(np.sum(p)), p.size
    if k > 20:  # the alternating sum loses its digits
        return float(special.ndtr((total - k / 2) / math.sqrt(k / 12)))
    if total > k / 2:
        return 1 - _irwin_hall(k - total, k)
    return _irwin_hall(total, k)


def harmonic(p: Floats) -> float:
    """Wilson's asymptotically exact p-value of the harmonic mean."""
    if np.any(p == 0):
        return 0.0
    if p.size == 1:
        return float(p[0])
    inverse = float(np.mean(1 / p))
    location = math.log(p.size) + 1 - _EULER_GAMMA + math.log(math.pi / 2)
    return float(stats.landau.sf(inverse, loc=location, scale=math.pi / 2))


def _irwin_hall(total: float, k: int) -> float:
    """Distribution function of the sum of k uniforms."""
    terms = [
        (-1) ** j * special.binom(k, j) * (total - j) ** k for j in range(math.floor(total) + 1)
    ]
    return float(math.fsum(terms)) / math.factorial(k)


def _combiner(method: str, weights: Floats, rank: int) -> Callable[[Floats], float]:
    """The chosen method as a function of the p-values alone."""
    return {
        "fisher": fisher,
        "stouffer": lambda p: stouffer(p, weights),
        "wilkinson": lambda p: wilkinson(p, rank),
        "edgington": edgington,
        "harmonic": harmonic,
    }[method]


def _one_sided(low: Floats, high: Floats, directions: Floats) -> tuple[Floats, Floats]:
    """One-sided intervals from two-sided ones and their directions."""
    against = directions == -1
    unknown = directions == 0
    one_low = np.where(against, 1 - high / 2, low / 2)
    one_high = np.where(against | unknown, 1 - low / 2, high / 2)
    return one_low, one_high


def _as_p(value: PValue | float | str) -> PValue:
    """A `PValue` from what was given."""
    if isinstance(value, PValue):
        return value
    if isinstance(value, str):
        return parse_p(value)
    return PValue(float(value), float(value))


def _check_options(
    method: str,
    size: int,
    weights: Sequence[float] | None,
    directions: Sequence[int] | None,
    rank: int,
) -> None:
    """Refuse options that do not fit, all at once."""
    problems = ProblemList()
    if method not in COMBINATION_METHODS:
        problems.add(
            "method",
            f"'{method}' is unknown; allowed: {', '.join(COMBINATION_METHODS)}"
            f"{did_you_mean(method, COMBINATION_METHODS)}",
        )
    if weights is not None:
        if method != "stouffer":
            problems.add("weights", f"method '{method}' takes none; only stouffer does")
        if len(weights) != size:
            problems.add("weights", f"{len(weights)} weights for {size} p-values")
        if not all(w > 0 and math.isfinite(w) for w in weights):
            problems.add("weights", "every weight must be a finite number above 0")
    if directions is not None:
        if len(directions) != size:
            problems.add("directions", f"{len(directions)} directions for {size} p-values")
        if any(d not in (-1, 0, 1) for d in directions):
            problems.add("directions", "allowed are 1, -1 and 0 (unknown)")
    if not 1 <= rank <= size:
        problems.add("rank", f"{rank} is outside 1 to {size}, the number of p-values")
    problems.raise_any(EvidenceError, "the combination of p-values")
