"""Lesions under cytocidal therapy: when they end, what survives, and what escapes from it."""

import math

import numpy as np
import pytest
from numba import njit
from scipy import stats

from marrowtrace.processes import birth_death
from marrowtrace.simulation import Therapy, simulate
from marrowtrace.simulation.driver import arrays
from marrowtrace.simulation.layout import (
    FEW,
    FOUNDER,
    KILLED,
    M_KILL,
    MODIFIERS,
    TRAIT,
    WINDOW,
)
from marrowtrace.simulation.lesions import log_size, schedule, settle
from marrowtrace.simulation.modifiers import refresh
from marrowtrace.streams import init
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue
from tests.simulation.test_engine import PLAIN
from tests.simulation.worlds import YEAR, world

BIRTH, KILL = 0.1, 0.08


@njit
def clones(seed, count, cells, days, parameters, traits, modifiers):
    """Planned end of clones under therapy, and their cells after ``days`` if that is sooner."""
    ends, left = np.zeros(count), np.zeros(count)
    founder = np.zeros(1, FOUNDER)
    rng = np.zeros(5, np.uint64)
    for i in range(count):
        f = founder[0]
        init(rng, seed, 1, i)
        f.state, f.lines, f.t0, f.kill = FEW, cells, 0.0, modifiers[M_KILL]
        schedule(rng, f, 0.0, modifiers, parameters[0], traits[0])
        ends[i] = f.next if f.event == KILLED else -1.0
        if f.next > days:
            settle(rng, f, days, modifiers, parameters[0], traits[0])
            left[i] = f.lines
    return ends, left


@pytest.fixture(scope="module")
def drug():
    parameters, therapies, _, _ = arrays(world())
    traits = np.zeros(1, TRAIT)
    traits["birth"], traits["relapse_growth"] = BIRTH, 1.0
    modifiers = np.zeros(MODIFIERS)
    refresh(modifiers, np.zeros(1, WINDOW), 0, therapies, -1.0, parameters[0], traits[0], 0.0)
    modifiers[M_KILL] = KILL
    return parameters, traits, modifiers


@pytest.mark.parametrize("cells", [1, 40])
def test_ends_and_survivors_are_those_of_one_birth_death_clone(drug, cells):
    days = 12.0
    ends, left = clones(5, 20_000, float(cells), days, *drug)

    def cdf(times, death=BIRTH + KILL):
        return [(1 - float(birth_death.survival(BIRTH, death, t))) ** cells for t in times]

    law = birth_death.pmf(150, BIRTH, BIRTH + KILL, days, start=cells)
    assert_family({"ends": ks_pvalue(ends, cdf), "cells": chi2_pvalue(left, law)})
    assert ks_pvalue(ends, lambda times: cdf(times, BIRTH + 1.1 * KILL)) < ALPHA


def test_the_size_between_is_the_mean_of_what_is_there(drug):
    _, left = clones(5, 20_000, 40.0, 12.0, *drug)
    there = left[left > 0]

    @njit
    def size(parameters, traits):
        f = np.zeros(1, FOUNDER)[0]
        f.state, f.lines, f.kill = FEW, 40.0, 0.08
        return (
            log_size(f, 12.0, 1.0, parameters[0], traits[0]),
            log_size(f, 0.0, 1.0, parameters[0], traits[0]),
            log_size(f, 1e5, 1.0, parameters[0], traits[0]),
        )

    at, begin, late = size(*drug[:2])
    error = there.std() / math.sqrt(there.size)
    assert abs(math.exp(at) - there.mean()) < 4 * error
    assert begin == pytest.approx(math.log(40.0))
    assert late == pytest.approx(math.log((BIRTH + KILL) / KILL), abs=1e-6) or late == 0.0


STILL = PLAIN | {
    "establishment_probability": 4e-5,
    "endocrine_tolerance_rate": 0.0,
    "relapse_growth_factor": 1.0,
    "survival_after_relapse_median.er_pos_her2_neg": 500.0,
}
CYTOCIDAL = Therapy(
    "endocrine", duration=4 * YEAR, acts_on="er_positive", effects={"lesion_kill": KILL}
)
EDGES = tuple(  # nothing but moments at which everything is planned anew
    Therapy(f"other_{k}", start=40.0 * k, duration=1.5 * YEAR) for k in (1, 2, 3)
)


