from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.processes import birth_death, establishment
from tests.goodness_of_fit import (
    ALPHA,
    assert_family,
    chi2_pvalue,
    ks_pvalue,
    mean_pvalue,
)
from tests.processes.replicates import SEED, replicates

# birth, death, time: growing, dying, nearly balanced, balanced, no death, no birth
CASES = [
    (0.30, 0.10, 5.0),
    (0.10, 0.30, 5.0),
    (0.20, 0.19, 10.0),
    (0.20, 0.20, 10.0),
    (0.50, 0.00, 4.0),
    (0.00, 0.20, 4.0),
]


def event_by_event(generator, start, birth, death, immigration, time):
    """Gillespie's direct method, independent of any formula."""
    size, now = start, 0.0
    while True:
        total = (birth + death) * size + immigration
        if total == 0.0:
            return size
        now += generator.exponential() / total
        if now > time:
            return size
        size += 1 if generator.random() * total < birth * size + immigration else -1


def test_pmf_is_that_of_the_events():
    generator = np.random.default_rng(SEED)
    pvalues = {}
    for b, d, t in CASES:
        for start, arrivals in ((1, 0.0), (5, 0.0), (2, 0.7)):
            draws = [event_by_event(generator, start, b, d, arrivals, t) for _ in range(2_000)]
            law = birth_death.pmf(80, b, d, t, start=start, immigration=arrivals)
            pvalues[f"b={b} d={d} start={start} arrivals={arrivals}"] = chi2_pvalue(draws, law)
    assert_family(pvalues)


def test_sizes_follow_the_law():
    pvalues = {}
    for b, d, t in CASES:
        for start in (1, 5):
            draws = replicates(birth_death.draw_size, float(start), b, d, t)
            law = birth_death.pmf(80, b, d, t, start=start)
            pvalues[f"b={b} d={d} start={start}"] = chi2_pvalue(draws, law)
        draws = replicates(birth_death.draw_with_immigration, 2.0, b, d, 0.7, t)
        law = birth_death.pmf(80, b, d, t, start=2, immigration=0.7)
        pvalues[f"b={b} d={d} immigration"] = chi2_pvalue(draws, law)
    assert_family(pvalues)


@pytest.mark.parametrize("wrong", ["birth", "death", "immigration"])
def test_the_check_has_power(wrong):
    """A sampler with a rate 7 % too high must be caught."""
    b, d, t, arrivals = 0.30, 0.15, 5.0, 0.7
    used = {"birth": b, "death": d, "immigration": arrivals}
    used[wrong] *= 1.07
    draws = replicates(
        birth_death.draw_with_immigration,
        3.0, used["birth"], used["death"], used["immigration"], t,
        count=20_000,
    )  # fmt: skip
    law = birth_death.pmf(120, b, d, t, start=3, immigration=arrivals)
    assert chi2_pvalue(draws, law) < ALPHA


def test_surviving_sizes_follow_the_truncated_law():
    pvalues = {}
    for b, d, t in CASES:
        for start in (1, 7):
            draws = replicates(birth_death.draw_surviving_size, float(start), b, d, t)
            law = birth_death.pmf(80, b, d, t, start=start)
            law = np.concatenate([[0.0], law[1:] / (1.0 - law[0])])
            if b > 0.0 or start > 1:
                pvalues[f"b={b} d={d} start={start}"] = chi2_pvalue(draws, law)
            else:
                assert (draws == 1.0).all()
    assert_family(pvalues)


def test_survival_of_the_rarest_clone_needs_no_rejection():
    draws = replicates(birth_death.draw_surviving_size, 10.0, 0.1, 0.3, 500.0, count=2_000)
    assert draws.min() >= 1.0
    # so late, one founder is left and its clone is geometric with mean 1 + b / (d - b)
    assert chi2_pvalue(draws - 1.0, stats.geom.pmf(np.arange(1, 40), 1.0 / 1.5)) > ALPHA


@pytest.mark.parametrize("start", [1, 30, 10_000])
def test_times_of_extinction_follow_the_law(start):
    pvalues = {}
    for b, d in ((0.1, 0.3), (0.2, 0.2), (0.2, 0.2000001), (0.0, 0.2)):
        draws = replicates(birth_death.draw_time_to_extinction, float(start), b, d)

        def cdf(times, b=b, d=d):
            return [(1 - float(birth_death.survival(b, d, t))) ** start for t in times]

        pvalues[f"b={b} d={d}"] = ks_pvalue(draws, cdf)
    assert_family(pvalues)
    wrong = replicates(birth_death.draw_time_to_extinction, float(start), 0.1, 0.28)
    assert ks_pvalue(wrong, lambda times: cdf(times, 0.1, 0.3)) < ALPHA


def test_some_growing_clones_never_die_out():
    birth, death, day = 0.3, 0.1, 4.0
    draws = replicates(birth_death.draw_time_to_extinction, 2.0, birth, death)
    early = (1 - float(birth_death.survival(birth, death, day))) ** 2
    pvalues = {
        "ever": stats.binomtest(int(np.isfinite(draws).sum()), draws.size, 1 / 9).pvalue,
        "early": stats.binomtest(int((draws <= day).sum()), draws.size, early).pvalue,
    }
    assert_family(pvalues)
    assert np.isinf(replicates(birth_death.draw_time_to_extinction, 3.0, 0.1, 0.0)).all()
    assert (replicates(birth_death.draw_time_to_extinction, 0.0, 0.1, 0.3) == 0.0).all()


