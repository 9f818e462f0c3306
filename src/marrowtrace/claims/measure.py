"""Figures with intervals out of virtual cohorts, and the verdict that they bear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

from marrowtrace.claims.check import CONTRADICTED, REPRODUCED, UNDETERMINED, Outcome
from marrowtrace.simulation import History

Reals = NDArray[np.float64]
Truths = NDArray[np.bool_]
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its 95 % interval.

    Parameters
    ----------
    value, low, high : float
    """

    value: float
    low: float
    high: float

    def words(self, digits: int = 2) -> str:
        """Return the figure as text."""
        return f"{self.value:.{digits}g} ({self.low:.{digits}g} to {self.high:.{digits}g})"

    def per_cent(self) -> str:
        """Return a share as text, in per cent."""
        return f"{100 * self.value:.3g} % ({100 * self.low:.3g} to {100 * self.high:.3g})"


def share(condition: Truths, who: Truths | None = None) -> Figure:
    """Return the share of those patients for whom it holds, with its exact interval."""
    chosen = condition if who is None else condition[who]
    number, total = int(chosen.sum()), int(chosen.size)
    if total == 0:
        return Figure(np.nan, 0.0, 1.0)
    tail = 0.5 * (1.0 - _LEVEL)
    low = 0.0 if number == 0 else float(beta.ppf(tail, number, total - number + 1))
    high = 1.0 if number == total else float(beta.ppf(1 - tail, number + 1, total - number))
    return Figure(number / total, low, high)


def paired_ratio(treated: Reals, control: Reals) -> Figure:
    """Return the ratio of two means over the same patients, with the interval of paired samples."""
    one, other = float(np.mean(treated)), float(np.mean(control))
    if one <= 0.0 or other <= 0.0:
        return Figure(one / other if other > 0 else np.nan, 0.0, np.inf)
    deviation = treated / one - control / other
    spread = float(norm.ppf(0.5 + 0.5 * _LEVEL) * deviation.std(ddof=1) / np.sqrt(treated.size))
    ratio = one / other
    return Figure(ratio, ratio * np.exp(-spread), ratio * np.exp(spread))


def mean(values: Reals) -> Figure:
    """Return the mean and its interval."""
    spread = float(norm.ppf(0.5 + 0.5 * _LEVEL) * values.std(ddof=1) / np.sqrt(values.size))
    return Figure(
        float(values.mean()), float(values.mean()) - spread, float(values.mean()) + spread
    )


def between(figure: Figure, low: float, high: float, words: str, settle: str = "") -> Outcome:
    """Return reproduced if the interval is within a band, contradicted if outside of it."""
    if low <= figure.low and figure.high <= high:
        verdict = REPRODUCED
    elif figure.high < low or figure.low > high:
        verdict = CONTRADICTED
    else:
        verdict = UNDETERMINED
    return Outcome(
        verdict=verdict,
        figure=words,
        value=figure.value,
        interval=(figure.low, figure.high),
        against="our model" if verdict == CONTRADICTED else "",
        settle=(settle or "a larger virtual cohort") if verdict == UNDETERMINED else "",
    )


def clear_of_metastases(history: History) -> Truths:
    """Return who was not metastatic at diagnosis, shape (n,)."""
    return np.asarray(history.column("metastatic_at_diagnosis") == 0)


def marrow(history: History, visit: int) -> Reals:
    """Return the tumour cells in marrow niches at a visit, 0 after the end, shape (n,)."""
    cells = history.burden("perivascular")[:, visit] + history.burden("endosteal")[:, visit]
    return np.nan_to_num(cells.astype(np.float64))


def relapsed(history: History, before: float, column: str = "distant_relapse") -> Reals:
    """Return 1 for an event before a day and death of other causes, else 0, shape (n,)."""
    day = history.column(column)
    return np.asarray((day <= before) & (day <= history.column("other_cause_death")), np.float64)
