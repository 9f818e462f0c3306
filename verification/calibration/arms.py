"""Interventions that the fit did not see: what tells the two structures apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation import History, Scenario, Therapy, scenario, simulate, therapy
from marrowtrace.units import DAYS_PER_YEAR as YEAR

Array = NDArray[np.float64]
GROUPS = 20
PURGE_LOG_KILL = 2.0
Estimate = tuple[float, float]
SITES = {"any": (0, 1), "bone": (0,), "viscera": (1,)}


def interventions(name: str) -> dict[str, Scenario]:
    """Return the arms to compare with the usual one.

    The purge is a thought experiment: on day 30 it kills 99 % of the dormant cells in the marrow,
    and nothing else.
    """
    usual = scenario(name)
    purge = Therapy(
        "marrow_purge", start=30.0, duration=1.0, effects={"marrow_log_kill": PURGE_LOG_KILL}
    )
    zoledronate = therapy("zoledronate", usual.parameters)
    without = tuple(t for t in usual.therapies if t.agent != "chemotherapy")
    return {
        "zoledronate": replace(usual, therapies=(*usual.therapies, zoledronate)),
        "purge": replace(usual, therapies=(*usual.therapies, purge)),
        "no chemotherapy": replace(usual, therapies=without),
    }


def _events(
    history: History, who: NDArray[np.bool_], sites: tuple[int, ...]
) -> tuple[Array, Array]:
    """Relapses at some sites within 10 years and days at risk, by group of patients."""
    relapse, other = history.column("distant_relapse"), history.column("other_cause_death")
    ends = np.minimum(np.minimum(relapse, other), 10 * YEAR)
    seen = (relapse <= ends) & np.isin(history.column("relapse_site"), sites)
    group = (history.patient % GROUPS).astype(int)[who]
    counts, days = np.zeros(GROUPS), np.zeros(GROUPS)
    np.add.at(counts, group, seen[who])
    np.add.at(days, group, ends[who])
    return counts, days


def rate_ratios(treated: History, control: History, who: NDArray[np.bool_]) -> dict[str, Estimate]:
    """Return ratios of the rate of first distant relapse in years 0 to 9, with errors.

    Parameters
    ----------
    treated, control : History
        Of the same patients and seed.
    who : ndarray of bool, shape (n,)

    Returns
    -------
    dict of str to (float, float)
        For relapse anywhere, first in bone and first in the viscera; the error is that of the
        paired difference (jackknife over groups of patients).
    """
    found = {}
    for label, sites in SITES.items():
        one, two = _events(treated, who, sites), _events(control, who, sites)

        totals = [(part[0].sum(), part[1].sum()) for part in (one, two)]
        without = [
            (whole[0] - part[0], whole[1] - part[1])
            for whole, part in zip(totals, (one, two), strict=True)
        ]
        left = without[0][0] / without[0][1] / (without[1][0] / without[1][1])
        error = np.sqrt((GROUPS - 1) / GROUPS * ((left - left.mean()) ** 2).sum())
        ratio = totals[0][0] / totals[0][1] / (totals[1][0] / totals[1][1])
        found[label] = float(ratio), float(error)
    return found


def intervention_ratios(
    name: str, usual: History, workers: int = 2
) -> dict[str, dict[str, Estimate]]:
    """Return the rate ratios of each intervention against the usual arm of the same patients."""
    keep = usual.column("metastatic_at_diagnosis") == 0
    found = {}
    for label, arm in interventions(name).items():
        other = simulate(arm, len(usual), usual.seed, workers=workers)
        if label == "no chemotherapy":
            took = keep & (usual.column("chemotherapy") > 0)
            found["chemotherapy"] = rate_ratios(usual, other, took)
        else:
            found[label] = rate_ratios(other, usual, keep)
    return found
