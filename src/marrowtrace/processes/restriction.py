r"""Restricted lesions: micrometastases held in equilibrium until they are eliminated or escape.

Three constant hazards compete: elimination, escape by mutation and escape by a change of the
environment, so the lesion ends after an exponential time and each ending has the probability of
its share. Hazards that change in windows are followed window by window. With no escape and no
elimination the lesion stays for ever. Willis et al. (2010, Cancer Res. 70:4310-4317) inferred one
to five such lesions at 10 years and escape half-lives of more than 12
years: those numbers are data for parameters, not part of the law.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import exponential, kernel, uniform

STAYS, ELIMINATED, ESCAPED_BY_MUTATION, ESCAPED_BY_ENVIRONMENT = 0, 1, 2, 3
ENDINGS = ("stays", "eliminated", "escaped_by_mutation", "escaped_by_environment")


@kernel
def _ending(u: float, elimination: float, mutation: float, environment: float) -> int:
    total = elimination + mutation + environment
    if u * total < elimination:
        return ELIMINATED
    if u * total < elimination + mutation or environment <= 0.0:
        return ESCAPED_BY_MUTATION if mutation > 0.0 else ELIMINATED
    return ESCAPED_BY_ENVIRONMENT


@kernel
def draw_exit(
    rng: NDArray[np.uint64], elimination: float, mutation: float, environment: float
) -> tuple[float, int]:
    """Draw when [day] and how a restricted lesion ends, by its three hazards [1/day].

    ``(inf, STAYS)`` if all are 0.
    """
    total = elimination + mutation + environment
    if total <= 0.0:
        return math.inf, STAYS
    time = exponential(rng) / total
    return time, _ending(uniform(rng), elimination, mutation, environment)


@kernel
def draw_exit_through(
    rng: NDArray[np.uint64],
    start: float,
    edges: NDArray[np.float64],
    elimination: NDArray[np.float64],
    mutation: NDArray[np.float64],
    environment: NDArray[np.float64],
) -> tuple[float, int]:
    """Draw when and how a lesion restricted since ``start`` ends, under hazards that change.

    Parameters
    ----------
    rng : ndarray of uint64
    start : float
        [day]
    edges : ndarray of float64, shape (n,)
        Increasing; the hazards of window i hold from ``edges[i]`` to ``edges[i + 1]``, the last
        ones for ever, the first ones also before ``edges[0]``.
    elimination, mutation, environment : ndarray of float64, shape (n,)
        Hazards [1/day].

    Returns
    -------
    tuple of float and int
        The day and the ending; ``(inf, STAYS)`` if none comes.
    """
    left = exponential(rng)
    u = uniform(rng)
    now = start
    for k in range(edges.size):
        end = edges[k + 1] if k + 1 < edges.size else math.inf
        if end <= now:
            continue
        total = elimination[k] + mutation[k] + environment[k]
        if total > 0.0:
            if left <= total * (end - now):
                time = now + left / total
                return time, _ending(u, elimination[k], mutation[k], environment[k])
            left -= total * (end - now)
        now = end
    return math.inf, STAYS


def ending_probabilities(
    elimination: float, mutation: float, environment: float, time: float
) -> NDArray[np.float64]:
    """Return the probabilities of the `ENDINGS` within ``time`` [day], shape (4,).

    Raises
    ------
    ParameterError
        If a hazard or the time is negative.
    """
    hazards = np.array([elimination, mutation, environment], dtype=np.float64)
    check_domain(
        "a restricted lesion",
        ("elimination", elimination, 0.0, math.inf),
        ("mutation", mutation, 0.0, math.inf),
        ("environment", environment, 0.0, math.inf),
        ("time", time, 0.0, math.inf),
    )
    total = float(hazards.sum())
    if total == 0.0:
        return np.array([1.0, 0.0, 0.0, 0.0])
    stays = math.exp(-total * time)
    return np.concatenate([[stays], (1.0 - stays) * hazards / total])
