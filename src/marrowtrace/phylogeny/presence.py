r"""Which mutations each site carries, and how sure it is where none was seen.

Bulk: a mutation is called in a sample of depth n with a mutated reads if more than ``least_vaf`` of
the reads carry it and :math:`P(X \ge a) \le` ``false_call`` for :math:`X \sim Bin(n, e)` with the
error e of a read. Single cells: it is called in a site where k of n cells with a known genotype
have it if :math:`P(X \ge k) \le` ``false_call`` for :math:`X \sim Bin(n, \alpha)` with the false
positive rate. In both, the power is the probability of that call if at least ``least_ccf`` of the
site's cancer cells have the mutation; a mutation not called with less than ``least_power`` is
unknown there, not absent. A mutation is clonal in a site if ``clonal_ccf`` of its cells or more
have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from marrowtrace.errors import ParameterError, ProblemList
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.sample_mutations import SampleMutations

States: TypeAlias = npt.NDArray[np.int8]
Floats: TypeAlias = npt.NDArray[np.float64]

UNKNOWN, ABSENT, PRESENT = -1, 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRule:
    """How a call is made; the defaults are assumed, none is from a paper.

    Parameters
    ----------
    read_error : float
        Share of reads that show the mutation by error.
    false_positive : float
        Share of cells without a mutation that show it.
    dropout : float
        Share of cells with a mutation that do not show it.
    false_call : float
        Most probability of a call where the mutation is absent.
    least_vaf : float
        Share of reads that a call must exceed.
    least_ccf : float
        Share of the site's cancer cells for which the power is stated.
    least_power : float
        Power below which a mutation that was not called is unknown.
    clonal_ccf : float
        Share of cells from which on a mutation is clonal.

    Raises
    ------
    ParameterError
        Listing every value outside its range.
    """

    read_error: float = 0.003
    false_positive: float = 0.01
    dropout: float = 0.2
    false_call: float = 0.01
    least_vaf: float = 0.02
    least_ccf: float = 0.25
    least_power: float = 0.8
    clonal_ccf: float = 0.8

    def __post_init__(self) -> None:
        problems = ProblemList()
        for name in self.__slots__:
            value = getattr(self, name)
            closed = name in {"dropout", "least_vaf", "least_power"}
            if not (0 <= value < 1 if closed else 0 < value <= 1):
                allowed = "0 to below 1" if closed else "above 0 to 1"
                problems.add(name, f"is {value:g}; allowed: {allowed}")
        problems.raise_any(ParameterError, "the rule of the calls")


DEFAULT_RULE = CallRule()


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """Mutations by site.

    Parameters
    ----------
    sites, mutations : tuple of str
    state : ndarray of int8, shape (n_sites, n_mutations)
        1 present, 0 absent, -1 unknown.
    power : ndarray of float, shape (n_sites, n_mutations)
        Probability that the mutation would have been called were it there.
    clonal : ndarray of int8, shape (n_sites, n_mutations)
        1 clonal, 0 subclonal, -1 not present or not known.
    share : ndarray of float, shape (n_sites, n_mutations)
        Mutated share of the reads (bulk) or of the cells with a known genotype; NaN if none.
    rule : CallRule
    unit : {"samples", "cells"}
    """

    sites: tuple[str, ...]
    mutations: tuple[str, ...]
    state: States
    power: Floats
    clonal: States
    share: Floats
    rule: CallRule
    unit: str

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Whether each mutation was called, shape (n_sites, n_mutations)."""
        return np.asarray(self.state == PRESENT)

    def table(self) -> pl.DataFrame:
        """Return one row for each site and mutation."""
        words = np.array(["absent", "present", "unknown"])
        kinds = np.array(["subclonal", "clonal", ""])
        count = len(self.mutations)
        return pl.DataFrame(
            {
                "site": [site for site in self.sites for _ in range(count)],
                "mutation": list(self.mutations) * len(self.sites),
                "state": words[self.state.ravel()].tolist(),
                "clonality": kinds[self.clonal.ravel()].tolist(),
                "share": self.share.ravel(),
                "power": self.power.ravel(),
            }
        ).with_columns(pl.col("share").fill_nan(None))


def call(data: SampleMutations | CellMutations, rule: CallRule = DEFAULT_RULE) -> Presence:
    """Call the mutations of each site.

    Parameters
    ----------
    data : SampleMutations or CellMutations
        Cells should be rid of normal cells and doublets (`doublets`).
    rule : CallRule

    Examples
    --------
    >>> reads = SampleMutations(("p", "m"), ("primary", "marrow"), ("A", "B"),
    ...                         alternative=np.array([[40, 30], [35, 0]]),
    ...                         total=np.array([[100, 90], [80, 5]]))
    >>> call(reads).state.tolist()
    [[1, 1], [1, -1]]
    """
    return _call_cells(data, rule) if isinstance(data, CellMutations) else _call_samples(data, rule)


