"""The verdicts of section 6 on prognosis."""

from __future__ import annotations

import pytest

from marrowtrace.claims.check import VERDICTS
from marrowtrace.claims.checks.prognosis import CHECKS
from tests.claims.small_world import WORLD, assert_says_what_it_owes

# those that no change of seed or size turns
CERTAIN = {
    "C082": "built in",
    "C083": "built in",
    "C084": "contradicted",
    "C085": "built in",
    "C086": "reproduced",
    "C087": "built in",
    "C088": "undetermined",
    "C089": "built in",
    "C090": "reproduced",
    "C107": "built in",
    "C110": "built in",
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


@pytest.mark.parametrize("claim", ["C006", "C086", "C090", "C092", "C093"])
def test_perturbation_fails(claim):
    check = BY_CLAIM[claim]
    assert check.perturbed is not None
    assert check.perturbed(WORLD).verdict != "reproduced"
