"""Pairs of arms: what is moved and over whom it is counted."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.claims.arms import (
    cells,
    cells_ratio,
    relapse_ratio,
    untreated,
    weighted_share,
    window,
    without_lesions,
)
from tests.claims.small_world import WORLD


def test_a_window_without_effect_changes_nothing():
    arm = untreated(WORLD)
    assert cells_ratio(WORLD, {"tsp1": 1.0}).value == pytest.approx(1.0)
    assert relapse_ratio(WORLD, arm, window({"effector": 1.0})).value == pytest.approx(1.0)


def test_cells_lost_at_a_given_rate_are_fewer_by_its_exponential():
    """0.2 per year more for five years leaves exp(-1) of cells that nothing replaces."""
    found = cells_ratio(WORLD, {"marrow_loss": 0.2 / 365.25})
    assert found.value == pytest.approx(np.exp(-1.0), rel=0.02)


def test_those_without_lesions_have_none_at_the_visit():
    history = WORLD.history(untreated(WORLD))
    who = without_lesions((history,), 1)
    assert 0.3 < who.mean() < 1.0
    assert np.nanmax(history.burden("lesions_growing")[who, 1]) == 0.0
    assert np.nanmax(history.burden("lesions_restricted")[who, 1]) == 0.0
    assert (cells(history, 1)[who] >= 0.0).all()


def test_weighted_share_is_the_mean_where_weights_are_equal():
    share = np.array([0.2, 0.4, np.nan, 0.6])
    found = weighted_share(share, np.array([3.0, 3.0, 3.0, 3.0]))
    assert found.value == pytest.approx(0.4)
    assert found.low < 0.4 < found.high
    assert weighted_share(share, np.array([0.0, 2.0, 1.0, 0.0])).value == pytest.approx(0.4)
