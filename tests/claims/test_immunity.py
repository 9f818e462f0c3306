"""The verdicts of section 5.3."""

from __future__ import annotations

import pytest

from marrowtrace.claims.checks import immunity
from marrowtrace.claims.checks.immunity import CHECKS
from marrowtrace.claims.world import World
from marrowtrace.processes.immunity import EQUILIBRIUM, balance
from tests.claims.small_world import WORLD, assert_says_what_it_owes

VERDICTS = {
    "C064": "built in",
    "C065": "built in",
    "C066": "built in",
    "C067": "built in",
    "C061": "reproduced",
    "C062": "reproduced",
    "C063": "contradicted",
    "C068": "undetermined",
    "C069": "contradicted",
}
BY_CLAIM = {check.claim: check for check in CHECKS}


def test_each_claim_of_the_section_has_one_check():
    assert sorted(BY_CLAIM) == sorted(VERDICTS)
    assert len(BY_CLAIM) == len(CHECKS)


@pytest.mark.parametrize("claim", VERDICTS)
def test_verdict(claim):
    world = World(quick=True) if claim == "C063" else WORLD  # few bone lesions in the small one
    outcome = BY_CLAIM[claim].run(world)
    assert outcome.verdict == VERDICTS[claim], outcome.figure
    assert_says_what_it_owes(outcome)


@pytest.mark.parametrize("claim", ["C061", "C062", "C063"])
def test_perturbation_fails(claim):
    check = BY_CLAIM[claim]
    assert check.perturbation
    assert check.perturbed(WORLD).verdict != "reproduced"


def test_absent_class_one_would_be_reproduced_without_natural_killer_cells():
    """The contradiction can turn: what makes it is the kill by NK cells, not the check."""
    assert immunity._absent_class_one(WORLD, 0.0).verdict == "reproduced"


def test_balance_of_a_held_lesion_is_that_of_the_closed_form():
    rates = {
        name: immunity._LESION[name]
        for name in ("net_growth", "killing", "source", "stimulation", "half_saturation", "loss")
    }
    found = balance(**rates)
    assert found.phase == EQUILIBRIUM
    assert immunity._after(10.0, 1500.0, {})[2] == pytest.approx(found.cells, rel=1e-3)
