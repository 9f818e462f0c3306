"""Every sampler of counts against its whole law, from means of 1e-12 to 1e12."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit
from scipy import stats

from marrowtrace.streams import (
    bernoulli,
    binomial,
    geometric,
    multinomial,
    negative_binomial,
    normal,
    poisson,
    stream,
)
from tests.goodness_of_fit import (
    ALPHA,
    assert_family,
    chi2_pvalue,
    ks_pvalue,
    mean_pvalue,
    variance_pvalue,
)
from tests.streams.draws import SEED, draws, next_bits, probability_of_at_least

COUNT = 400_000
RARE = [1e-300, 1e-30, 1e-12, 1e-6, 1e-3, 0.0099, 0.0101, 0.3, 5.0, 9.99]
POISSON_BY_CELL = [1e-3, 0.3, 1.0, 5.0, 9.99, 10.0, 10.01, 40.0, 1e3]
POISSON_BY_CDF = [1e6, 1e9, 1e12]
BINOMIAL_BY_CELL = [
    (1, 0.3), (3, 0.9), (19, 0.5), (20, 0.5), (21, 0.5), (999, 0.01), (1001, 0.01), (30, 0.6),
    (100, 0.4), (100, 0.93), (1000, 0.5), (1e12, 1e-11), (1e12, 0.99e-11), (1e12, 3e-13),
]  # fmt: skip
BINOMIAL_BY_CDF = [(1e6, 0.2), (1e9, 1e-3), (1e12, 1e-6), (1e12, 0.5), (1e13, 0.3), (1e13, 0.9999)]
NEGATIVE_BINOMIAL = [
    (0.003, 2.0), (0.05, 1.0), (0.7, 20.0), (1.0, 3.0), (2.5, 0.3), (40.0, 25.0), (1e4, 60.0),
    (1e12, 7.0),
]  # fmt: skip


def poisson_pmf(mean):
    return stats.poisson.pmf(np.arange(int(mean + 12 * math.sqrt(mean) + 20)), mean)


def binomial_pmf(n, p):
    spread = 12 * math.sqrt(n * p * (1 - p)) + 20
    return stats.binom.pmf(np.arange(int(min(n, n * p + spread)) + 1), n, p)


def binomial_cdf(n, p):
    """Normal law with the first Edgeworth term and continuity; `test_edgeworth` measures it."""
    spread = math.sqrt(n * p * (1 - p))
    skewness = (1 - 2 * p) / spread

    def cdf(k):
        x = (k + 0.5 - n * p) / spread
        return stats.norm.cdf(x) - stats.norm.pdf(x) * skewness * (x * x - 1) / 6

    return cdf


@pytest.mark.parametrize(("n", "p"), BINOMIAL_BY_CDF)
def test_edgeworth_cdf_is_near_enough(n, p):
    k = np.floor(n * p + np.linspace(-3, 3, 7) * math.sqrt(n * p * (1 - p)))
    np.testing.assert_allclose(binomial_cdf(n, p)(k), stats.binom.cdf(k, n, p), atol=1e-6)


def test_poisson_follows_its_law():
    found = {}
    for mean in POISSON_BY_CELL:
        found[f"{mean:g}"] = chi2_pvalue(draws(poisson, mean, count=COUNT), poisson_pmf(mean))
    for mean in POISSON_BY_CDF:
        values = draws(poisson, mean, count=COUNT)
        found[f"{mean:g}"] = ks_pvalue(values, stats.poisson(mean).cdf, discrete=True)
        found[f"{mean:g} parity"] = stats.binomtest(int((values % 2).sum()), COUNT).pvalue
    assert_family(found)


def test_binomial_follows_its_law():
    found = {}
    for n, p in BINOMIAL_BY_CELL:
        values = draws(binomial, n, p, count=COUNT)
        found[f"n={n:g} p={p:g}"] = chi2_pvalue(values, binomial_pmf(n, p))
    for n, p in BINOMIAL_BY_CDF:
        values = draws(binomial, n, p, count=COUNT)
        found[f"n={n:g} p={p:g}"] = ks_pvalue(values, binomial_cdf(n, p), discrete=True)
        found[f"n={n:g} p={p:g} parity"] = stats.binomtest(int((values % 2).sum()), COUNT).pvalue
    assert_family(found)


def test_negative_binomial_follows_its_law():
    found = {}
    for size, mean in NEGATIVE_BINOMIAL:
        p = size / (size + mean)
        top = int(mean + 15 * math.sqrt(mean + mean * mean / size)) + 30
        pmf = stats.nbinom.pmf(np.arange(top), size, p)
        values = draws(negative_binomial, size, mean, count=COUNT)
        found[f"size={size:g} mean={mean:g}"] = chi2_pvalue(values, pmf)
    for size, mean in [(0.5, 1e9), (30.0, 1e6), (1e6, 1e9)]:
        values = draws(negative_binomial, size, mean, count=20_000)
        law = stats.nbinom(size, size / (size + mean))
        found[f"size={size:g} mean={mean:g}"] = ks_pvalue(values, law.cdf, discrete=True)
    assert_family(found)


def test_geometric_follows_its_law():
    found = {}
    for p in (0.9, 0.5, 0.03):
        pmf = stats.geom.pmf(np.arange(int(40 / p)), p)
        found[f"p={p}"] = chi2_pvalue(draws(geometric, p, count=COUNT), pmf)
    for p in (1e-6, 1e-12):
        found[f"p={p}"] = ks_pvalue(
            draws(geometric, p, count=COUNT), lambda k, p=p: -np.expm1(k * np.log1p(-p))
        )
    assert_family(found)


@pytest.mark.parametrize("mean", [0.3, 5.0, 10.01, 40.0])
def test_cell_check_has_power(mean):
    """A Poisson mean 0.02 standard deviations too high must be caught."""
    wrong = mean + 0.02 * math.sqrt(mean)
    assert chi2_pvalue(draws(poisson, wrong, count=COUNT), poisson_pmf(mean)) < ALPHA


@pytest.mark.parametrize("mean", POISSON_BY_CDF)
def test_cdf_check_has_power(mean):
    """A Poisson mean 0.02 standard deviations too high must be caught at 1e12 as well."""
    values = draws(poisson, mean + 0.02 * math.sqrt(mean), count=COUNT)
    assert ks_pvalue(values, stats.poisson(mean).cdf, discrete=True) < ALPHA


@pytest.mark.parametrize("mean", [10.01, 40.0, 300.0])
def test_a_normal_approximation_is_caught(mean):
    values = np.floor(mean + math.sqrt(mean) * draws(normal, count=COUNT) + 0.5)
    assert chi2_pvalue(np.maximum(values, 0), poisson_pmf(mean)) < ALPHA


def test_moments():
    found = {}
    laws = {}
    for m in (0.3, 9.99, 10.01, 1e6, 1e12):
        laws[f"poisson {m:g}"] = (draws(poisson, m, count=COUNT, process=1), m, m, m * (1 + 3 * m))
    for n, p in [(20, 0.5), (1e12, 1e-6), (1e13, 0.3)]:
        v = n * p * (1 - p)
        fourth = v * (1 + 3 * (n - 2) * p * (1 - p))
        laws[f"binomial {n:g} {p:g}"] = (draws(binomial, n, p, count=COUNT, process=1), n * p, v,
                                         fourth)  # fmt: skip
    for size, mean in [(0.7, 20.0), (40.0, 25.0), (1e12, 1e12)]:
        p = size / (size + mean)
        v = mean / p
        kurtosis = 6 / size + p * p / ((1 - p) * size)
        laws[f"negative binomial {size:g} {mean:g}"] = (
            draws(negative_binomial, size, mean, count=COUNT, process=1), mean, v,
            (3 + kurtosis) * v * v)  # fmt: skip
    for name, (values, mean, variance, fourth) in laws.items():
        found[f"{name} mean"] = mean_pvalue(values, mean, variance)
        found[f"{name} variance"] = variance_pvalue(values, mean, variance, fourth)
    assert_family(found)


@pytest.mark.parametrize("mean", RARE)
def test_poisson_by_inversion_is_exact(mean):
    """P(N >= k) by the words that give it: to 6 digits at k = 1 for means down to 1e-12."""
    for k in range(1, int(mean) + 4):
        exact = stats.poisson.sf(k - 1, mean)
        found = probability_of_at_least(k, poisson, mean)
        assert found == pytest.approx(exact, rel=1e-6, abs=1e-15 if k > 1 else 1.1e-19)


@pytest.mark.parametrize(
    ("n", "p"), [(1.0, 1e-12), (1e12, 1e-24), (1e12, 1e-15), (50.0, 2e-4), (20.0, 0.3), (19.0, 0.5)]
)
def test_binomial_by_inversion_is_exact(n, p):
    for k in range(1, min(int(n), int(n * p) + 4) + 1):
        exact = stats.binom.sf(k - 1, n, p)
        found = probability_of_at_least(k, binomial, n, p)
        assert found == pytest.approx(exact, rel=1e-6, abs=1e-15 if k > 1 else 1.1e-19)


def test_bernoulli_is_exact():
    for p in (1e-15, 1e-12, 1e-3, 0.5, 1 - 1e-9):
        assert probability_of_at_least(1, bernoulli, p) == pytest.approx(p, rel=1e-6, abs=1.1e-19)


def test_many_rare_draws_add_up():
    """20 million draws of mean 1e-6 have a sum that is Poisson with mean 20."""

    @njit
    def total(rng, draws, mean):
        found = np.zeros(3)
        for _ in range(draws):
            found[0] += poisson(rng, mean)
            found[1] += binomial(rng, 1e6, mean * 1e-6)
            found[2] += poisson(rng, 1e-12)
        return found

    sums = total(stream(SEED, 3, 0), 20_000_000, 1e-6)
    law = stats.poisson(20.0)
    assert_family(
        {
            name: min(1.0, 2 * min(law.cdf(s), law.sf(s - 1)))
            for name, s in zip(("poisson", "binomial"), sums, strict=False)
        }
    )
    assert sums[2] == 0.0  # probability 2e-5 of anything else


def test_tiny_negative_binomials_are_rare_by_the_law():
    """P(N >= 1) = 1 - (1 + mean/size)^-size: 6.9e-4 and 2.8e-5 here."""
    found = {}
    for size, mean in [(1e-4, 0.1), (1e-6, 1e6)]:
        positive = -math.expm1(-size * math.log1p(mean / size))
        hits = int((draws(negative_binomial, size, mean, count=4_000_000) > 0).sum())
        found[f"size={size:g}"] = stats.binomtest(hits, 4_000_000, positive).pvalue
    assert_family(found)


def test_inversion_ends_at_the_smallest_uniform():
    """A uniform near 0 must neither loop for ever nor give a count beyond the law."""
    state = next_bits(stream(SEED, 0, 0), 0)
    for mean in (1e-12, 1.0, 9.99):
        assert 1 <= poisson(state.copy(), mean) <= 60
    assert binomial(state.copy(), 3.0, 0.4) == 3.0
    assert binomial(state.copy(), 19.0, 0.5) == 19.0
    assert 1 <= binomial(state.copy(), 1e12, 1e-12) <= 40


@pytest.mark.parametrize("wrong", [0.0, -0.0, -1.0, -math.inf, math.nan])
def test_parameters_outside_their_range(wrong):
    rng = stream(1, 2, 3)
    assert poisson(rng, wrong) == 0.0
    assert binomial(rng, 10.0, wrong) == 0.0
    assert binomial(rng, wrong, 0.5) == 0.0
    assert negative_binomial(rng, wrong, 5.0) == 0.0
    assert negative_binomial(rng, 5.0, wrong) == 0.0
    assert geometric(rng, wrong) == math.inf
    assert not bernoulli(rng, wrong)


def test_certain_and_extreme_parameters():
    rng = stream(1, 2, 3)
    assert binomial(rng, 7.0, 1.0) == 7.0
    assert binomial(rng, 7.0, 1.5) == 7.0
    assert geometric(rng, 1.0) == 1.0
    assert bernoulli(rng, 1.0)
    assert poisson(rng, 5e-324) == 0.0
    assert binomial(rng, 1e13, 5e-324) == 0.0
    assert negative_binomial(rng, 5e-324, 5e-324) == 0.0
    assert poisson(rng, 1e40) == 1e40
    assert poisson(rng, math.inf) == math.inf
    assert poisson(rng, 1e20) == pytest.approx(1e20, rel=1e-9)
    assert binomial(rng, 1e30, 1e-5) == pytest.approx(1e25, rel=1e-11)
    assert binomial(rng, 1e40, 0.25) == pytest.approx(0.25e40)
    assert binomial(rng, math.inf, 0.7) == math.inf
    assert negative_binomial(rng, 0.5, math.inf) == math.inf
    assert 1e18 < geometric(rng, 1e-22) < 1e25
    assert geometric(rng, 5e-324) == math.inf
    assert draws(negative_binomial, math.inf, 3.0, count=9).tolist() == draws(
        poisson, 3.0, count=9).tolist()  # fmt: skip
    for size, mean in [(1e-12, 1e12), (1e300, 1e300), (1e-300, 1e300), (1e300, 1e-300)]:
        assert not np.isnan(draws(negative_binomial, size, mean, count=2000)).any()


def shares(n: float, weights: list[float], count: int) -> np.ndarray:
    @njit
    def fill(rng, n, weights, out):
        for row in range(out.shape[0]):
            multinomial(rng, n, weights, out[row])

    out = np.empty((count, len(weights)))
    fill(stream(SEED, 4, 0), n, np.array(weights), out)
    return out


def test_multinomial_follows_its_joint_law():
    """Three trials over three cells: all ten outcomes."""
    weights = [2.0, 5.0, 3.0]  # need not sum to 1
    found = shares(3.0, weights, COUNT)
    codes = found[:, 0] * 4 + found[:, 1]
    pmf = [
        stats.multinomial.pmf([a, b, 3 - a - b], 3, np.array(weights) / 10) if a + b <= 3 else 0.0
        for a in range(4)
        for b in range(4)
    ]
    assert chi2_pvalue(codes, pmf) > ALPHA


def test_multinomial_of_large_counts():
    weights = np.array([1e-9, 0.0, 0.3, 0.7 - 1e-9])
    found = shares(1e12, weights.tolist(), 100_000)
    assert (found.sum(axis=1) == 1e12).all()
    assert (found[:, 1] == 0).all()
    law = binomial_cdf(1e12, 0.3)
    assert_family(
        {
            "first": chi2_pvalue(
                found[:, 0] - 500, stats.poisson.pmf(np.arange(500, 1500), 1000.0)
            ),
            "third": ks_pvalue(found[:, 2], law, discrete=True),
        }
    )


def test_multinomial_at_its_limits():
    assert shares(5.0, [0.0, 0.0], 1).tolist() == [[0.0, 0.0]]
    assert shares(0.0, [1.0, 2.0], 1).tolist() == [[0.0, 0.0]]
    assert shares(5.0, [-1.0, 2.0, math.nan], 1).tolist() == [[0.0, 5.0, 0.0]]
    assert shares(5.0, [1.0], 1).tolist() == [[5.0]]
