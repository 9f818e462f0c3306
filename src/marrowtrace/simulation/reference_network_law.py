r"""A network of five kinds of cells whose mean, covariance and marginal laws are known.

Primary cells (P) shed cells into the blood (C), which lodge as dormant cells (D), awaken (A), fall
asleep again, and found metastases (M); P, A and M divide and die. Every rate is per cell, so the
mean and the covariance obey linear differential equations (`network_moments`) and every marginal
law has a generating function (`network_pmf`): a simulator can be held against the truth instead of
against another simulator. `R1` and `R2` differ in how much is seeded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import ParameterError, did_you_mean
from marrowtrace.processes.domain import check_domain

SPECIES = ("P", "C", "D", "A", "M")
"""Primary, circulating, dormant, awakened, metastasis; the order of every array here."""

_P, _C, _D, _A, _M = range(5)
_LAW = "the reference network"
_PIECE = 60  # points solved together: few enough that no matrix product starts threads


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRates:
    """Rates of the network, each per cell [1/day].

    Parameters
    ----------
    primary_birth, primary_death : float
        P -> 2P and P -> 0.
    shedding : float
        P -> C.
    clearance : float
        C -> 0; with ``lodging`` at least 20 times every rate of P, since cells stay hours in the
        blood and months in a tumour.
    lodging : float
        C -> D.
    dormant_death, awakening : float
        D -> 0 and D -> A.
    active_birth, active_death : float
        A -> 2A (above 0) and A -> 0.
    falling_asleep, founding : float
        A -> D and A -> M.
    metastasis_birth, metastasis_death : float
        M -> 2M and M -> 0.

    Raises
    ------
    ParameterError
        If a rate is outside its range.
    """

    primary_birth: float = 0.05
    primary_death: float = 0.03
    shedding: float
    clearance: float = 12.0
    lodging: float
    dormant_death: float = 1e-4
    awakening: float
    active_birth: float = 0.04
    active_death: float = 0.03
    falling_asleep: float = 1e-3
    founding: float
    metastasis_birth: float = 0.05
    metastasis_death: float = 0.03

    def __post_init__(self) -> None:
        fastest = max(self.primary_birth, self.primary_death, self.shedding)
        slowest_clearance = 20.0 * fastest - self.lodging
        lowest = {
            "active_birth": 1e-12,
            "clearance": max(slowest_clearance, 0.0) if math.isfinite(slowest_clearance) else 0.0,
        }
        check_domain(
            _LAW,
            *((f.name, getattr(self, f.name), lowest.get(f.name, 0.0), 1e6) for f in fields(self)),
        )


R1 = NetworkRates(shedding=1e-4, lodging=0.01, awakening=5e-4, founding=1e-5)
"""Sparse: at 300 days from 1,000 cells, 1.6 dormant cells and one metastasis in 30,000."""

R2 = NetworkRates(shedding=1e-3, lodging=0.6, awakening=5e-3, founding=1e-3)
"""Dense: at 300 days from 1,000 cells, 599 dormant cells, so that a bias of 0.1 % can be seen."""


@dataclass(frozen=True, slots=True)
class NetworkMoments:
    """Exact mean and covariance at one time, in the order of `SPECIES`.

    Parameters
    ----------
    mean : ndarray of float64, shape (5,)
    covariance : ndarray of float64, shape (5, 5)
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @property
    def sd(self) -> NDArray[np.float64]:
        """Standard deviations, shape (5,)."""
        return np.sqrt(np.diag(self.covariance))


def net_growth(rates: NetworkRates) -> float:
    """Return the net growth of P, less what it sheds [1/day]."""
    return rates.primary_birth - rates.primary_death - rates.shedding


def _reactions(rates: NetworkRates) -> list[tuple[int, float, NDArray[np.float64]]]:
    """Each reaction: which kind it happens to, its rate per cell, and how the counts change."""
    r = rates
    unit = np.eye(5)
    return [
        (_P, r.primary_birth, unit[_P]),
        (_P, r.primary_death, -unit[_P]),
        (_P, r.shedding, unit[_C] - unit[_P]),
        (_C, r.clearance, -unit[_C]),
        (_C, r.lodging, unit[_D] - unit[_C]),
        (_D, r.dormant_death, -unit[_D]),
        (_D, r.awakening, unit[_A] - unit[_D]),
        (_A, r.active_birth, unit[_A]),
        (_A, r.active_death, -unit[_A]),
        (_A, r.falling_asleep, unit[_D] - unit[_A]),
        (_A, r.founding, unit[_M] - unit[_A]),
        (_M, r.metastasis_birth, unit[_M]),
        (_M, r.metastasis_death, -unit[_M]),
    ]


def _drift(rates: NetworkRates) -> NDArray[np.float64]:
    """The matrix A of the mean, dm/dt = A m."""
    drift = np.zeros((5, 5))
    for source, rate, change in _reactions(rates):
        drift[:, source] += rate * change
    return drift