def rates(arm):
    get = arm.parameters
    room = math.log(
        get["tumour_carrying_capacity"].canonical / get["growth_hand_over_size"].canonical
    )
    net = get["lesion_growth_rate.er_pos_her2_neg"].canonical * room
    return net / (1 - get["clone_death_ratio"].canonical), net


@pytest.mark.parametrize("edges", [(), EDGES])
def test_cells_that_awaken_under_therapy_die_out_at_their_own_time(edges):
    arm = world(STILL, therapies=(CYTOCIDAL, *edges), horizon=4 * YEAR, visits=(YEAR,))
    history = simulate(arm, 12_000, seed=11, workers=1)
    mine = history.lesions
    mine = mine[(mine["awakened"] > 0) & (mine["awakened"] < YEAR)]
    lived = mine["ended"].astype(float) - mine["awakened"]
    birth, _ = rates(arm)
    assert lived.size > 300
    assert not np.isnan(lived).any()
    assert (mine["end_cause"] == KILLED).all()

    def cdf(times, death=birth + KILL):
        return [1 - float(birth_death.survival(birth, death, t)) for t in times]

    assert_family({"days": ks_pvalue(lived, cdf)})
    assert ks_pvalue(lived, lambda times: cdf(times, birth + 1.5 * KILL)) < ALPHA
    growing = history.burden("lesions_growing")[:, 0].sum()
    after = (history.lesions["awakened"] < YEAR) & ~(history.lesions["ended"] <= YEAR)
    assert growing == after.sum()


def arising(values, rate):
    """Lesions of a world under a drug from day 0 to which resistance arises."""
    effects = {"lesion_kill": KILL, "resistance_rate": rate}
    drug = Therapy("endocrine", duration=4 * YEAR, acts_on="er_positive", effects=effects)
    arm = world(STILL | values, therapies=(drug,), horizon=4 * YEAR, visits=())
    return arm, simulate(arm, 12_000, seed=12, workers=1).lesions


def with_subclone(lesions, chosen):
    keys = {(row["patient"], row["subclone_of"]) for row in lesions if row["subclone_of"] >= 0}
    return sum((row["patient"], row["record"]) in keys for row in lesions[chosen])


def test_an_escape_under_therapy_leaves_resistant_cells():
    rate, cells = 4e-4, 1000.0
    values = {
        "restricted_fraction": 1.0,
        "restriction_delay": 0.0,
        "restricted_size": cells,
        "escape_rate": 1.0,
        "mhc_low_mutation_rate": 0.0,
    }
    arm, lesions = arising(values, rate)
    birth, net = rates(arm)
    chosen = (lesions["escaped"] > 0) & (lesions["subclone_of"] < 0)
    mean = rate * (cells - 1) + rate * cells * birth / KILL * net / birth
    found, number = with_subclone(lesions, chosen), int(chosen.sum())
    assert number > 300
    assert_family({"share": stats.binomtest(found, number, -math.expm1(-mean)).pvalue})
    assert stats.binomtest(found, number, -math.expm1(-rate * (cells - 1) / 2)).pvalue < ALPHA
    born = lesions[lesions["subclone_of"] >= 0]
    assert (born["resistant"] == 1).all()


def test_an_awakening_under_therapy_leaves_what_is_born_resistant():
    rate = 0.5
    arm, lesions = arising({}, rate)
    _, net = rates(arm)
    chosen = (lesions["awakened"] > 0) & (lesions["subclone_of"] < 0)
    found, number = with_subclone(lesions, chosen), int(chosen.sum())
    share = -math.expm1(-rate * net / KILL)  # one cell, none of them resistant yet
    assert_family({"share": stats.binomtest(found, number, share).pvalue})
    assert stats.binomtest(found, number, 0.0).pvalue < ALPHA


def test_a_primary_below_one_cell_is_gone_and_one_above_grows_again():
    visits = (0.0, 80.0, 299.0, 400.0)
    for kill, gone in ((0.2, True), (0.03, False)):
        drug = Therapy(
            "endocrine", duration=300.0, acts_on="er_positive", effects={"lesion_kill": kill}
        )
        arm = world(PLAIN, therapies=(drug,), surgery=math.inf, visits=visits)
        history = simulate(arm, 20, seed=1)
        size = history.burden("log_primary_size")[:, :4]
        blood = history.burden("ctc_primary")[:, :4]
        assert (size[:, 1] < size[:, 0] - 2).all()
        if gone:
            assert np.isneginf(size[:, 2:]).all()
            assert (blood[:, 2:] == 0).all()
        else:
            assert (size[:, 3] > size[:, 2]).all()
