"""Receptors of the dormant pools: a closed form, held against the equations it solves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from verification.systems import RECEPTORS as FLIPS
from verification.systems import system

from marrowtrace.simulation import Therapy, simulate
from marrowtrace.simulation.layout import (
    POOLS,
    Q_RECEPTORS,
    R_HER2,
    R_SENSITIVE,
    R_TOLERANT,
    R_TOLERANT_ER,
)
from marrowtrace.simulation.receptors import begin_receptors, follow

YEAR = 365.25
CASES = [  # extra loss of sensitive ER+ and of HER2+ cells, tolerance, ER gain and loss, days
    (0.3, 0.1, 0.3, 0.1, 0.2, 610.0),
    (-0.1, 0.0, 0.3, 0.1, 0.2, 2000.0),
    (0.3, 0.2, 0.0, 0.0, 0.2, 400.0),
    (0.2, 0.0, 0.2, 0.2, 0.0, 400.0),  # equal rates: a double root
    (0.0, 0.0, 0.0, 0.0, 0.0, 100.0),
    (0.3, 0.1, 0.3, 0.1, 0.2, 0.01),
]


def shares(pools, place=1):
    return pools[Q_RECEPTORS + 4 * place :][:4].copy()


def followed(case, parts=1):
    extra_er, extra_her2, tolerance, gain, loss, days = case
    pools = np.zeros(POOLS)
    begin_receptors(pools, 0.8, 0.3)
    felt = np.zeros(2)
    step = days / parts
    rates = np.array([extra_er, extra_her2, tolerance, gain, loss, 0.05, 0.1]) / YEAR
    fading = np.exp(-(rates[3] + rates[4]) * step), np.exp(-(rates[5] + rates[6]) * step)
    for _ in range(parts):
        felt += step * np.array(follow(pools, 1, step, *rates, *fading))
    return shares(pools), felt


def solved(case):
    """Shares by the matrix exponential of the four states, and what is left of the pool."""
    extra_er, extra_her2, tolerance, gain, loss, days = (x / YEAR for x in case)
    rates = np.array(
        [  # sensitive; ER- not tolerant; ER+ tolerant; ER- tolerant
            [-(loss + extra_er + tolerance), gain, 0.0, 0.0],
            [loss, -gain, 0.0, 0.0],
            [tolerance, 0.0, -loss, gain],
            [0.0, 0.0, loss, -gain],
        ]
    )
    er = expm(rates * days * YEAR) @ [0.8, 0.2, 0.0, 0.0]
    other = np.array([[-(0.1 / YEAR + extra_her2), 0.05 / YEAR], [0.1 / YEAR, -0.05 / YEAR]])
    her2 = expm(other * days * YEAR) @ [0.3, 0.7]
    return er, her2


@pytest.mark.parametrize("case", CASES)
def test_shares_follow_the_equations(case):
    er, her2 = solved(case)
    found, felt = followed(case)
    assert found[R_SENSITIVE] == pytest.approx(er[0] / er.sum(), rel=1e-7)
    assert found[R_TOLERANT_ER] == pytest.approx(er[2] / er.sum(), rel=1e-7, abs=1e-12)
    assert found[R_TOLERANT] == pytest.approx(er[2:].sum() / er.sum(), rel=1e-7, abs=1e-12)
    assert found[R_HER2] == pytest.approx(her2[0] / her2.sum(), rel=1e-7)
    assert case[0] / YEAR * felt[0] == pytest.approx(-np.log(er.sum()), rel=1e-7, abs=1e-12)
    if case[1] > 0.0:
        assert case[1] / YEAR * felt[1] == pytest.approx(-np.log(her2.sum()), rel=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_parts_of_a_step_make_the_step(case):
    whole, parts = followed(case), followed(case, parts=7)
    np.testing.assert_allclose(parts[0], whole[0], rtol=1e-9, atol=1e-13)
    if case[0] != 0.0:
        assert parts[1][0] == pytest.approx(whole[1][0], rel=1e-7)


ENDOCRINE = Therapy(
    "endocrine",
    start=120.0,
    duration=2000.0,
    effects={
        "marrow_awakening": 0.5,
        "visceral_awakening": 0.5,
        "marrow_loss": 0.3 / YEAR,
        "visceral_loss": 0.3 / YEAR,
        "lesion_kill": 3.0 / YEAR,
    },
    eligibility="er_positive",
    acts_on="er_positive",
)


def lives(visits, **values):
    chosen = system("visits", {**FLIPS, **values}, therapies=(ENDOCRINE,), visits=visits)
    return simulate(chosen, 400, 3)


def test_a_visit_changes_no_truth():
    seldom, often = lives((0.0, 730.0)), lives((0.0, 100.0, 180.0, 300.0, 400.0, 600.0, 730.0))
    for place in ("perivascular", "endosteal", "er_positive", "her2_positive", "mesenchymal"):
        np.testing.assert_allclose(
            often.burden(place)[:, 6], seldom.burden(place)[:, 1], rtol=1e-6, err_msg=place
        )
    np.testing.assert_allclose(  # these left niches at the mean rate of a step
        often.burden("visceral")[:, 6], seldom.burden("visceral")[:, 1], rtol=3e-3
    )
    for what in ("distant_relapse", "death", "end", "candidates"):
        assert np.array_equal(often.column(what), seldom.column(what)), what
    assert np.array_equal(often.lesions["awakened"], seldom.lesions["awakened"])


def test_flips_and_tolerance_spare_cells():
    """Without them more cells stay sensitive: the comparison above is not of idle rates."""
    idle = lives((0.0, 730.0), er_loss_rate=0.0, endocrine_tolerance_rate=0.0)
    moving = lives((0.0, 730.0))
    assert np.nanmean(idle.burden("endosteal")[:, 1]) < np.nanmean(moving.burden("endosteal")[:, 1])
