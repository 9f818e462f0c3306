"""Every continuous sampler against its whole law, and its moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from marrowtrace.streams import beta, exponential, gamma, log_gamma, normal, stream
from marrowtrace.streams.continuous import _EDGES, _HEIGHTS, _log_acceptance
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue, mean_pvalue, variance_pvalue
from tests.streams.draws import SEED, draws, next_bits

COUNT = 200_000  # KS at 1e-3 sees a cdf that is off by 0.0044 anywhere
SHAPES = [0.05, 0.5, 0.999, 1.0, 1.001, 2.5, 30.0, 1e3, 1e6, 1e9, 1e12]
BETAS = [(0.3, 0.3), (0.5, 0.5), (0.3, 4.0), (1.0, 1.0), (2.0, 3.0), (1e4, 30.0)]


def gamma_cdf(shape):
    return lambda x: special.gammainc(shape, x)


def test_whole_laws():
    found = {
        "exponential": ks_pvalue(draws(exponential, count=COUNT), stats.expon.cdf),
        "normal": ks_pvalue(draws(normal, count=COUNT), stats.norm.cdf),
    }
    for shape in SHAPES:
        found[f"gamma {shape:g}"] = ks_pvalue(draws(gamma, shape, count=COUNT), gamma_cdf(shape))
    for a, b in BETAS:
        found[f"beta {a:g} {b:g}"] = ks_pvalue(draws(beta, a, b, count=COUNT), stats.beta(a, b).cdf)
    assert_family(found)


@pytest.mark.parametrize("shape", [0.05, 2.5, 1e3, 1e12])
def test_check_has_power(shape):
    """A gamma draw 0.02 standard deviations too large must be caught."""
    wrong = draws(gamma, shape, count=COUNT) + 0.02 * math.sqrt(shape)
    assert ks_pvalue(wrong, gamma_cdf(shape)) < ALPHA


def test_moments():
    found = {}
    laws = {
        "exponential": (draws(exponential, count=COUNT, process=1), 1.0, 1.0, 9.0),
        "normal": (draws(normal, count=COUNT, process=1), 0.0, 1.0, 3.0),
    }
    for a in (0.5, 2.5, 1e3, 1e12):
        laws[f"gamma {a:g}"] = (draws(gamma, a, count=COUNT, process=1), a, a, 3 * a * a + 6 * a)
    for name, (values, mean, variance, fourth) in laws.items():
        found[f"{name} mean"] = mean_pvalue(values, mean, variance)
        found[f"{name} variance"] = variance_pvalue(values, mean, variance, fourth)
    assert_family(found)


def test_normal_tail_follows_its_law():
    """The tail beyond the last layer, P = 2.6e-4, and the symmetry of the signs."""
    values = draws(normal, count=20_000_000, process=2)
    edge = 3.6541528853610088
    tail = np.abs(values[np.abs(values) > edge])
    found = {
        "how many": stats.binomtest(tail.size, values.size, 2 * stats.norm.sf(edge)).pvalue,
        "how far": ks_pvalue(tail, lambda x: 1 - stats.norm.sf(x) / stats.norm.sf(edge)),
        "above 0": stats.binomtest(int((values > 0).sum()), values.size, 0.5).pvalue,
    }
    assert_family(found)


def test_layers_of_the_ziggurat_have_one_area_and_close_at_the_top():
    areas = _EDGES[1:-1] * np.diff(_HEIGHTS[1:])
    base = _EDGES[1] * _HEIGHTS[1] + math.sqrt(2 * math.pi) * stats.norm.sf(_EDGES[1])
    assert _EDGES.size == 257
    np.testing.assert_allclose(areas, base, rtol=1e-11)


def test_small_exponentials_are_exact():
    """P(E < x) = 1 - exp(-x) to 9 digits at x = 1e-12: draws by the words that give them."""
    for x in (1e-15, 1e-12, 1e-6, 1e-3, 0.9e-3, 1.1e-3, 0.5, 5.0):
        edge = round(-math.expm1(-x) * 2**64)
        state = stream(SEED, 0, 0)
        margin = 4 + edge // 2**40
        assert exponential(next_bits(state, edge - margin)) < x
        assert exponential(next_bits(state, edge + margin)) > x


def test_largest_exponential_is_finite():
    assert exponential(next_bits(stream(SEED, 0, 0), 2**64 - 1)) == pytest.approx(53 * math.log(2))


@pytest.mark.parametrize("shape", [1e-12, 1e-6, 1e-3])
def test_log_gamma_of_tiny_shapes(shape):
    """P(log G <= x) = exp(shape x) / Gamma(1 + shape) where exp(x) is small."""
    values = draws(log_gamma, shape, count=COUNT)

    def cdf(x):
        return np.where(
            x < -50,
            np.exp(shape * x) / special.gamma(1 + shape),
            special.gammainc(shape, np.exp(np.maximum(x, -50))),
        )

    assert np.isfinite(values).all()
    assert ks_pvalue(values, cdf) > ALPHA


def test_log_gamma_is_the_logarithm_of_gamma():
    for shape in (0.3, 1.0, 7.0):
        logs, plain = draws(log_gamma, shape, count=100), draws(gamma, shape, count=100)
        np.testing.assert_allclose(np.exp(logs), plain, rtol=1e-13)


@pytest.mark.parametrize("t", [-0.9, -0.101, -0.099, -1e-3, 0.0, 1e-6, 0.099, 0.101, 3.0])
def test_log_acceptance_joins_its_series(t):
    terms = [(-1) ** (n + 1) * t**n / n for n in range(4, 400)] if abs(t) < 0.95 else None
    exact = math.fsum(terms) if terms else math.log1p(t) - t + t**2 / 2 - t**3 / 3
    assert _log_acceptance(t) == pytest.approx(exact, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("shape", [0.0, -1.0, math.nan])
def test_gamma_outside_its_range(shape):
    rng = stream(1, 2, 3)
    assert gamma(rng, shape) == 0.0
    assert log_gamma(rng, shape) == -math.inf


def test_gamma_of_the_smallest_shapes_is_a_number():
    for shape in (5e-324, 1e-300, 1e-12):
        assert (draws(gamma, shape, count=1000) >= 0).all()
        assert not np.isnan(draws(log_gamma, shape, count=1000)).any()


def test_beta_outside_its_range_and_at_its_extremes():
    rng = stream(1, 2, 3)
    assert [beta(rng, a, 2.0) for a in (0.0, -1.0, math.nan)] == [0.0] * 3
    assert [beta(rng, 2.0, b) for b in (0.0, -1.0, math.nan)] == [1.0] * 3
    tiny = draws(beta, 1e-12, 3e-12, count=COUNT)
    assert set(np.unique(tiny)) == {0.0, 1.0}  # all its mass but 1e-10 is at the ends
    assert stats.binomtest(int(tiny.sum()), COUNT, 0.25).pvalue > ALPHA
    huge = draws(beta, 1e12, 1e12, count=COUNT)
    assert ks_pvalue((huge - 0.5) * math.sqrt(8e12), stats.norm.cdf) > ALPHA
    smallest = draws(beta, 5e-324, 1.5e-323, count=4000)
    assert stats.binomtest(int(smallest.sum()), 4000, 0.25).pvalue > ALPHA
    assert beta(rng, math.inf, 2.0) == 1.0
    assert beta(rng, 2.0, math.inf) == 0.0
