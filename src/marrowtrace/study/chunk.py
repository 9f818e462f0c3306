"""A range of patients through the study, as tables: what a clinic has, and the truth beside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.cohort import Cohort
from marrowtrace.cohort.validation import conform
from marrowtrace.errors import CohortError, ProblemList
from marrowtrace.study.allocation import draw_arms
from marrowtrace.study.arm import Arm
from marrowtrace.study.arm_run import FIRST, REASONS, Lives, age_at_index, eligible, live, observe
from marrowtrace.study.follow_up import ENDS, Course, FollowedUp
from marrowtrace.study.observation import Observer
from marrowtrace.study.protocol import Protocol
from marrowtrace.study.scenarios import arm_scenario, treatment_names

if TYPE_CHECKING:
    from marrowtrace.simulation import Scenario

Array = NDArray[np.float64]
COHORT_TABLES = ("patients", "treatments", "samples", "enumerations", "follow_up")
TABLES = (*COHORT_TABLES, "observation", "truth", "burdens", "screened")
"""Tables of a chunk: those of the cohort, why follow-up ended, the truth, who did not enter."""
BURDENS = (
    "perivascular", "endosteal", "free", "visceral", "visceral_via_marrow", "ctc_primary",
    "ctc_lesions", "ctc_marrow", "ctc_clusters", "burst", "epithelial", "hybrid", "mesenchymal",
    "log_primary_size", "lesions_growing", "lesions_restricted", "log_largest_lesion",
)  # fmt: skip
"""Burdens at visits that are kept of the truth, as the engine calls them."""
_TRAITS = (
    "subtype", "tumour_age", "log_size", "shedding_scale", "marrow_lodging", "visceral_lodging",
    "establishment", "candidates", "drivers", "index_day",
)  # fmt: skip
_SUBTYPES = ("ER+ HER2-", "ER+ HER2+", "ER- HER2+", "triple negative")
_SEX = {"breast": "female", "prostate": "male"}
_SITES = ("blood", "bone_marrow")
_KEY = ("number", "arm_place")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The tables of a range of patients.

    Parameters
    ----------
    tables : dict of str to DataFrame
        `TABLES`, in order of patient numbers and arms.
    patients : int
        Patients simulated, those of all arms.
    """

    tables: dict[str, pl.DataFrame]
    patients: int


def simulate_chunk(
    protocol: Protocol, first: int, size: int, *, seed: int, workers: int | None = None
) -> Chunk:
    """Simulate, treat, sample and follow the patients of one range.

    Parameters
    ----------
    protocol : Protocol
    first, size : int
        Numbers of the patients: ``first`` to ``first + size - 1``.
    seed : int
    workers : int, optional
        Threads; changes no result.

    Returns
    -------
    Chunk
    """
    numbers = np.arange(first, first + size, dtype=np.int64)
    shares = [arm.share for arm in protocol.arms]
    arm_of = draw_arms(seed, numbers, shares) if protocol.allocation == "randomised" else None
    parts: list[dict[str, pl.DataFrame]] = []
    simulated = 0
    for place in range(len(protocol.arms)):
        chosen = numbers if arm_of is None else numbers[arm_of == place]
        if chosen.size:
            simulated += int(chosen.size)
            parts.append(_arm_tables(protocol, place, chosen, seed, workers))
    joined = {name: pl.concat([part[name] for part in parts]) for name in TABLES}
    return Chunk(_finished(protocol, joined), simulated)


def _arm_tables(
    protocol: Protocol, place: int, numbers: NDArray[np.int64], seed: int, workers: int | None
) -> dict[str, pl.DataFrame]:
    """The tables of one arm, still keyed by number and place of the arm."""
    arm = protocol.arms[place]
    lives = live(protocol, arm, numbers, seed, workers)
    course, followed, days, observer = observe(protocol, arm, lives, seed)
    reason = eligible(protocol, lives.by_name())
    keep = np.flatnonzero(reason == 0)
    for visit_days in days.values():
        visit_days[reason != 0] = math.nan
    samples, enumerations = _samples(protocol, lives, days, observer)
    tables = {
        "patients": _patients(protocol, arm, lives, keep),
        "treatments": _treatments(protocol, arm, lives, followed, keep, seed),
        "samples": samples,
        "enumerations": enumerations,
        "follow_up": _follow_up(numbers, followed, keep),
        "observation": _observation(lives, course, followed, keep),
        "truth": _truth(lives, course, keep, max(len(each.rules) for each in protocol.arms)),
        "burdens": _burdens(protocol, arm, lives, keep, observer),
        "screened": pl.DataFrame(
            {"number": numbers, "reason": np.array(REASONS, dtype=object)[reason].astype(str)}
        ),
    }
    return {
        name: frame.with_columns(
            pl.lit(place, pl.Int32).alias("arm_place"), pl.lit(arm.name).alias("arm")
        )
        for name, frame in tables.items()
    }


