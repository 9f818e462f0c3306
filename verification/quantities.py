"""What is compared: the same quantities taken from the twin's patients and from the engine's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation import EVENTS, ORIGINS, PLACES, History, Scenario
from marrowtrace.simulation.exact import ExactLife
from marrowtrace.simulation.exact_environment import SUBTYPES
from marrowtrace.simulation.exact_lesions import Lesion
from verification.statistics import Sample

POOLS = ("perivascular", "endosteal", "free", "visceral", "visceral_via_marrow")
BLOOD = ("ctc_primary", "ctc_lesions", "ctc_marrow", "ctc_clusters")
NICHES = ("epithelial", "hybrid", "mesenchymal", "er_positive", "her2_positive")
SEEN = ("lesions_growing", "lesions_restricted")
_CAUSES = ("", "cancer", "other")
_TWIN_ORIGINS = ("primary", "marrow", "lesion", "residual")
_ENDS = ("", "eliminated", "resected", "killed")
_TRAITS = ("diameter", "shedding_scale", "marrow_lodging", "visceral_lodging", "establishment")
_TWIN_TRAITS = ("diameter", "shedding", "marrow", "visceral", "establishment")

Samples = dict[str, Sample]


def features(
    subtypes: NDArray[np.float64], traits: list[NDArray[np.float64]], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return functions of the traits of patients, shape (n, k): the first is 1.

    Parameters
    ----------
    subtypes : ndarray of float, shape (n,)
    traits : list of ndarray of float, shape (n,)
    centre : ndarray of float, shape (len(traits),)
        Mean logarithms that are taken off.
    """
    logs = [np.log(np.maximum(x, 1e-12)) - c for x, c in zip(traits, centre, strict=True)]
    columns = [np.ones_like(subtypes), *logs]
    columns += [a * b for a, b in itertools.combinations_with_replacement(logs, 2)]
    for code in range(1, len(SUBTYPES)):
        of = (subtypes == code).astype(np.float64)
        columns += [of, *(of * x for x in logs)]
    return np.column_stack(columns)


def engine_features(history: History) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features of the engine's patients, and their centre."""
    traits = [history.column(name) for name in _TRAITS]
    centre = np.array([np.log(np.maximum(x, 1e-12)).mean() for x in traits])
    return features(history.column("subtype"), traits, centre), centre


