"""The verdicts of section 5.1."""

from __future__ import annotations

import pytest

from marrowtrace.claims.checks.evolution import CHECKS
from tests.claims.small_world import WORLD, assert_says_what_it_owes

VERDICTS = {
    "C044": "undetermined",
    "C045": "built in",
    "C046": "undetermined",
    "C047": "undetermined",
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


def test_copy_numbers_of_one_pair_are_alike_by_as_many_shares_as_definitions():
    assert "69 to 97 %" in BY_CLAIM["C047"].run(WORLD).figure


def test_therapy_selects_what_resists():
    outcome = BY_CLAIM["C045"].run(WORLD)
    assert outcome.value > 0.3
    assert "0 % (0 to" in outcome.figure