def network_moments(rates: NetworkRates, time: float, *, start: int = 1000) -> NetworkMoments:
    r"""Compute the exact mean and covariance of the network.

    With :math:`\dot m = Am`, the covariance obeys
    :math:`\dot\Sigma = A\Sigma + \Sigma A^T + \sum_j c_j m_{s(j)} \nu_j\nu_j^T` over reactions j
    of rate c_j, source s(j) and change :math:`\nu_j`. Both together are one linear system of 30
    equations, solved by the matrix exponential.

    Parameters
    ----------
    rates : NetworkRates
    time : float
        [day], 0 to 1e5.
    start : int
        Cells of P at time 0; there are no others.

    Returns
    -------
    NetworkMoments

    Raises
    ------
    ParameterError
        If ``time`` or ``start`` is outside its range.

    Examples
    --------
    >>> network_moments(R1, 300.0).mean.round(3).tolist()
    [391505.671, 3.254, 1.587, 0.067, 0.0]
    """
    from scipy.linalg import expm

    _check(time, start)
    drift = _drift(rates)
    noise = np.zeros((25, 5))
    for source, rate, change in _reactions(rates):
        noise[:, source] += rate * np.outer(change, change).ravel()
    identity = np.eye(5)
    system = np.zeros((30, 30))
    system[:5, :5] = drift
    system[5:, :5] = noise
    system[5:, 5:] = np.kron(drift, identity) + np.kron(identity, drift)
    solution = start * expm(time * system)[:, _P]
    return NetworkMoments(mean=solution[:5], covariance=solution[5:].reshape(5, 5))


def network_pmf(
    rates: NetworkRates, species: str, largest: int, *, time: float, start: int = 1000
) -> NDArray[np.float64]:
    r"""Compute the exact law of the number of cells of one kind.

    With :math:`\psi_i = 1 - E[x^{N}]` for one cell of kind i, the backward equations, e.g.
    :math:`\dot\psi_D = w\psi_A - (w+d)\psi_D`, are solved for x on a circle just inside the unit
    circle; the probabilities are the Fourier transform of :math:`(1-\psi_P)^{start}`.

    Parameters
    ----------
    rates : NetworkRates
    species : {"C", "D", "A", "M"}
        The law of P is `marrowtrace.processes.birth_death.pmf`.
    largest : int
        1 to 100,000. Probabilities are right to about 1e-9 if P(N > 2 * largest) is below 1e-4.
    time : float
        [day].
    start : int
        Cells of P at time 0.

    Returns
    -------
    ndarray of float64, shape (largest + 1,)
        Probabilities of 0, 1, ..., ``largest``.

    Raises
    ------
    ParameterError
        If ``species`` is not one of those above, or a number is outside its range.
    """
    if species not in SPECIES[1:]:
        allowed = ", ".join(SPECIES[1:])
        hint = did_you_mean(species, SPECIES[1:])
        raise ParameterError(f"species {species!r} has no pmf here; allowed: {allowed}{hint}")
    _check(time, start)
    check_domain(_LAW, ("largest", largest, 1, 100_000))
    points = 1 << (2 * largest + 1).bit_length()
    radius = 10.0 ** (-6.0 / points)  # what lies beyond the last point comes back 1e-6 times
    x = radius * np.exp(-2j * math.pi * np.arange(points // 2 + 1) / points)
    pieces = np.array_split(1.0 - x, math.ceil(x.size / _PIECE))
    kind = SPECIES.index(species)
    absent = np.concatenate([_absence(rates, kind, piece, time) for piece in pieces])
    probabilities = np.fft.irfft((1.0 - absent) ** start, points)[: largest + 1]
    probabilities *= radius ** -np.arange(largest + 1.0)
    return np.asarray(np.maximum(probabilities, 0.0))


def _absence(
    rates: NetworkRates, kind: int, initial: NDArray[np.complex128], time: float
) -> NDArray[np.complex128]:
    """Solve for 1 - E[x^N], N of a ``kind`` from one cell of P, where ``initial`` is 1 - x."""
    from scipy.integrate import solve_ivp

    r = rates
    active = r.active_birth - r.active_death - r.falling_asleep - r.founding

    def slope(_: float, flat: NDArray[np.complex128]) -> NDArray[np.complex128]:
        p, c, d, a, m = psi = flat.reshape(5, -1)
        out = np.empty_like(psi)
        out[_P] = p * (net_growth(r) - r.primary_birth * p) + r.shedding * c
        out[_C] = r.lodging * d - (r.clearance + r.lodging) * c
        out[_D] = r.awakening * a - (r.dormant_death + r.awakening) * d
        out[_A] = a * (active - r.active_birth * a) + r.falling_asleep * d + r.founding * m
        out[_M] = m * (r.metastasis_birth * (1.0 - m) - r.metastasis_death)
        return out.ravel()

    state = np.zeros((5, initial.size), dtype=np.complex128)
    state[kind] = initial
    solved = solve_ivp(
        slope, (0.0, time), state.ravel(), method="DOP853", rtol=1e-9, atol=1e-14, t_eval=[time]
    )
    return np.asarray(solved.y[: initial.size, -1])


def expected_work(rates: NetworkRates, time: float, start: int) -> tuple[float, float]:
    """Compute what a trajectory costs: the most cells of P, and cells that awaken or leave A.

    Both are expectations; infinite if beyond the range of a double.
    """
    from scipy.linalg import expm

    flow = np.zeros((6, 6))
    flow[:5, :5] = _drift(rates)
    flow[5, _D] = rates.awakening
    flow[5, _A] = rates.falling_asleep + rates.founding
    if np.diag(flow)[[_P, _A, _M]].max() * time > 600.0:
        return math.inf, math.inf
    expected = start * expm(time * flow)[:, _P]
    return max(float(start), float(expected[_P])), float(expected[5])


def _check(time: float, start: int) -> None:
    """Refuse a time or a start outside its range."""
    check_domain(_LAW, ("time", time, 0.0, 1e5), ("start", start, 0, 1e15))
