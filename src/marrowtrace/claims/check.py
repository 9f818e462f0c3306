"""A check of one claim: the question, its answer, and what must make it fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from marrowtrace.claims.world import World

REPRODUCED = "reproduced"
CONTRADICTED = "contradicted"
UNDETERMINED = "undetermined"
BUILT_IN = "built in"
NOT_MODELLED = "not modelled"
VERDICTS = (REPRODUCED, CONTRADICTED, UNDETERMINED, BUILT_IN, NOT_MODELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came out.

    Parameters
    ----------
    verdict : str
        One of `VERDICTS`.
    figure : str
        The answer in words and numbers, e.g. ``"DTC-positive at diagnosis 29.8 %"``.
    value : float, optional
        The number that is judged.
    interval : tuple of float, optional
        95 % interval of the value: of the simulation (Monte Carlo), of the pooled evidence or of
        the data, as the figure says.
    against : str
        Who contradicts it: our model, data, or the cited source itself. Empty if nobody does.
    settle : str
        What would settle it, if it is undetermined.
    """

    verdict: str
    figure: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    against: str = ""
    settle: str = ""

    def __post_init__(self) -> None:
        assert self.verdict in VERDICTS, self.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How one claim is checked.

    Parameters
    ----------
    claim : str
        Its id.
    run : callable
        From a `World` to an `Outcome`.
    perturbation : str
        What is changed so that the check must not pass; empty for a claim that is built in or not
        modelled.
    perturbed : callable, optional
        The same check under the perturbation.
    slow : bool
        Whether it is left out of the quick set.
    """

    claim: str
    run: Callable[[World], Outcome]
    perturbation: str = ""
    perturbed: Callable[[World], Outcome] | None = None
    slow: bool = False

    def __post_init__(self) -> None:
        assert bool(self.perturbation) == (self.perturbed is not None), self.claim


def built_in(claim: str, figure: str) -> Check:
    """Return the check of a claim that is true because it was assumed: no evidence for it."""
    return Check(claim=claim, run=lambda _: Outcome(verdict=BUILT_IN, figure=figure))


def not_modelled(claim: str, reason: str) -> Check:
    """Return the check of a claim that the model has nothing to say to."""
    return Check(claim=claim, run=lambda _: Outcome(verdict=NOT_MODELLED, figure=reason))
