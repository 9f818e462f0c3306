"""Cells that a graft brings, or surgery leaves: they wait and are lost as others, one by one."""

import math

import pytest
from scipy import stats

from marrowtrace.processes import dormancy
from marrowtrace.simulation import Therapy, simulate
from marrowtrace.simulation.layout import RESIDUAL
from tests.goodness_of_fit import assert_family
from tests.simulation.test_engine import PLAIN, WAITS
from tests.simulation.worlds import YEAR, world

GRAFT = Therapy("marrow_transplantation", start=100.0, duration=1.0, effects={"graft_cells": 5e4})
SUBTYPE = "er_pos_her2_neg"


@pytest.mark.parametrize("law", sorted(WAITS))
@pytest.mark.parametrize("place", ["perivascular", "endosteal"])
def test_grafted_cells_follow_the_waiting_law(law, place):
    wait, values = WAITS[law]
    visits = (101.0, 100.0 + YEAR, 100.0 + 4 * YEAR)
    arm = world(
        PLAIN | values | {"shedding_rate_reference": 0.0, "establishment_probability": 0.0},
        dormancy=law,
        therapies=(GRAFT,),
        visits=visits,
        horizon=6 * YEAR,
    )
    get = arm.parameters
    share = get["endosteal_share"].canonical
    cells = 5e4 * (share if place == "endosteal" else 1 - share)
    leave = get[f"{place}_egress_rate"].canonical * (1 - get["rehoming_probability"].canonical)
    loss = get[f"{place}_loss_rate.{SUBTYPE}"].canonical + leave
    wake = get[f"{place}_awakening_rate.{SUBTYPE}"].canonical
    found = simulate(arm, 2, seed=1).burden(place)[0, :3]
    for day, left in zip(visits, found, strict=True):
        age = day - 100.0
        wanted = cells * math.exp(-loss * age) * dormancy.survival(wait, wake * age)
        assert left == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("law", sorted(WAITS))
def test_no_graft_no_cells(law):
    arm = world(PLAIN | WAITS[law][1] | {"shedding_rate_reference": 0.0}, dormancy=law)
    assert simulate(arm, 2, seed=1).burden("perivascular")[:, :-1].max() == 0.0


def test_cells_that_surgery_leaves_are_single():
    """As many found a lesion as single cells do, not clusters, and each with one cell."""
    share, size, multiplier = 0.5, 5.0, 20.0
    cells, each = 40.0, 0.01
    values = PLAIN | {
        "shedding_rate_reference": 0.0,
        "establishment_probability": each,
        "local_residual_cells": cells,
        "cluster_fraction": share,
        "cluster_size_mean": size,
        "cluster_seeding_multiplier": multiplier,
        f"visceral_loss_rate.{SUBTYPE}": 0.0,
        f"visceral_awakening_rate.{SUBTYPE}": 50.0,
    }
    history = simulate(world(values, horizon=2 * YEAR, visits=()), 6000, seed=8)
    assert (history.lesions["origin"] == RESIDUAL).all()
    assert (history.lesions["founding_cells"] == 1).all()
    mean = 6000 * cells * each / (1 - share + share * multiplier / size)
    found = history.lesions.size
    assert_family({"number": 2 * stats.norm.sf(abs(found - mean) / math.sqrt(mean))})
    assert abs(found - mean) < 0.2 * mean