def _words(codes: NDArray[np.int8] | Array, words: Sequence[str]) -> pl.Series:
    """Codes as words; what is below 0 or not a number is null."""
    whole = np.where(np.isnan(codes), -1, codes).astype(np.int32)
    found = pl.Series(whole).replace_strict(dict(enumerate(words)), default=None)
    return found.cast(pl.String)


def _patients(protocol: Protocol, arm: Arm, lives: Lives, keep: NDArray[np.int64]) -> pl.DataFrame:
    from marrowtrace.catalog import description

    cancer = description(arm.cancer or protocol.cancer).cancer
    columns = {name: values[keep] for name, values in lives.by_name().items()}
    subtype = columns["subtype"]
    receptors = cancer == "breast"
    frame = pl.DataFrame(
        {
            "number": lives.numbers[keep],
            "age": np.minimum(age_at_index(columns), 120.0),
            "tumour_diameter": np.minimum(columns["diameter"], 500.0),
            "node_positive": columns["node_positive"] > 0,
        }
    )
    none = pl.Series([None] * keep.size, dtype=pl.String)
    return frame.with_columns(
        pl.lit(_SEX.get(cancer), pl.String).alias("sex"),
        pl.lit(cancer).alias("cancer_type"),
        (_words(subtype, _SUBTYPES) if receptors else none).alias("subtype"),
        (_status(subtype < 2) if receptors else none).alias("er"),
        (_status((subtype == 1) | (subtype == 2)) if receptors else none).alias("her2"),
    )


def _status(positive: NDArray[np.bool_]) -> pl.Series:
    return _words(positive.astype(np.int8), ("negative", "positive"))


def _treatments(
    protocol: Protocol,
    arm: Arm,
    lives: Lives,
    followed: FollowedUp,
    keep: NDArray[np.int64],
    seed: int,
) -> pl.DataFrame:
    """Surgery and every therapy that began while a patient was followed."""
    from marrowtrace.study.treatments import taken_windows

    columns = {name: values[keep] for name, values in lives.by_name().items()}
    until = followed.to[keep]
    index = np.where(np.isfinite(columns["index_day"]), columns["index_day"], 0.0)
    scenario: Scenario = arm_scenario(protocol, arm, [True] * len(arm.rules))
    start, stop = taken_windows(scenario, seed, lives.numbers[keep], columns)
    if arm.rules:
        start[:, -len(arm.rules) :][~lives.taken[keep]] = math.nan
    surgery = protocol.day_of_surgery(arm) - index
    given = [("surgery", "surgery", surgery, surgery)]
    given += [
        (name, agent, start[:, place], stop[:, place])
        for place, (name, agent) in enumerate(treatment_names(protocol, arm))
    ]
    frames = []
    for order, (name, agent, begin, end) in enumerate(given):
        rows = np.flatnonzero(begin <= until)
        last = np.where(end[rows] <= until[rows], end[rows], math.nan)
        frames.append(
            pl.DataFrame(
                {
                    "number": lives.numbers[keep][rows],
                    "order": np.full(rows.size, order, np.int16),
                    "start": begin[rows],
                    "stop": pl.Series(last).fill_nan(None),
                }
            ).with_columns(pl.lit(name).alias("regimen"), pl.lit(agent).alias("agent"))
        )
    return pl.concat(frames)


