"""The verdicts of section 3."""

from __future__ import annotations

import pytest

from marrowtrace.claims.checks.reservoir import CHECKS
from tests.claims.small_world import WORLD, assert_says_what_it_owes

VERDICTS = {
    "C016": "built in",
    "C017": "built in",
    "C018": "reproduced",
    "C019": "undetermined",
    "C020": "reproduced",
    "C021": "reproduced",
    "C022": "built in",
    "C023": "built in",
    "C024": "undetermined",
}
BY_CLAIM = {check.claim: check for check in CHECKS}


def test_each_claim_of_the_section_has_one_check():
    assert sorted(BY_CLAIM) == sorted(VERDICTS)
    assert len(BY_CLAIM) == len(CHECKS)


@pytest.mark.parametrize("claim", VERDICTS)
def test_verdict(claim):
    outcome = BY_CLAIM[claim].run(WORLD)
    assert outcome.verdict == VERDICTS[claim], outcome.figure
    assert_says_what_it_owes(outcome)


@pytest.mark.parametrize("claim", [name for name, said in VERDICTS.items() if said == "reproduced"])
def test_a_check_that_passes_fails_under_its_perturbation(claim):
    outcome = BY_CLAIM[claim].perturbed(WORLD)
    assert outcome.verdict != "reproduced", outcome.figure


def test_homing_factors_that_are_put_in_come_out():
    assert BY_CLAIM["C022"].run(WORLD).value < 0.8
    assert BY_CLAIM["C023"].run(WORLD).value < 0.3
