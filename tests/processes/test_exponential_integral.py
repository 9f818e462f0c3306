from __future__ import annotations

import math

import numpy as np
from scipy import special

from marrowtrace.processes.exponential_integral import exp1, exp1_between


def test_equals_scipy_over_the_whole_range():
    points = np.concatenate([np.geomspace(1e-300, 735.0, 3_000), np.linspace(1.9, 2.1, 101)])
    ours = np.array([exp1(x) for x in points])
    np.testing.assert_allclose(ours, special.exp1(points), rtol=3e-14)


def test_edges():
    assert exp1(0.0) == math.inf
    assert exp1(1e3) == 0.0
    assert math.isnan(exp1(-1.0))
    assert exp1_between(1.0, 1.0) == 0.0


def test_difference_keeps_its_digits():
    """E1(a) - E1(b) against a Taylor series where the two agree to nine digits."""
    for a in (0.01, 0.5, 3.0, 20.0):
        for share in (1e-12, 1e-9, 1e-7):
            width = (a + a * share) - a
            f = math.exp(-a) / a
            slope = -f * (1.0 + 1.0 / a)
            np.testing.assert_allclose(
                exp1_between(a, a + width), width * (f + 0.5 * width * slope), rtol=1e-11
            )


def test_difference_equals_scipy_where_wide():
    for a, b in ((0.1, 0.129), (0.1, 0.131), (1.9, 2.3), (5.0, 5.49), (5.0, 5.51), (1.0, 700.0)):
        expected = special.exp1(a) - special.exp1(b)
        np.testing.assert_allclose(exp1_between(a, b), expected, rtol=1e-12)
