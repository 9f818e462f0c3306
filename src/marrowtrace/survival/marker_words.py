"""Markers as a user writes them: ``DTC_post``, ``CTC_pre:>=5``, ``DTC_365d``, ``bilirubin:log2``.

A marker is a cell class (CTC, DTC, ...) or a measured analyte, then, after an underscore, a phase
(pre, on, post) or a day (``365d``: the last value taken by day 365), then, after ``@``, an assay if
counts of several must not be mixed (``DTC_post@ICC``), then, after a colon, a
threshold (``>=1``, or ``<3.5`` where low values are the worse), ``log2`` or ``low``. With neither
phase nor day it is the last value known when the analysis starts. What is modelled: 0 or 1 with a
threshold; a count of cells without one as log2(1 + count), since counts are skewed; an analyte as
measured, or its base-2 logarithm, turned round with ``low``. A higher modelled value is always the
worse, and nothing about the direction is learnt from the outcome.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace import terms
from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, ProblemList, UnitError, did_you_mean
from marrowtrace.survival.marker import Marker
from marrowtrace.units import convert

Array = NDArray[np.float64]
_DAY = re.compile(r"[\d.]+(?:d|w|mo|y)")
_LAST = re.compile(r"(?P<name>.+)_(?P<when>pre|on|post|[\d.]+(?:d|w|mo|y))", re.IGNORECASE)
GRAMMAR = (
    "a marker is a cell class or analyte, then _pre, _on, _post or a day as _365d, then :>=1 for a "
    "threshold (:<3.5 where low is worse), :log2 or :low, e.g. DTC_post, CTC_pre:>=5, DTC_365d"
)


@dataclass(frozen=True, slots=True)
class MarkerTerm:
    """A marker as written, and what is modelled of it.

    Parameters
    ----------
    text : str
        As the user wrote it; the name in all results.
    marker : Marker
        What is taken from the samples.
    kind : {"binary", "count", "value"}
    log : bool
        Whether an analyte is modelled by its base-2 logarithm.
    low : bool
        Whether low values of an analyte are the worse.
    note : str
        What was decided for the user; may be empty.
    """

    text: str
    marker: Marker
    kind: str
    log: bool = False
    low: bool = False
    note: str = ""

    @property
    def scale(self) -> str:
        """What a hazard ratio compares, in words."""
        if self.kind == "binary":
            least = self.marker.threshold or 1
            if self.is_cells:
                return f"{least:g} or more against fewer"
            return f"below {least:g} against from it on" if self.low else f"{least:g} or more"
        if self.kind == "count":
            return "per doubling of 1 + count"
        return (
            ("per halving" if self.low else "per doubling")
            if self.log
            else ("per unit lower" if self.low else "per unit")
        )

    @property
    def is_cells(self) -> bool:
        """Whether cells are counted."""
        return self.marker.cell_class is not None

    def modelled(self) -> Marker:
        """Return the marker on the scale on which it stands in models."""
        return replace(self.marker, scale=self._scale)

    @property
    def _scale(self) -> str:
        if self.kind == "binary":
            return "below" if self.low else "value"
        if self.kind == "count":
            return "log2_plus_1"
        return (
            ("minus_log2" if self.low else "log2")
            if self.log
            else ("minus" if self.low else "value")
        )

    def on_model_scale(self, values: Array) -> Array:
        """Return what stands in models for measured values, shape (n,)."""
        if self.kind == "count":
            return np.asarray(np.log2(1 + values))
        if self.kind == "binary":
            return 1 - values if self.low else values
        modelled = np.log2(values) if self.log else values
        return np.asarray(-modelled if self.low else modelled)

    def groups(self, values: Array) -> tuple[NDArray[np.bool_], tuple[str, str]]:
        """Return who is in the worse of two groups for display, and the names of better and worse.

        Cells: none against any (or the threshold); analytes: the median, which looks at no outcome.
        """
        if self.kind == "binary":
            least = self.marker.threshold or 1
            names = (f"below {least:g}", f"{least:g} or more")
            if self.is_cells and least == 1:
                names = ("negative", "positive")
            if self.low:
                return values < 0.5, names[::-1]
            return values > 0.5, names
        if self.kind == "count" and (values > 0).any() and (values == 0).any():
            return values > 0, ("negative", "positive")
        middle = float(np.median(values))
        if self.low:
            return values < middle, (f"from median {middle:g} on", f"below median {middle:g}")
        return values > middle, (f"up to median {middle:g}", f"above median {middle:g}")


def parse_day(text: str, *, what: str = "the landmark") -> float:
    """Read a day written as ``365``, ``365d``, ``52w``, ``12mo`` or ``1y``.

    Raises
    ------
    CohortError
        If it is none of these.
    """
    word = text.strip().casefold()
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*([a-z]*)", word)
    if match is None:
        raise CohortError(f"{what} '{text}' is not a day; write it as 365d, 12mo or 1y")
    try:
        return convert(float(match[1]), {"": "d", "w": "week"}.get(match[2], match[2]), "d")
    except UnitError:
        raise CohortError(
            f"{what} '{text}' has an unknown unit '{match[2]}'; write it as 365d, 12mo or 1y"
        ) from None


def parse_markers(texts: Sequence[str], cohort: Cohort) -> tuple[MarkerTerm, ...]:
    """Read markers for a cohort.

    Parameters
    ----------
    texts : sequence of str
    cohort : Cohort

    Raises
    ------
    CohortError
        If the cohort has no marker at all, or listing every marker that cannot be read or that the
        cohort does not have.
    """
    if not cohort.enumerations.height and not cohort.measurements.height:
        raise CohortError(
            "this cohort has no marker: it holds neither counts of tumour cells (enumerations) nor "
            "other measurements, so nothing can be tested against the follow-up. Import the counts "
            "with the patients, or describe the follow-up alone with `marrowtrace cohort describe`"
        )
    if not texts:
        raise CohortError(f"no marker was given; {GRAMMAR}. {_offer(cohort)}")
    problems = ProblemList()
    found: list[MarkerTerm] = []
    for text in texts:
        word = text.strip()
        if word in [term.text for term in found]:
            problems.add(f"marker '{word}'", "is given twice; name each marker once")
            continue
        try:
            found.append(_term(word, cohort))
        except CohortError as err:
            problems.add(f"marker '{word}'", str(err))
    problems.raise_any(CohortError, "the markers")
    return tuple(found)


def _term(text: str, cohort: Cohort) -> MarkerTerm:
    """Read one marker."""
    head, _, tail = text.partition(":")
    head, _, assay = head.partition("@")
    threshold, log, low = _tail(tail)
    analytes = cohort.measurements["analyte"].unique().sort().to_list()
    classes = cohort.enumerations["cell_class"].unique().sort().to_list()
    name, phase, until = head, None, None
    match = _LAST.fullmatch(head)
    if match is not None and head not in analytes and head not in classes:
        name, when = match["name"], match["when"].casefold()
        if _DAY.fullmatch(when):
            until = parse_day(when, what="the day of a marker")
        else:
            phase = when
    cell_class = terms.CELL_CLASS.normalise(name)
    if cell_class in classes and name not in analytes:
        if log or low:
            raise CohortError(
                "counts of cells are modelled by log2(1 + count) and more cells are the worse; a "
                "count takes only a threshold, e.g. :>=1"
            )
        source = Marker(
            text, cell_class=str(cell_class), phase=phase, until=until, threshold=threshold,
            assay=_assay(cohort, str(cell_class), assay),
        )  # fmt: skip
        return _counted(source, cohort)
    if assay:
        raise CohortError(f"'@{assay}' names an assay, which only counts of cells have")
    folded = {terms.fold(analyte): analyte for analyte in analytes}
    near = [a for f, a in folded.items() if f.startswith(terms.fold(name))]
    analyte = folded.get(terms.fold(name)) or (near[0] if len(near) == 1 else None)
    if analyte is None:
        hint = did_you_mean(name, [*classes, *analytes])
        raise CohortError(f"the cohort has no '{name}'{hint}. {_offer(cohort)}")
    if threshold is not None and log:
        raise CohortError("a threshold and log2 exclude each other")
    marker = Marker(text, analyte=analyte, phase=phase, until=until, threshold=threshold)
    note = "" if terms.fold(name) == terms.fold(analyte) else f"'{name}' was read as '{analyte}'"
    kind = "binary" if threshold is not None else "value"
    return MarkerTerm(text, marker, kind, log, low, note)


def _counted(marker: Marker, cohort: Cohort) -> MarkerTerm:
    """Make a term of a cell class; without any counts the laboratory's verdict serves."""
    rows = cohort.enumerations.filter(pl.col("cell_class") == marker.cell_class)
    if marker.assay is not None:
        rows = rows.filter(pl.col("assay") == marker.assay)
    notes = []
    if marker.threshold is None and rows["count"].null_count() == rows.height:
        marker = replace(marker, threshold=1.0)
        notes.append("no counts, only verdicts: positive against negative")
    assays = rows["assay"].unique().sort().to_list()
    if len(assays) > 1:
        notes.append(
            f"counts of {len(assays)} assays ({', '.join(assays)}) are taken as one; name one "
            f"with @, e.g. {marker.name.partition(':')[0]}@{assays[0]}"
        )
    amounts = rows["examined"].drop_nulls().to_numpy()
    if marker.threshold is None and amounts.size and np.ptp(amounts) > 0:
        notes.append(
            f"the amount examined differs between samples ({amounts.min():g} to "
            f"{amounts.max():g}), so counts are not of equal amounts"
        )
    kind = "count" if marker.threshold is None else "binary"
    return MarkerTerm(marker.name, marker, kind, note="; ".join(notes))


