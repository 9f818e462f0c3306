r"""Mutations along divisions: what a cell carries when it leaves, and what it gains afterwards.

Each daughter of a division gains a Poisson number of mutations of mean :math:`\mu`. In a clone of
cells that divide at rate b, the line of descent of a cell picked at random at age t has gone
through a Poisson number of divisions with mean :math:`2bt`, not :math:`bt`: lines that divided more
have more descendants (the many-to-one formula of branching processes). Hence, with b t replaced by
the integral of b over a line's proliferating time,

.. math:: M \sim \mathrm{Poisson}(2\mu b t).

The *trunk* is what all living cells share. Cells with lasting descent split into two such cells at
rate :math:`b(1-q)` and pass through a division with only one such daughter at rate :math:`2bq`,
where :math:`q=d/b`; so the divisions before the first lasting split are geometric with mean
:math:`2q/(1-q)`, each bringing Poisson(:math:`\mu`) mutations. (Derived here; the decomposition is
that of O'Connell 1993, Adv. Appl. Probab. 25:355-379; remembered, not verified.)

A cell that leaves before the primary's last sweep is complete evolves in *parallel* to it; one that
leaves later carries the whole trunk, *linear* evolution. Cells asleep do not divide and gain
nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import kernel, negative_binomial, poisson

PARALLEL, LINEAR = 0, 1
ROUTES = ("parallel", "linear")


@kernel
def line_divisions(birth: float, time: float) -> float:
    """Return the mean divisions on a random cell's line of descent after ``time`` [day]."""
    return 2.0 * birth * max(time, 0.0)


@kernel
def draw_along_line(
    rng: NDArray[np.uint64], per_division: float, birth: float, time: float
) -> float:
    """Draw the mutations that a random cell's line gained in ``time`` [day] of proliferation."""
    return poisson(rng, per_division * line_divisions(birth, time))


@kernel
def draw_trunk(
    rng: NDArray[np.uint64], per_division: float, birth: float, death: float, founder: float
) -> float:
    """Draw the mutations shared by all cells of a surviving clone.

    Those of the founding cell (their mean is ``founder``) and of the divisions before the first
    lasting split. Infinity if ``death`` >= ``birth``: then no clone lasts.
    """
    if death >= birth:
        return math.inf
    q = death / birth
    divisions = negative_binomial(rng, 1.0, 2.0 * q / (1.0 - q))
    return poisson(rng, founder + per_division * divisions)


@kernel
def route(departure: float, sweep: float) -> int:
    """Return `LINEAR` for a departure at or after the last ``sweep`` [day], else `PARALLEL`."""
    return LINEAR if departure >= sweep else PARALLEL


@kernel
def shared_time(departure: float, sweep: float, end: float) -> float:
    """Return the time, up to ``end``, that a departed line shares with the primary at ``end``.

    The primary's cells at ``end`` descend from one cell of the day of the last ``sweep``. A line
    that leaves before shares with it, of its own time, at most that up to its departure; one that
    leaves afterwards shares with all of them only the time up to the sweep.
    """
    return max(0.0, min(departure, sweep, end))


@kernel
def similarity(shared: float, private_primary: float, private_lesion: float) -> float:
    """Return the share of all mutations of a primary and a lesion that both have (Jaccard).

    1 if there are none at all.
    """
    total = shared + private_primary + private_lesion
    return shared / total if total > 0.0 else 1.0


@kernel
def found_share(shared: float, private_primary: float) -> float:
    """Return the share of a primary's mutations that the other site has; 1 if it has none."""
    total = shared + private_primary
    return shared / total if total > 0.0 else 1.0


def trunk_mean(per_division: float, birth: float, death: float, *, founder: float = 0.0) -> float:
    """Return the mean of `draw_trunk`.

    Raises
    ------
    ParameterError
        If ``death`` is not below ``birth`` or a number is negative.
    """
    _check(per_division, birth, death, founder)
    q = death / birth
    return founder + per_division * 2.0 * q / (1.0 - q)


def trunk_pmf(
    largest: int, per_division: float, birth: float, death: float, *, founder: float = 0.0
) -> NDArray[np.float64]:
    """Return the probabilities of 0, 1, ..., ``largest`` trunk mutations.

    Raises
    ------
    ParameterError
        If ``death`` is not below ``birth`` or a number is negative.
    """
    from scipy import stats

    _check(per_division, birth, death, founder)
    q = death / birth
    more = 2.0 * q / (1.0 + q)  # chance that the next division is no lasting split
    last = math.ceil(math.log(1e-16) / math.log(more)) if more > 0.0 else 0
    divisions = np.arange(last + 1)
    weights = (1.0 - more) * more**divisions
    means = founder + per_division * divisions
    counts = np.arange(largest + 1)
    return np.asarray(weights @ stats.poisson.pmf(counts[None, :], means[:, None]))


def _check(per_division: float, birth: float, death: float, founder: float) -> None:
    check_domain(
        "mutations of the trunk",
        ("per_division", per_division, 0.0, math.inf),
        ("birth", birth, 5e-324, math.inf),
        ("death", death, 0.0, math.nextafter(birth, 0.0)),
        ("founder", founder, 0.0, math.inf),
    )
