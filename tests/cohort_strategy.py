"""Hypothesis strategy for cohorts that pass validation, with text and numbers that break writers.

`cohorts` draws a small cohort with any of its tables filled. Text holds commas, quotes, line ends
and any script; numbers run to the ends of their range. Narrower text and numbers may be given for
formats that cannot hold everything.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from marrowtrace import terms
from marrowtrace.cohort import TABLES, Cohort
from marrowtrace.cohort.cohort import MATRICES

if TYPE_CHECKING:
    from anndata import AnnData

DAYS = 36_525.0
ALPHABET = st.one_of(
    st.sampled_from(",;\"'\t\n\r|#\\/()[]{}:=_. -0123456789abcXYZé漢🧬'"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
)


def _stripped(text: str) -> str:
    """Strip as the data model strips."""
    return str(pl.Series([text]).str.strip_chars()[0])


WORD = st.text(st.sampled_from("abcdefgXYZ0123456789_-"), min_size=1, max_size=6)
TEXT = st.text(ALPHABET, min_size=1, max_size=6).map(_stripped).filter(bool)
EXTRA_TEXT = st.text(ALPHABET, max_size=6)
DAY = st.floats(-DAYS, DAYS, allow_nan=False)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
EXTRA_NUMBER = st.floats()
COUNT = st.integers(0, 2**53)


def unique(draw: DrawFn, words: SearchStrategy[str], *, low: int = 0, high: int = 3) -> list[str]:
    """Draw distinct words."""
    return draw(st.lists(words, min_size=low, max_size=high, unique=True))


def _frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    spec = TABLES[name]
    schema = {column.name: column.dtype for column in spec.columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _extras(
    draw: DrawFn, name: str, frame: pl.DataFrame, words: SearchStrategy[str]
) -> pl.DataFrame:
    """Add further columns of every type to a table that keeps them."""
    taken = TABLES[name].names
    names = unique(draw, words.filter(lambda word: word not in taken), high=2)
    for extra in names:
        kind: Any
        kind, values = draw(
            st.sampled_from(
                [
                    (pl.String, EXTRA_TEXT),
                    (pl.Float64, EXTRA_NUMBER),
                    (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
                    (pl.Boolean, st.booleans()),
                ]
            )
        )
        column = draw(st.lists(st.none() | values, min_size=frame.height, max_size=frame.height))
        frame = frame.with_columns(pl.Series(extra, column, dtype=kind))
    return frame


def _patients(draw: DrawFn, ids: list[str], words: SearchStrategy[str]) -> list[dict[str, Any]]:
    receptor = st.none() | st.sampled_from(terms.RECEPTOR.allowed)
    return [
        {
            "patient_id": patient,
            "age": draw(st.none() | st.floats(0, 120)),
            "sex": draw(st.none() | st.sampled_from(terms.SEX.allowed)),
            "cancer_type": draw(st.none() | st.sampled_from(terms.CANCER.allowed)),
            "er": draw(receptor),
            "stage": draw(st.none() | words),
            "nodes": draw(st.none() | st.integers(0, 200)),
            "tumour_diameter": draw(st.none() | st.floats(0, 500)),
            "arm": draw(st.none() | words),
        }
        for patient in ids
    ]


def _treatments(draw: DrawFn, ids: list[str], words: SearchStrategy[str]) -> list[dict[str, Any]]:
    rows = []
    for patient in ids:
        for regimen in unique(draw, words, high=2):
            start = draw(DAY)
            rows.append(
                {
                    "patient_id": patient,
                    "start": start,
                    "stop": draw(st.none() | st.floats(start, DAYS)),
                    "regimen": regimen,
                    "agent": draw(st.none() | words),
                    "dose": draw(st.none() | st.floats(0, 1e300)),
                    "dose_unit": draw(st.none() | words),
                }
            )
    return rows


def _samples(
    draw: DrawFn, ids: list[str], patients: list[str], words: SearchStrategy[str]
) -> list[dict[str, Any]]:
    return [
        {
            "sample_id": sample,
            "patient_id": draw(st.sampled_from(patients)),
            "site": draw(st.sampled_from(terms.SITE.allowed)),
            "time": draw(DAY),
            "phase": draw(st.none() | st.sampled_from(terms.PHASE.allowed)),
            "specimen": draw(st.none() | words),
        }
        for sample in ids
    ]


def _enumerations(
    draw: DrawFn, samples: list[dict[str, Any]], words: SearchStrategy[str]
) -> list[dict[str, Any]]:
    barred = {"bone_marrow": "CTC", "blood": "DTC"}
    rows = []
    for sample in samples:
        classes = [c for c in terms.CELL_CLASS.allowed if c != barred.get(sample["site"])]
        for assay in unique(draw, words, high=2):
            count = draw(st.none() | COUNT)
            verdict = st.booleans() if count is None else st.none() | st.booleans()
            clusters = st.none() if count is None else st.none() | st.integers(0, count)
            rows.append(
                {
                    "sample_id": sample["sample_id"],
                    "assay": assay,
                    "cell_class": draw(st.sampled_from(classes)),
                    "count": count,
                    "examined": draw(st.floats(0, 1e12, exclude_min=True)),
                    "examined_unit": draw(st.sampled_from(terms.EXAMINED_UNIT.allowed)),
                    "clusters": draw(clusters),
                    "positive": draw(verdict),
                }
            )
    return rows


def _clones(
    draw: DrawFn, ids: list[str], patients: list[str], *, founders: bool
) -> list[dict[str, Any]]:
    """Draw clones; each descends from an earlier one of its patient, or founds (several may)."""
    rows: list[dict[str, Any]] = []
    for clone in ids:
        patient = draw(st.sampled_from(patients))
        mine = [row["clone_id"] for row in rows if row["patient_id"] == patient]
        parents: list[str | None] = [*mine] if mine and not founders else [None, *mine]
        rows.append(
            {
                "clone_id": clone,
                "patient_id": patient,
                "parent_id": draw(st.sampled_from(parents)),
                "founding_site": draw(st.none() | st.sampled_from(terms.SITE.allowed)),
            }
        )
    return rows


def _follow_up(
    draw: DrawFn, patients: list[str], samples: list[dict[str, Any]], words: SearchStrategy[str]
) -> list[dict[str, Any]]:
    rows = []
    for patient in patients:
        first = min((row["time"] for row in samples if row["patient_id"] == patient), default=-DAYS)
        for endpoint in unique(draw, words | st.sampled_from(terms.ENDPOINT.allowed), high=2):
            time = draw(st.floats(first, DAYS))
            rows.append(
                {
                    "patient_id": patient,
                    "endpoint": endpoint,
                    "entry": draw(st.floats(-DAYS, time)),
                    "time": time,
                    "event": draw(st.integers(0, 99)),
                }
            )
    return rows


@st.composite
def clone_tables(
    draw: DrawFn, *, words: SearchStrategy[str] = TEXT, founders: bool = True, most: int = 8
) -> pl.DataFrame:
    """Draw a table of clones of one or two patients.

    Parameters
    ----------
    words : strategy of str
        Clone and patient ids.
    founders : bool
        Whether a patient may have several founding clones.
    most : int
        Clones at most.
    """
    patients = unique(draw, words, low=1, high=2)
    ids = unique(draw, words, low=1, high=most)
    return _frame("clones", _clones(draw, ids, patients, founders=founders))


@st.composite
def cohorts(
    draw: DrawFn,
    *,
    words: SearchStrategy[str] = TEXT,
    extras: bool = True,
    clones: bool = True,
    matrices: bool = False,
    patients: int = 3,
) -> Cohort:
    """Draw a valid cohort.

    Parameters
    ----------
    words : strategy of str
        Ids, assays, endpoints, names of further columns and all other free text; stripped, not
        empty.
    extras : bool
        Whether tables may have further columns.
    clones : bool
        Whether there may be clones and cells.
    matrices : bool
        Whether cells may have matrices.
    patients : int
        Patients at most.
    """
    ids = unique(draw, words, low=1, high=patients)
    samples = _samples(draw, unique(draw, words, high=4), ids, words)
    rows: dict[str, list[dict[str, Any]]] = {
        "patients": _patients(draw, ids, words),
        "treatments": _treatments(draw, ids, words),
        "samples": samples,
        "enumerations": _enumerations(draw, samples, words),
        "follow_up": _follow_up(draw, ids, samples, words),
        "measurements": [
            {
                "sample_id": row["sample_id"],
                "analyte": analyte,
                "value": draw(NUMBER),
                "unit": draw(st.none() | words),
            }
            for row in samples
            for analyte in unique(draw, words, high=2)
        ],
    }
    if clones:
        rows["clones"] = _clones(draw, unique(draw, words), ids, founders=True)
        clones_of = {
            patient: [c["clone_id"] for c in rows["clones"] if c["patient_id"] == patient]
            for patient in ids
        }
        rows["clone_prevalence"] = [
            {
                "sample_id": row["sample_id"],
                "clone_id": clone,
                "cancer_cell_fraction": draw(st.floats(0, 1)),
            }
            for row in samples
            for clone in clones_of[row["patient_id"]]
            if draw(st.booleans())
        ]
        rows["cells"] = []
        for cell in unique(draw, words, high=4) if samples else []:
            sample = draw(st.sampled_from(samples))
            rows["cells"].append(
                {
                    "cell_id": cell,
                    "sample_id": sample["sample_id"],
                    "clone_id": draw(st.sampled_from([None, *clones_of[sample["patient_id"]]])),
                    "phenotype": draw(st.none() | words),
                    "cluster_id": draw(st.none() | words),
                }
            )
    frames = {name: _frame(name, table) for name, table in rows.items()}
    if extras:
        for name in ("patients", "samples", "cells"):
            if name in frames:
                frames[name] = _extras(draw, name, frames[name], words)
    found = frames["cells"]["cell_id"].to_list() if clones else []
    held = draw(st.sets(st.sampled_from(MATRICES))) if matrices and found else set()
    drawn = {name: draw(_matrices(found, name)) for name in sorted(held)}
    return Cohort.from_tables(
        frames, index_event=draw(st.sampled_from(terms.INDEX_EVENT.allowed)), matrices=drawn
    )


@st.composite
def _matrices(draw: DrawFn, cells: list[str], name: str) -> AnnData:
    """Draw a matrix of cells x features: dense or sparse, with missing values where it has any."""
    import anndata
    import pandas as pd
    from scipy import sparse

    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = unique(draw, WORD, low=1, high=4)
    shape = (len(cells), len(names))
    obs, var = pd.DataFrame(index=cells), pd.DataFrame(index=names)
    if name == "variants":
        depth = rng.poisson(3.0, shape).astype(np.int32)
        alt = rng.binomial(depth, 0.4).astype(np.int32)
        layers = {"alt": alt, "depth": depth}
        if draw(st.booleans()):
            layers = {key: sparse.csr_matrix(values) for key, values in layers.items()}
        return anndata.AnnData(obs=obs, var=var, layers=layers, shape=shape)
    values = rng.lognormal(0.0, 2.0, shape)
    if name == "copy_number":
        values = np.floor(values)
        values[rng.random(shape) < 0.2] = math.nan
    else:
        values[rng.random(shape) < 0.5] = 0.0
    kind = draw(st.sampled_from([np.float32, np.float64]))
    x: Any = values.astype(kind)
    if draw(st.booleans()):
        x = sparse.csr_matrix(x)
    return anndata.AnnData(X=x, obs=obs, var=var)
