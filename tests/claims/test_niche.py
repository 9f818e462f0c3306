"""The verdicts of section 4."""

from __future__ import annotations

import pytest

from marrowtrace.claims.checks.niche import CHECKS, marrow_ratio
from tests.claims.small_world import WORLD, assert_says_what_it_owes

VERDICTS = {
    "C039": "built in",
    "C040": "built in",
    "C041": "built in",
    "C042": "built in",
    "C043": "undetermined",
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


def test_the_directions_that_are_put_in_come_out():
    values = {claim: BY_CLAIM[claim].run(WORLD).value for claim in VERDICTS}
    assert values["C039"] > 1.0
    assert values["C040"] < 1.0
    assert values["C041"] > 1.0
    assert values["C042"] < 1.0


def test_neutral_factors_change_nothing():
    assert marrow_ratio(WORLD, {"homing_integrins": 1.0}).value == 1.0


def test_plenty_of_room_makes_homing_proportional():
    found = marrow_ratio(
        WORLD,
        {"homing_integrins": 0.5},
        {"perivascular_niche_sites": 1e9, "endosteal_niche_sites": 1e9},
    )
    assert found.low < 0.53 < found.high