def _assay(cohort: Cohort, cell_class: str, assay: str) -> str | None:
    """Return the assay of a cell class that is meant; None if none was named."""
    if not assay:
        return None
    rows = cohort.enumerations.filter(pl.col("cell_class") == cell_class)
    known = rows["assay"].unique().sort().to_list()
    folded: dict[str, str] = {terms.fold(name): name for name in known}
    if terms.fold(assay) not in folded:
        hint = did_you_mean(assay, known)
        raise CohortError(
            f"no {cell_class} was counted by '{assay}'{hint}; assays: {', '.join(known)}"
        )
    return folded[terms.fold(assay)]


def _tail(tail: str) -> tuple[float | None, bool, bool]:
    """Read what stands after the colon: threshold, whether log2, whether low is the worse."""
    threshold, log, low = None, False, False
    for part in tail.split(":") if tail else []:
        word = part.strip().casefold()
        match = re.fullmatch(r"(>=|≥|=>|<)\s*(-?\d+(?:\.\d+)?)", word)
        if word == "log2":
            log = True
        elif word == "low":
            low = True
        elif match is not None:
            threshold, low = float(match[2]), match[1] == "<"
        else:
            raise CohortError(f"':{part}' is not understood; {GRAMMAR}")
    return threshold, log, low


def _offer(cohort: Cohort) -> str:
    """Say which markers the cohort has."""
    classes = cohort.enumerations["cell_class"].unique().sort().to_list()
    analytes = cohort.measurements["analyte"].unique().sort().to_list()
    phases = [p for p in ("pre", "on", "post") if (cohort.samples["phase"] == p).any()]
    parts = [", ".join([*classes, *analytes])]
    if phases:
        parts.append(f"in the phases {', '.join(phases)}")
    elif cohort.samples.height:
        parts.append("without recorded phases (use a day, e.g. _365d)")
    return f"The cohort has: {' '.join(parts)}."
