"""The twin's therapies before they act: who may take one, and the count that a rule asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from marrowtrace.simulation.exact_primary import Traits
from marrowtrace.simulation.therapy import Rule, Therapy

TUBE = 7.5
"""Blood that an assay of circulating cells takes [mL]."""


def use(therapy: Therapy, traits: Traits, n: Mapping[str, float]) -> float:
    """Return the probability that the eligibility of ``therapy`` admits a patient, before uptake.

    By guideline it is the largest of the shares of the groups that the patient belongs to.
    """
    if therapy.eligibility == "guideline":
        shares = [0.0]
        if traits.node_positive:
            shares.append(n["chemotherapy_use_node_positive"])
        if not traits.er:
            shares.append(n["chemotherapy_use_er_negative"])
        if traits.diameter > n["chemotherapy_large_diameter"]:
            shares.append(n["chemotherapy_use_large"])
        return max(shares)
    admitted = {
        "all": True,
        "er_positive": traits.er,
        "er_negative": not traits.er,
        "her2_positive": traits.her2,
        "node_positive": traits.node_positive,
    }[therapy.eligibility]
    return float(admitted)


def largest_by_target(therapies: Sequence[Therapy], effect: str) -> dict[str, float]:
    """Return the largest ``effect`` among therapies on ER+ and on HER2+ cells."""
    return {
        target: max(
            (t.effects.get(effect, 0.0) for t in therapies if t.acts_on == target), default=0.0
        )
        for target in ("er_positive", "her2_positive")
    }


def count(
    rng: np.random.Generator, rule: Rule, n: Mapping[str, float], marrow: int, blood: int
) -> int:
    """Draw what a laboratory counts for ``rule``.

    Parameters
    ----------
    rng : numpy.random.Generator
    rule : Rule
    n : mapping of str to float
        Parameters, canonical units.
    marrow, blood : int
        Tumour cells in the marrow and in the circulation.
    """
    if rule.specimen == "bone_marrow":
        site = rng.gamma(n["marrow_site_shape"]) / n["marrow_site_shape"]
        seen = n["marrow_cells_screened"] / n["marrow_mononuclear_cells"] * site
        seen *= n["dtc_detection_probability"]
        false = n["dtc_false_positives"] * n["marrow_cells_screened"]
        cells = marrow
    else:
        spread = n["blood_burst_log_sd"]
        level = math.exp(spread * rng.standard_normal() - 0.5 * spread**2)
        seen = TUBE / n["blood_volume"] * level * n["ctc_detection_probability"]
        false = n["ctc_false_positives"] * TUBE
        cells = blood
    return int(rng.binomial(cells, min(1.0, seen)) + rng.poisson(false))
