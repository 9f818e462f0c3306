"""Whether the numbers of one printed row can be true together.

- Counts: n >= k, and the per cent printed must be that of some count (GRIM; Brown and Heathers
  2017, Soc. Psychol. Personal. Sci. 8:363-369, remembered, not seen here).
- Effects: the hazard ratio inside its interval, and the p-value that the interval implies.
- A threshold needs the volume or the number of cells that it was counted in.

The place of a problem ends in the columns it concerns, joined by ``+``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from marrowtrace.errors import EvidenceError, Problem
from marrowtrace.evidence.effect_sizes import check_printed_p
from marrowtrace.evidence.p_values import parse_p

if TYPE_CHECKING:
    from marrowtrace.evidence.records import DetectionRate, PrognosticEffect


def nearest_count(percent: str, n: int) -> int:
    """Whole number of ``n`` that comes nearest to ``percent``.

    Examples
    --------
    >>> nearest_count("24", 414)
    99
    """
    return round(float(percent) / 100 * n)


def grim(percent: str, n: int, *, k: int | None = None) -> bool:
    """Whether ``percent``, as printed, is the rate of ``k`` of ``n`` (of any count without ``k``).

    Rounding half up and half to even both pass.

    Examples
    --------
    >>> grim("18.6", 81), grim("18.5", 81), grim("24", 414, k=107)
    (False, True, False)
    """
    digits = len(percent.partition(".")[2])
    near = nearest_count(percent, n)
    half = 0.5 * 10.0**-digits
    counts = range(max(0, near - 1), min(n, near + 1) + 1) if k is None else (k,)
    return any(abs(100 * count / n - float(percent)) <= half * (1 + 1e-9) for count in counts)


def rate_problems(row: DetectionRate) -> list[Problem]:
    """What is inconsistent in a detection rate."""
    found: list[Problem] = []

    def note(columns: str, message: str) -> None:
        found.append(Problem(f"{row.row}.{columns}", message))

    _check_threshold(row, found)
    for column in ("k", "n"):
        value = getattr(row, column)
        if value is not None and value < (1 if column == "n" else 0):
            note(column, f"is {value}; counts are 0 or more, n is 1 or more")
    percent = _number(row.percent)
    if row.percent and (math.isnan(percent) or not 0 <= percent <= 100):
        note("percent", f"'{row.percent}' is not a per cent from 0 to 100, written without a sign")
        return found
    if found:
        return found
    if row.k is None and not row.percent:
        note("k+percent", "neither k nor percent is given; a rate needs one of them")
    elif row.n is None:
        note("n", "is missing; a rate needs the number examined")
    elif row.k is not None and row.k > row.n:
        note("k+n", f"{row.k} of {row.n} positive is more than all; are k and n exchanged?")
    elif row.percent and not grim(row.percent, row.n, k=row.k):
        note("k+n+percent", _grim_message(row.percent, row.n, row.k))
    return found


def effect_problems(row: PrognosticEffect) -> list[Problem]:
    """What is inconsistent in a prognostic effect."""
    found: list[Problem] = []

    def note(columns: str, message: str) -> None:
        found.append(Problem(f"{row.row}.{columns}", message))

    _check_threshold(row, found)
    for column in ("positives", "events"):
        value = getattr(row, column)
        if value is not None and row.n is not None and not 0 <= value <= row.n:
            note(f"{column}+n", f"{value} is not between 0 and the n of {row.n}")
    if row.p:
        try:
            parse_p(row.p)
        except EvidenceError as err:
            note("p", str(err))
    if not 0 < row.ci_level < 1:
        note("ci_level", f"{row.ci_level:g} is outside (0, 1); for 95 % give 0.95")
    if (row.ci_low is None) != (row.ci_high is None):
        note("ci_low+ci_high", "only one end of the interval is given; give both or neither")
    if not row.p and row.hr is None:
        note("p+hr", "neither p nor hr is given; an effect needs one of them")
    for column in ("hr", "ci_low", "ci_high"):
        value = getattr(row, column)
        if value is not None and not value > 0:
            note(column, f"{value:g} is not above 0; give the hazard ratio, not its logarithm")
    if not found and row.hr is not None:
        _check_ratio(row, row.hr, found)
    return found


def _check_threshold(row: DetectionRate | PrognosticEffect, found: list[Problem]) -> None:
    """A threshold is a positive whole number in a stated volume or number of cells."""
    for column in ("threshold", "volume_ml", "cells"):
        value = getattr(row, column)
        if value is not None and not value > 0:
            found.append(Problem(f"{row.row}.{column}", f"{value:g} is not above 0"))
    if row.threshold is not None and row.volume_ml is None and row.cells is None:
        found.append(
            Problem(
                f"{row.row}.threshold+volume_ml+cells",
                f"{row.threshold} cells or more, but in what? Give volume_ml (blood) or cells "
                "(nucleated cells examined), e.g. volume_ml = 7.5 for CellSearch",
            )
        )


def _check_ratio(row: PrognosticEffect, hr: float, found: list[Problem]) -> None:
    """The hazard ratio against its direction, interval and p-value."""
    if (row.direction == "worse" and hr < 1) or (row.direction == "better" and hr > 1):
        found.append(
            Problem(
                f"{row.row}.direction+hr",
                f"the direction is {row.direction} but the hazard ratio of those with cells to "
                f"those without is {hr:g}; turn the ratio round if it is the other way",
            )
        )
    if row.ci_low is None or row.ci_high is None:
        return
    if not row.ci_low < row.ci_high:
        message = (
            f"the interval [{row.ci_low:g}, {row.ci_high:g}] is empty; are its ends exchanged?"
        )
        found.append(Problem(f"{row.row}.ci_low+ci_high", message))
        return
    if not row.ci_low <= hr <= row.ci_high:
        message = f"{hr:g} is outside its interval [{row.ci_low:g}, {row.ci_high:g}]"
        found.append(Problem(f"{row.row}.hr+ci_low+ci_high", message))
        return
    if not row.p:
        return
    printed = parse_p(row.p, rounded=True)
    agreement = check_printed_p(
        hr,
        row.ci_low,
        row.ci_high,
        (printed.low, printed.high),
        decimals=max(_decimals(value) for value in (hr, row.ci_low, row.ci_high)),
        level=row.ci_level,
    )
    if not agreement.consistent:
        found.append(
            Problem(
                f"{row.row}.p+hr+ci_low+ci_high",
                f"p = {row.p} does not go with {hr:g} ({row.ci_low:g} to {row.ci_high:g}), which "
                f"gives p = {agreement.p_implied:.2g}; check the level of the interval and "
                "whether both are of one model",
            )
        )


def _decimals(value: float) -> int:
    """Decimals that a number is printed to, as far as it shows."""
    return len(f"{value:.10g}".partition(".")[2])


def _grim_message(percent: str, n: int, k: int | None) -> str:
    """What to say about counts and a per cent that cannot be true together."""
    near = nearest_count(percent, n)
    if k is None:
        return (
            f"no count of {n} gives {percent} %: {near}/{n} = {100 * near / n:.2f} %; "
            "was the per cent taken of another n?"
        )
    return (
        f"{k}/{n} = {100 * k / n:.2f} %, but {percent} % is printed, which would be {near}/{n}; "
        "which of the two is wrong?"
    )


def _number(text: str) -> float:
    """The number that ``text`` is, or NaN."""
    try:
        return float(text)
    except ValueError:
        return math.nan
