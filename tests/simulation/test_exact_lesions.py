"""The twin's lesions against the laws of birth-death processes and of competing hazards."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats
from verification.closed_forms import ALIKE, Linear
from verification.systems import YEAR, system

from marrowtrace.simulation.exact import simulate_exactly
from marrowtrace.simulation.exact_primary import Bulk
from marrowtrace.simulation.exact_walk import surviving_walk, walk
from marrowtrace.simulation.therapy import Therapy
from marrowtrace.streams import generator
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue

REPLICATES = 3000  # power at level 1e-3: 0.99 for a division rate 40 % wrong
RATES = [(0.30, 0.10, 5.0), (0.10, 0.30, 5.0), (0.20, 0.16, 12.0), (0.50, 0.0, 4.0)]


def kendall(birth: float, death: float, time: float, top: int = 400):
    """Clone size from one cell, Kendall 1948."""
    growth = math.exp((birth - death) * time)
    alpha = death * (growth - 1.0) / (birth * growth - death)
    beta = birth * (growth - 1.0) / (birth * growth - death)
    sizes = np.arange(top)
    return np.where(
        sizes == 0, alpha, (1.0 - alpha) * (1.0 - beta) * beta ** np.maximum(sizes - 1, 0)
    )


def sizes(follow, birth: float, death: float, time: float):
    rng = generator(1, 60_002, 0)
    return np.array(
        [
            follow(rng, 1, birth, death, duration=time, ceiling=math.inf)[1][-1]
            for _ in range(REPLICATES)
        ]
    )


def test_clone_size_follows_kendall():
    found = {}
    for birth, death, time in RATES:
        drawn = sizes(walk, birth, death, time)
        found[f"b={birth} d={death}"] = chi2_pvalue(drawn, kendall(birth, death, time))
        assert chi2_pvalue(drawn, kendall(1.4 * birth, death, time)) < ALPHA
    assert_family(found)


def test_clone_known_to_survive_follows_the_conditional_law():
    found = {}
    for birth, death, time in [rates for rates in RATES if rates[0] > rates[1]]:
        drawn = sizes(surviving_walk, birth, death, time)
        plain = kendall(birth, death, time)
        ratio = death / birth
        law = plain * (1.0 - ratio ** np.arange(plain.size)) / (1.0 - ratio)
        found[f"b={birth} d={death}"] = chi2_pvalue(drawn, law)
        if death > 0.0:
            not_dead_yet = np.where(np.arange(plain.size) > 0, plain / (1.0 - plain[0]), 0.0)
            assert chi2_pvalue(drawn, not_dead_yet) < ALPHA
    assert_family(found)


def test_a_walk_ends_at_its_ceiling_and_its_time():
    rng = generator(2, 60_002, 0)
    times, cells = walk(rng, 1, 1.0, 0.0, duration=math.inf, ceiling=20)
    assert list(cells) == list(range(1, 21))
    assert np.all(np.diff(times) > 0.0)
    times, _ = walk(rng, 5, 1.0, 0.5, duration=0.3, ceiling=math.inf)
    assert times[-1] <= 0.3
    assert walk(rng, 0, 1.0, 0.0, duration=9.0, ceiling=5.0)[1].tolist() == [0]


def test_bulk_follows_gompertz_above_and_is_exponential_below_the_corner():
    n = {"tumour_carrying_capacity": 3.1e12, "growth_hand_over_size": 1e4}
    bulk = Bulk(0.001, n, size=1e9, start=10.0)
    gap = math.log(3.1e12 / 1e9)
    later = 3.1e12 * math.exp(-gap * math.exp(-0.5))
    assert math.isclose(float(bulk.size(510.0)), later, rel_tol=1e-12)
    early = bulk.time_to(100.0)
    slope = 0.001 * math.log(3.1e12 / 1e4)
    assert math.isclose(bulk.time_to(200.0) - early, math.log(2.0) / slope, rel_tol=1e-9)
    for target in (50.0, 1e4, 1e7, 1e12):
        assert math.isclose(float(bulk.size(bulk.time_to(target))), target, rel_tol=1e-9)
    bulk.kill = 0.01
    assert math.isclose(float(bulk.size(110.0)), 1e9 * math.exp(-1.0), rel_tol=1e-12)


RESTRICTED = ALIKE | {
    "restricted_fraction": 1.0,
    "restriction_delay": 0.0,
    "establishment_probability": 0.2,
    "restricted_elimination_rate": 0.5 / YEAR,
    "escape_rate": 1.0 / YEAR,
    "shedding_rate_reference": 1.0,
}


def test_restricted_lesions_leave_by_two_competing_hazards():
    found = [
        (lesion, life.end)
        for life in simulate_exactly(system("restricted", RESTRICTED), 120, 3)
        for lesion in life.lesions
    ]
    left = np.array([np.nanmin([x.escaped, x.ended, end]) - x.restricted for x, end in found])
    limit = np.array([end - x.restricted for x, end in found])
    exits = left < limit
    total = 1.5 / YEAR
    # given that it left before the end, the time is a truncated exponential
    ranks = -np.expm1(-total * left[exits]) / -np.expm1(-total * limit[exits])
    wrong = -np.expm1(-1.5 * total * left[exits]) / -np.expm1(-1.5 * total * limit[exits])
    escaped = sum(not math.isnan(x.escaped) for x, _ in found)
    assert_family(
        {
            "times": ks_pvalue(ranks, stats.uniform.cdf),
            "escapes": stats.binomtest(escaped, int(exits.sum()), 2.0 / 3.0).pvalue,
        }
    )
    assert ks_pvalue(wrong, stats.uniform.cdf) < ALPHA


def test_without_escape_and_elimination_the_equilibrium_is_for_ever():
    values = RESTRICTED | {"restricted_elimination_rate": 0.0, "escape_rate": 0.0}
    found = simulate_exactly(system("for ever", values, years=40.0), 20, 4)
    assert sum(len(life.lesions) for life in found) > 20
    for life in found:
        assert life.distant_relapse == math.inf
        assert all(lesion.state == "restricted" for lesion in life.lesions)


def test_a_cycle_that_kills_everything_leaves_no_growing_lesion():
    cycle = Therapy("chemotherapy", start=5.0, duration=1.0, effects={"log_kill": 60.0}, cycles=1)
    values = ALIKE | {
        "chemotherapy_log_kill_sd": 0.0,
        "perivascular_awakening_rate": 3.0 / YEAR,
        "establishment_probability": 0.1,
    }
    found = simulate_exactly(system("kill", values, therapies=(cycle,)), 30, 5)
    for life in found:
        before = [x for x in life.lesions if x.awakened < 5.0 and life.end > 5.0]
        assert all(x.end_cause == "killed" and x.ended == 5.0 for x in before)


def test_cytocidal_therapy_ends_sensitive_lesions_only():
    drug = Therapy(
        "endocrine",
        start=0.0,
        effects={"lesion_kill": 30.0 / YEAR, "resistant_fraction": 0.5},
        acts_on="er_positive",
    )
    values = ALIKE | {
        "establishment_probability": 0.05,
        "survival_after_relapse_median": 1000.0 * YEAR,
    }
    found = simulate_exactly(system("drug", values, therapies=(drug,), years=4.0), 60, 6)
    lesions = [x for life in found for x in life.lesions if life.end > 900.0]
    early = [x for x in lesions if x.awakened < 0.0]
    assert len(early) > 20
    assert all(x.state == "gone" for x in early if not x.resistant_er)
    assert all(x.state != "gone" for x in early if x.resistant_er)
    share = sum(x.resistant_er for x in lesions)
    assert stats.binomtest(share, len(lesions), 0.5).pvalue > ALPHA


def test_delay_of_a_clone_agrees_with_its_limit_law():
    """From one cell to detection, against the limit law that the quadrature uses."""
    values = ALIKE | {
        "establishment_probability": 0.1,
        "shedding_rate_reference": 1.0,
        "relapse_growth_factor": 1.0,
        "survival_after_relapse_median": 1000.0 * YEAR,
    }
    chosen = system("delay", values, years=8.0)
    found = [
        lesion
        for life in simulate_exactly(chosen, 200, 7)
        for lesion in life.lesions
        # detected by the end, and not before diagnosis, which would count as on day 0
        if 0.0 <= lesion.awakened < life.end - 1500.0
    ]
    assert not any(math.isnan(lesion.detected) for lesion in found)
    first = [x.detected - x.awakened for x in found]
    law = Linear(chosen)
    assert_family({"delay": ks_pvalue(np.array(first), law.delay_cdf)})
    assert ks_pvalue(1.1 * np.array(first), law.delay_cdf) < ALPHA
