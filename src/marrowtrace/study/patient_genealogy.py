"""The genealogy of cells taken from one simulated patient."""

from __future__ import annotations

import numpy as np

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.deme import Deme
from marrowtrace.phylogeny.genealogy import Genealogy, SampledCells, draw_genealogy
from marrowtrace.simulation.history import History
from marrowtrace.simulation.seeding_history import SeededLesion, SeedingHistory, seeding_history
from marrowtrace.streams import generator

PRIMARY = "primary"
_PROCESS = 40
_SITES = {"bone": "bone_marrow", "visceral": "metastasis", "local": "primary"}
_LEAST_LOG_SIZE = np.log(100.0)
_LEAST_GAP = 1e-3
_LEAST_CLONE = 1e4


def patient_genealogy(
    history: History,
    patient: int,
    *,
    primary_cells: int = 30,
    lesion_cells: int = 15,
    blood_cells: int = 0,
    mutations_per_division: float | None = None,
) -> Genealogy:
    """Draw the genealogy of cells taken at surgery and from each lesion on its last day.

    A sweep founds a new clone of the primary, which grows as the tumour did from its first cell;
    cells of the primary are those of the last clone that has reached 10,000 cells by surgery. A
    lesion sleeps from its seeding to its awakening and then grows exponentially to its last size
    (a history keeps no more). One seed and patient always give the same genealogy.

    Parameters
    ----------
    history : History
    patient : int
    primary_cells, lesion_cells : int
        Cells of the primary, and of each lesion that grew to 100 cells or more.
    blood_cells : int
        CTCs of the primary at surgery: random cells of it.
    mutations_per_division : float, optional
        That of the scenario if left out.

    Returns
    -------
    Genealogy
        Sites primary, bone_marrow, metastasis and blood.

    Raises
    ------
    SimulationError
        If the history does not hold this patient.
    CohortError
        If no cells of the primary are asked for.
    """
    if primary_cells < 1:
        raise CohortError(f"primary_cells: {primary_cells} is out of range; give 1 or more")
    seeds = seeding_history(history, patient)
    demes = demes_of(seeds)
    clones = [deme for deme in demes if deme.name.startswith(PRIMARY)]
    grown = [deme for deme in clones if deme.size[-1] >= _LEAST_CLONE]
    last = (grown or clones)[-1].name
    samples = [SampledCells(deme=last, day=0.0, cells=primary_cells)]
    if blood_cells:
        samples.append(SampledCells(deme=last, day=0.0, cells=blood_cells, site="blood"))
    by_name = {deme.name: deme for deme in demes}
    for lesion in seeds.lesions:
        deme = by_name.get(_name(lesion.record))
        if lesion_cells and deme is not None and lesion.log_size >= _LEAST_LOG_SIZE:
            samples.append(
                SampledCells(deme=deme.name, day=float(deme.days[-1]), cells=lesion_cells)
            )
    rate = (
        seeds.mutations_per_division if mutations_per_division is None else (mutations_per_division)
    )
    rng = generator(history.seed, _PROCESS, patient)
    return draw_genealogy(rng, demes, samples, mutations_per_division=rate)


def demes_of(seeds: SeedingHistory) -> list[Deme]:
    """Return the populations of a patient: clones of the primary between sweeps, then lesions."""
    starts = [float(seeds.days[0]), *(float(day) for day in seeds.sweeps)]
    clones: list[Deme] = []
    for number, start in enumerate(starts):
        age = seeds.days - seeds.days[0]
        days = np.unique(np.clip(start + age, start, 0.0))
        if days.size < 2:
            continue
        logs = np.interp(days - start, seeds.days - seeds.days[0], seeds.log_size)
        logs = logs - logs[0]
        clones.append(
            Deme(
                f"{PRIMARY}_{number}", PRIMARY, clones[-1].name if clones else "",
                days, np.exp(np.maximum(logs, 0.0)), np.full(days.size - 1, seeds.birth),
            )
        )  # fmt: skip
    lesions: dict[str, Deme] = {}
    for lesion in seeds.lesions:
        source = _source(lesion, clones, lesions)
        if source is not None:
            lesions[_name(lesion.record)] = _of_lesion(lesion, source)
    return [*clones, *lesions.values()]


def _name(record: int) -> str:
    return f"lesion_{record}"


def _source(lesion: SeededLesion, clones: list[Deme], lesions: dict[str, Deme]) -> Deme | None:
    """The clone of the primary that ruled when the lesion left, or the lesion it came from."""
    if lesion.source >= 0:
        found = lesions.get(_name(lesion.source))
        return found if found is not None and found.founded < lesion.seeded else None
    left = min(lesion.seeded, 0.0)
    ruling = [clone for clone in clones if clone.founded < left]
    return ruling[-1] if ruling else None


def _of_lesion(lesion: SeededLesion, source: Deme) -> Deme:
    """Founded on the day its cell left, which is at the latest the last day of its source."""
    start = min(lesion.seeded, float(source.days[-1]))
    days = [start, max(lesion.awakened, start + _LEAST_GAP)]
    days.append(max(lesion.last, days[1] + _LEAST_GAP))
    size = float(np.exp(lesion.log_size))
    return Deme(
        _name(lesion.record), _SITES[lesion.place], source.name, np.array(days),
        np.array([lesion.founders, lesion.founders, max(size, lesion.founders)], dtype=float),
        np.array([0.0, lesion.birth]),
    )  # fmt: skip