def _samples(
    protocol: Protocol, lives: Lives, days: dict[str, Array], observer: Observer
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Samples of all visits, one for blood and one for marrow, and what was counted in them."""
    burdens = lives.burdens_by_name()
    samples, counted = [], []
    for place, visit in enumerate(protocol.visits):
        taken: dict[int, tuple[NDArray[np.int64], Array]] = {}
        for order, name in enumerate(visit.assays):
            reading = observer.read(visit, name, burdens, days[visit.name], lives.numbers)
            assay = reading.assay
            site = _SITES.index(assay.specimen)
            taken[site] = (reading.rows, reading.days)
            has_count = assay.readout != "signal"
            frame = pl.DataFrame(
                {
                    "number": lives.numbers[reading.rows],
                    "order": np.full(reading.rows.size, order, np.int16),
                    "count": reading.counts.astype(np.int64),
                    "clusters": reading.clusters.astype(np.int64),
                    "positive": reading.positive == 1,
                }
            ).with_columns(
                pl.lit(place, pl.Int32).alias("visit_place"),
                pl.lit(site, pl.Int32).alias("site_place"),
                pl.lit(name).alias("assay"),
                pl.lit(assay.cell_class).alias("cell_class"),
                pl.lit(reading.examined).alias("examined"),
                pl.lit(assay.examined_unit).alias("examined_unit"),
                (pl.col("count") if has_count else pl.lit(None, pl.Int64)).alias("count"),
                (
                    pl.col("clusters")
                    if has_count and assay.specimen == "blood"
                    else pl.lit(None, pl.Int64)
                ).alias("clusters"),
            )
            counted.append(frame)
        samples += [
            pl.DataFrame({"number": lives.numbers[rows], "time": day}).with_columns(
                pl.lit(place, pl.Int32).alias("visit_place"),
                pl.lit(site, pl.Int32).alias("site_place"),
                pl.lit(_SITES[site]).alias("site"),
                pl.lit(visit.phase).alias("phase"),
                pl.lit(visit.name).alias("visit"),
            )
            for site, (rows, day) in taken.items()
        ]
    return pl.concat(samples), pl.concat(counted)


def _follow_up(
    numbers: NDArray[np.int64], followed: FollowedUp, keep: NDArray[np.int64]
) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame(
            {
                "number": numbers[keep],
                "order": np.full(keep.size, order, np.int16),
                "time": time[keep],
                "event": event[keep].astype(np.int64),
            }
        ).with_columns(pl.lit(name).alias("endpoint"), pl.lit(0.0).alias("entry"))
        for order, (name, (time, event)) in enumerate(followed.endpoints.items())
    )


def _observation(
    lives: Lives, course: Course, followed: FollowedUp, keep: NDArray[np.int64]
) -> pl.DataFrame:
    seen = course.distant[keep] <= followed.to[keep]
    site = np.where(seen, lives.by_name()["relapse_site"][keep], -1.0)
    return pl.DataFrame(
        {
            "number": lives.numbers[keep],
            "followed_to": followed.to[keep],
            "follow_up_end": _words(followed.reason[keep], ENDS),
            "relapse_site": _words(site, ("bone", "visceral")),
        }
    )


def _truth(lives: Lives, course: Course, keep: NDArray[np.int64], rules: int) -> pl.DataFrame:
    """What only a simulation knows, in days from the index event; null for what never comes."""
    from marrowtrace.simulation import CODES, ORIGINS

    columns = {name: values[keep] for name, values in lives.by_name().items()}
    first = {name: lives.first[keep, i] for i, name in enumerate(FIRST)}
    index = np.where(np.isfinite(columns["index_day"]), columns["index_day"], 0.0)

    taken = np.zeros((keep.size, rules), dtype=bool)
    taken[:, : lives.taken.shape[1]] = lives.taken[keep]

    def day(values: Array) -> pl.Series:
        return pl.Series(np.where(np.isfinite(values), values, math.nan)).fill_nan(None)

    frame = pl.DataFrame(
        {
            "number": lives.numbers[keep],
            "distant_relapse": day(course.distant[keep]),
            "local_relapse": day(course.local[keep]),
            "death": day(course.death[keep]),
            "death_cause": _words(columns["death_cause"] - 1, ("cancer", "other causes")),
            "other_cause_death": day(columns["other_cause_death"] - index),
            "first_establishment": day(columns["first_establishment"] - index),
            "relapse_site": _words(columns["relapse_site"], ("bone", "visceral")),
            "relapse_origin": _words(columns["relapse_origin"], ORIGINS),
            "code": _words(columns["code"], CODES),
        }
    )
    return frame.with_columns(
        *(day(first[name]).alias(name) for name in ("seeded", "awakened", "escaped", "detected")),
        (day(first["restricted"]) > 0).alias("restricted"),
        day(first["founding_cells"]).alias("founding_cells"),
        *(pl.Series(name, columns[name]) for name in _TRAITS),
        *(pl.Series(f"rule_{place + 1}", taken[:, place]) for place in range(rules)),
    )


def _burdens(
    protocol: Protocol, arm: Arm, lives: Lives, keep: NDArray[np.int64], observer: Observer
) -> pl.DataFrame:
    """Burdens at each visit of a patient who lived to it, whether sampled or not."""
    columns = lives.burdens_by_name()
    frames = []
    for place, visit in enumerate(protocol.visits):
        column = observer.column(visit)
        rows = keep[~np.isnan(columns["perivascular"][keep, column])]
        frames.append(
            pl.DataFrame(
                {"number": lives.numbers[rows]}
                | {name: columns[name][rows, column] for name in BURDENS}
            ).with_columns(
                pl.lit(place, pl.Int32).alias("visit_place"), pl.lit(visit.name).alias("visit")
            )
        )
    return pl.concat(frames)


def patient_id(protocol: Protocol) -> pl.Expr:
    """Return the expression that makes a patient's id of ``number`` and ``arm_place``.

    ``P0000012`` is number 12; where arms are paired, ``P0000012.2`` is the same in the second arm.
    """
    number = pl.lit("P") + pl.col("number").cast(pl.String).str.zfill(7)
    if protocol.allocation == "randomised":
        return number
    return number + "." + (pl.col("arm_place") + 1).cast(pl.String)


def _sample_id() -> pl.Expr:
    """``P0000012-V3-blood``: the blood of the third visit of the protocol."""
    specimen = (
        pl.when(pl.col("site_place") == 0).then(pl.lit("-blood")).otherwise(pl.lit("-marrow"))
    )
    visit = (pl.col("visit_place") + 1).cast(pl.String)
    return pl.col("patient_id") + "-V" + visit + specimen


def _finished(protocol: Protocol, joined: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Order the tables by patient, give ids, and check them as a cohort."""
    out: dict[str, pl.DataFrame] = {}
    for name, frame in joined.items():
        further = [c for c in ("visit_place", "site_place", "order", "start") if c in frame.columns]
        ordered = frame.sort([*_KEY, *further], maintain_order=True)
        if name != "screened":
            ordered = ordered.with_columns(patient_id(protocol).alias("patient_id"))
        if "site_place" in frame.columns:
            ordered = ordered.with_columns(_sample_id().alias("sample_id"))
        out[name] = ordered
    wanted = {
        "patients": ("patient_id", "age", "sex", "cancer_type", "subtype", "er", "her2",
                     "tumour_diameter", "arm", "number", "node_positive"),
        "treatments": ("patient_id", "start", "stop", "regimen", "agent"),
        "samples": ("sample_id", "patient_id", "site", "time", "phase", "visit"),
        "enumerations": ("sample_id", "assay", "cell_class", "count", "examined",
                         "examined_unit", "clusters", "positive"),
        "follow_up": ("patient_id", "endpoint", "entry", "time", "event"),
    }  # fmt: skip
    tables = {name: out[name].select(columns) for name, columns in wanted.items()}
    for name in ("observation", "truth"):
        rest = [c for c in out[name].columns if c not in {"patient_id", "arm", *_KEY}]
        out[name] = out[name].select("patient_id", "number", "arm", *rest)
    out["burdens"] = out["burdens"].select("patient_id", "number", "arm", "visit", *BURDENS)
    out["screened"] = (
        out["screened"]
        .group_by("arm", "reason", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("patients"))
        .sort("arm", "reason")
    )
    return {**out, **_checked(protocol, tables)}


def _checked(protocol: Protocol, tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The cohort's tables, checked as every cohort is; a chunk in which nobody enters is empty."""
    if tables["patients"].height:
        cohort = Cohort.from_tables(tables, index_event=protocol.index_event)
        return {name: cohort[name] for name in COHORT_TABLES}
    problems = ProblemList()
    checked = conform(tables, problems)
    problems.raise_any(CohortError, "the cohort tables")
    return {name: checked[name] for name in COHORT_TABLES}


def with_patients(protocol: Protocol, patients: int | None, seed: int | None) -> Protocol:
    """Return the protocol with another number of patients or another seed."""
    return replace(
        protocol,
        patients=protocol.patients if patients is None else patients,
        seed=protocol.seed if seed is None else seed,
    )
