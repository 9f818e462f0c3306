r"""Phenotypes that cells carry: epithelial to mesenchymal, stem-like, osteomimetic and others.

The epithelial (E), hybrid (H) and mesenchymal (M) states form a linear chain E <-> H <-> M; the
other traits (stem-like, osteoblast-like, MHC-I low, unfolded protein response) are on or off. Cells
switch independently with rates that their niche sets, so the composition of a pool follows the
exact transition matrix of `markov`, and the numbers of cells in each state are multinomial.

What a phenotype does (survive in blood, lodge, resist a drug, show a marker) is a multiplier per
state. Selection by a survival s per state changes the composition p to :math:`p_i s_i/\sum p_j s_j`
and lets the share :math:`\sum p_j s_j` through.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import ParameterError
from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import kernel, uniform

STATES = ("epithelial", "hybrid", "mesenchymal")
EPITHELIAL, HYBRID, MESENCHYMAL = 0, 1, 2
TRAITS = ("stem_like", "osteomimetic", "mhc_low", "upr")


@kernel
def transition_generator(
    out: NDArray[np.float64],
    e_to_h: float,
    h_to_e: float,
    h_to_m: float,
    m_to_h: float,
) -> None:
    """Write the switching rates [1/day] between E, H and M, for `markov.transition_matrix`.

    ``out`` has shape (3, 3).
    """
    out[:, :] = 0.0
    out[EPITHELIAL, HYBRID] = e_to_h
    out[HYBRID, EPITHELIAL] = h_to_e
    out[HYBRID, MESENCHYMAL] = h_to_m
    out[MESENCHYMAL, HYBRID] = m_to_h


@kernel
def linear_chain(
    composition: NDArray[np.float64],
    time: float,
    e_to_h: float,
    h_to_e: float,
    h_to_m: float,
    m_to_h: float,
) -> None:
    """Advance the shares of E, H and M in place by ``time`` [day], in closed form.

    The generator has the eigenvalues 0 and -(sum +- root)/2, real for a chain, so that the shares
    relax to their balance through two exponentials. ``composition`` has shape (3,).
    """
    total = e_to_h + h_to_e + h_to_m + m_to_h
    if total <= 0.0 or time <= 0.0:
        return
    e, m = composition[EPITHELIAL], composition[MESENCHYMAL]
    whole = e + composition[HYBRID] + m
    # e' = h_to_e whole - (e_to_h + h_to_e) e - h_to_e m, and likewise m
    a = e_to_h + h_to_e
    d = h_to_m + m_to_h
    root = math.sqrt((a - d) ** 2 + 4.0 * h_to_e * h_to_m)
    fast = 0.5 * (a + d + root)
    slow = (a * d - h_to_e * h_to_m) / fast  # product of the eigenvalues over the larger
    # exp(-B t) = c0 + c1 B for B = [[a, h_to_e], [h_to_m, d]]
    low = math.exp(-slow * time)
    gap = fast - slow
    c1 = low * math.expm1(-gap * time) / gap if gap * time > 1e-6 else -time * low
    c0 = low - c1 * slow
    if slow > 1e-14 * fast:
        det = a * d - h_to_e * h_to_m
        e_end = whole * (h_to_e * d - h_to_e * h_to_m) / det
        m_end = whole * (h_to_m * a - h_to_m * h_to_e) / det
        x, y = e - e_end, m - m_end
        e = e_end + c0 * x + c1 * (a * x + h_to_e * y)
        m = m_end + c0 * y + c1 * (h_to_m * x + d * y)
    else:  # E and M are both absorbing, or two states never meet
        integral = -math.expm1(-fast * time) / fast
        first = h_to_e * whole - a * e - h_to_e * m
        second = h_to_m * whole - h_to_m * e - d * m
        e += first * integral
        m += second * integral
    composition[EPITHELIAL] = max(e, 0.0)
    composition[MESENCHYMAL] = max(m, 0.0)
    composition[HYBRID] = max(whole - e - m, 0.0)


@kernel
def mean_effect(composition: NDArray[np.float64], effects: NDArray[np.float64]) -> float:
    """Return the mean multiplier of a pool, by its shares and the multiplier of each state."""
    total = 0.0
    for k in range(composition.size):
        total += composition[k] * effects[k]
    return total


@kernel
def select(composition: NDArray[np.float64], survivals: NDArray[np.float64]) -> float:
    """Change shares in place by survival per state; return the share of cells that survive.

    If none survives the composition is left as it was.
    """
    left = mean_effect(composition, survivals)
    if left > 0.0:
        for k in range(composition.size):
            composition[k] *= survivals[k] / left
    return left


@kernel
def mix(
    composition: NDArray[np.float64], cells: float, arriving: NDArray[np.float64], arrivals: float
) -> None:
    """Mix the shares of ``arrivals`` into those of ``cells``, in place."""
    total = cells + arrivals
    if total > 0.0:
        for k in range(composition.size):
            composition[k] = (composition[k] * cells + arriving[k] * arrivals) / total


@kernel
def draw_state(rng: NDArray[np.uint64], composition: NDArray[np.float64]) -> int:
    """Draw the state of one cell of a pool by its shares, which sum to 1."""
    u = uniform(rng)
    for k in range(composition.size - 1):
        u -= composition[k]
        if u < 0.0:
            return k
    return composition.size - 1


def balance(e_to_h: float, h_to_e: float, h_to_m: float, m_to_h: float) -> NDArray[np.float64]:
    """Return the shares of E, H and M in the long run, shape (3,).

    Raises
    ------
    ParameterError
        If a rate is negative, or the long run depends on the start.
    """
    law = "switching between E, H and M"
    check_domain(
        law,
        ("e_to_h", e_to_h, 0.0, math.inf),
        ("h_to_e", h_to_e, 0.0, math.inf),
        ("h_to_m", h_to_m, 0.0, math.inf),
        ("m_to_h", m_to_h, 0.0, math.inf),
    )
    weights = np.array([h_to_e * m_to_h, e_to_h * m_to_h, e_to_h * h_to_m])
    if weights.sum() == 0.0:
        raise ParameterError(
            f"{law}: the shares in the long run depend on the start, since no rates lead from "
            "every state to one; make e_to_h and m_to_h, or the rates towards one end, positive"
        )
    return np.asarray(weights / weights.sum())
