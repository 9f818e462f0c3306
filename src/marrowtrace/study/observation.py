"""From the truth to what laboratories report: the samples taken, and what is counted in them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from marrowtrace.study.allocation import draw_attendance
from marrowtrace.study.arm import Arm
from marrowtrace.study.follow_up import Course, FollowedUp
from marrowtrace.study.protocol import Protocol
from marrowtrace.study.visit import AssayUse, Visit

if TYPE_CHECKING:
    from marrowtrace.assays import Assay, Burden
    from marrowtrace.parameters import ParameterSet

Array = NDArray[np.float64]
Burdens = Mapping[str, NDArray[np.float32]]
"""Columns of `marrowtrace.simulation.BURDENS`, each of shape (n, n_visits + 1)."""


def study_assay(use: AssayUse, parameters: ParameterSet | None = None) -> Assay:
    """Return an assay as a study uses it.

    Parameters
    ----------
    use : AssayUse
    parameters : ParameterSet, optional
        Of the arm: sizes of the compartments, and what the catalogue says of a calibrated assay.

    Raises
    ------
    CatalogError, ParameterError, InputFileError
        If there is no such assay, or it cannot have this amount.
    """
    from dataclasses import replace

    from marrowtrace.assays import assay
    from marrowtrace.assays.assay_file import parse

    if use.definition:
        found = parse(use.definition, where=f"the assay '{use.name}'", base=assay)
    else:
        found = assay(use.preset)
    if parameters is not None:
        found = found.with_catalogue(parameters)
    changed: dict[str, float | str] = {}
    if use.amount is not None:
        changed["amount"] = f"{use.amount!r} {'mL' if found.specimen == 'blood' else 'cells'}"
    if use.sides is not None:
        changed["sides"] = float(use.sides)
    if changed:
        found = found.with_values(changed)
    return replace(found, name=use.name)


def sampled_days(
    protocol: Protocol,
    arm: Arm,
    visit: Visit,
    course: Course,
    followed: FollowedUp,
    seed: int,
    numbers: NDArray[np.int64],
) -> Array:
    """Return the day on which each patient is sampled at a visit; NaN where it does not take place.

    A visit takes place while a patient lives and is followed and, unless the study goes on after
    relapse, before the first distant relapse; a visit at relapse, on the day it is found.
    """
    day = np.full(numbers.size, protocol.day_of(visit, arm))
    if visit.clock == "relapse":
        day = np.where(course.distant <= followed.to, course.distant, math.nan)
    comes = day <= followed.to
    if visit.clock != "relapse" and not (protocol.sampled_after_relapse or protocol.metastatic):
        comes &= day < course.distant
    comes &= draw_attendance(seed, numbers, visit.name, visit.attendance)
    return np.where(comes, day, math.nan)


def burden_at(
    specimen: str, burdens: Burdens, column: int, taken: NDArray[np.bool_], parameters: ParameterSet
) -> Burden:
    """Return what a sample of one visit could hold.

    Parameters
    ----------
    specimen : {"blood", "bone_marrow"}
    burdens : mapping of str to ndarray of float32, shape (n, n_visits + 1)
    column : int
        Place of the visit.
    taken : ndarray of bool, shape (n,)
        Who is sampled.
    parameters : ParameterSet
        For the mixture of phenotypes that tumours shed.
    """
    from marrowtrace.assays import Burden, blood_phenotype

    def get(name: str) -> Array:
        return burdens[name][:, column].astype(np.float64)

    marrow = np.stack([get(name) for name in ("epithelial", "hybrid", "mesenchymal")], axis=1)
    marrow = np.clip(marrow, 0.0, 1.0)
    with np.errstate(invalid="ignore"):
        marrow /= marrow.sum(axis=1, keepdims=True)
    none, one = np.zeros(taken.size), np.ones(taken.size)
    if specimen == "bone_marrow":
        cells = np.maximum(get("perivascular") + get("endosteal"), 0.0)
        return Burden(np.where(taken, cells, math.nan), marrow, none, one)
    from_marrow = get("ctc_marrow")
    cells = get("ctc_primary") + get("ctc_lesions") + from_marrow
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(cells > 0.0, from_marrow / cells, 0.0)
    phenotype = blood_phenotype(
        np.nan_to_num(get("ctc_mesenchymal")),
        share,
        marrow,
        epithelial_share=parameters["epithelial_share_shed"].canonical,
        hybrid_share=parameters["hybrid_share_shed"].canonical,
    )
    return Burden(
        np.where(taken, cells, math.nan),
        phenotype,
        np.where(taken, get("ctc_clusters"), 0.0),
        np.where(taken, get("burst"), 1.0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one assay said at one visit.

    Parameters
    ----------
    visit : Visit
    assay : Assay
    rows : ndarray of int64, shape (m,)
        Patients that were sampled.
    days : ndarray of float64, shape (m,)
    counts : ndarray of int32, shape (m,)
        -1 where the assay has no count.
    clusters : ndarray of int32, shape (m,)
    positive : ndarray of int8, shape (m,)
    examined : float
    """

    visit: Visit
    assay: Assay
    rows: NDArray[np.int64]
    days: Array
    counts: NDArray[np.int32]
    clusters: NDArray[np.int32]
    positive: NDArray[np.int8]
    examined: float

    def at_least(self, threshold: float) -> NDArray[np.bool_]:
        """Return who has at least ``threshold`` cells or, without counts, a positive result."""
        return np.where(self.counts < 0, self.positive == 1, self.counts >= threshold)


