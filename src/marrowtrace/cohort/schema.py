"""The tables of a cohort, declared once: name, type, unit, meaning, allowed values, range, key.

Validation, the readers and writers, the page on the data model and the JSON schema are all made
from this declaration. Time is in days from the cohort's index event (negative = before it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from marrowtrace import terms
from marrowtrace.errors import CohortError, did_you_mean
from marrowtrace.terms import Vocabulary

_POLARS: Mapping[str, type[pl.DataType]] = MappingProxyType(
    {"text": pl.String, "number": pl.Float64, "integer": pl.Int64, "boolean": pl.Boolean}
)
DAYS_100_YEARS = 36_525.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name, meaning : str
    kind : {"text", "number", "integer", "boolean"}
    unit : str
        As in `marrowtrace.units`; ``"-"`` if it has none.
    required : bool
        Whether every row must have a value.
    vocabulary : Vocabulary, optional
        The accepted terms; None if any text will do.
    low, high : float, optional
        Inclusive bounds.
    above : float, optional
        Exclusive lower bound.
    refers_to : str
        ``"table.column"`` that must hold each value; empty if none.
    """

    name: str
    kind: str
    meaning: str
    unit: str = "-"
    required: bool = False
    vocabulary: Vocabulary | None = None
    low: float | None = None
    high: float | None = None
    above: float | None = None
    refers_to: str = ""

    @property
    def dtype(self) -> type[pl.DataType]:
        """Polars type of the column."""
        return _POLARS[self.kind]

    @property
    def allowed(self) -> str:
        """What the column accepts, in words."""
        if self.vocabulary is not None:
            return ", ".join(self.vocabulary.allowed)
        if self.refers_to:
            return f"a {self.refers_to.replace('.', ' table value of ', 1)}"
        parts = [{"integer": "whole numbers", "number": "numbers"}.get(self.kind, self.kind)]
        if self.above is not None:
            parts.append(f"above {self.above:g}")
        if self.low is not None:
            parts.append(f"from {self.low:g}")
        if self.high is not None:
            parts.append(f"to {self.high:g}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a cohort.

    Parameters
    ----------
    name, meaning : str
    key : tuple of str
        Columns that together name a row; a missing value counts as a value.
    columns : tuple of Column
    extra : bool
        Whether further columns are kept (covariates of patients, details of samples).
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    extra: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the declared columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the declared column ``name``."""
        for column in self.columns:
            if column.name == name:
                return column
        raise CohortError(
            f"table '{self.name}' has no column '{name}'{did_you_mean(name, self.names)}"
        )

    def empty(self) -> pl.DataFrame:
        """Return the table without rows, with every declared column and its type."""
        return pl.DataFrame(schema={column.name: column.dtype for column in self.columns})


def _patient(required: bool = True) -> Column:
    return Column(
        name="patient_id",
        kind="text",
        required=required,
        refers_to="patients.patient_id",
        meaning="the patient",
    )


def _sample() -> Column:
    return Column(
        name="sample_id",
        kind="text",
        required=True,
        refers_to="samples.sample_id",
        meaning="the sample",
    )


def _day(name: str, meaning: str, *, required: bool) -> Column:
    return Column(
        name=name,
        kind="number",
        unit="d",
        required=required,
        low=-DAYS_100_YEARS,
        high=DAYS_100_YEARS,
        meaning=f"{meaning}, days from the index event",
    )


_TABLES = (
    Table(
        name="patients",
        meaning="who is studied, as known at the index event",
        key=("patient_id",),
        extra=True,
        columns=(
            Column(
                name="patient_id", kind="text", required=True, meaning="the patient, pseudonymous"
            ),
            Column(
                name="age", kind="number", unit="y", low=0, high=120,
                meaning="age at the index event",
            ),
            Column(name="sex", kind="text", vocabulary=terms.SEX, meaning="sex"),
            Column(
                name="cancer_type", kind="text", vocabulary=terms.CANCER,
                meaning="organ of the primary tumour",
            ),
            Column(name="subtype", kind="text", meaning="histological or molecular subtype"),
            Column(
                name="er", kind="text", vocabulary=terms.RECEPTOR,
                meaning="oestrogen receptor status of the primary tumour",
            ),
            Column(
                name="her2", kind="text", vocabulary=terms.RECEPTOR,
                meaning="HER2 status of the primary tumour",
            ),
            Column(name="stage", kind="text", meaning="stage at diagnosis, as the source words it"),
            Column(
                name="nodes", kind="integer", unit="-", low=0, high=200,
                meaning="number of lymph nodes with tumour",
            ),
            Column(
                name="tumour_diameter", kind="number", unit="mm", low=0, high=500,
                meaning="largest diameter of the primary tumour",
            ),
            Column(name="arm", kind="text", meaning="arm of the trial, or treatment group"),
        ),
    ),
    Table(
        name="treatments",
        meaning="what was given, one row a course of an agent",
        key=("patient_id", "start", "regimen", "agent"),
        columns=(
            _patient(),
            _day("start", "first day", required=True),
            _day("stop", "last day", required=False),
            Column(name="regimen", kind="text", meaning="name of the regimen"),
            Column(name="agent", kind="text", meaning="drug or procedure"),
            Column(name="dose", kind="number", low=0, meaning="dose in the unit of dose_unit"),
            Column(name="dose_unit", kind="text", meaning="unit of the dose, e.g. mg/m2 or mg"),
        ),
    ),
    Table(
        name="samples",
        meaning="what was taken from whom, where and when",
        key=("sample_id",),
        extra=True,
        columns=(
            Column(name="sample_id", kind="text", required=True, meaning="the sample"),
            _patient(),
            Column(
                name="site", kind="text", required=True, vocabulary=terms.SITE,
                meaning="where it was taken",
            ),
            _day("time", "day of sampling", required=True),
            Column(
                name="phase", kind="text", vocabulary=terms.PHASE,
                meaning="before, on or after the treatment under study",
            ),
            Column(name="specimen", kind="text", meaning="tube, biopsy or preparation"),
        ),
    ),
    Table(
        name="enumerations",
        meaning="tumour cells counted in a sample; no row means not assayed, never 0",
        key=("sample_id", "assay", "cell_class"),
        columns=(
            _sample(),
            Column(name="assay", kind="text", required=True, meaning="method of detection"),
            Column(
                name="cell_class", kind="text", required=True, vocabulary=terms.CELL_CLASS,
                meaning="what was counted",
            ),
            Column(
                name="count", kind="integer", unit="cells", low=0,
                meaning="cells counted; empty for an assay that says only positive or negative",
            ),
            Column(
                name="examined", kind="number", above=0,
                meaning="amount examined, in the unit of examined_unit; required with a count",
            ),
            Column(
                name="examined_unit", kind="text", vocabulary=terms.EXAMINED_UNIT,
                meaning="unit of the amount examined",
            ),
            Column(
                name="clusters", kind="integer", low=0,
                meaning="clusters of two or more cells among the counted",
            ),
            Column(
                name="positive", kind="boolean",
                meaning="the laboratory's verdict, where it gave one",
            ),
        ),
    ),
    Table(
        name="measurements",
        meaning="other markers measured in a sample, such as PSA or bilirubin",
        key=("sample_id", "analyte"),
        columns=(
            _sample(),
            Column(name="analyte", kind="text", required=True, meaning="what was measured"),
            Column(name="value", kind="number", required=True, meaning="measured value"),
            Column(name="unit", kind="text", meaning="unit of the value"),
        ),
    ),
    Table(
        name="cells",
        meaning="single cells taken from a sample; matrices are aligned to this table",
        key=("cell_id",),
        extra=True,
        columns=(
            Column(name="cell_id", kind="text", required=True, meaning="the cell"),
            _sample(),
            Column(
                name="clone_id", kind="text", refers_to="clones.clone_id",
                meaning="clone that the cell belongs to",
            ),
            Column(name="phenotype", kind="text", meaning="phenotype called for the cell"),
            Column(name="cluster_id", kind="text", meaning="CTC cluster that held the cell"),
        ),
    ),
    Table(
        name="clones",
        meaning="clones of a patient's cancer and their descent",
        key=("clone_id",),
        columns=(
            Column(name="clone_id", kind="text", required=True, meaning="the clone"),
            _patient(),
            Column(
                name="parent_id", kind="text", refers_to="clones.clone_id",
                meaning="clone it descends from; empty for the founder",
            ),
            Column(
                name="founding_site", kind="text", vocabulary=terms.SITE,
                meaning="where the clone arose",
            ),
        ),
    ),
    Table(
        name="clone_prevalence",
        meaning="share of a sample's cancer cells that carry a clone's mutations",
        key=("sample_id", "clone_id"),
        columns=(
            _sample(),
            Column(
                name="clone_id", kind="text", required=True, refers_to="clones.clone_id",
                meaning="the clone",
            ),
            Column(
                name="cancer_cell_fraction", kind="number", required=True, low=0, high=1,
                meaning="cancer cell fraction",
            ),
        ),
    ),
    Table(
        name="follow_up",
        meaning="time to an event or to the end of observation, one row an endpoint",
        key=("patient_id", "endpoint"),
        columns=(
            _patient(),
            Column(name="endpoint", kind="text", required=True, meaning="what is waited for"),
            _day("entry", "start of observation (later than 0: left truncation)", required=True),
            _day("time", "event or last observation", required=True),
            Column(
                name="event", kind="integer", required=True, low=0, high=99,
                meaning="0 censored, 1 the event, 2 and above competing events",
            ),
        ),
    ),
)  # fmt: skip
TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _TABLES})


def table(name: str) -> Table:
    """Return the declaration of the table ``name``.

    Raises
    ------
    CohortError
        If there is no such table; the message names the nearest.
    """
    if name not in TABLES:
        raise CohortError(
            f"a cohort has no table '{name}'{did_you_mean(name, list(TABLES))} "
            f"It has: {', '.join(TABLES)}."
        )
    return TABLES[name]


def json_schema() -> dict[str, object]:
    """Return the data model as JSON: each table with its columns, types, units and rules."""
    return {
        "schema": "marrowtrace.data-model/1",
        "tables": [
            {
                "name": t.name,
                "meaning": t.meaning,
                "key": list(t.key),
                "extra_columns": t.extra,
                "columns": [
                    {
                        "name": c.name,
                        "type": c.kind,
                        "unit": c.unit,
                        "required": c.required,
                        "allowed": c.allowed,
                        "refers_to": c.refers_to or None,
                        "meaning": c.meaning,
                    }
                    for c in t.columns
                ],
            }
            for t in TABLES.values()
        ],
    }
