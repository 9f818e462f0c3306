"""What the model gives for each published figure, and for the other rows of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from marrowtrace.simulation import FOLLOW_UP, History
from marrowtrace.units import DAYS_PER_YEAR as YEAR
from verification.calibration.laboratory import BLOOD, LARGE_BLOOD, Laboratory
from verification.calibration.weighted import (
    Array,
    Mask,
    hazard_ratio,
    kappa,
    rate,
    relapse_risk,
)

MONTH = YEAR / 12
_VISIT = {0: 0, 1: 1, 8: 2, 12: 3, 24: 4, 36: 5, 60: 6}  # months to place in FOLLOW_UP
_AT_RELAPSE = len(FOLLOW_UP)


@dataclass(eq=False)
class Cohort:
    """A simulated cohort, and those of it who took endocrine therapy again without it."""

    history: History
    untreated: History | None = None
    _cache: dict[tuple[str, int, int], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lab = Laboratory(self.history)

    def column(self, name: str) -> Array:
        """Return a column of the patients."""
        return self.history.column(name)

    @cached_property
    def keep(self) -> Mask:
        """Patients without metastases at diagnosis."""
        return np.asarray(self.column("metastatic_at_diagnosis") == 0)

    @cached_property
    def er(self) -> Mask:
        """Patients with an ER-positive tumour."""
        return np.asarray(self.column("subtype") < 2)

    @cached_property
    def follow(self) -> Array:
        """Days to distant relapse, death of other causes or the horizon."""
        ends = np.minimum(self.column("distant_relapse"), self.column("other_cause_death"))
        return np.minimum(ends, self.history.scenario.horizon)

    @cached_property
    def event(self) -> Mask:
        """Whether follow-up ends with a distant relapse."""
        return np.asarray(self.column("distant_relapse") <= self.follow)

    def dtc(self, month: int, at_least: int = 1) -> Array:
        """Probability of at least so many DTCs in an aspirate."""
        key = ("dtc", month, at_least)
        if key not in self._cache:
            self._cache[key] = 1 - self.lab.marrow(_VISIT[month], at_least - 1).sum(axis=0)
        return self._cache[key]

    def ctc(self, month: int, at_least: int = 1, name: str = BLOOD) -> Array:
        """Probability of at least so many CTCs by an assay; month -1 is the relapse."""
        key = (name, month, at_least)
        if key not in self._cache:
            visit = _AT_RELAPSE if month < 0 else _VISIT[month]
            self._cache[key] = self.lab.blood(visit, at_least, name)
        return self._cache[key]

    def share(self, probability: Array, who: Mask, month: int = 0) -> float:
        """Mean of a probability over some patients who are at risk in a month."""
        return float(probability[self.keep & who & (self.follow > month * MONTH)].mean())

    def ratio(
        self, positive: Array, negative: Array, *, start: float, length: float,
        who: Mask | None = None, event: Mask | None = None,
    ) -> float:  # fmt: skip
        """Hazard ratio of relapse over ``length`` days from the day ``start``."""
        at_risk = self.keep & (self.follow > start)
        at_risk = at_risk if who is None else at_risk & who
        seen = (self.event if event is None else event) & (self.follow <= start + length)
        time = np.minimum(self.follow, start + length)
        return hazard_ratio(time[at_risk], seen[at_risk], positive[at_risk], negative[at_risk])

    def select(self, rows: Mask) -> Cohort:
        """Return the cohort of some rows."""
        return Cohort(_rows(self.history, rows), self._untreated_of(rows))

    def _untreated_of(self, rows: Mask) -> History | None:
        if self.untreated is None:
            return None
        chosen = np.isin(self.untreated.patient, self.history.patient[rows])
        return _rows(self.untreated, chosen)


def _rows(history: History, rows: Mask) -> History:
    """The patients of a history that are chosen, without their lesions."""
    return History(
        history.scenario, history.seed, history.patient[rows], history.patients[rows],
        history.burdens[rows], history.lesions[:0], np.zeros(int(rows.sum()) + 1, np.int64),
    )  # fmt: skip


def fitted_outputs(cohort: Cohort) -> dict[str, float]:
    """Return what the model gives for the figures of the catalogue that the fit knows of."""
    every = np.ones(cohort.keep.size, dtype=bool)
    er, diameter = cohort.er, cohort.column("diameter")
    dtc, ctc, five = cohort.dtc(0), cohort.ctc(0), cohort.ctc(0, 5)
    death = np.minimum(cohort.column("death"), cohort.column("other_cause_death"))
    keep = cohort.keep
    persisting = cohort.keep & (cohort.follow > 24 * MONTH)
    later, late_blood = cohort.dtc(36), cohort.ctc(60)
    out = {
        "dtc_at_diagnosis": cohort.share(dtc, every),
        "dtc_at_diagnosis_t1": cohort.share(dtc, diameter <= 20),
        "dtc_at_diagnosis_t3": cohort.share(dtc, diameter > 50),
        "dtc_er_negative_to_positive": cohort.share(dtc, ~er) / cohort.share(dtc, er),
        "dtc_two_or_more_of_positive": cohort.share(cohort.dtc(0, 2), every)
        / cohort.share(dtc, every),
        "ctc_at_diagnosis": cohort.share(ctc, every),
        "ctc_five_at_diagnosis": cohort.share(five, every),
        "ctc_after_surgery_23ml": cohort.share(cohort.ctc(1, name=LARGE_BLOOD), every, 1),
        "ctc_at_24_months_23ml": cohort.share(cohort.ctc(24, name=LARGE_BLOOD), every, 24),
        "ctc_at_60_months": cohort.share(late_blood, every, 60),
        "ctc_five_at_relapse": cohort.share(cohort.ctc(-1, 5), cohort.event),
        "dtc_at_36_months": cohort.share(later, every, 36),
        "dtc_persistence_24_months": float(
            (dtc * cohort.dtc(24))[persisting].sum() / dtc[persisting].sum()
        ),
        "hr_dtc_relapse_10_years": cohort.ratio(dtc, 1 - dtc, start=0, length=10 * YEAR),
        "hr_dtc_death_10_years": hazard_ratio(
            np.minimum(death, 10 * YEAR)[keep], (death <= 10 * YEAR)[keep], dtc[keep],
            1 - dtc[keep],
        ),
        "hr_ctc_relapse": cohort.ratio(ctc, 1 - ctc, start=0, length=5.2 * YEAR),
        "hr_ctc_five_relapse": cohort.ratio(five, 1 - ctc, start=0, length=5.2 * YEAR),
        "hr_dtc_36_months": cohort.ratio(
            later, 1 - later, start=36 * MONTH, length=6 * YEAR
        ),
        "hr_ctc_60_months": cohort.ratio(
            late_blood, 1 - late_blood, start=60 * MONTH, length=3 * YEAR, who=er
        ),
        "metastatic_at_diagnosis": float(1 - keep.mean()),
        "bone_first": float(
            (cohort.column("relapse_site") == 0)[
                keep & cohort.event & (cohort.follow <= 10 * YEAR)
            ].mean()
        ),
    }  # fmt: skip
    out |= late_relapse(cohort)
    out |= tamoxifen(cohort)
    return out


def late_relapse(cohort: Cohort) -> dict[str, float]:
    """Return ER-positive relapse from 5 to 20 years by size and nodes."""
    diameter, node = cohort.column("diameter"), cohort.column("node_positive") > 0
    late = cohort.keep & cohort.er & (cohort.follow > 5 * YEAR)
    small, middle = diameter <= 20, (diameter > 20) & (diameter <= 50)
    out = {}
    for name, chosen in (
        ("t1n0", small & ~node),
        ("t2n0", middle & ~node),
        ("t1n1", small & node),
        ("t2n1", middle & node),
    ):
        who = late & chosen
        risk = relapse_risk(cohort.follow[who] - 5 * YEAR, cohort.event[who], 15 * YEAR)
        out[f"relapse_5_to_20_{name}"] = risk
    return out


def tamoxifen(cohort: Cohort) -> dict[str, float]:
    """Return relapse with over without endocrine therapy among those who started it."""
    if cohort.untreated is None:
        return {}
    without = Cohort(cohort.untreated)
    took = cohort.keep & (cohort.column("endocrine") > 0)
    out = {}
    for name, start, stop in (("0_4", 0, 5), ("5_9", 5, 10), ("10_14", 10, 15)):
        window = start * YEAR, stop * YEAR
        treated = rate(cohort.follow[took], cohort.event[took], *window)
        plain = rate(without.follow[without.keep], without.event[without.keep], *window)
        out[f"hr_tamoxifen_years_{name}"] = treated / plain if plain > 0 else np.nan
    return out


def further_outputs(cohort: Cohort) -> dict[str, float]:
    """Return the rest of the table: counts, course of relapse, sites, associations."""
    every = np.ones(cohort.keep.size, dtype=bool)
    keep, er, follow, event = cohort.keep, cohort.er, cohort.follow, cohort.event
    dtc, ctc = cohort.dtc(0), cohort.ctc(0)
    counts = np.nanmean(cohort.lab.marrow(0, 5)[:, keep], axis=1)
    cells = (cohort.history.burden("perivascular") + cohort.history.burden("endosteal"))[keep, 0]
    out = {
        "node_positive": float((cohort.column("node_positive") > 0)[keep].mean()),
        "dtc_count_0": float(counts[0]),
        "dtc_count_1": float(counts[1]),
        "dtc_count_2": float(counts[2]),
        "dtc_count_3_to_5": float(counts[3:6].sum()),
        "dtc_count_above_5": float(1 - counts.sum()),
        "dtc_total_quartile_1": float(np.quantile(cells, 0.25)),
        "dtc_total_median": float(np.quantile(cells, 0.5)),
        "dtc_total_quartile_3": float(np.quantile(cells, 0.75)),
        "kappa_dtc_ctc": kappa(dtc[keep], ctc[keep]),
        "kappa_dtc_node": kappa(dtc[keep], cohort.column("node_positive")[keep]),
        "founded_before_diagnosis": float(
            (cohort.column("first_establishment") < 0)[keep & event & (follow <= 10 * YEAR)].mean()
        ),
    }
    for name, who in (("er_positive", er), ("er_negative", ~er), ("all", every)):
        for years in (5, 10, 15, 20):
            chosen = keep & who
            risk = relapse_risk(follow[chosen], event[chosen], years * YEAR)
            out[f"relapse_{years}_years_{name}"] = risk
    windows = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 7), (7, 10), (10, 15), (15, 20))
    for name, who in (("er_positive", er & keep), ("er_negative", ~er & keep)):
        for start, stop in windows:
            found = rate(follow[who] / YEAR, event[who], start, stop)
            out[f"hazard_{start}_{stop}_{name}"] = found
        for start, stop in ((0, 5), (5, 10)):
            found = rate(follow[who] / YEAR, event[who], start, stop)
            out[f"hazard_{start}_{stop}_{name}"] = found
    treated = cohort.column("chemotherapy") > 0
    out["dtc_at_8_months_after_chemotherapy"] = cohort.share(cohort.dtc(8), treated, 8)
    out["dtc_at_24_months"] = cohort.share(cohort.dtc(24), every, 24)
    site = cohort.column("relapse_site")
    for name, code in (("bone", 0), ("viscera", 1)):
        mine = event & (site == code)
        found = cohort.ratio(dtc, 1 - dtc, start=0, length=10 * YEAR, event=mine)
        out[f"hr_dtc_first_relapse_{name}"] = found
    for month in (12, 24):
        now = cohort.dtc(month)
        out[f"hr_dtc_{month}_months"] = cohort.ratio(
            now, 1 - now, start=month * MONTH, length=6 * YEAR
        )
    now = cohort.ctc(24, name=LARGE_BLOOD)
    out["hr_ctc_24_months"] = cohort.ratio(now, 1 - now, start=24 * MONTH, length=3 * YEAR)
    return out
