"""Intervals of every kind hold the truth of a known law as often as they say."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import integrate, stats

from marrowtrace.survival.competing_risks import cumulative_incidence
from marrowtrace.survival.concordance import uno_concordance
from marrowtrace.survival.fine_gray import fine_gray
from marrowtrace.survival.kaplan_meier import kaplan_meier, reverse_kaplan_meier
from marrowtrace.survival.restricted_mean import restricted_mean_of
from marrowtrace.survival.time_dependent_accuracy import brier_score, time_dependent_auc
from tests.goodness_of_fit import assert_family

RUNS, PATIENTS, AT = 200, 150, 1.0
SHARE, LOW, HIGH, DEATH, LOST = 0.4, 0.4, 1.2, 0.3, 0.5
GROUPS = np.array([1 - SHARE, SHARE])
HAZARDS = np.array([LOW, HIGH])


def truths() -> dict[str, float]:
    """Two groups with exponential events, exponential competing deaths and censoring."""
    total = HAZARDS + DEATH
    had = HAZARDS / total * (1 - np.exp(-total * AT))
    free = np.exp(-total * AT)
    without = 1 - had
    cases, controls = GROUPS * had, GROUPS * without
    pairs = cases.sum() * controls.sum()
    area = (cases[1] * controls[0] + (cases * controls).sum() / 2) / pairs
    risk = np.array([0.25, 0.6])
    score = (GROUPS * (had * (1 - risk) ** 2 + without * risk**2)).sum()
    mean = integrate.quad(lambda t: float((GROUPS * np.exp(-total * t)).sum()), 0, AT)[0]
    first = (GROUPS * np.exp(-HAZARDS * AT)).sum()
    hazard = GROUPS * HAZARDS
    grid = HAZARDS[:, None] + HAZARDS[None, :]
    before = GROUPS[:, None] * GROUPS[None, :] * HAZARDS[:, None] / grid * (1 - np.exp(-grid * AT))
    concordance = (before[1, 0] + np.diag(before).sum() / 2) / before.sum()
    assert hazard.sum() > 0
    return {
        "kaplan-meier": float((GROUPS * free).sum()),
        "event alone": float(first),
        "incidence": float((GROUPS * had).sum()),
        "restricted mean": mean,
        "auc": float(area),
        "brier": float(score),
        "concordance": float(concordance),
        "follow-up": float(np.exp(-LOST * AT)),
    }


@cache
def covered(level: float) -> dict[str, float]:
    """Binomial p-values of how often each interval holds its truth."""
    rng, wanted = np.random.default_rng(81), truths()
    inside = dict.fromkeys(wanted, 0)
    for _ in range(RUNS):
        high = rng.random(PATIENTS) < SHARE
        event = rng.exponential(1 / np.where(high, HIGH, LOW))
        death = rng.exponential(1 / DEATH, PATIENTS)
        gone = rng.exponential(1 / LOST, PATIENTS)
        time = np.minimum.reduce([event, death, gone])
        code = np.where(time == event, 1, np.where(time == death, 2, 0))
        curve = kaplan_meier(time, code > 0, level=level)
        alone = np.minimum(event, gone)
        mean = restricted_mean_of(curve, horizon=AT)
        x = high.astype(float)
        area = time_dependent_auc(time, code, risk=x, horizons=[AT], level=level)
        risk = np.where(high, 0.6, 0.25)
        score = brier_score(time, code, risk=risk, horizons=[AT], level=level)
        c = uno_concordance(alone, event <= gone, risk=x, horizon=AT, level=level)
        found = {
            "kaplan-meier": curve.at(AT)[1:],
            "event alone": kaplan_meier(alone, event <= gone, level=level).at(AT)[1:],
            "incidence": cumulative_incidence(time, code, level=level).at(AT)[1:],
            "restricted mean": (mean.low, mean.high),
            "auc": (area.low[0], area.high[0]),
            "brier": (score.low[0], score.high[0]),
            "concordance": (c.low, c.high),
            "follow-up": reverse_kaplan_meier(time, code, level=level).at(AT)[1:],
        }
        for name, (low, top) in found.items():
            inside[name] += bool(low <= wanted[name] <= top)
    return {name: stats.binomtest(k, RUNS, 0.95).pvalue for name, k in inside.items()}


def test_intervals_cover_the_truth():
    assert_family(covered(0.95))


@pytest.mark.parametrize("name", sorted(truths()))
def test_narrower_intervals_are_caught(name):
    assert covered(0.8)[name] < 1e-3


def test_fine_gray_covers_its_own_law():
    """Subdistribution of a proportional law: F = 1 - (1 - p(1 - exp(-t)))**ratio."""
    rng, ratio, share, inside = np.random.default_rng(82), 2.0, 0.3, 0
    for _ in range(RUNS):
        x = rng.integers(0, 2, PATIENTS)
        power = ratio**x
        ever = 1 - (1 - share) ** power
        has = rng.random(PATIENTS) < ever
        u = rng.random(PATIENTS) * ever
        event = -np.log(1 - (1 - (1 - u) ** (1 / power)) / share)
        time = np.where(has, event, rng.exponential(1.0, PATIENTS))
        gone = rng.uniform(0.5, 4, PATIENTS)
        code = np.where(gone < time, 0, np.where(has, 1, 2))
        fit = fine_gray(np.minimum(time, gone), code, covariates={"x": x.astype(float)})
        inside += bool(fit.low[0] <= np.log(ratio) <= fit.high[0])
    assert stats.binomtest(inside, RUNS, 0.95).pvalue > 1e-3
