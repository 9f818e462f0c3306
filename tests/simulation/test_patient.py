"""Which therapies a patient takes."""

import math

import numpy as np
from numba import njit
from scipy import stats

from marrowtrace.simulation import Therapy
from marrowtrace.simulation.driver import arrays
from marrowtrace.simulation.layout import TRAIT, WINDOW
from marrowtrace.simulation.patient import choose_therapies
from tests.goodness_of_fit import ALPHA, assert_family
from tests.simulation.worlds import world

N = 20_000


@njit
def taken(seed, count, parameters, therapies, traits):
    """Whether each patient takes each therapy, and until when."""
    out = np.zeros((count, therapies.size))
    windows = np.zeros(8, WINDOW)
    rng = np.zeros(5, np.uint64)
    for i in range(count):
        used = choose_therapies(rng, seed, i, therapies, windows, parameters[0], traits[0])
        for w in range(used):
            out[i, windows[w].therapy] = windows[w].stop
    return out


def choices(*therapies, node=1.0):
    parameters, packed, _, _ = arrays(world(therapies=therapies))
    traits = np.zeros(1, TRAIT)
    traits["er"], traits["node"] = 1.0, node
    return taken(7, N, parameters, packed, traits)


def both(stops):
    return int((stops > 0).all(axis=1).sum())


def test_each_agent_has_its_own_uptake_and_patience():
    agents = ("chemotherapy", "docetaxel", "e_selectin_inhibitor")
    plans = [Therapy(a, duration=math.inf, uptake=0.5, stopping_rate=0.01) for a in agents]
    stops = choices(*plans)
    pvalues = {}
    for i, j in ((0, 1), (0, 2), (1, 2)):
        pair = stops[:, (i, j)]
        pvalues[f"{i} and {j}"] = stats.binomtest(both(pair), N, 0.25).pvalue
        lasting = pair[(pair > 0).all(axis=1)]
        pvalues[f"patience {i} and {j}"] = stats.spearmanr(lasting).pvalue
    assert_family(pvalues)
    twice = Therapy("chemotherapy", duration=math.inf, uptake=0.5, stopping_rate=0.02)
    assert stats.binomtest(both(choices(plans[0], twice)), N, 0.25).pvalue < ALPHA


def test_whom_the_guideline_treats_it_treats_with_every_agent():
    first, second = (
        Therapy(a, duration=100.0, eligibility="guideline") for a in ("chemotherapy", "docetaxel")
    )
    stops = choices(first, second)
    assert ((stops > 0).sum(axis=1) != 1).all()
    share = world().parameters["chemotherapy_use_node_positive"].canonical
    half = Therapy("docetaxel", duration=100.0, eligibility="guideline", uptake=0.5)
    assert_family(
        {
            "treated": stats.binomtest(both(stops), N, share).pvalue,
            "of them half": stats.binomtest(both(choices(first, half)), N, share / 2).pvalue,
        }
    )
    assert choices(first, second, node=0.0).max() == 0.0
