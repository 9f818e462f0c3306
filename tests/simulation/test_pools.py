"""Dormant pools against quadrature, for every waiting law and steps of any length."""

from __future__ import annotations

import numpy as np
import pytest
from verification.closed_forms import ALIKE, Linear
from verification.systems import system

from marrowtrace.simulation import simulate

VISITS = (0.0, 180.0, 730.0)
LAWS = {
    "exponential": ({}, 1e-3),
    "weibull": ({"dormancy_shape": 0.6}, 5e-3),
    "lognormal": ({"dormancy_log_sd": 1.2}, 6e-3),
    "erlang": ({"dormancy_phases": 3.0}, 6e-3),
}


def alike(law, visits=VISITS, **values):
    chosen = {
        **ALIKE,
        "visceral_lodging_of_egressed": 1.0,
        "rehoming_probability": 0.5,
        "establishment_probability": 1e-9,
        **LAWS[law][0],
        **values,
    }
    return system("alike", chosen, dormancy=law, visits=visits)


@pytest.mark.parametrize("law", LAWS)
def test_pools_equal_quadrature(law):
    chosen, tolerance = alike(law), LAWS[law][1]
    history, exact = simulate(chosen, 2, 1), Linear(chosen)
    via = history.burden("visceral_via_marrow")[0]
    found = {place: history.burden(place)[0] for place in ("perivascular", "endosteal")}
    found["visceral"] = history.burden("visceral")[0] - via
    for visit, day in enumerate(VISITS):
        for place, burden in found.items():
            assert burden[visit] == pytest.approx(exact.pool(place, day), rel=2e-3), place
        assert via[visit] == pytest.approx(exact.via_marrow(day), rel=tolerance)


@pytest.mark.parametrize("law", LAWS)
def test_a_visit_changes_no_pool(law):
    seldom = simulate(alike(law, (0.0, 730.0)), 2, 1)
    often = simulate(alike(law, (0.0, 1.0, 90.0, 400.0, 700.0, 730.0)), 2, 1)
    for place in ("perivascular", "endosteal", "visceral_via_marrow", "mesenchymal"):
        tolerance = 1e-6 if law == "exponential" or place != "visceral_via_marrow" else 5e-3
        np.testing.assert_allclose(
            often.burden(place)[:, 5], seldom.burden(place)[:, 1], rtol=tolerance, err_msg=place
        )


def test_a_ready_niche_takes_cells_and_takes_them_back():
    """Readiness that is full at once multiplies the odds of lodging and of return alike."""
    full = {"niche_readiness_half_life": 1e-6, "niche_readiness_half_size": 1.0}
    ready = alike("exponential", (0.0,), niche_readiness_gain=1.0, **full)
    lodging = ready.parameters["marrow_lodging_probability"].canonical
    changed = {
        "marrow_lodging_probability": 2.0 * lodging / (1.0 + lodging),
        "rehoming_probability": 2.0 / 3.0,
    }
    found, expected = (simulate(s, 2, 1) for s in (ready, alike("exponential", (0.0,), **changed)))
    for place in ("perivascular", "endosteal", "visceral_via_marrow"):
        np.testing.assert_allclose(
            found.burden(place)[0, 0], expected.burden(place)[0, 0], rtol=1e-5, err_msg=place
        )
