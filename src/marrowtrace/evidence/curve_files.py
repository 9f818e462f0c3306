"""Files of a digitised Kaplan-Meier curve, its numbers at risk, and the patients made from them.

The curve is a CSV file with the columns ``time`` and ``survival`` (a share of 1), the risk table
one with ``time`` and ``at_risk``. Patients are written as ``time``, ``event``, ``arm``; the arm is
always labelled reconstructed, so that nobody takes them for the trial's own data.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import polars as pl

from marrowtrace.errors import InputFileError, ProblemList, did_you_mean
from marrowtrace.evidence.kaplan_meier_reconstruction import ReconstructedArm, reconstruct_arm
from marrowtrace.storage import require_file

LABEL = "reconstructed"


def reconstruct_file(
    curve: Path, *, at_risk: Path, total_events: int | None = None
) -> ReconstructedArm:
    """Reconstruct the patients of one arm from a curve file and a risk-table file.

    Parameters
    ----------
    curve : pathlib.Path
        CSV with ``time`` and ``survival``.
    at_risk : pathlib.Path
        CSV with ``time`` and ``at_risk``, from time 0.
    total_events : int, optional
        Events of the arm over the whole curve, if printed.

    Returns
    -------
    ReconstructedArm

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputFileError
        If a column is missing or a cell is not a number; all that is wrong is listed.
    EvidenceError
        If the numbers cannot be those of a curve.
    """
    times, survival = _columns(curve, "survival")
    risk_times, counts = _columns(at_risk, "at_risk")
    return reconstruct_arm(
        times,
        survival,
        risk_times=risk_times,
        at_risk=[int(count) for count in counts],
        total_events=total_events,
    )


def patient_rows(arm: ReconstructedArm, *, name: str = "") -> pl.DataFrame:
    """Patients as rows to write: time, event, arm.

    Parameters
    ----------
    arm : ReconstructedArm
    name : str
        Name of the arm; the label says ``reconstructed`` whatever it is.

    Returns
    -------
    polars.DataFrame
    """
    label = f"{name.strip()} ({LABEL})" if name.strip() else LABEL
    return arm.table().with_columns(arm=pl.lit(label))


def _columns(path: Path, value: str) -> tuple[list[float], list[float]]:
    """Columns ``time`` and ``value`` of a CSV file."""
    require_file(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise InputFileError(f"{path.name} is not UTF-8 text: {err.reason}; save it so") from err
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        rows = list(reader)
    except csv.Error as err:
        raise InputFileError(
            f"{path.name} is not valid CSV near line {reader.line_num}: {err}"
        ) from err
    headings = [heading or "" for heading in reader.fieldnames or ()]
    problems = ProblemList()
    for wanted in ("time", value):
        if wanted not in headings:
            near = did_you_mean(wanted, headings)
            problems.add(
                wanted,
                f"is not among the columns ({', '.join(headings) or 'none'}){near}; the first line "
                f"names the columns time,{value}",
            )
    problems.raise_any(InputFileError, path.name)
    if not rows:
        raise InputFileError(f"{path.name} holds no rows below its heading")
    found: dict[str, list[float]] = {"time": [], value: []}
    for line, row in enumerate(rows, start=2):
        for name, numbers in found.items():
            numbers.append(_number(row[name], name, f"line {line}.{name}", problems))
    problems.raise_any(InputFileError, path.name)
    return found["time"], found[value]


def _number(cell: str | None, name: str, place: str, problems: ProblemList) -> float:
    """A cell as a number; a count of patients has to be whole."""
    whole = name == "at_risk"
    try:
        number = float(cell or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (whole and number != int(number)):
        problems.add(place, f"'{cell or ''}' is not a {'whole ' if whole else ''}number")
        return 0.0
    return number
