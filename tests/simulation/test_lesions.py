"""Small lesions by their surviving lines, against exact laws."""

import math

import numpy as np
import pytest
from numba import njit
from scipy import stats

from marrowtrace.processes import birth_death
from marrowtrace.simulation.driver import arrays
from marrowtrace.simulation.layout import (
    FEW,
    FOUNDER,
    GROWING,
    M_GROWTH,
    MODIFIERS,
    SHRINKING,
    TRAIT,
    WINDOW,
)
from marrowtrace.simulation.lesions import (
    adopt,
    cycle,
    grow_from_cells,
    grow_from_lines,
    log_size,
    settle,
    shed,
)
from marrowtrace.simulation.modifiers import refresh
from marrowtrace.streams import init
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue
from tests.simulation.worlds import world

N = 20_000
BIRTH, RATIO = 0.1, 0.8
NET = BIRTH * (1 - RATIO)


@pytest.fixture(scope="module")
def numbers():
    """Parameters, traits and modifiers of a lesion of these rates, without therapy."""
    plateau, corner = 3.1e12, 1e4
    rate = NET / math.log(plateau / corner)
    arm = world({"lesion_growth_rate.er_pos_her2_neg": rate, "clone_death_ratio": RATIO})
    parameters, therapies, _, _ = arrays(arm)
    traits = np.zeros(1, TRAIT)
    traits["lesion_rate"], traits["net"], traits["birth"] = rate, NET, BIRTH
    traits["relapse_growth"] = 1.0
    at_reference = math.log(1000.0 * 91.1979)
    exponent = arm.parameters["shedding_size_exponent"].value
    traits["lesion_scale"] = at_reference - exponent * math.log(4e9)
    modifiers = np.zeros(MODIFIERS)
    refresh(modifiers, np.zeros(1, WINDOW), 0, therapies, -1.0, parameters[0], traits[0], 0.0)
    return parameters, traits, modifiers


@njit
def sizes_at_exposure(seed, count, days, parameters, traits, modifiers):
    """Cells of clones from one line after ``days``, as exposure to a drug begins."""
    out = np.zeros(count)
    founder = np.zeros(1, FOUNDER)
    rng = np.zeros(5, np.uint64)
    drug = modifiers.copy()
    drug[7] = 0.5  # a cytocidal rate on all cells
    for i in range(count):
        f = founder[0]
        init(rng, seed, 1, i)
        grow_from_lines(rng, f, 0.0, 1.0, parameters[0])
        settle(rng, f, days, modifiers, parameters[0], traits[0])
        adopt(rng, f, days, drug, parameters[0], traits[0])
        out[i] = f.lines if f.state == FEW else -1.0
    return out


def surviving_pmf(largest, days):
    """Law of the size of a clone that never dies out."""
    plain = birth_death.pmf(largest, BIRTH, BIRTH * RATIO, days)
    weighted = plain * (1 - RATIO ** np.arange(largest + 1))
    return weighted / (1 - RATIO)


@pytest.mark.parametrize("days", [5.0, 40.0, 120.0])
def test_cells_of_a_surviving_clone(numbers, days):
    found = sizes_at_exposure(3, N, days, *numbers)
    assert_family({f"day {days}": chi2_pvalue(found, surviving_pmf(1500, days))})


def test_a_clone_starts_with_its_cell(numbers):
    assert (sizes_at_exposure(3, 500, 0.0, *numbers) == 1).all()


def test_the_check_of_cells_has_power(numbers):
    found = sizes_at_exposure(3, N, 40.0, *numbers)
    assert chi2_pvalue(found, surviving_pmf(1500, 42.0)) < ALPHA


@njit
def sizes_of_restarted(seed, count, cells, days, parameters, traits, modifiers):
    """As `sizes_at_exposure`, from ``cells`` of which some have no surviving line; 0 if gone."""
    out = np.zeros(count)
    founder = np.zeros(1, FOUNDER)
    rng = np.zeros(5, np.uint64)
    drug = modifiers.copy()
    drug[7] = 0.5
    for i in range(count):
        f = founder[0]
        init(rng, seed, 1, i)
        grow_from_cells(rng, f, 0.0, cells, parameters[0])
        if f.state == GROWING:
            settle(rng, f, days, modifiers, parameters[0], traits[0])
            adopt(rng, f, days, drug, parameters[0], traits[0])
            out[i] = f.lines
    return out


