"""The checks, one module a part of the review; `CHECKS` finds them by the id of the claim."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from marrowtrace.claims.check import Check
from marrowtrace.claims.checks import (
    dissemination,
    dormancy,
    evolution,
    immunity,
    niche,
    osteomimicry,
    phenotype,
    prognosis,
    receptors,
    reservoir,
    table1,
    table2,
    therapy,
)


def _collected() -> Mapping[str, Check]:
    modules = (
        dissemination.CHECKS,
        reservoir.CHECKS,
        table1.CHECKS,
        niche.CHECKS,
        evolution.CHECKS,
        dormancy.CHECKS,
        immunity.CHECKS,
        phenotype.CHECKS,
        osteomimicry.CHECKS,
        receptors.CHECKS,
        prognosis.CHECKS,
        table2.CHECKS,
        therapy.CHECKS,
    )
    found: dict[str, Check] = {}
    for checks in modules:
        for check in checks:
            assert check.claim not in found, check.claim
            found[check.claim] = check
    return MappingProxyType(found)


CHECKS = _collected()
"""Check of each claim, by its id."""
