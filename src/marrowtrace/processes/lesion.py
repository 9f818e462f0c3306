r"""A lesion from its first cell to detection: chance while small, closed-form growth once large.

Below the corner of `gompertz` cells divide at rate b and die at rate d, with r = b - d the slope of
the exponential part. The number soon is :math:`W e^{rt}` with W the limit of `birth_death`, so a
lesion is carried by one number, its *effective log size* :math:`x=\log W`, and everything later is
`gompertz.log_size_at(x, t, ...)`, the random beginning included. From n cells, W is a gamma variate
of a binomial number of founders: the same formula serves the single cell, the remnant of a
treatment and the tumour of 1e9 cells, where it adds nothing.

With W exponential the delay from one cell to a size :math:`n_c` is Gumbel: with
:math:`s = (r/b)\,n_c`,

.. math:: P(T \le t) = \exp(-s\,e^{-rt}), \qquad
   E[T] = (\log s + \gamma_E)/r, \qquad \mathrm{sd}[T] = \pi/(\sqrt 6\,r),

to which the growth from the corner to detection adds a constant.

`relapse_free` is the law that follows for an exponentially growing primary, removed at day 0: the
model of Avanzini and Antal (2019, PLoS Comput. Biol. 15(11):e1007423, abstract and figure 1; their
expressions were not at hand, and the law is derived here). With seeding per cell :math:`\nu`,
growth :math:`\lambda` and size M at removal, and c the detectable size times
:math:`(r/b)\,e^{-rt}`,

.. math:: -\log P(\text{no lesion detectable at } t)
   = \frac{\nu M}{b}\,c^{-\lambda/r}\,\gamma(\lambda/r, c) .
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marrowtrace.processes import birth_death, gompertz
from marrowtrace.processes.domain import check_domain
from marrowtrace.processes.exponential_integral import EULER_GAMMA
from marrowtrace.streams import gamma, kernel

_LARGE = 1e8  # from here chance moves log W by less than 1e-4 of its unit for the usual turnovers


@kernel
def effective_log_size(rng: NDArray[np.uint64], cells: float, birth: float, death: float) -> float:
    """Draw log W of ``cells`` cells now; minus infinity if they die out.

    From 1e8 cells on it is log ``cells`` itself.
    """
    if cells >= _LARGE:
        return math.log(cells) if birth > death else -math.inf
    limit = birth_death.draw_limit(rng, cells, birth, death)
    return math.log(limit) if limit > 0.0 else -math.inf


@kernel
def effective_log_size_of_survivor(rng: NDArray[np.uint64], birth: float, death: float) -> float:
    """Draw log W of one cell whose clone survives; minus infinity if ``birth`` <= ``death``."""
    if birth <= death:
        return -math.inf
    return math.log(gamma(rng, 1.0) * birth / (birth - death))


@kernel
def turnover(net: float, death_share: float) -> tuple[float, float]:
    """Return birth and death rates [1/day] of difference ``net`` and ratio ``death_share``.

    A ratio of 1 and more is taken as 1 - 1e-9.
    """
    share = min(death_share, 1.0 - 1e-9)
    birth = net / (1.0 - share)
    return birth, birth * share


@kernel
def draw_delay(
    rng: NDArray[np.uint64],
    log_detectable: float,
    death_share: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
) -> float:
    """Draw the time [day] from one cell, whose clone survives, to ``log_detectable``.

    ``death_share`` is d/b below the corner. Infinity if the plateau is not above the detectable
    size.
    """
    net = rate * (log_plateau - log_corner)
    birth, death = turnover(net, death_share)
    start = effective_log_size_of_survivor(rng, birth, death)
    return max(0.0, gompertz.time_between(start, log_detectable, rate, log_plateau, log_corner))


@kernel
def draw_size(
    rng: NDArray[np.uint64],
    cells: float,
    birth: float,
    death: float,
    time: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
) -> float:
    """Draw the size of a lesion of ``cells`` after ``time`` [day]; 0 if it died out.

    Exact birth-death while it is expected to stay below the corner, else by its effective log size.
    """
    if cells <= 0.0:
        return 0.0
    log_mean = math.log(cells) + (birth - death) * time
    if log_mean <= log_corner - 1.0:
        return birth_death.draw_size(rng, cells, birth, death, time)
    start = effective_log_size(rng, cells, birth, death)
    if start == -math.inf:
        return 0.0
    return math.floor(
        math.exp(gompertz.log_size_at(start, time, rate, log_plateau, log_corner)) + 0.5
    )


@kernel
def _gumbel_start(birth: float, death: float, log_size: float) -> float:
    """Return log s of the Gumbel law of the time to ``log_size`` below the corner."""
    return math.log((birth - death) / birth) + log_size


def delay_cdf(
    times: ArrayLike,
    log_detectable: float,
    *,
    death_share: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
) -> NDArray[np.float64]:
    """Return the cdf of `draw_delay` at ``times`` [day].

    Raises
    ------
    ParameterError
        If ``death_share`` is not in [0, 1), or the sizes are not in order.
    """
    net, fixed, log_s = _delay(log_detectable, death_share, rate, log_plateau, log_corner)
    since = np.asarray(times, dtype=np.float64)
    # a limit W beyond the detectable size gives the delay 0, an atom of negligible size
    return np.where(since < 0.0, 0.0, np.exp(-np.exp(log_s - net * (since - fixed))))


def delay_moments(
    log_detectable: float,
    *,
    death_share: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
) -> tuple[float, float]:
    """Return mean [day] and variance [day^2] of `draw_delay`."""
    net, fixed, log_s = _delay(log_detectable, death_share, rate, log_plateau, log_corner)
    return fixed + (log_s + EULER_GAMMA) / net, math.pi**2 / (6.0 * net**2)


def _delay(
    log_detectable: float, death_share: float, rate: float, log_plateau: float, log_corner: float
) -> tuple[float, float, float]:
    """Exponential rate, constant part of the delay and log s of its Gumbel part."""
    check_domain(
        "the delay to detection",
        ("death_share", death_share, 0.0, math.nextafter(1.0, 0.0)),
        ("rate", rate, 5e-324, math.inf),
        ("log_detectable", log_detectable, 0.0, math.nextafter(log_plateau, 0.0)),
        ("log_corner", log_corner, 0.0, math.nextafter(log_plateau, 0.0)),
    )
    net = rate * (log_plateau - log_corner)
    corner = min(log_corner, log_detectable)
    fixed = gompertz.time_between(corner, log_detectable, rate, log_plateau, log_corner)
    return net, fixed, math.log(1.0 - death_share) + corner


def relapse_free(
    times: ArrayLike,
    *,
    seeding: float,
    primary_growth: float,
    primary_size: float,
    birth: float,
    death: float,
    detectable: float,
) -> NDArray[np.float64]:
    """Return the probability that no lesion is detectable at ``times`` [day after removal].

    Parameters
    ----------
    times : array_like
        [day], >= 0.
    seeding : float
        Cells that leave for good, per cell of the primary [1/day].
    primary_growth : float
        [1/day], above 0.
    primary_size : float
        Cells at removal.
    birth, death : float
        Of lesion cells [1/day], ``birth`` > ``death``.
    detectable : float
        Cells.

    Raises
    ------
    ParameterError
        If a parameter is outside its range.
    """
    from scipy import special

    check_domain(
        "the law of relapse times",
        ("seeding", seeding, 0.0, math.inf),
        ("primary_growth", primary_growth, 5e-324, math.inf),
        ("primary_size", primary_size, 0.0, math.inf),
        ("birth", birth, math.nextafter(death, math.inf), math.inf),
        ("death", death, 0.0, math.inf),
        ("detectable", detectable, 1.0, math.inf),
    )
    net = birth - death
    power = primary_growth / net
    c = detectable * (net / birth) * np.exp(-net * np.asarray(times, dtype=np.float64))
    lower = special.gammainc(power, c) * special.gamma(power)
    return np.asarray(np.exp(-seeding * primary_size / birth * c**-power * lower))
