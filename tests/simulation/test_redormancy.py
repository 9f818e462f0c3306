"""Lesions that return to dormancy while they are small, against the law of their growth."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from marrowtrace.simulation import EVENTS, Therapy, simulate
from marrowtrace.simulation.replay import life
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue
from tests.simulation.test_engine import DIRECT_ONLY
from tests.simulation.worlds import YEAR, world

HAZARD = 0.01  # returns per day of growth
SMALL = 1000.0
SUBTYPE = "er_pos_her2_neg"
ENDLESS = DIRECT_ONLY | {
    f"visceral_loss_rate.{SUBTYPE}": 0.0,
    "redormancy_rate": HAZARD * YEAR,
    "redormancy_size": SMALL,
    "relapse_growth_factor": 1.0,
    f"survival_after_relapse_median.{SUBTYPE}": 1e6,
}


def visceral(history):
    return history.lesions[history.lesions["place"] == 2]


def net_growth(arm):
    get = arm.parameters
    plateau, corner = (
        get[n].canonical for n in ("tumour_carrying_capacity", "growth_hand_over_size")
    )
    return get[f"lesion_growth_rate.{SUBTYPE}"].canonical * math.log(plateau / corner)


def days_small(arm, u):
    """Days a clone is below SMALL, by quantile of its limit W ~ Exp(1)."""
    ratio = arm.parameters["clone_death_ratio"].canonical
    start = np.log(-np.log1p(-np.asarray(u)) / (1 - ratio))
    return np.maximum(0.0, (math.log(SMALL) - start) / net_growth(arm)), start


GRID = (np.arange(4000) + 0.5) / 4000  # quantiles of W, by the midpoint rule


def test_returns_are_poisson_over_the_days_of_growth():
    arm = world(
        ENDLESS | {f"visceral_awakening_rate.{SUBTYPE}": 1e6, "detection_size": 2e12},
        visits=(),
        horizon=5 * YEAR,
    )
    lesions = visceral(simulate(arm, 2500, seed=11))
    returns = lesions["returns"][lesions["awakened"] < 0].astype(int)
    days, _ = days_small(arm, GRID)

    def pmf(hazard):
        return stats.poisson.pmf(np.arange(60)[:, None], hazard * days).mean(axis=1)

    assert returns.size > 4000
    assert_family({"returns": chi2_pvalue(returns, pmf(HAZARD))})
    assert chi2_pvalue(returns, pmf(1.1 * HAZARD)) < ALPHA


WAKE = 0.004


def test_time_to_detection_holds_the_waits_of_every_return():
    """From first awakening to detection: growth, and a Poisson number of exponential waits."""
    arm = world(
        ENDLESS
        | {
            f"visceral_awakening_rate.{SUBTYPE}": WAKE * YEAR,
            "detection_size": 9e4,
            "restricted_size": 1e8,
            "lesion_shedding_onset_size": 9.5e4,
        },
        visits=(),
        horizon=45 * YEAR,
        founders_after_relapse=True,
    )
    lesions = visceral(simulate(arm, 1500, seed=12))
    late = lesions[lesions["awakened"] > 0]
    assert late.size > 1500
    assert np.isnan(late["detected"]).sum() <= 2
    delay = late["detected"] - late["awakened"]
    small, start = days_small(arm, GRID)
    get = arm.parameters
    plateau, corner = get["tumour_carrying_capacity"].canonical, 1e4
    beta = get[f"lesion_growth_rate.{SUBTYPE}"].canonical
    beyond = math.log(math.log(plateau / corner) / math.log(plateau / 9e4)) / beta
    growth = (math.log(corner) - start) / net_growth(arm) + beyond
    order = np.arange(1, 60)[:, None]

    def cdf_at(day, hazard):
        none = np.exp(-hazard * small) * (growth <= day)
        waited = stats.gamma.cdf(np.maximum(0.0, day - growth), order, scale=1 / WAKE)
        return (none + (stats.poisson.pmf(order, hazard * small) * waited).sum(axis=0)).mean()

    points = np.linspace(0, delay.max() + 1, 160)

    def cdf(hazard):
        values = np.array([cdf_at(day, hazard) for day in points])
        return lambda days: np.interp(days, points, values)

    assert_family({"detection": ks_pvalue(delay, cdf(HAZARD))})
    assert ks_pvalue(delay, cdf(1.15 * HAZARD)) < ALPHA


def test_those_lost_meanwhile_are_as_many_as_the_rates_say():
    loss, wake = 0.3, 1.0  # per day, so that nothing waits for long
    values = {
        f"visceral_loss_rate.{SUBTYPE}": loss * YEAR,
        f"visceral_awakening_rate.{SUBTYPE}": wake * YEAR,
        "detection_size": 2e12,
    }
    arm = world(ENDLESS | values, visits=(), horizon=5 * YEAR)
    lesions = visceral(simulate(arm, 2500, seed=13))
    old = lesions[lesions["awakened"] < 0]
    days, _ = days_small(arm, GRID)
    lost = 1 - np.exp(-HAZARD * days * loss / (loss + wake)).mean()
    found = int((old["end_cause"] == EVENTS.index("candidate lost")).sum())
    assert old.size > 3000
    assert_family({"lost": stats.binomtest(found, old.size, lost).pvalue})
    assert stats.binomtest(found, old.size, 1.12 * lost).pvalue < ALPHA
    assert not np.isnan(old["ended"][old["end_cause"] == 1]).any()


def test_no_rate_no_returns_and_an_endless_one_no_relapse():
    fast = {"redormancy_rate": 1e6, "redormancy_size": 1e5}
    history = simulate(world(fast), 400, seed=1)
    assert history.lesions["returns"].max() > 0
    late = history.column("distant_relapse") > 0
    assert np.isinf(history.column("distant_relapse")[late]).mean() > 0.95
    assert simulate(world(), 400, seed=1).lesions["returns"].max() == 0


def test_time_stands_still_for_a_lesion_at_rest():
    """It neither grows nor mutates, and a cycle finds it among the dormant cells."""
    values = ENDLESS | {
        f"visceral_awakening_rate.{SUBTYPE}": 0.05 * YEAR,
        "redormancy_rate": 1.0 * YEAR,
        "redormancy_size": 1e5,
    }
    arm = world(values, visits=(), horizon=20 * YEAR)
    lesions = visceral(simulate(arm, 300, seed=2))
    often = lesions[lesions["returns"] > 20]
    grown = often["log_size"] / net_growth(arm)  # about the days it grew
    lived = 20 * YEAR - often["awakened"]
    assert often.size > 50
    assert (grown < 0.5 * lived).all()
    purge = Therapy("chemotherapy", start=1.0, duration=1.0, cycles=1, effects={"dormant_kill": 1})
    treated = simulate(world(values, visits=(), horizon=2.0, therapies=(purge,)), 300, seed=2)
    resting = treated.lesions["returns"] > 0
    killed = treated.lesions["end_cause"] == EVENTS.index("killed by therapy")
    assert killed[resting].mean() > 0.5
    assert not killed[~resting].any()


def test_replay_tells_each_return():
    arm = world({"redormancy_rate": 12.0, "redormancy_size": 1e5})
    history = simulate(arm, 40, seed=3)
    rows = [i for i in range(40) if history.lesions["returns"][history.offsets[i] :][:1].any()]
    patient = rows[0]
    told = life(arm, 3, patient)
    names = told.events["event"].to_list()
    mine = history.lesions[history.offsets[patient] : history.offsets[patient + 1]]
    assert names.count("lesion returns to dormancy") == mine["returns"].sum()
    assert names.count("lesion awakens again") <= names.count("lesion returns to dormancy")


@pytest.mark.parametrize("size", [10.0, 1e5])
def test_mean_growth_below_the_size_is_the_integral(size):
    """The midpoint rule over W used above, against adaptive quadrature."""
    arm = world(ENDLESS)
    net, ratio = net_growth(arm), arm.parameters["clone_death_ratio"].canonical

    def days(w):
        return max(0.0, (math.log(size) - math.log(w / (1 - ratio))) / net) * math.exp(-w)

    wanted = integrate.quad(days, 0, 60, points=[0.01, 0.1, 1.0, 2.0], limit=400)[0]
    start = np.log(-np.log1p(-GRID) / (1 - ratio))
    assert np.maximum(0, (math.log(size) - start) / net).mean() == pytest.approx(wanted, rel=2e-3)
