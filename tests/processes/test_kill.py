from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from marrowtrace.processes import birth_death, kill
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue, mean_pvalue
from tests.processes.replicates import replicates


def test_survivors_are_binomial_at_any_size():
    small = replicates(kill.survivors, 40.0, 0.55)
    large = replicates(kill.survivors, 1e12, 3.0)
    p = 10**-0.55
    sd = math.sqrt(1e12 * 1e-3 * (1 - 1e-3))
    assert_family(
        {
            "40 cells": chi2_pvalue(small, stats.binom.pmf(np.arange(41), 40, p)),
            "1e12 cells": ks_pvalue((large - 1e9) / sd, stats.norm.cdf),
        }
    )
    assert chi2_pvalue(small, stats.binom.pmf(np.arange(41), 40, 10**-0.58)) < ALPHA


def test_cells_asleep_are_spared():
    draws = replicates(kill.mixed_survivors, 1e4, 1e4, 0.55, 0.1, count=200)
    assert_family(
        {
            "awake": mean_pvalue(draws[:, 0], 1e4 * 10**-0.55, 1e4 * 10**-0.55 * (1 - 10**-0.55)),
            "asleep": mean_pvalue(
                draws[:, 1], 1e4 * 10**-0.055, 1e4 * 10**-0.055 * (1 - 10**-0.055)
            ),
        }
    )


def test_limits():
    assert (replicates(kill.survivors, 0.0, 1.0, count=20) == 0.0).all()
    assert (replicates(kill.survivors, 50.0, 0.0, count=20) == 50.0).all()
    assert (replicates(kill.survivors, 50.0, -1.0, count=20) == 50.0).all()
    assert (replicates(kill.survivors, 50.0, 400.0, count=20) == 0.0).all()
    assert kill.pool_mean_after(10.0, 0.25) == 7.5
    assert kill.pool_mean_after(10.0, 1.5) == 0.0
    assert kill.pool_mean_after(10.0, -0.5) == 10.0
    for parameters in (
        (1.0, 1e-3, 0.3, 0.1, 0.3, 0.1),
        (1e6, 0.0, 0.3, 0.1, 0.3, 0.1),
        (1e6, 1e-3, 0.1, 0.3, 0.3, 0.1),
    ):
        assert (replicates(kill.draw_resistant, *parameters, count=5) == 0.0).all()
        assert kill.expected_resistant_clones(*parameters[:4]) == 0.0
    nobody = replicates(kill.draw_time_to_resistance, 1e4, 0.0, 0.1, 0.5, count=1)
    assert nobody[0] == math.inf


def transform(z, cells, mutation, birth, death, other_birth, other_death):
    """E[z^R] of the resistant cells, by quadrature over the moments at which they arise."""
    net = birth - death

    def clone(age):
        p = birth_death.survival(other_birth, other_death, age)
        stop = 1 / (1 + other_birth * birth_death.relative_growth(other_birth - other_death, age))
        return 1.0 - p + p * stop * z / (1.0 - (1.0 - stop) * z)

    def missing(age):
        return math.exp(-net * age) * (1.0 - clone(age))

    end = math.log(cells) / net
    edges = [end * share for share in (0.0, 0.01, 0.05, 0.2, 0.5, 1.0)]
    total = sum(quad(missing, a, b, limit=200)[0] for a, b in itertools.pairwise(edges))
    return math.exp(-mutation * birth * cells * total)


@pytest.mark.parametrize(
    "parameters",
    [
        (1e6, 1e-6, 0.3, 0.1, 0.3, 0.1),
        (1e6, 1e-6, 0.3, 0.1, 0.25, 0.1),
        (1e6, 1e-6, 0.3, 0.1, 0.1, 0.2),
        (1e7, 1e-4, 0.3, 0.1, 0.3, 0.1),  # beyond 100 daughters: windows
        (1e7, 1e-4, 0.3, 0.1, 0.2, 0.3),
    ],
)
def test_resistant_cells_follow_the_law(parameters):
    """The transform at several arguments fixes the heavy-tailed law, which has no useful mean."""
    draws = replicates(kill.draw_resistant, *parameters, count=4_000)
    scale = max(np.median(draws), 1.0)
    pvalues = {}
    for factor in (0.3, 1.0, 3.0):
        z = math.exp(-1.0 / (factor * scale))
        values = z**draws
        exact = transform(z, *parameters)
        spread = transform(z * z, *parameters) - exact**2
        pvalues[f"z={z:.4f}"] = mean_pvalue(values, exact, spread)
        wrong = transform(z, parameters[0], 1.25 * parameters[1], *parameters[2:])
        assert mean_pvalue(values, wrong, spread) < ALPHA
    assert_family(pvalues)


@pytest.mark.parametrize("death", [0.0, 1e-12, 0.1, 0.29])
def test_chance_of_no_resistance_is_closed(death):
    """Neutral resistance: P(none) = exp(-expected clones), the transform at 0."""
    cells, mutation, birth = 1e6, 3e-7, 0.3
    clones = kill.expected_resistant_clones(cells, mutation, birth, death)
    exact = transform(0.0, cells, mutation, birth, death, birth, death)
    assert math.exp(-clones) == pytest.approx(exact, rel=1e-6)
    draws = replicates(kill.draw_resistant, cells, mutation, birth, death, birth, death)
    assert_family({"none": stats.binomtest(int((draws == 0).sum()), draws.size, exact).pvalue})


def test_time_to_resistance_is_exponential():
    draws = replicates(kill.draw_time_to_resistance, 1e4, 1e-6, 0.1, 0.5)
    assert_family({"time": ks_pvalue(draws, stats.expon(scale=2e3).cdf)})
