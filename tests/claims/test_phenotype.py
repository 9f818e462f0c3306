"""The verdicts of section 5.4."""

from __future__ import annotations

import pytest

from marrowtrace.claims.checks import phenotype
from marrowtrace.claims.checks.phenotype import CHECKS
from tests.claims.small_world import WORLD, assert_says_what_it_owes

VERDICTS = {
    "C070": "built in",
    "C071": "built in",
    "C072": "built in",
    "C074": "built in",
    "C073": "undetermined",
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


def test_selection_alone_does_not_make_most_cells_mesenchymal():
    shed = phenotype._shed(WORLD)
    assert phenotype._circulating(WORLD, 0.0) == pytest.approx(shed)
    assert shed < phenotype._circulating(WORLD, 0.5) < phenotype._circulating(WORLD, 1.0) < 0.5
