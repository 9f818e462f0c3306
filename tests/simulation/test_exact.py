"""The slow twin against laws that are known in closed form or by quadrature."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats
from verification.closed_forms import ALIKE, Linear
from verification.systems import YEAR, system

from marrowtrace.errors import SimulationError
from marrowtrace.simulation.exact import check, simulate_exactly
from marrowtrace.simulation.exact_record import ExactLife
from marrowtrace.simulation.therapy import Therapy
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue

PATIENTS = 250  # power at level 1e-3: 0.86 for a mean pool of 30 that is 5 % wrong
PLAIN = ALIKE | {"visceral_lodging_of_egressed": 0.0, "establishment_probability": 0.0}
VISITS = (0.0, 300.0)
LAWS = {
    "exponential": {},
    "weibull": {"dormancy_shape": 0.6},
    "lognormal": {"dormancy_log_sd": 1.2},
    "erlang": {"dormancy_phases": 3.0},
}


def pools(dormancy: str, **values: float):
    return system(
        dormancy, PLAIN | LAWS[dormancy] | values, dormancy=dormancy, visits=VISITS, years=1.0
    )


@cache
def lives(dormancy: str) -> list[ExactLife]:
    return simulate_exactly(pools(dormancy), PATIENTS, 101)


def counted(chosen: list[ExactLife], name: str, visit: int):
    return np.array([life.counts[name][visit] for life in chosen])


def poisson(mean: float):
    return stats.poisson.pmf(np.arange(int(mean + 10.0 * mean**0.5) + 5), mean)


def pool_pvalues(dormancy: str, law: Linear) -> dict[str, float]:
    found = {}
    for place in ("perivascular", "endosteal", "visceral"):
        for visit, day in enumerate(VISITS):
            counts = counted(lives(dormancy), place, visit)
            mean = law.pool(place, day)
            found[f"{dormancy} {place} {day}"] = chi2_pvalue(counts, poisson(mean))
            z = (counts.mean() - mean) / (mean / counts.size) ** 0.5
            found[f"{dormancy} {place} {day} mean"] = 2.0 * stats.norm.sf(abs(z))
    return found


def test_dormant_pools_are_poisson_with_the_mean_of_the_integral():
    found: dict[str, float] = {}
    for dormancy in LAWS:
        found |= pool_pvalues(dormancy, Linear(pools(dormancy)))
    assert_family(found)


@pytest.mark.parametrize("dormancy", list(LAWS))
def test_check_of_pools_has_power(dormancy):
    """A loss rate in viscera that is 1.5 times what it is must be caught."""
    rate = Linear(pools(dormancy)).n["visceral_loss_rate"]
    wrong = Linear(pools(dormancy, visceral_loss_rate=1.5 * rate))
    with pytest.raises(AssertionError, match="comparisons fail"):
        assert_family(pool_pvalues(dormancy, wrong))


@pytest.mark.parametrize("dormancy", ["exponential", "lognormal"])
def test_cells_that_came_by_way_of_marrow_begin_a_new_wait(dormancy):
    more = {"visceral_lodging_of_egressed": 1.0, "rehoming_probability": 0.5}
    chosen = pools(dormancy, **more)
    found = simulate_exactly(chosen, PATIENTS, 15)
    law = Linear(chosen)
    pvalues = {
        f"{day}": chi2_pvalue(
            counted(found, "visceral_via_marrow", visit), poisson(law.via_marrow(day))
        )
        for visit, day in enumerate(VISITS)
    }
    assert_family(pvalues)
    wrong = poisson(1.1 * law.via_marrow(VISITS[1]))
    assert chi2_pvalue(counted(found, "visceral_via_marrow", 1), wrong) < ALPHA


def test_cells_in_the_blood_are_poisson_at_shedding_over_clearance():
    chosen = pools("exponential", ctc_half_life=0.3)
    found = simulate_exactly(chosen, 2 * PATIENTS, 7)
    mean = Linear(chosen).ctc(0.0)
    counts = counted(found, "ctc_primary", 0)
    assert_family({"ctc": chi2_pvalue(counts, poisson(mean))})
    assert chi2_pvalue(counts, poisson(1.4 * mean)) < ALPHA


def test_niche_of_few_sites_is_binomial():
    """Without egress each site fills and empties alone, whatever the arrivals."""
    sites = 12.0
    chosen = pools(
        "exponential",
        perivascular_niche_sites=sites,
        perivascular_egress_rate=0.0,
        perivascular_loss_rate=3.0 / YEAR,
    )
    found = simulate_exactly(chosen, PATIENTS, 8)
    law = Linear(chosen)
    leave = law.n["perivascular_loss_rate"] + law.n["perivascular_awakening_rate"]
    days = np.linspace(law.onset, 0.0, 20_001)
    arrivals = law.arrival_share("perivascular") * law.flux(days)
    share, step = 0.0, days[1] - days[0]
    for rate in arrivals[:-1] / sites:
        goal = rate / (rate + leave)
        share = goal + (share - goal) * np.exp(-(rate + leave) * step)
    counts = counted(found, "perivascular", 0)
    assert_family({"sites": chi2_pvalue(counts, stats.binom.pmf(range(13), 12, share))})
    assert chi2_pvalue(counts, poisson(12.0 * share)) < ALPHA


def test_relapse_free_survival_is_the_exponential_of_an_integral():
    values = ALIKE | {"visceral_lodging_of_egressed": 0.0, "establishment_probability": 0.02}
    chosen = system("relapse", values, visits=(), years=6.0)
    found = simulate_exactly(chosen, 2 * PATIENTS, 9)
    days = np.array([0.0, 150.0, 300.0, 500.0, 800.0, 1200.0, 6.0 * YEAR])
    relapse = np.array([life.distant_relapse for life in found])
    relapse = np.where([life.metastatic_at_diagnosis for life in found], -1.0, relapse)
    cells = np.searchsorted(days, relapse)

    def pvalue(law: Linear) -> float:
        survival = law.relapse_free(days)
        return chi2_pvalue(cells, -np.diff(survival, prepend=1.0))

    assert_family({"relapse": pvalue(Linear(chosen))})
    assert pvalue(Linear(system("wrong", values | {"establishment_probability": 0.03}))) < ALPHA


def test_cycles_thin_the_pools():
    cycles = Therapy(
        "chemotherapy", start=10.0, duration=63.0, effects={"dormant_kill": 0.3}, cycles=3
    )
    chosen = system("cycles", PLAIN, therapies=(cycles,), visits=(60.0,), years=1.0)
    found = simulate_exactly(chosen, 2 * PATIENTS, 10)
    law = Linear(chosen)
    means = {place: 0.7**3 * law.pool(place, 60.0) for place in ("endosteal", "visceral")}
    assert_family(
        {place: chi2_pvalue(counted(found, place, 0), poisson(m)) for place, m in means.items()}
    )
    assert chi2_pvalue(counted(found, "endosteal", 0), poisson(1.1 * means["endosteal"])) < ALPHA


def test_a_loss_that_a_therapy_adds_thins_the_marrow_only():
    rate, days = 2.0 / YEAR, 200.0
    drug = Therapy("clodronate", start=50.0, duration=days, effects={"marrow_loss": rate})
    chosen = system("loss", PLAIN, therapies=(drug,), visits=(300.0,), years=1.0)
    found = simulate_exactly(chosen, PATIENTS, 11)
    law = Linear(chosen)
    endosteal = law.pool("endosteal", 300.0)
    assert_family(
        {
            "endosteal": chi2_pvalue(
                counted(found, "endosteal", 0), poisson(endosteal * np.exp(-rate * days))
            ),
            "visceral": chi2_pvalue(
                counted(found, "visceral", 0), poisson(law.pool("visceral", 300.0))
            ),
        }
    )
    assert chi2_pvalue(counted(found, "endosteal", 0), poisson(endosteal)) < ALPHA


def test_death_of_other_causes_follows_gompertz():
    chosen = system(
        "deaths", PLAIN | {"shedding_rate_reference": 0.0, "other_death_rate": 1e-4}, years=30.0
    )
    found = simulate_exactly(chosen, 1500, 12)
    slope = np.log(2.0) / Linear(chosen).n["other_death_doubling_time"]
    age = Linear(chosen).n["age_mean"] - Linear(chosen).n["other_death_reference_age"]
    hazard = 1e-4 * np.exp(slope * age)
    dead = np.array([life.death for life in found if life.cause == "other"])
    whole = -np.expm1(-hazard * np.expm1(slope * chosen.horizon) / slope)

    def cdf(days, factor=1.0):
        return -np.expm1(-factor * hazard * np.expm1(slope * days) / slope) / whole

    assert_family(
        {
            "times": ks_pvalue(dead, cdf),
            "share": stats.binomtest(dead.size, len(found), whole).pvalue,
        }
    )
    assert ks_pvalue(dead, lambda days: cdf(days, 1.3)) < ALPHA


def test_without_shedding_there_are_no_cells():
    found = simulate_exactly(system("none", {"shedding_rate_reference": 0.0}), 20, 13)
    for life in found:
        assert all(np.nansum(counts) == 0.0 for counts in life.counts.values())
        assert life.distant_relapse == np.inf
        assert not life.lesions


def test_without_sites_no_cell_stays_in_a_niche():
    values = {"perivascular_niche_sites": 0.0, "endosteal_niche_sites": 0.0}
    found = simulate_exactly(system("full", values), 20, 14)
    assert sum(np.nansum(life.counts["perivascular"]) for life in found) == 0.0
    assert sum(np.nansum(life.counts["endosteal"]) for life in found) == 0.0
    assert sum(np.nansum(life.counts["visceral"]) for life in found) > 0.0


def drug(agent: str, acts_on: str) -> Therapy:
    return Therapy(agent, effects={"resistance_rate": 1e-7, "lesion_kill": 0.01}, acts_on=acts_on)


def test_what_the_twin_leaves_out_is_refused():
    drugs = (drug("endocrine", "er_positive"), drug("her2_targeted", "her2_positive"))
    check(system("one", therapies=drugs[:1]))
    with pytest.raises(SimulationError, match="resistance arises to one kind of therapy only"):
        check(system("refused", therapies=drugs))
