"""The verdicts of section 5.6."""

from __future__ import annotations

import pytest

from marrowtrace.claims.arms import untreated
from marrowtrace.claims.checks import receptors
from marrowtrace.claims.checks.receptors import CHECKS
from tests.claims.small_world import WORLD, assert_says_what_it_owes

VERDICTS = {
    "C080": "built in",
    "C081": "reproduced",
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


def test_perturbation_fails():
    assert BY_CLAIM["C081"].perturbed(WORLD).verdict != "reproduced"


def test_discordance_rises_with_the_time_in_the_niche():
    found = receptors._other_than_primary(
        WORLD.history(untreated(WORLD)), "er_positive", receptors._ER_POSITIVE
    )
    assert found[1].low > found[0].high
