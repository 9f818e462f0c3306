"""The probabilities behind the rejection methods, against arithmetic with 60 digits."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest

from marrowtrace.streams import binomial_log_pmf, poisson_log_pmf
from marrowtrace.streams.saddlepoint import deviance, stirling_error

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230782")
# B_2j / (2j (2j - 1)), j = 1..8
SERIES = ((1, 12), (-1, 360), (1, 1260), (-1, 1680), (1, 1188), (-691, 360360), (1, 156))


def log_factorial(n: int) -> Decimal:
    """log n!, exact product to 2,000 and Stirling's series beyond (error < 1e-40)."""
    if n <= 2000:
        return Decimal(math.factorial(n)).ln()
    x = Decimal(n)
    series = sum(Decimal(a) / b / x ** (2 * j + 1) for j, (a, b) in enumerate(SERIES))
    return (x + Decimal("0.5")) * x.ln() - x + (2 * PI).ln() / 2 + series


def exact_poisson(k: int, mean: float) -> float:
    with localcontext(prec=60):
        return float(-Decimal(mean) + k * Decimal(mean).ln() - log_factorial(k))


def exact_binomial(k: int, n: int, p: float) -> float:
    with localcontext(prec=60):
        ways = log_factorial(n) - log_factorial(k) - log_factorial(n - k)
        return float(ways + k * Decimal(p).ln() + (n - k) * (1 - Decimal(p)).ln())


@pytest.mark.parametrize("n", [1, 2, 7, 15, 16, 17, 100, 5000, 10**12])
def test_stirling_error(n):
    with localcontext(prec=60):
        x = Decimal(n)
        exact = float(log_factorial(n) - (2 * PI * x).ln() / 2 - x * (x.ln() - 1))
    assert stirling_error(float(n)) == pytest.approx(exact, rel=1e-12 if n > 15 else 1e-11)


@pytest.mark.parametrize("mean", [10.0, 40.5, 1e3, 1e6, 1e9, 1e12, 1e13])
@pytest.mark.parametrize("z", [-4, -1, 0, 0.5, 3, 8])
def test_poisson_log_pmf_is_exact_at_every_size(mean, z):
    k = max(0, math.floor(mean + z * math.sqrt(mean)))
    assert poisson_log_pmf(float(k), mean) == pytest.approx(exact_poisson(k, mean), abs=2e-13)


@pytest.mark.parametrize(
    ("n", "p"),
    [(20, 0.5), (1001, 0.01), (10**6, 0.3), (10**12, 1e-6), (10**12, 0.5), (10**13, 0.3)],
)
@pytest.mark.parametrize("z", [-3, -1, 0, 0.5, 3])
def test_binomial_log_pmf_is_exact_at_every_size(n, p, z):
    """To 1e-12; to 1e-9 for n >= 1e12, where n p itself is rounded in the 16th digit."""
    k = min(n, max(0, math.floor(n * p + z * math.sqrt(n * p * (1 - p)))))
    found, exact = binomial_log_pmf(float(k), float(n), p), exact_binomial(k, n, p)
    assert found == pytest.approx(exact, abs=1e-12 if n < 10**12 else 1e-9)


def test_log_gamma_differences_would_not_do():
    """What the saddle-point form is for: the plain formula is off by 1e-3 and more at 1e12."""
    mean = 1e12
    errors = []
    for k in range(10**12, 10**12 + 10**6, 10**5):
        plain = -mean + k * math.log(mean) - math.lgamma(k + 1.0)
        errors.append(abs(plain - exact_poisson(k, mean)))
    assert max(errors) > 1e-3


def test_ends_of_the_range():
    assert poisson_log_pmf(0.0, 12.5) == -12.5
    assert binomial_log_pmf(0.0, 5.0, 0.25) == pytest.approx(5 * math.log(0.75))
    assert binomial_log_pmf(5.0, 5.0, 0.25) == pytest.approx(5 * math.log(0.25))
    assert deviance(0.0, 3.0) == 3.0
    assert deviance(3.0, 3.0) == 0.0


@pytest.mark.parametrize("ratio", [0.5, 0.81, 0.82, 0.99, 1.01, 1.22, 1.23, 3.0])
def test_deviance_joins_at_the_switch(ratio):
    m = 64.0
    with localcontext(prec=40):
        x = Decimal(m * ratio)
        exact = float(x * (x / Decimal(m)).ln() + Decimal(m) - x)
    assert deviance(m * ratio, m) == pytest.approx(exact, rel=1e-13)
