"""What was seen of each patient, one row a patient: a run in the shape of an analysis.

It is made from the run's cohort tables alone. The truth is kept beside it, apart, for what only a
simulation can say; no estimate uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import CohortError, did_you_mean
from marrowtrace.study.protocol import Protocol


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The patients of a run with what was seen of them; arrays are aligned to the rows.

    Parameters
    ----------
    protocol : Protocol
    patients : DataFrame, n rows
        ``patient_id``, ``number`` (of the simulated patient), ``arm``, ``age`` [year], ``sex``,
        ``subtype``, ``er``, ``her2`` (null where the cancer has none), ``node_positive``,
        ``tumour_diameter`` [mm], ``followed_to`` [day] and ``follow_up_end``: why it ended
        (``death``, ``horizon``, ``study closed``, ``lost to follow-up``, ``simulation limit``);
        ``relapse_site`` (``bone``, ``visceral``) of the first distant relapse that was seen.
    counts : mapping of (visit, assay) to ndarray of int32, shape (n,)
        Cells counted; -1 where not assayed, or where the assay has no count.
    positive : mapping of (visit, assay) to ndarray of int8, shape (n,)
        The laboratory's verdict: 1, 0, or -1 where not assayed.
    sampled : mapping of visit to ndarray of float64, shape (n,)
        Day of sampling; NaN where the visit did not take place.
    follow_up : mapping of endpoint to (ndarray of float64, ndarray of int8), each of shape (n,)
        Day from the index event, and 0 censored, 1 the event, 2 a competing event.
    treated : mapping of regimen to ndarray of bool, shape (n,)
        Who took it, surgery included.
    truth : DataFrame, n rows
        What no clinic sees: ``relapse_site``, ``relapse_origin``, ``seeded``, ``awakened``,
        ``detected`` of the lesion that was found first [day], and more.
    screened : DataFrame
        ``arm``, ``reason`` (``enrolled``, or why not), ``patients``: all who were simulated.
    """

    protocol: Protocol
    patients: pl.DataFrame
    counts: Mapping[tuple[str, str], NDArray[np.int32]]
    positive: Mapping[tuple[str, str], NDArray[np.int8]]
    sampled: Mapping[str, NDArray[np.float64]]
    follow_up: Mapping[str, tuple[NDArray[np.float64], NDArray[np.int8]]]
    treated: Mapping[str, NDArray[np.bool_]]
    truth: pl.DataFrame
    screened: pl.DataFrame

    def __len__(self) -> int:
        return self.patients.height

    def status(
        self, visit: str, assay: str, threshold: float = 1.0, negative_below: float | None = None
    ) -> NDArray[np.int8]:
        """Return who is positive by an assay at a visit.

        Parameters
        ----------
        visit, assay : str
        threshold : float
            Smallest count that is positive. Of an assay without counts the verdict is taken.
        negative_below : float, optional
            Counts below it are negative, those between it and the threshold neither.

        Returns
        -------
        ndarray of int8, shape (n,)
            1 positive, 0 negative, -1 not assayed or neither.

        Raises
        ------
        CohortError
            If the study has no such visit with this assay.
        """
        key = (visit, assay)
        if key not in self.counts:
            known = [f"{v}, {a}" for v, a in self.counts]
            hint = did_you_mean(f"{visit}, {assay}", known)
            raise CohortError(f"the study has no assay '{assay}' at '{visit}'{hint}")
        count, verdict = self.counts[key], self.positive[key]
        low = threshold if negative_below is None else negative_below
        found = np.where(count >= threshold, 1, np.where(count < low, 0, -1))
        return np.where(count < 0, verdict, found).astype(np.int8)

    @classmethod
    def read(cls, folder: Path) -> Panel:
        """Read the panel of a run, finished or not.

        Parameters
        ----------
        folder : Path
            The result folder of a run.

        Raises
        ------
        MissingFileError, InputFileError
            If it holds no run, or a chunk of it cannot be read.
        """
        from marrowtrace.study.panel_file import read_panel

        return read_panel(folder)
