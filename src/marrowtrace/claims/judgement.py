"""Outcomes that are not a figure within a band: assumed directions, and open questions."""

from __future__ import annotations

from marrowtrace.claims.check import (
    BUILT_IN,
    CONTRADICTED,
    REPRODUCED,
    UNDETERMINED,
    Check,
    Outcome,
)
from marrowtrace.claims.measure import Figure


def assumed(found: Figure, words: str) -> Outcome:
    """Return the figure of something whose direction was put in: built in."""
    return Outcome(verdict=BUILT_IN, figure=words, value=found.value, interval=ends(found))


def undecided(words: str, settle: str, found: Figure | None = None) -> Outcome:
    """Return what neither follows nor fails, with what would settle it."""
    return Outcome(
        verdict=UNDETERMINED,
        figure=words,
        value=None if found is None else float(found.value),
        interval=None if found is None else ends(found),
        settle=settle,
    )


def against(found: Figure, words: str, who: str) -> Outcome:
    """Return what somebody contradicts: our model, data, or the cited paper."""
    return Outcome(
        verdict=CONTRADICTED, figure=words, value=found.value, interval=ends(found), against=who
    )


def holds(truth: bool, words: str, found: Figure | None = None, who: str = "our model") -> Outcome:
    """Return reproduced if it holds, else contradicted."""
    return Outcome(
        verdict=REPRODUCED if truth else CONTRADICTED,
        figure=words,
        value=None if found is None else float(found.value),
        interval=None if found is None else ends(found),
        against="" if truth else who,
    )


def open_question(claim: str, words: str, settle: str) -> Check:
    """Return the check of a claim that neither the model nor the data at hand can decide."""
    return Check(claim=claim, run=lambda _: undecided(words, settle))


def ends(found: Figure) -> tuple[float, float]:
    """Return the interval of a figure."""
    return float(found.low), float(found.high)