class Observer:
    """The laboratories of one arm of a study.

    Parameters
    ----------
    protocol : Protocol
    arm : Arm
    parameters : ParameterSet
        Of the arm.
    seed : int
    """

    def __init__(self, protocol: Protocol, arm: Arm, parameters: ParameterSet, seed: int) -> None:
        from marrowtrace.study.scenarios import visit_days

        self.protocol, self.arm, self.parameters, self.seed = protocol, arm, parameters, seed
        self.days = visit_days(protocol, arm)
        self.assays = {use.name: study_assay(use, parameters) for use in protocol.assays}

    def column(self, visit: Visit) -> int:
        """Return the place of a visit in the burdens of a history; the last one is at relapse."""
        day = self.protocol.day_of(visit, self.arm)
        return self.days.index(day) if math.isfinite(day) else len(self.days)

    def read(
        self,
        visit: Visit,
        assay_name: str,
        burdens: Burdens,
        days: Array,
        numbers: NDArray[np.int64],
    ) -> Reading:
        """Draw what an assay says of the samples of a visit.

        Parameters
        ----------
        visit : Visit
        assay_name : str
        burdens : mapping of str to ndarray of float32, shape (n, n_visits + 1)
        days : ndarray of float64, shape (n,)
            Of sampling, NaN where none was taken (`sampled_days`).
        numbers : ndarray of int64, shape (n,)
        """
        from marrowtrace.assays.draw import draw
        from marrowtrace.assays.laboratory import Laboratories

        assay = self.assays[assay_name]
        column = self.column(visit)
        taken = ~np.isnan(days) & ~np.isnan(burdens["perivascular"][:, column])
        burden = burden_at(assay.specimen, burdens, column, taken, self.parameters)
        use = self.protocol.assay_use(assay_name)
        laboratory = None
        if use.laboratories:
            laboratory = Laboratories(
                count=use.laboratories,
                recovery_log_sd=use.recovery_log_sd,
                false_positive_log_sd=use.false_positive_log_sd,
            ).for_patients(self.seed, numbers, assay.name)
        found = draw(
            assay,
            burden,
            seed=self.seed,
            patients=numbers,
            visit=self.protocol.visits.index(visit),  # a further visit at the end changes none
            laboratory=laboratory,
        )
        rows = np.flatnonzero(taken)
        return Reading(
            visit,
            assay,
            rows,
            days[rows],
            found.count[rows],
            found.clusters[rows],
            found.positive[rows],
            found.examined,
        )
