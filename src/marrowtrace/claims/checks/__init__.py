"""The checks, one module a part of the review; `CHECKS` finds them by the id of the claim."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from marrowtrace.claims.check import Check


def _collected() -> Mapping[str, Check]:
    modules: tuple[tuple[Check, ...], ...] = ()
    found: dict[str, Check] = {}
    for checks in modules:
        for check in checks:
            assert check.claim not in found, check.claim
            found[check.claim] = check
    return MappingProxyType(found)


CHECKS = _collected()
"""Check of each claim, by its id."""
