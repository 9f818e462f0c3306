r"""Killing by drugs or radiation, and the resistant cells that a growing lesion brings forth.

A cycle of log10 kill k leaves each sensitive cell alive with probability :math:`10^{-k}`, so the
number left is binomial at any size, and a Poisson pool stays Poisson. Cells asleep are killed far
less than cells that divide.

Each division makes a resistant daughter with probability u. While a lesion grows from one cell to n
at r = b - d, such daughters arise at rate :math:`u\,b\,n\,e^{-rs}` at the age s; each founds a
birth-death clone of its own (Luria and Delbrueck 1943, Genetics 28:491-511; with cell death Iwasa,
Nowak and Michor 2006, Genetics 172:2557-2566; both remembered, not verified). If resistance is
neutral before treatment, the number of resistant clones alive is Poisson with mean

.. math:: \frac{u\,b\,n}{d}\,\log\frac{b - d/n}{b - d} .
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes import birth_death
from marrowtrace.streams import binomial, exponential, kernel, poisson

_INDIVIDUALLY = 100.0
"""Expected resistant daughters that are followed one by one, the earliest ones."""
_GROWTH_IN_WINDOW = 0.1
"""Of log size; the mean is then high by less than 0.1**2 / 12."""


@kernel
def surviving_share(log10_kill: float) -> float:
    """Return the probability that a cell survives a kill of ``log10_kill`` decades."""
    return math.exp(-math.log(10.0) * max(log10_kill, 0.0))


@kernel
def survivors(rng: NDArray[np.uint64], cells: float, log10_kill: float) -> float:
    """Draw how many of ``cells`` survive a kill of ``log10_kill`` decades."""
    return binomial(rng, math.floor(cells + 0.5), surviving_share(log10_kill))


@kernel
def mixed_survivors(
    rng: NDArray[np.uint64],
    proliferating: float,
    dormant: float,
    log10_kill: float,
    dormant_share: float,
) -> tuple[float, float]:
    """Draw the survivors among proliferating and dormant cells.

    ``dormant_share`` is the decades killed among dormant cells per decade among the others.
    """
    awake = survivors(rng, proliferating, log10_kill)
    return awake, survivors(rng, dormant, log10_kill * dormant_share)


@kernel
def pool_mean_after(mean: float, fraction_killed: float) -> float:
    """Return the mean of a Poisson pool after the killing of a fraction of it."""
    return mean * min(1.0, max(0.0, 1.0 - fraction_killed))


@kernel
def expected_resistant_clones(cells: float, mutation: float, birth: float, death: float) -> float:
    """Return the mean resistant clones alive in a lesion of ``cells``, resistance being neutral.

    ``mutation`` is the chance of a resistant daughter per division; birth > death.
    """
    if cells <= 1.0 or mutation <= 0.0 or birth <= death:
        return 0.0
    ratio = death / birth
    if ratio < 1e-8:
        return mutation * (cells - 1.0)
    return mutation * cells / ratio * (math.log1p(-ratio / cells) - math.log1p(-ratio))


@kernel
def draw_resistant(
    rng: NDArray[np.uint64],
    cells: float,
    mutation: float,
    birth: float,
    death: float,
    resistant_birth: float,
    resistant_death: float,
) -> float:
    """Draw the resistant cells in a lesion that grew from one cell to ``cells``.

    The sensitive cells grow as exp((birth - death) t). Resistant daughters are followed one by one
    up to the size at which 100 are expected, exactly; those born later, in windows in which they
    arrive at a constant rate while the lesion grows by a tenth, each window exact (the mean of
    neutral resistant cells is then high by less than 1e-3).

    Parameters
    ----------
    rng : ndarray of uint64
    cells : float
        Sensitive cells now.
    mutation : float
        Chance of a resistant daughter per division.
    birth, death : float
        Of sensitive cells [1/day], birth > death; otherwise the result is 0.
    resistant_birth, resistant_death : float
        Of resistant cells [1/day].
    """
    net = birth - death
    if cells <= 1.0 or mutation <= 0.0 or net <= 0.0:
        return 0.0
    per_cell = mutation * birth / net  # daughters expected per cell of final size
    if per_cell <= 0.0:
        return 0.0
    early = min(cells, 1.0 + _INDIVIDUALLY / per_cell)
    later = math.log(cells / early) / net
    resistant = 0.0
    for _ in range(int(poisson(rng, per_cell * (early - 1.0)))):
        # age at the size ``early``: density exp(-net s) between 0 and log(early) / net
        share = -math.expm1(-exponential(rng))  # uniform on (0, 1)
        age = -math.log1p(-share * (1.0 - 1.0 / early)) / net
        resistant += birth_death.draw_size(rng, 1.0, resistant_birth, resistant_death, age)
    if later <= 0.0:
        return resistant
    windows = int(net * later / _GROWTH_IN_WINDOW) + 1
    width = later / windows
    growth = math.exp(net * width)
    size = early
    for _ in range(windows):
        arriving = per_cell * size * (growth - 1.0) / width
        resistant = birth_death.draw_with_immigration(
            rng, resistant, resistant_birth, resistant_death, arriving, width
        )
        size *= growth
    return resistant


@kernel
def draw_time_to_resistance(
    rng: NDArray[np.uint64], cells: float, mutation: float, birth: float, lasting: float
) -> float:
    """Draw the time [day] until a lesion held at ``cells`` founds a lasting resistant clone.

    ``birth`` is the division rate of its cells, ``lasting`` the probability that a resistant
    daughter's clone lasts. Infinity if the rate is 0.
    """
    rate = cells * birth * mutation * lasting
    return exponential(rng) / rate if rate > 0.0 else math.inf
