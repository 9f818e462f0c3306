"""Who is analysed: the patients at risk when the analysis starts, and where the others went.

The analysis starts at the landmark (day 0 if there is none): with the patients then observed and
free of the event, and with what is known of them by then. The flow says how many were left out at
each step and why, as item 12 of REMARK asks (McShane et al. 2005, J. Natl. Cancer Inst.
97:1180-1184).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, ProblemList, did_you_mean
from marrowtrace.survival.marker_words import MarkerTerm

Array = NDArray[np.float64]
_GROUPS = 8  # of a text covariate


@dataclass(frozen=True, slots=True)
class Population:
    """Patients at risk at the landmark, with markers and covariates known by then.

    Parameters
    ----------
    frame : DataFrame
        One row a patient at risk: ``patient_id``, ``time`` (days after the landmark), ``event``
        (follow-up code), one column a marker (value as measured) and a covariate, null if unknown.
    markers : tuple of MarkerTerm
    covariates : tuple of str
        Columns of the clinical variables, text ones coded as 0 and 1.
    endpoint : str
    landmark : float
        Day.
    flow : DataFrame
        ``step`` and ``patients``: those left out by reason, and those who remain.
    ages : DataFrame
        ``marker`` and how many days before the landmark its values were taken: ``median_days``,
        ``longest_days``.
    notes : tuple of str
    """

    frame: pl.DataFrame
    markers: tuple[MarkerTerm, ...]
    covariates: tuple[str, ...]
    endpoint: str
    landmark: float
    flow: pl.DataFrame
    ages: pl.DataFrame
    notes: tuple[str, ...]

    @property
    def competing(self) -> tuple[int, ...]:
        """Codes of competing events seen after the landmark."""
        codes = self.frame["event"].unique().sort().to_list()
        return tuple(code for code in codes if code > 1)

    def complete(self, columns: Sequence[str]) -> pl.DataFrame:
        """Return the patients in whom all of ``columns`` are known."""
        return self.frame.drop_nulls(list(columns))

    def clinical(self, frame: pl.DataFrame) -> Array:
        """Return the clinical variables of the patients of ``frame``, shape (n, p)."""
        if not self.covariates:
            return np.empty((frame.height, 0))
        return frame.select(self.covariates).to_numpy()


def population(
    cohort: Cohort,
    endpoint: str,
    *,
    markers: Sequence[MarkerTerm],
    covariates: Sequence[str] = (),
    landmark: float | None = None,
) -> Population:
    """Take the patients at risk at a landmark, with what is known of them by then.

    Parameters
    ----------
    cohort : Cohort
    endpoint : str
    markers : sequence of MarkerTerm
    covariates : sequence of str
        Columns of the patients table; text is coded as 0 and 1, one column a group but the first.
    landmark : float, optional
        Day; without one the analysis starts at day 0 and takes only what was known then.

    Raises
    ------
    CohortError
        If the endpoint is unknown, too few patients are at risk or none has the event, a covariate
        is not in the cohort, or listing every marker that was measured only later (immortal time).
    """
    day = 0.0 if landmark is None else float(landmark)
    flow, notes = _flow(cohort, endpoint, day)
    frame = cohort.at(day).at_risk(endpoint)
    _check_at_risk(frame, cohort, endpoint, day)
    coded, names = _covariates(cohort, covariates)
    frame = frame.join(coded, on="patient_id", how="left", maintain_order="left")
    problems, ages = ProblemList(), []
    for term in markers:
        try:
            term.modelled().measured(cohort)  # refuses values that have no logarithm
            known = term.marker.known(cohort, landmark=day, endpoint=endpoint)
        except CohortError as err:
            problems.add(term.text, _refusal(str(err), landmark))
            continue
        column = known.select("patient_id", pl.col("value").alias(term.text))
        frame = frame.join(column, on="patient_id", how="left", maintain_order="left")
        ages.append(_age(cohort, term, known["patient_id"], day))
        if term.note:
            notes.append(f"{term.text}: {term.note}")
    problems.raise_any(CohortError, "the markers at the start of the analysis")
    for term in markers:
        left = frame.drop_nulls(term.text)
        flow.append({"step": f"with a known value of {term.text}", "patients": left.height})
    if names:
        left = frame.drop_nulls([*(term.text for term in markers), *names])
        step = "with all markers and clinical variables known"
        flow.append({"step": step, "patients": left.height})
    age_schema = {"marker": pl.String, "median_days": pl.Float64, "longest_days": pl.Float64}
    return Population(
        frame, tuple(markers), names, endpoint, day, pl.DataFrame(flow),
        pl.DataFrame(ages, schema=age_schema), tuple(notes),
    )  # fmt: skip


def _flow(cohort: Cohort, endpoint: str, day: float) -> tuple[list[dict[str, object]], list[str]]:
    """Count who is left out before the landmark, and why."""
    rows = cohort.follow_up.filter(pl.col("endpoint") == endpoint)
    gone = rows.filter(pl.col("time") <= day)
    late = rows.filter((pl.col("time") > day) & (pl.col("entry") > day))
    n = len(cohort)
    counts = [
        ("in the cohort", n),
        (f"left out: no follow-up for {endpoint}", n - rows["patient_id"].n_unique()),
        (f"left out: {endpoint} by day {day:g}", (gone["event"] == 1).sum()),
        (f"left out: competing event by day {day:g}", (gone["event"] > 1).sum()),
        (f"left out: follow-up ended by day {day:g}", (gone["event"] == 0).sum()),
        (f"left out: observed only from a day after {day:g} on", late.height),
        (f"at risk of {endpoint} on day {day:g}", rows.height - gone.height - late.height),
    ]
    notes = []
    negative = rows.filter(pl.col("time") < 0)["time"]
    if negative.len():
        notes.append(
            f"{negative.len()} patient(s) have their event or last contact before day 0 (e.g. day "
            f"{negative[0]:g}) and are left out; check the index date ({cohort.index_event})"
        )
    if late.height:
        notes.append(
            f"{late.height} patient(s) came under observation after day {day:g} (left truncation) "
            f"and are left out; with the landmark at day {float(late['entry'].max() or 0):g} or "  # type: ignore[arg-type]
            "later all of them would be in"
        )
    dead = _censored_at_death(cohort, endpoint)
    if dead:
        notes.append(
            f"{dead} patient(s) are censored for {endpoint} on the day they died; a death that "
            "makes the event impossible is a competing event: give it the code 2 in follow_up"
        )
    kept = [{"step": s, "patients": int(c)} for s, c in counts if c or not s.startswith("left")]
    return kept, notes


def _censored_at_death(cohort: Cohort, endpoint: str) -> int:
    """Count the patients censored for the endpoint on the day of their death."""
    rows = cohort.follow_up.filter((pl.col("endpoint") == endpoint) & (pl.col("event") == 0))
    deaths = cohort.follow_up.filter(
        pl.col("endpoint").is_in(["overall_survival", "death"]) & (pl.col("event") == 1)
    ).select("patient_id", "time")
    if endpoint in ("overall_survival", "death"):
        return 0
    return rows.join(deaths, on=["patient_id", "time"]).height


def _check_at_risk(frame: pl.DataFrame, cohort: Cohort, endpoint: str, day: float) -> None:
    if frame.height < 2:
        rows = cohort.follow_up.filter(pl.col("endpoint") == endpoint)
        entry = rows["entry"].min()
        late = ""
        if rows.height and isinstance(entry, float) and entry > day:
            late = f"; everyone comes under observation later, the first on day {entry:g}"
        number = "one patient is" if frame.height else "nobody is"
        raise CohortError(
            f"{number} at risk of '{endpoint}' after day {day:g}{late}; a comparison needs at "
            "least two patients, so choose another landmark or endpoint"
        )
    if not (frame["event"] == 1).any():
        others = int((frame["event"] > 1).sum())
        also = f" ({others} had a competing event)" if others else ""
        raise CohortError(
            f"none of {frame.height} patients at risk had the event '{endpoint}' after day "
            f"{day:g}{also}, so nothing can be said of who will have it; check the endpoint and "
            "its event codes"
        )


def _refusal(message: str, landmark: float | None) -> str:
    """Say without a landmark that one is needed."""
    if landmark is None and "immortal" in message:
        return f"{message}. Give that day with --landmark, e.g. --landmark 365d"
    return message


def _age(cohort: Cohort, term: MarkerTerm, patients: pl.Series, day: float) -> dict[str, object]:
    """Say how old a marker's values are on the landmark."""
    times = (
        term.marker.measured(cohort)
        .filter((pl.col("time") <= day) & pl.col("patient_id").is_in(patients.implode()))
        .group_by("patient_id")
        .agg(pl.col("time").max())["time"]
    )
    ages = day - times.to_numpy()
    return {
        "marker": term.text,
        "median_days": float(np.median(ages)),
        "longest_days": float(ages.max()),
    }