def twin_features(lives: list[ExactLife], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features of the twin's patients."""
    traits = [np.array([getattr(life.traits, name) for life in lives]) for name in _TWIN_TRAITS]
    subtypes = np.array([float(SUBTYPES.index(life.traits.subtype)) for life in lives])
    return features(subtypes, traits, centre)


# ---- the engine ------------------------------------------------------------------------------
def of_engine(history: History, scenario: Scenario) -> Samples:
    """Return the quantities of the engine's patients."""
    found: Samples = {}
    marrow = history.burden("perivascular") + history.burden("endosteal")
    for name in (*POOLS, *BLOOD, *NICHES, *SEEN):
        values = history.burden(name)
        if name in NICHES:
            values = marrow * np.nan_to_num(values)
        for visit in range(len(scenario.visits)):
            column = values[:, visit].astype(np.float64)
            rows = np.flatnonzero(~np.isnan(column))
            key = f"{name} at visit {visit + 1}"
            found[key] = Sample("count", column[rows], rows, poisson=name not in SEEN)
    table = history.lesions[np.argsort(history.lesions["awakened"], kind="stable")]
    row = np.searchsorted(history.patient, table["patient"])
    order = np.argsort(row, kind="stable")
    table, row = table[order], row[order]
    first = table["subclone_of"] < 0
    found["subclones"] = _per_patient(row[~first], len(history))
    table, row = table[first], row[first]
    for (code, place), (origin, name) in itertools.product(enumerate(PLACES), enumerate(ORIGINS)):
        chosen = (table["place"] == code) & (table["origin"] == origin)
        found[f"lesions {place}, {name}"] = _per_patient(row[chosen], len(history))
    for event in ("detected", "escaped", "ended"):
        chosen = ~np.isnan(table[event])
        found[f"lesions {event}"] = _per_patient(row[chosen], len(history))
    found["lesions a patient"] = _per_patient(row, len(history))
    ends = np.array([_end_of(name) for name in EVENTS])[table["end_cause"]]
    mutated = np.char.find(np.array(EVENTS), "mutation") >= 0
    columns = {
        "ER status": table["er"] > 0,
        "HER2 status": table["her2"] > 0,
        "MHC-I low": table["mhc_low"] > 0,
        "resistant": table["resistant"] > 0,
        "ended how": np.where(np.isnan(table["ended"]), 0, ends),
        "escaped how": np.where(np.isnan(table["escaped"]), 0, 1 + mutated[table["escape_cause"]]),
    }
    days = {name: table[name] for name in ("seeded", "awakened", "escaped", "detected", "ended")}
    _of_lesions(found, row, history.patient, columns, days)
    _of_ends(
        found,
        scenario,
        {name: history.column(name) for name in ("distant_relapse", "local_relapse", "death")},
        {
            "cause of death": history.column("death_cause"),
            "metastatic at diagnosis": history.column("metastatic_at_diagnosis"),
            "therapy started by rule": history.column("guided"),
            "entered": np.isfinite(history.column("index_day")),
        },
    )
    return found


def _end_of(event: str) -> int:
    """Number of the way in which a lesion ended."""
    return {"lesion eliminated": 1, "lesion detected": 2}.get(event, 3)


def _per_patient(rows: NDArray[np.int64], n: int) -> Sample:
    return Sample("count", np.bincount(rows, minlength=n).astype(np.float64))


def _of_lesions(
    found: Samples,
    row: NDArray[np.int64],
    patient: NDArray[np.int64],
    columns: dict[str, NDArray[np.generic]],
    days: dict[str, NDArray[np.float64]],
) -> None:
    """Note what distinguishes lesions: of one lesion a patient, since those of one are alike."""
    for name, values in columns.items():
        chosen = _one_each(row, patient)
        found[f"{name} of a lesion"] = Sample(
            "classes", values[chosen].astype(np.float64), row[chosen]
        )
    for name, moments in days.items():
        happened = np.flatnonzero(~np.isnan(moments))
        chosen = happened[_one_each(row[happened], patient)]
        key = f"day a lesion was {name}"
        found[key] = Sample("times", moments[chosen].astype(np.float64), row[chosen])


def _one_each(row: NDArray[np.int64], patient: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose one of each patient's entries, by the patient's number; ``row`` ascends."""
    rows, starts, counts = np.unique(row, return_index=True, return_counts=True)
    return np.asarray(starts + patient[rows] % counts)


def _of_ends(
    found: Samples,
    scenario: Scenario,
    moments: dict[str, NDArray[np.float64]],
    classes: dict[str, NDArray[np.generic]],
) -> None:
    """Note relapse and death: what did not happen has one last day."""
    never = scenario.horizon + (60.0 * 365.25 if scenario.entry == "metastatic" else 1.0)
    for name, days in moments.items():
        found[f"time of {name}"] = Sample("times", np.minimum(days, never))
        found[f"{name} by the end"] = Sample("count", (days < never).astype(np.float64))
    for name, values in classes.items():
        found[name] = Sample("classes", values.astype(np.float64))


# ---- the twin --------------------------------------------------------------------------------
def of_twin(lives: list[ExactLife], scenario: Scenario) -> Samples:
    """Return the quantities of the twin's patients."""
    found: Samples = {}
    for name in (*POOLS, *BLOOD, *NICHES, *SEEN):
        for visit in range(len(scenario.visits)):
            counts = np.array([_count(life, name, visit) for life in lives])
            rows = np.flatnonzero(~np.isnan(counts))
            found[f"{name} at visit {visit + 1}"] = Sample("count", counts[rows], rows)
    first = [[x for x in life.lesions if x.parent is None] for life in lives]
    found["subclones"] = _counted(
        [x for x in life.lesions if x.parent and x.end_cause != "extinct"] for life in lives
    )
    for place, (code, name) in itertools.product(PLACES, enumerate(ORIGINS)):
        wanted = _is(place, _TWIN_ORIGINS[code])
        found[f"lesions {place}, {name}"] = _counted(filter(wanted, own) for own in first)
    for event in ("detected", "escaped", "ended"):
        found[f"lesions {event}"] = _counted(filter(_has(event), own) for own in first)
    found["lesions a patient"] = _counted(first)
    row = np.array([i for i, own in enumerate(first) for _ in own], dtype=np.int64)
    lesions = [x for own in first for x in sorted(own, key=lambda x: x.awakened)]
    columns = {
        "ER status": np.array([x.er for x in lesions]),
        "HER2 status": np.array([x.her2 for x in lesions]),
        "MHC-I low": np.array([x.mhc_low for x in lesions]),
        "resistant": np.array([x.resistant_er or x.resistant_her2 or x.tolerant for x in lesions]),
        "ended how": np.array(
            [_ENDS.index("killed" if x.end_cause == "extinct" else x.end_cause) for x in lesions]
        ),
        "escaped how": np.array(
            [("", "environment", "mutation").index(x.escape_cause) for x in lesions]
        ),
    }
    names = ("seeded", "awakened", "escaped", "detected", "ended")
    days = {name: np.array([getattr(x, name) for x in lesions]) for name in names}
    _of_lesions(found, row, np.array([life.patient for life in lives]), columns, days)
    _of_ends(
        found,
        scenario,
        {
            name: np.array([getattr(life, name) for life in lives])
            for name in ("distant_relapse", "local_relapse", "death")
        },
        {
            "cause of death": np.array([_CAUSES.index(life.cause) for life in lives]),
            "metastatic at diagnosis": np.array([x.metastatic_at_diagnosis for x in lives]),
            "therapy started by rule": np.array([life.guided for life in lives]),
            "entered": np.array([life.entered for life in lives]),
        },
    )
    return found


def _count(life: ExactLife, name: str, visit: int) -> float:
    """Cells at a visit as the engine counts them: all of the viscera together."""
    count = float(life.counts[name][visit])
    if name == "visceral":
        count += float(life.counts["visceral_via_marrow"][visit])
    return count


def _counted(chosen: Iterable[Iterable[Lesion]]) -> Sample:
    return Sample("count", np.array([len(list(own)) for own in chosen], dtype=np.float64))


def _is(place: str, origin: str) -> Callable[[Lesion], bool]:
    return lambda x: x.place == place and x.origin == origin


def _has(event: str) -> Callable[[Lesion], bool]:
    return lambda x: not np.isnan(getattr(x, event))