@pytest.mark.parametrize("days", [0.0, 5.0, 40.0])
def test_cells_of_a_lesion_that_grew_from_several(numbers, days):
    """Exposed again, or after an escape: those that are to die out are cells too."""
    cells = 8
    found = sizes_of_restarted(6, N, float(cells), days, *numbers)
    kept = found[found > 0]
    law = birth_death.pmf(600, BIRTH, BIRTH * RATIO, days, start=cells)
    law = law * (1 - RATIO ** np.arange(601)) / (1 - RATIO**cells)
    pvalues = {"lasting": stats.binomtest(kept.size, N, 1 - RATIO**cells).pvalue}
    if days == 0.0:
        assert (kept == cells).all()
    else:
        pvalues["cells"] = chi2_pvalue(kept, law)
        as_lines = sizes_at_exposure(6, N, days, *numbers)
        assert chi2_pvalue(as_lines, law) < ALPHA
    assert_family(pvalues)


@njit
def lines_after_a_cycle(seed, count, days, later, log_kill, parameters, traits, modifiers):
    """Lines ``later`` days after a cycle that came ``days`` after awakening; 0 if gone."""
    out = np.zeros(count)
    founder = np.zeros(1, FOUNDER)
    rng = np.zeros(5, np.uint64)
    for i in range(count):
        f = founder[0]
        init(rng, seed, 1, i)
        grow_from_lines(rng, f, 0.0, 1.0, parameters[0])
        settle(rng, f, days, modifiers, parameters[0], traits[0])
        cycle(rng, f, days, log_kill, parameters[0], traits[0])
        if f.state == GROWING:
            settle(rng, f, days + later, modifiers, parameters[0], traits[0])
            cycle(rng, f, days + later, 1e-300, parameters[0], traits[0])  # counts, kills none
            out[i] = f.lines
    return out


def test_lines_through_a_cycle(numbers):
    """Yule tree, binomial thinning, Yule tree again."""
    days, later, log_kill = 100.0, 60.0, 0.6
    found = lines_after_a_cycle(4, N, days, later, log_kill, *numbers)
    largest, kept = 400, 10**-log_kill
    start = np.arange(largest + 1)
    tree = np.zeros(largest + 1)
    tree[1:] = stats.geom.pmf(start[1:], math.exp(-NET * days))
    thinned = np.array([(tree * stats.binom.pmf(k, start, kept)).sum() for k in start])
    pmf = np.zeros(largest + 1)
    pmf[0] = thinned[0]
    again = math.exp(-NET * later)
    for k in range(1, 60):
        pmf[k:] += thinned[k] * stats.nbinom.pmf(start[: largest + 1 - k], k, again)
    assert_family({"lines": chi2_pvalue(found, pmf)})
    shifted = lines_after_a_cycle(4, N, days + 5.0, later, log_kill, *numbers)
    assert chi2_pvalue(shifted, pmf) < ALPHA


def test_size_once_large_follows_the_lines(numbers):
    """The limit W of the clone from its size at 40 days on: mean 1 / (1 - ratio)."""
    parameters, traits, modifiers = numbers

    @njit
    def limits(count, parameters, traits, modifiers):
        out = np.zeros(count)
        founder = np.zeros(1, FOUNDER)
        rng = np.zeros(5, np.uint64)
        for i in range(count):
            init(rng, 9, 1, i)
            grow_from_lines(rng, founder[0], 0.0, 1.0, parameters[0])
            out[i] = log_size(founder[0], 40.0, modifiers[M_GROWTH], parameters[0], traits[0])
        return out

    found = np.exp(limits(N, parameters, traits, modifiers) - NET * 40.0)
    assert stats.kstest(found * (1 - RATIO), "expon").pvalue > ALPHA


def test_gone_without_lines_and_large_without_lines(numbers):
    parameters, traits, modifiers = numbers
    f = np.zeros(1, FOUNDER)
    rng = np.zeros(5, np.uint64)

    @njit
    def grow(rng, founders, cells, parameters):
        grow_from_cells(rng, founders[0], 7.0, cells, parameters[0])

    grow(rng, f, 0.0, parameters)
    assert f["ended"][0] == 7.0
    grow(rng, f, 2e4, parameters)
    assert f["state"][0] == GROWING
    assert f["x"][0] == pytest.approx(math.log(2e4))

    @njit
    def sheds(founders, size, state, modifiers, parameters, traits):
        f = founders[0]
        f.x, f.t0, f.state, f.kill = size, 7.0, state, 0.0
        return shed(f, 7.0, modifiers, parameters[0], traits[0])

    assert sheds(f, math.log(0.9e5), GROWING, modifiers, parameters, traits) == 0.0
    capped = sheds(f, math.log(2e5), GROWING, modifiers, parameters, traits)
    assert capped == pytest.approx(2e5 * 1e-3)
    assert sheds(f, math.log(2e5), SHRINKING, modifiers, parameters, traits) == capped
    by_size = sheds(f, math.log(4e9), GROWING, modifiers, parameters, traits)
    assert by_size == pytest.approx(1000.0 * 91.1979)
