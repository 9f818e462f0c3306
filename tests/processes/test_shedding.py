from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from marrowtrace.processes import gompertz, shedding
from marrowtrace.streams import stream
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue, mean_pvalue
from tests.processes.replicates import SEED, replicates

GROWTH = (5.3e-4, math.log(3.1e12), math.log(1e4))
LARGE = math.log(4e9)
REFERENCE = math.log(4e9)
# flux, exponent, log reference, cap, log onset
LAWS = [
    (3434.0, 0.31, REFERENCE, 1e-3, math.log(1e4)),
    (3434.0, 0.31, REFERENCE, 1e-3, math.log(1e6)),
    (3434.0, 0.0, REFERENCE, 1e-4, 0.0),
    (3434.0, 0.66, REFERENCE, 1e-3, 0.0),
    (3434.0, 1.0, REFERENCE, 1e-3, 0.0),
    (3434.0, 1.0, REFERENCE, 1e-8, 0.0),
    (3434.0, 1.4, REFERENCE, 5e-7, 0.0),
]


def test_intensity():
    law = LAWS[1]
    assert shedding.intensity(math.log(9e5), *law) == 0.0
    assert shedding.intensity(REFERENCE, *law) == pytest.approx(3434.0)
    assert shedding.intensity(math.log(2e4), *LAWS[0]) == pytest.approx(20.0)  # the cap
    assert shedding.intensity(REFERENCE, 0.0, *law[1:]) == 0.0


@pytest.mark.parametrize("law", LAWS)
def test_expected_equals_quadrature_over_time(law):
    crossing = shedding.log_crossing(*law[:4])
    inner = sorted(x for x in (crossing, law[4], GROWTH[2]) if 0.0 < x < LARGE)
    edges = [0.0, *inner, LARGE]

    def integrand(x):
        return shedding.intensity(x, *law) / gompertz.growth_rate(x, *GROWTH)

    exact = sum(
        quad(integrand, a + 1e-12, b, epsrel=1e-11)[0] for a, b in itertools.pairwise(edges)
    )
    assert shedding.expected(0.0, LARGE, *GROWTH, *law) == pytest.approx(exact, rel=1e-8)


def test_sizes_at_shedding_follow_the_intensity():
    pvalues = {}
    for k, law in enumerate(LAWS):
        draws = replicates(shedding.draw_log_size, 0.0, LARGE, *GROWTH, *law, count=5_000)
        pvalues[f"law {k}"] = ks_pvalue(
            draws, lambda x, law=law: shedding.size_cdf(x, 0.0, LARGE, GROWTH, law)
        )
    assert_family(pvalues)


def test_the_check_has_power():
    """An exponent of 0.36 for 0.31, and an onset of 1e5 for 1e6, must be caught."""
    law = LAWS[1]
    for wrong in ((law[0], 0.36, *law[2:]), (*law[:4], math.log(1e5))):
        draws = replicates(shedding.draw_log_size, 0.0, LARGE, *GROWTH, *wrong)
        pvalue = ks_pvalue(draws, lambda x: shedding.size_cdf(x, 0.0, LARGE, GROWTH, law))
        assert pvalue < ALPHA


def draw_histories(law, chance, count):
    rng = stream(seed=SEED, process=3, patient=0)
    out = np.empty(1_000)
    counts, times = [], []
    for _ in range(count):
        events = shedding.draw_times(rng, out, chance, 0.0, LARGE, *GROWTH, *law)
        counts.append(events)
        times.append(out[:events].copy())
    return np.array(counts), np.concatenate(times)


def test_counts_are_poisson_and_times_uniform_in_the_integral():
    law = LAWS[1]
    mean = 4.0
    whole = shedding.expected(0.0, LARGE, *GROWTH, *law)
    counts, times = draw_histories(law, mean / whole, 4_000)

    def transformed(t):
        return shedding.size_cdf(
            [gompertz.log_size_at(0.0, v, *GROWTH) for v in t], 0.0, LARGE, GROWTH, law
        )

    poisson = stats.poisson.pmf(np.arange(30), mean)
    assert_family({"counts": chi2_pvalue(counts, poisson), "times": ks_pvalue(times, transformed)})
    dispersion = counts.var() / counts.mean()
    assert abs(dispersion - 1.0) < 4.0 * math.sqrt(2.0 / counts.size)
    wrong = stats.poisson.pmf(np.arange(30), 1.06 * mean)
    assert chi2_pvalue(counts, wrong) < ALPHA


def test_limits():
    rng = stream(seed=1, process=0, patient=0)
    out = np.empty(3)
    for law in ((0.0, *LAWS[0][1:]), (*LAWS[0][:4], LARGE + 1.0), (*LAWS[0][:3], 0.0, 0.0)):
        assert shedding.expected(0.0, LARGE, *GROWTH, *law) == 0.0
        assert shedding.draw_times(rng, out, 1.0, 0.0, LARGE, *GROWTH, *law) == 0
        assert math.isnan(shedding.draw_log_size(rng, 0.0, LARGE, *GROWTH, *law))
    assert shedding.draw_times(rng, out, 0.0, 0.0, LARGE, *GROWTH, *LAWS[0]) == 0
    assert shedding.draw_times(rng, out, 1e-3, 0.0, LARGE, *GROWTH, *LAWS[0]) > 3  # all counted
    early = shedding.expected(0.0, 10.0, *GROWTH, *LAWS[0])
    late = shedding.expected(10.0, LARGE, *GROWTH, *LAWS[0])
    assert early + late == pytest.approx(shedding.expected(0.0, LARGE, *GROWTH, *LAWS[0]))


def test_clusters():
    draws = replicates(shedding.draw_cluster_size, 5.0)
    law = shedding.cluster_size_pmf(200, 5.0)
    assert law.sum() == pytest.approx(1.0)
    assert (np.arange(201) * law).sum() == pytest.approx(5.0)
    assert_family(
        {"size": chi2_pvalue(draws, law[:60]), "mean": mean_pvalue(draws, 5.0, 3.0 * 4.0)}
    )
    assert chi2_pvalue(draws, shedding.cluster_size_pmf(59, 5.5)) < ALPHA
    assert (replicates(shedding.draw_cluster_size, 2.0, count=20) == 2.0).all()
    assert shedding.cluster_size_pmf(3, 2.0).tolist() == [0.0, 0.0, 1.0, 0.0]
    assert shedding.cells_per_event(0.03, 5.0) == pytest.approx(0.97 + 0.15)
    assert shedding.seedings_per_event(0.0, 23.0) == 1.0
    assert shedding.seedings_per_event(0.03, 23.0) == pytest.approx(0.97 + 0.69)
