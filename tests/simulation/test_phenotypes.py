"""Dormant kill by phenotype, against the vector of states it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.simulation.packing import parameters
from marrowtrace.simulation.phenotypes import mesenchymal_share, spare_mesenchymal
from tests.simulation.worlds import world

STATES = np.array([0.5, 0.2, 0.3])  # epithelial, hybrid, mesenchymal


@pytest.fixture(scope="module")
def p():
    chosen = world().parameters
    packed = parameters(
        chosen,
        (),
        horizon=1.0,
        surgery=0.0,
        step=0.5,
        founders_after_relapse=True,
        metastatic=False,
    )
    return packed[0]


def projections(p, states):
    one = np.dot([p["left_1e"], p["left_1h"], p["left_1m"]], states)
    two = np.dot([p["left_2e"], p["left_2h"], p["left_2m"]], states)
    return one, two


def test_kill_by_state_equals_bayes(p):
    left, one, two = spare_mesenchymal(*projections(p, STATES), 0.4, 0.1, p)
    alive = STATES * [0.6, 0.6, 0.9]
    assert left == pytest.approx(alive.sum(), rel=1e-12)
    np.testing.assert_allclose((one, two), projections(p, alive / alive.sum()), atol=1e-12)
    assert mesenchymal_share(one, two, p) == pytest.approx(alive[2] / alive.sum(), rel=1e-12)


def test_equal_kill_does_not_select(p):
    before = projections(p, STATES)
    left, one, two = spare_mesenchymal(*before, 0.3, 0.3, p)
    assert left == pytest.approx(0.7, rel=1e-12)
    np.testing.assert_allclose((one, two), before, atol=1e-12)


def test_kill_of_all_leaves_nothing(p):
    before = projections(p, STATES)
    assert spare_mesenchymal(*before, 1.0, 1.0, p) == (0.0, *before)
