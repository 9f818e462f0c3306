"""Samples of virtual patients: what assays read at a visit, and what becomes of the patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from marrowtrace.assays import Assay, Burden
from marrowtrace.assays import assay as bundled_assay
from marrowtrace.claims.measure import Figure, Reals, Truths
from marrowtrace.parameters import ParameterSet, Source
from marrowtrace.simulation import BURDENS, History
from marrowtrace.study.observation import burden_at

_FACTORS = ("recovery", "false_positives")
_CHANGED = Source(kind="assumed", where="a change that a check makes on purpose")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one assay said of everyone at one visit.

    Parameters
    ----------
    count : ndarray of float, shape (n,)
        Cells counted; NaN where no sample was taken or the assay has no count.
    positive : ndarray of bool, shape (n,)
    taken : ndarray of bool, shape (n,)
        Who was sampled: alive, without distant relapse before the day.
    """

    count: Reals
    positive: Truths
    taken: Truths

    def at_least(self, threshold: float) -> Truths:
        """Return who had so many cells, shape (n,)."""
        return np.asarray(np.nan_to_num(self.count, nan=-1.0) >= threshold)


def fitted(history: History, name: str, changes: Mapping[str, float] | None = None) -> Assay:
    """Return a bundled assay with the numbers of the scenario's parameter set.

    Parameters
    ----------
    history : History
    name : str
    changes : mapping of str to float, optional
        Other numbers, in canonical units, whatever their ranges: for asking what would be.
        ``recovery`` and ``false_positives`` are factors of the assay's own.
    """
    found = bundled_assay(name).with_catalogue(history.scenario.parameters)
    numbers = dict(found.numbers)
    for symbol, change in (changes or {}).items():
        if symbol not in numbers:
            continue
        old = numbers[symbol]
        value = change * old.value if symbol in _FACTORS else change
        numbers[symbol] = replace(
            old, value=value, low=min(old.low, value), high=max(old.high, value), source=_CHANGED
        )
    return replace(found, numbers=ParameterSet(list(numbers.values())))


def read(history: History, assay: Assay, visit: int, *, after_relapse: bool = False) -> Reading:
    """Draw what an assay reads at a visit of the scenario.

    Parameters
    ----------
    history : History
    assay : Assay
    visit : int
        Place of the visit.
    after_relapse : bool
        Whether patients are sampled after their distant relapse too; always so where follow-up
        begins with metastases.

    Returns
    -------
    Reading
    """
    from marrowtrace.assays.draw import draw

    burdens = {name: history.burdens[:, :, i] for i, name in enumerate(BURDENS)}
    taken = ~np.isnan(burdens["perivascular"][:, visit])
    if not after_relapse and history.scenario.entry == "diagnosis":
        taken &= history.column("distant_relapse") > history.scenario.visits[visit]
    burden: Burden = burden_at(assay.specimen, burdens, visit, taken, history.scenario.parameters)
    found = draw(assay, burden, seed=history.seed, patients=history.patient, visit=visit)
    count = np.where(found.count >= 0, found.count, np.nan).astype(np.float64)
    return Reading(count, found.positive == 1, taken)


def blood_cells(history: History, visit: int) -> Reals:
    """Return the circulating tumour cells at a visit, 0 after the end, shape (n,)."""
    names = ("ctc_primary", "ctc_lesions", "ctc_marrow")
    return np.nan_to_num(sum(history.burden(n)[:, visit].astype(np.float64) for n in names))


def outcome(history: History, endpoint: str, visit: int, years: float) -> tuple[Reals, Truths]:
    """Return days from a visit to an endpoint or the end of follow-up, and who had it.

    Parameters
    ----------
    history : History
    endpoint : {"death", "disease_free", "distant_relapse", "local_relapse", "bone_relapse"}
        ``disease_free``: local or distant relapse, or death. The single relapses are censored at
        death.
    visit : int
        Place of the visit, from which days are counted.
    years : float
        Follow-up from the visit, the same for all.

    Returns
    -------
    time : ndarray of float, shape (n,)
        At least a tenth of a day.
    event : ndarray of bool, shape (n,)
    """
    death, end = history.column("death"), history.column("end")
    if endpoint == "death":
        day = death
    elif endpoint == "disease_free":
        day = np.minimum(
            np.minimum(history.column("distant_relapse"), history.column("local_relapse")), death
        )
    else:
        day = history.column(endpoint)
    start = np.full(len(history), history.scenario.visits[visit])
    if history.scenario.entry == "metastatic":
        index = history.column("index_day")
        start += np.where(np.isfinite(index), index, 0.0)  # the others are not sampled
    time = np.minimum(np.minimum(day, end) - start, years * 365.25)
    event = (day - start <= years * 365.25) & (day <= end)
    return np.maximum(time, 0.1), np.asarray(event)


def hazard_ratio(
    time: Reals,
    event: Truths,
    group: Truths,
    who: Truths,
    *,
    others: dict[str, Reals] | None = None,
) -> Figure:
    """Return the hazard ratio of a group, adjusted for others, by Cox's model.

    Parameters
    ----------
    time, event, group, who : ndarray, shape (n,)
        ``who``: patients that are analysed.
    others : mapping of str to ndarray, optional
        Further covariates.
    """
    from marrowtrace.survival.cox import cox_regression

    covariates = {"group": group[who].astype(np.float64)}
    covariates |= {name: values[who] for name, values in (others or {}).items()}
    groups = covariates["group"]
    seen = event[who]
    if min(groups.sum(), (1 - groups).sum()) < 2 or not seen.any():
        return Figure(np.nan, 0.0, np.inf)
    fit = cox_regression(time[who], seen, covariates=covariates)
    low, high = float(fit.low[0]), float(fit.high[0])
    return Figure(float(np.exp(fit.coefficients[0])), float(np.exp(low)), float(np.exp(high)))


def swapped(values: Truths, who: Truths, seed: int) -> Truths:
    """Return the results handed to the wrong patients: at random among those sampled."""
    rng = np.random.default_rng(seed)
    out = values.copy()
    out[who] = rng.permutation(values[who])
    return out
