"""The verdicts of section 2, and the abstract."""

from __future__ import annotations

import pytest

from marrowtrace.claims.checks.dissemination import CHECKS
from tests.claims.small_world import WORLD, assert_says_what_it_owes

VERDICTS = {
    "C001": "built in",
    "C002": "built in",
    "C003": "built in",
    "C004": "built in",
    "C005": "reproduced",
    "C007": "built in",
    "C008": "reproduced",
    "C009": "built in",
    "C010": "built in",
    "C011": "contradicted",
    "C012": "built in",
    "C013": "contradicted",
    "C014": "reproduced",
    "C015": "contradicted",
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


def test_shedding_by_size_alone_is_random():
    """Cells that may found lesions are Poisson in patients who are alike."""
    low, high = BY_CLAIM["C002"].run(WORLD).interval
    assert low < 1.0 < high


def test_more_relapses_make_metastasis_no_rarer_than_positive_marrow():
    assert BY_CLAIM["C015"].perturbed(WORLD).value > 1.5 * BY_CLAIM["C015"].run(WORLD).value
