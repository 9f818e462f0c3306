"""Cells shed and the departure of founders, against the law of growth."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.claims.beyond import beyond
from marrowtrace.claims.shedding_history import cells_shed, founders
from tests.claims.small_world import WORLD


def test_shedding_by_size_alone_is_the_integral_of_the_flux():
    """By steps: flux at each size over the growth rate b ln(K/N) (or that at the corner)."""
    from marrowtrace.simulation.driver import arrays
    from marrowtrace.simulation.layout import TRAIT
    from marrowtrace.simulation.patient import MAX_SWEEPS, draw_traits
    from marrowtrace.streams import STATE_WORDS

    history = WORLD.history(patients=30)
    n = {name: value.canonical for name, value in history.scenario.parameters.items()}
    shed = cells_shed(history)
    parameters = arrays(history.scenario)[0]
    for row in range(5):
        traits = np.zeros(1, TRAIT)
        draw_traits(
            np.zeros(STATE_WORDS, np.uint64), history.seed, int(history.patient[row]), parameters,
            traits[0], np.zeros(MAX_SWEEPS),
        )  # fmt: skip
        x = np.linspace(np.log(n["shedding_onset_size"]), history.column("log_size")[row], 20_001)
        flux = np.minimum(
            history.column("shedding_scale")[row]
            * np.exp(n["shedding_size_exponent"] * (x - np.log(n["reference_tumour_size"]))),
            n["shedding_cap_per_cell"] * np.exp(x),
        )
        growth = float(traits[0]["primary_rate"]) * (np.log(n["tumour_carrying_capacity"]) - x)
        assert shed[row] == pytest.approx(np.trapezoid(flux / growth, x), rel=1e-5)


def test_no_shedding_no_cells():
    still = beyond(WORLD.arm(), {"shedding_rate_reference": 0.0})
    assert not cells_shed(WORLD.history(still, 20)).any()


def test_founders_leave_before_surgery_and_from_a_smaller_primary():
    history = WORLD.history()
    rows, days, sizes = founders(history, 100)
    assert 80 <= rows.size <= 100
    assert (days <= 0.0).all()
    assert (sizes <= history.column("log_size")[rows] + 1e-9).all()
    assert (
        sizes >= np.log(history.scenario.parameters["shedding_onset_size"].canonical) - 0.2
    ).all()