def _tail(count: npt.ArrayLike, total: npt.ArrayLike, share: npt.ArrayLike) -> Floats:
    """P(X >= count) for X ~ Bin(total, share)."""
    k, n, p = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (count, total, share)))
    inner = (k > 0) & (k <= n)
    values = np.where(k <= 0, 1.0, 0.0)
    values[inner] = special.betainc(k[inner], n[inner] - k[inner] + 1, p[inner])
    return values


def _needed(total: npt.NDArray[np.int_], share: float, rule: CallRule) -> npt.NDArray[np.int_]:
    """Fewest positives of each total that make a call, by the tail alone."""
    least = np.ones_like(total)
    distinct = np.unique(total)
    for size in distinct:
        counts = np.arange(1, int(size) + 2)
        tails = _tail(counts, size, share)
        least[total == size] = counts[np.argmax(tails <= rule.false_call)]
    return least


def _call_samples(data: SampleMutations, rule: CallRule) -> Presence:
    shape = (len(data), len(data.mutations))
    total = np.zeros(shape, dtype=np.int64) if data.total is None else data.total.astype(np.int64)
    mutated = (
        np.zeros(shape, dtype=np.int64)
        if data.alternative is None
        else data.alternative.astype(np.int64)
    )
    vaf = np.divide(mutated, total, out=np.full(shape, np.nan), where=total > 0)
    purity = np.ones(len(data)) if data.purity is None else np.nan_to_num(data.purity, nan=1.0)
    copies = np.full(shape, 2.0) if data.copy_number is None else data.copy_number
    copies = np.where(np.isnan(copies), 2.0, copies)
    # one mutated copy in a tumour cell; two copies in a normal one
    per_ccf = purity[:, None] / (purity[:, None] * copies + 2 * (1 - purity[:, None]))
    needed = np.maximum(
        _needed(total, rule.read_error, rule), np.floor(rule.least_vaf * total).astype(int) + 1
    )
    called = (mutated >= needed) & (total > 0)
    power = np.where(
        total > 0, _tail(needed, total, np.minimum(1.0, rule.least_ccf * per_ccf)), 0.0
    )
    fraction = np.full(shape, np.nan) if data.ccf is None else np.array(data.ccf)
    only_ccf = (total == 0) & ~np.isnan(fraction)
    called |= only_ccf & (fraction > rule.least_vaf)
    power = np.where(only_ccf, 1.0, power)
    if data.purity is not None:
        estimated = np.minimum(1.0, np.where(np.isnan(data.purity)[:, None], np.nan, vaf / per_ccf))
        fraction = np.where(np.isnan(fraction), estimated, fraction)
    return _by_site(data.site_names, data.sites, data.mutations, called, power, fraction, vaf, rule)


def _by_site(
    sites: tuple[str, ...],
    of_sample: tuple[str, ...],
    mutations: tuple[str, ...],
    called: npt.NDArray[np.bool_],
    power: Floats,
    fraction: Floats,
    share: Floats,
    rule: CallRule,
) -> Presence:
    """Join the samples of each site: called in one is called, and the powers add up."""
    rows = [np.flatnonzero(np.array(of_sample) == site) for site in sites]
    seen = np.array([called[row].any(axis=0) for row in rows])
    joint = np.array([1 - np.prod(1 - power[row], axis=0) for row in rows])
    largest = np.array([_largest(fraction[row]) for row in rows])
    clonal = np.where(np.isnan(largest) | ~seen, -1, largest >= rule.clonal_ccf).astype(np.int8)
    state = np.where(seen, PRESENT, np.where(joint < rule.least_power, UNKNOWN, ABSENT))
    return Presence(
        sites=sites,
        mutations=mutations,
        state=state.astype(np.int8),
        power=joint,
        clonal=clonal,
        share=np.array([_largest(share[row]) for row in rows]),
        rule=rule,
        unit="samples",
    )


def _largest(values: Floats) -> Floats:
    """Largest value of each column that is not NaN; NaN if all are."""
    highest: Floats = np.fmax.reduce(values, axis=0)
    return highest


def _call_cells(data: CellMutations, rule: CallRule) -> Presence:
    sites = data.site_names
    rows = [np.flatnonzero(np.array(data.sites) == site) for site in sites]
    known = np.array([data.known[row].sum(axis=0) for row in rows])
    positive = np.array([data.present[row].sum(axis=0) for row in rows])
    needed = _needed(known, rule.false_positive, rule)
    seen = positive >= needed
    shown = rule.least_ccf * (1 - rule.dropout) + (1 - rule.least_ccf) * rule.false_positive
    power = np.where(known > 0, _tail(needed, known, shown), 0.0)
    share = np.divide(positive, known, out=np.full(known.shape, np.nan), where=known > 0)
    fraction = np.minimum(1.0, share / (1 - rule.dropout))
    clonal = np.where(~seen, -1, fraction >= rule.clonal_ccf).astype(np.int8)
    state = np.where(seen, PRESENT, np.where(power < rule.least_power, UNKNOWN, ABSENT))
    return Presence(
        sites=sites,
        mutations=data.mutations,
        state=state.astype(np.int8),
        power=power,
        clonal=clonal,
        share=share,
        rule=rule,
        unit="cells",
    )
