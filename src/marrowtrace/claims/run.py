"""Run the checks and count the verdicts."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from marrowtrace.claims.check import (
    NOT_MODELLED,
    REPRODUCED,
    UNDETERMINED,
    VERDICTS,
    Check,
    Outcome,
)
from marrowtrace.claims.claim import Claim, claims
from marrowtrace.claims.world import World

SCHEMA = "marrowtrace.claims/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One claim and what its check gave.

    Parameters
    ----------
    claim : Claim
    outcome : Outcome
    perturbation : str
        What was changed to make the check fail; empty if there is nothing to fail.
    perturbed : Outcome or None
        What the check gave then.
    seconds : float
    """

    claim: Claim
    outcome: Outcome
    perturbation: str
    perturbed: Outcome | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values, without the time, which differs between runs."""
        return {
            "id": self.claim.id,
            "section": self.claim.section,
            "statement": self.claim.statement,
            "quantity": self.claim.quantity,
            "references": self.claim.references,
            "kind": self.claim.kind,
            "rests_on": self.claim.rests_on,
            "note": self.claim.note,
            "verdict": self.outcome.verdict,
            "figure": self.outcome.figure,
            "value": _finite(self.outcome.value),
            "interval": (
                None
                if self.outcome.interval is None
                else [_finite(end) for end in self.outcome.interval]
            ),
            "against": self.outcome.against,
            "settle": self.outcome.settle,
            "perturbation": self.perturbation,
            "under_perturbation": None if self.perturbed is None else self.perturbed.figure,
            "verdict_under_perturbation": (
                None if self.perturbed is None else self.perturbed.verdict
            ),
        }


@dataclass(frozen=True, slots=True)
class Results:
    """Every claim that was looked at.

    Parameters
    ----------
    results : tuple of Result
    quick : bool
    seed : int
    """

    results: tuple[Result, ...]
    quick: bool
    seed: int

    @property
    def counts(self) -> dict[str, int]:
        """How many claims got each verdict."""
        found = Counter(each.outcome.verdict for each in self.results)
        return {verdict: found.get(verdict, 0) for verdict in VERDICTS}

    def to_json(self) -> dict[str, Any]:
        """Return the results as plain values, in the documented form."""
        return {
            "schema": SCHEMA,
            "quick": self.quick,
            "seed": self.seed,
            "counts": self.counts,
            "claims": [each.to_json() for each in self.results],
        }


def run(
    wanted: Sequence[Claim] | None = None,
    *,
    quick: bool = True,
    world: World | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Results:
    """Check claims.

    A check that gives *reproduced* is run again under its perturbation; if it gives *reproduced*
    there too it cannot fail, and the claim counts as undetermined.

    Parameters
    ----------
    wanted : sequence of Claim, optional
        All of them if left out.
    quick : bool
        Small cohorts, and without the slow checks.
    world : World, optional
    progress : callable, optional
        Called with the number done, the number in all and the id of the next claim.

    Returns
    -------
    Results
    """
    from marrowtrace.claims.checks import CHECKS

    world = world or World(quick=quick)
    chosen = tuple(claims() if wanted is None else wanted)
    results = []
    for number, each in enumerate(chosen):
        if progress is not None:
            progress(number, len(chosen), each.id)
        results.append(_result(each, CHECKS.get(each.id), world))
    if progress is not None:
        progress(len(chosen), len(chosen), "")
    return Results(tuple(results), world.quick, world.seed)


def _finite(value: float | None) -> float | None:
    """Nothing for what JSON has no number for, e.g. the open end of an interval."""
    return None if value is None or not math.isfinite(value) else float(value)


def _result(claim: Claim, check: Check | None, world: World) -> Result:
    start = time.perf_counter()
    if check is None:
        outcome = Outcome(verdict=NOT_MODELLED, figure="no check has been written")
        return Result(claim=claim, outcome=outcome, perturbation="", perturbed=None, seconds=0.0)
    if check.slow and world.quick:
        outcome = Outcome(
            verdict=UNDETERMINED,
            figure="left out of the quick set",
            settle="`marrowtrace claims check` without --quick",
        )
        return Result(
            claim=claim, outcome=outcome, perturbation=check.perturbation, perturbed=None,
            seconds=0.0,
        )  # fmt: skip
    outcome = check.run(world)
    perturbed = None
    if check.perturbed is not None and outcome.verdict == REPRODUCED:
        perturbed = check.perturbed(world)
        if perturbed.verdict == REPRODUCED:
            outcome = Outcome(
                verdict=UNDETERMINED,
                figure=outcome.figure,
                value=outcome.value,
                interval=outcome.interval,
                settle=f"the check passes also when {check.perturbation}, so it shows nothing",
            )
    return Result(
        claim=claim,
        outcome=outcome,
        perturbation=check.perturbation,
        perturbed=perturbed,
        seconds=time.perf_counter() - start,
    )
