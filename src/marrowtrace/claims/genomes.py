"""Genomes of sampled cells of virtual patients: what primary, blood and lesions share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from marrowtrace.claims.world import World

_QUICK, _FULL = 30, 300
_CELLS = 10
_RATE = 0.2  # mutations a division: more than in an exome, for less noise; shares do not move
_CLONAL, _SEEN = 0.9, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionGenome:
    """What one lesion's mutations have in common with the primary and with CTCs at surgery.

    Parameters
    ----------
    patient : int
    marrow : bool
    mutations : int
        Those that nearly all of its cells carry.
    in_primary, in_blood : float
        Share of them that any sampled cell of the primary, any CTC, carries.
    """

    patient: int
    marrow: bool
    mutations: int
    in_primary: float
    in_blood: float


@dataclass(frozen=True, slots=True)
class Genomes:
    """Those of several patients.

    Parameters
    ----------
    lesions : tuple of LesionGenome
    primary_in_blood : ndarray of float, shape (n,)
        Share of the clonal mutations of each primary that CTCs at surgery carry.
    heterogeneous : ndarray of float, shape (n,)
        Share of each patient's mutations that are not seen in every site.
    """

    lesions: tuple[LesionGenome, ...]
    primary_in_blood: NDArray[np.float64]
    heterogeneous: NDArray[np.float64]


@cache
def genomes(world: World) -> Genomes:
    """Return what is shared in the first patients with a distant relapse.

    Ten cells of the primary at surgery, ten CTCs then and ten cells of each lesion, as they are:
    without dropout or errors of sequencing.
    """
    from marrowtrace.study.patient_genealogy import patient_genealogy

    history = world.history()
    relapse = history.column("distant_relapse")
    rows = np.flatnonzero(np.isfinite(relapse))[: _QUICK if world.quick else _FULL]
    lesions, of_primary, mixed = [], [], []
    for row in rows:
        patient = int(history.patient[row])
        drawn = patient_genealogy(
            history, patient, primary_cells=_CELLS, lesion_cells=_CELLS, blood_cells=_CELLS,
            mutations_per_division=_RATE,
        )  # fmt: skip
        sites, genotype = np.array(drawn.sites), drawn.genotype
        inside, blood = genotype[sites == "primary"], genotype[sites == "blood"]
        clonal = inside.mean(axis=0) >= _CLONAL
        if clonal.any():
            of_primary.append(float(blood[:, clonal].any(axis=0).mean()))
        seen = [inside.mean(axis=0) >= _SEEN]
        own = history.lesions[history.offsets[row] : history.offsets[row + 1]]
        for each in own:
            name = f"lesion_{int(each['record'])}_"
            cells = genotype[[cell.startswith(name) for cell in drawn.names]]
            if not cells.size or each["place"] == 3:
                continue
            seen.append(cells.mean(axis=0) >= _SEEN)
            carried = cells.mean(axis=0) >= _CLONAL
            if carried.any():
                lesions.append(
                    LesionGenome(
                        patient=patient,
                        marrow=bool(each["place"] < 2),
                        mutations=int(carried.sum()),
                        in_primary=float(inside[:, carried].any(axis=0).mean()),
                        in_blood=float(blood[:, carried].any(axis=0).mean()),
                    )
                )
        together = np.array(seen)
        if len(seen) > 1 and together.any():
            here = together.any(axis=0)
            mixed.append(float(1.0 - together[:, here].all(axis=0).mean()))
    return Genomes(tuple(lesions), np.array(of_primary), np.array(mixed))
