"""The verdicts of section 5.2."""

from __future__ import annotations

import pytest

from marrowtrace.claims.checks.dormancy import CHECKS
from tests.claims.small_world import WORLD, assert_says_what_it_owes

VERDICTS = {
    "C048": "built in",
    "C049": "built in",
    "C051": "built in",
    "C052": "built in",
    "C054": "built in",
    "C055": "built in",
    "C056": "built in",
    "C057": "built in",
    "C058": "built in",
    "C059": "built in",
    "C060": "built in",
    "C050": "undetermined",
    "C053": "undetermined",
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
    """More of what holds leaves more cells asleep, less of it fewer; vessels bring relapses."""
    values = {claim: BY_CLAIM[claim].run(WORLD).value for claim in ("C055", "C058", "C060", "C056")}
    assert values["C055"] > 1.0
    assert values["C058"] > 1.0
    assert values["C060"] < 1.0
    assert values["C056"] > 1.0


def test_half_life_is_that_of_the_catalogue():
    low, high = BY_CLAIM["C048"].run(WORLD).interval
    assert 1.4 < low < high < 1.8
