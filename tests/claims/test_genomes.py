"""Genomes of virtual patients: what must be shared, and what cannot be."""

from __future__ import annotations

from marrowtrace.claims.genomes import genomes
from tests.claims.small_world import WORLD


def test_ctcs_of_the_primary_carry_its_trunk():
    found = genomes(WORLD)
    assert found.primary_in_blood.size >= 25
    assert (found.primary_in_blood > 0.95).all()


def test_lesions_have_mutations_of_their_own():
    found = genomes(WORLD)
    shares = [each.in_primary for each in found.lesions]
    assert len(shares) > 30
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert sum(share < 0.9 for share in shares) > 0.8 * len(shares)
    assert {each.marrow for each in found.lesions} == {True, False}


def test_shares_of_what_is_not_everywhere_are_shares():
    found = genomes(WORLD)
    assert ((found.heterogeneous > 0.0) & (found.heterogeneous <= 1.0)).all()
