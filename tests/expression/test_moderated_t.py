from pathlib import Path

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.expression.moderated_t import adjusted, fit_prior, inverse_trigamma, moderated_t

REFERENCE = Path(__file__).parents[1] / "reference"
GROUP = np.repeat([0.0, 1.0], 5)
DESIGN = np.column_stack([np.ones(10), GROUP, np.tile([0.0, 1.0], 5)])


def values(name: str) -> np.ndarray:
    return pl.read_csv(REFERENCE / name).to_numpy().T


def test_against_limma():
    fit = moderated_t(values("expression_limma.values.csv"), DESIGN, 1)
    limma = pl.read_csv(REFERENCE / "expression_limma.csv")
    np.testing.assert_allclose(fit.effect, limma["effect"], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(fit.t, limma["t"], rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(fit.p, limma["p"], rtol=1e-7)
    assert fit.prior_df == pytest.approx(limma["df_prior"][0], rel=1e-7)
    assert fit.prior_variance == pytest.approx(limma["s2_prior"][0], rel=1e-7)
    assert fit.df == pytest.approx(limma["df"][0])


def test_against_limma_where_variances_differ_by_chance_alone():
    fit = moderated_t(values("expression_limma_flat.values.csv"), DESIGN, 1)
    limma = pl.read_csv(
        REFERENCE / "expression_limma_flat.csv", schema_overrides={"df_prior": pl.String}
    )
    assert np.isinf(fit.prior_df)
    assert set(limma["df_prior"]) == {"Inf"}
    np.testing.assert_allclose(fit.t, limma["t"], rtol=1e-6)
    np.testing.assert_allclose(fit.p, limma["p"], rtol=1e-6)


def test_unmoderated_would_be_caught():
    """The plain t of least squares is not what limma gives."""
    x = values("expression_limma.values.csv")
    beta, *_ = np.linalg.lstsq(DESIGN, x, rcond=None)
    variance = ((x - DESIGN @ beta) ** 2).sum(axis=0) / 7
    plain = beta[1] / np.sqrt(variance * np.linalg.inv(DESIGN.T @ DESIGN)[1, 1])
    limma = pl.read_csv(REFERENCE / "expression_limma.csv")["t"].to_numpy()
    assert np.abs(plain - limma).max() > 0.5


@pytest.mark.parametrize("x", [1e-4, 0.3, 1.0, 7.0, 1e4, 5e6])
def test_inverse_trigamma(x):
    from scipy.special import polygamma

    assert inverse_trigamma(float(polygamma(1, x))) == pytest.approx(x, rel=1e-6)


def test_prior_of_known_law():
    """Variances s0^2 d0/chi2(d0) * chi2(d)/d give back d0 and s0^2."""
    rng = np.random.default_rng(1)
    true = 0.5 * 8 / rng.chisquare(8, 40_000)
    df, variance = fit_prior(true * rng.chisquare(6, 40_000) / 6, 6.0)
    assert df == pytest.approx(8, rel=0.06)
    assert variance == pytest.approx(0.5, rel=0.03)


def test_singular_design():
    with pytest.raises(CohortError, match="singular: a covariate equals the types"):
        moderated_t(np.zeros((10, 3)), np.column_stack([DESIGN, GROUP]), 1)


def test_no_degrees_of_freedom():
    with pytest.raises(CohortError, match="2 samples for 2 coefficients"):
        moderated_t(np.zeros((2, 3)), np.array([[1.0, 0.0], [1.0, 1.0]]), 1)


def test_false_discovery_rates():
    p = np.array([0.01, 0.02, 0.03, 0.5])
    assert adjusted(p) == pytest.approx([0.04, 0.04, 0.04, 0.5])
