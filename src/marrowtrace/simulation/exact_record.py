"""What the twin notes of one patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.exact_cells import PLACES
from marrowtrace.simulation.exact_lesions import Lesion
from marrowtrace.simulation.exact_primary import Traits

COUNTS = (
    *PLACES[:3],
    "visceral",
    "visceral_via_marrow",
    "local",
    "ctc_primary",
    "ctc_lesions",
    "ctc_marrow",
    "ctc_clusters",
    "epithelial",
    "hybrid",
    "mesenchymal",
    "er_positive",
    "her2_positive",
    "lesions_growing",
    "lesions_restricted",
)
"""What is counted at a visit: cells, the last two lesions; phenotypes are of niche cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactLife:
    """What happened to one patient.

    Parameters
    ----------
    patient : int
    traits : Traits
    counts : mapping of str to ndarray of float, shape (n_visits,)
        Cells at the visits by `COUNTS`; NaN after the end.
    lesions : tuple of Lesion
        All that established, in order of awakening.
    distant_relapse, local_relapse : float
        Days; infinite if not within the time followed.
    relapse_place, relapse_origin : str
        Of the lesion that made the distant relapse.
    metastatic_at_diagnosis : bool
    end, death : float
        Last day followed; day of death, infinite if alive.
    cause : str
        ``"cancer"``, ``"other"`` or empty.
    guided : bool
        Whether an assay started a therapy.
    entered : bool
        Whether follow-up began; false where it begins with metastases and none came.
    """

    patient: int
    traits: Traits
    counts: dict[str, NDArray[np.float64]]
    lesions: tuple[Lesion, ...]
    distant_relapse: float
    local_relapse: float
    relapse_place: str
    relapse_origin: str
    metastatic_at_diagnosis: bool
    end: float
    death: float
    cause: str
    guided: bool
    entered: bool
