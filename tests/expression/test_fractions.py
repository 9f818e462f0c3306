import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.expression.fractions import fraction, log_likelihood
from marrowtrace.expression.simulator_input import simulator_toml


def test_one_patient_is_exact_binomial():
    """3 of 10: Clopper-Pearson 0.0667 to 0.6525."""
    found = fraction([3], [10])
    assert (round(found.low, 4), round(found.high, 4)) == (0.0667, 0.6525)
    assert found.method == "binomial, one patient"
    assert np.isnan(found.correlation)
    assert found.to_json()["intraclass_correlation"] is None


def test_alike_patients_give_the_binomial():
    found = fraction([5, 5, 5, 5], [10, 10, 10, 10])
    assert found.mean == pytest.approx(0.5, abs=0.005)
    assert found.correlation == 0.0


def test_unlike_patients_widen_the_interval():
    """Same totals, but the patients differ."""
    alike = fraction([5, 5, 5, 5], [10, 10, 10, 10])
    unlike = fraction([0, 10, 0, 10], [10, 10, 10, 10])
    assert unlike.high - unlike.low > 1.5 * (alike.high - alike.low)
    assert unlike.correlation > 0.5


def test_likelihood_is_that_of_scipy():
    from scipy.special import gammaln
    from scipy.stats import betabinom

    k, n = np.array([2, 7, 0]), np.array([9, 8, 5])
    mean, rho = 0.4, 0.2
    size = (1 - rho) / rho
    coefficient = (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)).sum()
    exact = betabinom.logpmf(k, n, mean * size, (1 - mean) * size).sum()
    assert log_likelihood(k, n, mean, rho) + coefficient == pytest.approx(exact)


def test_maximum_is_that_of_an_optimiser():
    from scipy.optimize import minimize

    k, n = np.array([4, 8, 7, 0, 1]), np.array([8, 15, 9, 15, 7])

    def lost(x):
        return -log_likelihood(k, n, 1 / (1 + np.exp(-x[0])), 1 / (1 + np.exp(-x[1])))

    best = minimize(lost, [0.0, -1.0], method="Nelder-Mead")
    found = fraction(k.tolist(), n.tolist())
    assert found.mean == pytest.approx(1 / (1 + np.exp(-best.x[0])), abs=0.01)


def test_coverage_of_the_interval():
    """Of 200 sets of 12 patients, some 95 % of the intervals hold the truth."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        n = rng.integers(3, 25, 12)
        k = rng.binomial(n, rng.beta(0.3 * 4, 0.7 * 4, 12))
        found = fraction(k.tolist(), n.tolist())
        held += found.low <= 0.3 <= found.high
    assert 176 <= held <= 199  # binomial(200, 0.93): central 99.9 %


def test_none_and_all():
    none = fraction([0, 0], [6, 9])
    assert (none.mean, none.low) == (0.0, 0.0)
    assert 0.1 < none.high < 0.6
    every = fraction([6, 9], [6, 9])
    assert (every.mean, every.high) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("k", "n", "message"),
    [([3], [2], "3 positive of 2 cells is impossible"), ([0], [0], "no cell was called"),
     ([1, 2], [3], "2 counts of positive cells for 1 patients")],
)  # fmt: skip
def test_faults(k, n, message):
    with pytest.raises(CohortError, match=message):
        fraction(k, n)


def test_simulator_input_is_toml_with_parameters_of_the_catalogue():
    import tomllib

    from marrowtrace.catalog.parameter_sets import entered

    text = simulator_toml(
        {("stem_like", "stem-like"): fraction([1, 2], [9, 8]),
         ("cycle", "dormant"): fraction([3, 2], [9, 8])},
        source="made", what="CTC cells",
    )  # fmt: skip
    read = tomllib.loads(text)
    assert read["stem_like_share_shed"]["low"] < read["stem_like_share_shed"]["value"]
    assert read["other"]["cycle.dormant"]["value"] > 0
    known = entered("early-breast")
    assert "stem_like_share_shed" in known
