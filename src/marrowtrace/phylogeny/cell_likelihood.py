"""How well each genotype explains what was read: log-odds of carrying a mutation, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError, ProblemList
from marrowtrace.phylogeny.cell_mutations import ABSENT, PRESENT, CellMutations

_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRates:
    """How often a call is wrong.

    Parameters
    ----------
    false_positive : float
        Probability that a mutation is called in a cell without it, above 0 and below 0.5.
    false_negative : float
        Probability that a mutation that a cell carries is not called (dropout of the mutated allele
        in the main), above 0 and below 1.
    read_error : float
        Probability that one read shows the other allele, above 0 and below 0.5.
    overdispersion : float
        Intraclass correlation of the reads of a cell at a heterozygous place, 0 to below 1: the
        amplification favours one allele.

    Raises
    ------
    CohortError
        If a rate is outside its range.
    """

    false_positive: float = 0.01
    false_negative: float = 0.2
    read_error: float = 0.005
    overdispersion: float = 0.2

    def __post_init__(self) -> None:
        problems = ProblemList()
        for name, value, low, high, closed in (
            ("false_positive", self.false_positive, 0.0, _HALF, False),
            ("false_negative", self.false_negative, 0.0, 1.0, False),
            ("read_error", self.read_error, 0.0, _HALF, False),
            ("overdispersion", self.overdispersion, 0.0, 1.0, True),
        ):
            if not (low < value < high or (closed and value == low)):
                bound = "from" if closed else "above"
                problems.add(name, f"{value!r} is outside its range; give {bound} {low:g} to below "
                             f"{high:g}")  # fmt: skip
        if not problems and self.false_positive >= 1.0 - self.false_negative:
            problems.add(
                "false_positive",
                f"{self.false_positive:g} is not below 1 - false_negative = "
                f"{1.0 - self.false_negative:g}; a call would speak against the mutation",
            )
        problems.raise_any(CohortError, "the error rates")


def log_odds(cells: CellMutations, errors: ErrorRates) -> NDArray[np.float64]:
    """Return log P(what was read | mutation carried) - log P(what was read | not carried).

    Reads are used where they are known, calls elsewhere; what is missing counts 0.

    Parameters
    ----------
    cells : CellMutations
    errors : ErrorRates

    Returns
    -------
    ndarray of float64, shape (n_cells, n_mutations)
    """
    fp, fn = errors.false_positive, errors.false_negative
    odds = np.zeros(cells.genotype.shape)
    odds[cells.genotype >= PRESENT] = np.log((1.0 - fn) / fp)
    odds[cells.genotype == ABSENT] = np.log(fn / (1.0 - fp))
    if cells.total is None or cells.alternative is None:
        return odds
    read = cells.total > 0
    odds[read] = _from_reads(cells.alternative[read], cells.total[read], errors)
    odds[(cells.total == 0) & ~cells.known] = 0.0
    return odds


def log_without(cells: CellMutations, errors: ErrorRates) -> float:
    """Return the log-likelihood if no cell carried any mutation; reads as `log_odds` takes them."""
    fp = errors.false_positive
    calls = np.zeros(cells.genotype.shape)
    calls[cells.genotype >= PRESENT] = np.log(fp)
    calls[cells.genotype == ABSENT] = np.log1p(-fp)
    if cells.total is not None and cells.alternative is not None:
        read = cells.total > 0
        calls[read] = _log_absent(cells.alternative[read], cells.total[read], errors)
    return float(calls.sum())


def _from_reads(
    alternative: NDArray[np.int32], total: NDArray[np.int32], errors: ErrorRates
) -> NDArray[np.float64]:
    """Both alleles amplified, or one of them lost with equal chance, against reading errors."""
    from scipy.stats import betabinom, binom

    lost = errors.false_negative
    if errors.overdispersion > 0.0:
        both_alpha = _HALF * (1.0 / errors.overdispersion - 1.0)
        both = betabinom.logpmf(alternative, total, both_alpha, both_alpha)
    else:
        both = binom.logpmf(alternative, total, _HALF)
    mutated_lost = binom.logpmf(alternative, total, errors.read_error)
    other_lost = binom.logpmf(alternative, total, 1.0 - errors.read_error)
    # Half of the loss hits the mutated allele: `false_negative` is the share of mutated alleles
    # that are not seen, so the other allele is lost as often.
    carried = np.logaddexp(
        np.logaddexp(np.log(lost) + mutated_lost, np.log(lost * (1.0 - lost)) + other_lost),
        2.0 * np.log1p(-lost) + both,
    )
    return np.asarray(carried - _log_absent(alternative, total, errors))


def _log_absent(
    alternative: NDArray[np.int32], total: NDArray[np.int32], errors: ErrorRates
) -> NDArray[np.float64]:
    """Reading errors, and now and then a place where the whole cell misleads."""
    from scipy.stats import betabinom, binom

    fp = errors.false_positive
    clean = binom.logpmf(alternative, total, errors.read_error)
    misled = betabinom.logpmf(alternative, total, 1.0, 1.0)
    return np.asarray(np.logaddexp(np.log1p(-fp) + clean, np.log(fp) + misled))