def test_windows_compose():
    births, deaths, times = np.array([0.3, 0.1]), np.array([0.1, 0.5]), np.array([4.0, 3.0])
    draws = replicates(birth_death.draw_through_windows, 2.0, births, deaths, times)
    first = birth_death.pmf(150, births[0], deaths[0], times[0], start=2)
    law = sum(
        p * birth_death.pmf(60, births[1], deaths[1], times[1], start=n)
        for n, p in enumerate(first)
    )
    assert_family({"two windows": chi2_pvalue(draws, law)})


def test_a_tumour_of_1e12_cells_has_exact_moments():
    b, d, t, n = 0.05, 0.03, 20.0, 1e12
    draws = replicates(birth_death.draw_size, n, b, d, t)
    mean, sd = birth_death.mean(b, d, t, start=n), math.sqrt(birth_death.variance(b, d, t, start=n))
    assert_family({"normal": ks_pvalue((draws - mean) / sd, stats.norm.cdf)})
    assert ks_pvalue((draws - mean) / (1.04 * sd), stats.norm.cdf) < ALPHA or (
        abs(np.std(draws) / sd - 1.0) < 0.03
    )


def test_moments_are_those_of_the_pmf():
    for b, d, t in CASES:
        law = birth_death.pmf(2_000, b, d, t, start=3)
        sizes = np.arange(2_001)
        mean = (sizes * law).sum()
        assert birth_death.mean(b, d, t, start=3) == pytest.approx(mean, rel=1e-9)
        spread = ((sizes - mean) ** 2 * law).sum()
        assert birth_death.variance(b, d, t, start=3) == pytest.approx(spread, rel=1e-9)
    assert birth_death.cdf(5, 0.3, 0.1, 2.0)[-1] == pytest.approx(
        birth_death.pmf(5, 0.3, 0.1, 2.0).sum()
    )


def test_limits():
    assert (replicates(birth_death.draw_size, 7.0, 0.3, 0.1, 0.0, count=20) == 7.0).all()
    assert (replicates(birth_death.draw_size, 0.0, 0.3, 0.1, 9.0, count=20) == 0.0).all()
    assert birth_death.survival(0.3, 0.0, 50.0) == 1.0
    assert birth_death.survival(0.3, 0.1, 1e6) == pytest.approx(2 / 3)
    assert birth_death.survival(0.1, 0.3, 1e6) == 0.0
    assert birth_death.extinction(0.3, 0.1) == pytest.approx(1 / 3)
    assert birth_death.extinction(0.1, 0.1) == 1.0
    assert birth_death.extinction(0.0, 0.0) == 0.0
    # no death: geometric
    geometric = stats.geom.pmf(np.arange(60), math.exp(-0.5 * 4.0))
    np.testing.assert_allclose(birth_death.pmf(59, 0.5, 0.0, 4.0), geometric, rtol=1e-12)


def test_extreme_rates_give_numbers():
    for b, d, t in ((1e6, 0.0, 1e4), (0.0, 1e6, 1e4), (1e3, 1e3, 1e4), (1e-300, 1e-300, 1e4)):
        draws = replicates(birth_death.draw_size, 1e12, b, d, t, count=50)
        assert not np.isnan(draws).any()


def test_limit_of_a_growing_clone():
    """W is 0 or exponential for one founder, and a gamma mixture for several."""
    b, d = 0.3, 0.2
    one = replicates(birth_death.draw_limit, 1.0, b, d)
    three = replicates(birth_death.draw_limit, 3.0, b, d, process=1)
    dies = d / b
    assert_family(
        {
            "one dies": stats.binomtest(int((one == 0).sum()), one.size, dies).pvalue,
            "three die": stats.binomtest(int((three == 0).sum()), three.size, dies**3).pvalue,
            "one": ks_pvalue(one[one > 0], stats.expon(scale=b / (b - d)).cdf),
            "mean of three": mean_pvalue(three, 3.0, 3.0 * (b + d) / (b - d)),
        }
    )
    assert (replicates(birth_death.draw_limit, 5.0, 0.2, 0.2, count=10) == 0.0).all()


def test_time_to_a_size_follows_its_law():
    b, d, target = 0.3, 0.2, 300.0
    draws = replicates(birth_death.draw_time_to_size, target, b, d)

    def cdf(t):
        return np.exp(-(1.0 - d / b) * target * np.exp(-(b - d) * t))

    assert_family({"W law": ks_pvalue(draws, cdf)})
    assert ks_pvalue(draws * 1.02, cdf) < ALPHA
    assert (replicates(birth_death.draw_time_to_size, 1.0, b, d, count=5) == 0.0).all()
    assert (replicates(birth_death.draw_time_to_size, 9.0, d, b, count=5) == math.inf).all()


@pytest.mark.parametrize(("target", "ratio"), [(60, 0.0), (300, 0.0), (300, 0.5), (300, 0.8)])
def test_error_of_the_limit_law_is_of_order_one_over_size(target, ratio):
    """Against the exact law of the first passage, conditioned on getting there."""
    b, d = 0.3, 0.3 * ratio
    births, deaths = establishment.rates(target, b, d)
    times = (math.log(target * (1.0 - ratio)) + np.linspace(-1.5, 3.0, 30)) / (b - d)
    exact = establishment.hitting_cdf(times, births, deaths)
    approximate = np.exp(-(1.0 - ratio) * target * np.exp(-(b - d) * times))
    error = np.abs(exact - approximate).max() * target * (b - d) / (b + d)
    assert 0.22 < error < 0.25
