"""The verdicts of Table 1."""

from __future__ import annotations

import pytest

from marrowtrace.claims.check import VERDICTS
from marrowtrace.claims.checks.table1 import CHECKS
from tests.claims.small_world import WORLD, assert_says_what_it_owes

# those that no change of seed or size turns
CERTAIN = {
    "C031": "built in",
    "C034": "built in",
    "C036": "contradicted",
    "C037": "contradicted",
    "C038": "built in",
    "C028": "contradicted",
}
BY_CLAIM = {check.claim: check for check in CHECKS}


@pytest.mark.parametrize("claim", sorted(BY_CLAIM))
def test_outcome_says_what_it_owes(claim):
    check = BY_CLAIM[claim]
    outcome = check.run(WORLD)
    assert outcome.verdict in VERDICTS
    assert outcome.verdict == CERTAIN.get(claim, outcome.verdict), outcome.figure
    assert_says_what_it_owes(outcome)
    if outcome.verdict == "reproduced":
        assert check.perturbed is not None


@pytest.mark.parametrize("claim", ["C025", "C029", "C035"])
def test_perturbation_fails(claim):
    check = BY_CLAIM[claim]
    assert check.perturbed is not None
    assert check.perturbed(WORLD).verdict != "reproduced"
