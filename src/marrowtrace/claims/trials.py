"""Virtual trials: where a printed p-value falls among those of trials of the same size."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from marrowtrace.claims.measure import Figure, Reals
from marrowtrace.claims.samples import fitted, hazard_ratio, outcome, read
from marrowtrace.claims.world import World
from marrowtrace.simulation import Therapy

REPLICATES = 1000
TRUE, SWAPPED, ORACLE = "true", "swapped", "oracle"
"""Samples as they are; handed to the wrong patients; telling who will have the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A study as the model plays it.

    Parameters
    ----------
    model : str
        Parameter set.
    assay : str
        Preset that examines the samples.
    days : tuple of float
        Days of sampling.
    years : float
        Follow-up from each sample.
    threshold : float
        0 for the assay's own rule.
    regimens : tuple of str, optional
        Those usual for the set if left out.
    surgery : float, optional
    extra : tuple of Therapy
    treated : bool
        Only patients who took chemotherapy.
    """

    model: str
    assay: str
    days: tuple[float, ...]
    years: float
    threshold: float = 0.0
    regimens: tuple[str, ...] | None = None
    surgery: float | None = None
    extra: tuple[Therapy, ...] = ()
    treated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One printed p-value.

    Parameters
    ----------
    row : str
        Row of the evidence tables.
    visit : int
        Which of the trial's days.
    endpoint : str
        As in `marrowtrace.claims.samples.outcome`.
    assay, threshold
        Instead of the trial's.
    """

    row: str
    visit: int
    endpoint: str
    assay: str = ""
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What virtual trials say of one printed p-value.

    Parameters
    ----------
    label, printed : str
    patients : int
        Of the study, corrected.
    power : float
        Share of virtual trials with p < 0.05.
    median : float
        Median p.
    tail : float
        How probable a p-value at least as far out as the printed one is: two-sided for a number,
        the share of trials for 'ns' or a bound.
    ratio : Figure
        Hazard ratio in the whole virtual cohort.
    positive : float
        Share of virtual patients who are positive.
    p : ndarray of float
        Of each replicate.
    """

    label: str
    printed: str
    patients: int
    power: float
    median: float
    tail: float
    ratio: Figure
    positive: float
    p: Reals = field(repr=False)

    def words(self) -> str:
        """Return the cell in words."""
        return (
            f"{self.label}: printed {self.printed} (n = {self.patients}), median of virtual trials "
            f"{self.median:.2g}, power {100 * self.power:.0f} %, hazard ratio "
            f"{self.ratio.words(3)}, chance of such a p {self.tail:.2g}"
        )


def hold(world: World, trial: Trial, cell: Cell, samples: str = TRUE) -> Held:
    """Play a trial many times and find the place of the printed p-value.

    Parameters
    ----------
    world : World
    trial : Trial
    cell : Cell
    samples : {"true", "swapped", "oracle"}

    Returns
    -------
    Held
    """
    from marrowtrace.survival.log_rank import log_rank_replicates

    arm = world.arm(
        trial.model, regimens=trial.regimens, surgery=trial.surgery, extra=trial.extra,
        visits=trial.days,
    )  # fmt: skip
    history = world.history(arm)
    reading = read(history, fitted(history, cell.assay or trial.assay), cell.visit)
    threshold = trial.threshold if cell.threshold is None else cell.threshold
    positive = reading.at_least(threshold) if threshold else reading.positive
    who = reading.taken
    if arm.entry == "diagnosis":
        who = who & (history.column("metastatic_at_diagnosis") == 0)
    if trial.treated:
        who = who & (history.column("chemotherapy") > 0)
    time, event = outcome(history, cell.endpoint, cell.visit, trial.years)
    printed, patients = _printed(cell.row)
    rng = np.random.default_rng(world.seed)
    rows = rng.choice(np.flatnonzero(who), size=(REPLICATES, patients))
    group = positive[rows]
    if samples == SWAPPED:
        group = rng.permuted(group, axis=1)
    elif samples == ORACLE:
        group = event[rows]
    p = log_rank_replicates(time[rows], event[rows], group=group).p
    p = np.where(np.isfinite(p), p, 1.0)  # nobody positive, or no event: nothing to be found
    return Held(
        label=f"{cell.row.removeprefix('t2-')}",
        printed=printed,
        patients=patients,
        power=float((p < 0.05).mean()),
        median=float(np.median(p)),
        tail=_tail(p, printed),
        ratio=hazard_ratio(time, event, positive, who),
        positive=float(positive[who].mean()),
        p=p,
    )


def _tail(p: Reals, printed: str) -> float:
    """How probable such a p-value is among those of the virtual trials."""
    if printed == "ns":
        return float((p >= 0.05).mean())
    if printed.startswith("<"):
        return float((p < float(printed[1:])).mean())
    value = float(printed)
    return min(1.0, 2.0 * min(float((p <= value).mean()), float((p >= value).mean())))


def _printed(row: str) -> tuple[str, int]:
    """The printed p-value and the corrected number of patients of a row."""
    found = _rows()[row]
    return str(found["p"]), int(found.get("n_corrected") or found["n"])


@cache
def _rows() -> dict[str, dict[str, Any]]:
    from marrowtrace.evidence.tables import bundled

    return {str(row["row"]): row for row in bundled().effect_table().to_dicts()}
