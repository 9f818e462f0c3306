"""Which patients of a panel a statistic is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.study.sampled_marker import marker_status

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel
    from marrowtrace.study.published import Subgroup

FREE_OF = ("disease_free", "relapse", "distant_relapse", "death")
"""Follow-up that says who is free of relapse and death, best first."""


def members(panel: Panel, subgroup: Subgroup) -> NDArray[np.bool_]:
    """Return which patients belong to a subgroup, shape (n,); an unknown value does not.

    Parameters
    ----------
    panel : Panel
    subgroup : marrowtrace.study.published.Subgroup
    """
    patients = panel.patients
    chosen = np.ones(patients.height, dtype=bool)
    for name, wanted in (("er", subgroup.er), ("her2", subgroup.her2)):
        if wanted is not None:
            chosen &= _equal(patients, name, wanted)
    if subgroup.node_positive is not None:
        chosen &= _node_positive(patients, wanted=subgroup.node_positive)
    diameter, age = _numbers(patients, "tumour_diameter"), _numbers(patients, "age")
    for low, values in ((subgroup.diameter_above, diameter),):
        chosen &= values > low if low is not None else True
    if subgroup.diameter_to is not None:
        chosen &= diameter <= subgroup.diameter_to
    if subgroup.age_from is not None:
        chosen &= age >= subgroup.age_from
    if subgroup.age_below is not None:
        chosen &= age < subgroup.age_below
    if subgroup.arms:
        chosen &= patients["arm"].is_in(list(subgroup.arms)).fill_null(value=False).to_numpy()
    if subgroup.marker is not None:
        wanted_status = 1 if subgroup.marker_positive else 0
        chosen &= marker_status(panel, subgroup.marker) == wanted_status
    if subgroup.event_free_at is not None:
        chosen &= free_at(panel, subgroup.event_free_at)
    return chosen


def free_at(panel: Panel, day: float) -> NDArray[np.bool_]:
    """Return who is free of relapse and death, and followed, on a day, shape (n,)."""
    name = next(name for name in FREE_OF if name in panel.follow_up)
    return np.asarray(panel.follow_up[name][0] > day)


def _equal(patients: pl.DataFrame, name: str, wanted: str) -> NDArray[np.bool_]:
    if name not in patients.columns:
        return np.zeros(patients.height, dtype=bool)
    return (patients[name].cast(pl.String) == wanted).fill_null(value=False).to_numpy()


def _node_positive(patients: pl.DataFrame, *, wanted: bool) -> NDArray[np.bool_]:
    if "node_positive" in patients.columns:
        found = patients["node_positive"].cast(pl.Boolean) == wanted
    elif "nodes" in patients.columns:
        found = (patients["nodes"] > 0) == wanted
    else:
        return np.zeros(patients.height, dtype=bool)
    return found.fill_null(value=False).to_numpy()


def _numbers(patients: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """A column as numbers, NaN where not known or there is none."""
    if name not in patients.columns:
        return np.full(patients.height, np.nan)
    return patients[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