def _covariates(cohort: Cohort, covariates: Sequence[str]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return clinical variables as numbers, one row a patient."""
    patients, problems = cohort.patients, ProblemList()
    columns: list[pl.Series] = []
    for name in covariates:
        if name not in patients.columns or name == "patient_id":
            known = [c for c in patients.columns[1:] if patients[c].null_count() < len(patients)]
            hint = did_you_mean(name, known)
            problems.add(name, f"is not a column of the patients{hint}; known: {', '.join(known)}")
            continue
        values = patients[name]
        if values.dtype.is_numeric() or values.dtype == pl.Boolean:
            columns.append(values.cast(pl.Float64))
        else:
            levels = values.drop_nulls().unique().sort().to_list()
            if len(levels) > _GROUPS:
                problems.add(
                    name,
                    f"is text with {len(levels)} different values, e.g. '{levels[0]}'; at most "
                    f"{_GROUPS} groups can be adjusted for, so join groups first",
                )
            columns += [(values == level).cast(pl.Float64).alias(f"{name}={level}")
                        for level in levels[1:]]  # fmt: skip
        if values.null_count() == len(values):
            problems.add(name, "has no value in any patient; leave it out of --adjust")
    problems.raise_any(CohortError, "the clinical variables")
    frame = pl.DataFrame([patients["patient_id"], *columns])
    return frame, tuple(column.name for column in columns)
