"""One assay at one visit: what a study can use as a marker, and who has a value of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel
    from marrowtrace.study.published import Marker


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledMarker:
    """One assay at one visit.

    Parameters
    ----------
    visit : str
        Name of the visit, e.g. ``"diagnosis"``.
    day : float
        Day from the index event; infinite for a visit at relapse.
    phase : str
        pre, on or post treatment.
    assay : str
        Name of the assay as in the study.
    cell_class : str
        CTC or DTC.
    rule : str
        What makes a sample positive by the assay's own rule, in words.
    threshold : float, optional
        Cells that make a sample positive; the assay's own rule if left out.
    negative_below : float, optional
        Counts from here to the threshold are neither positive nor negative.
    """

    visit: str
    day: float
    phase: str
    assay: str
    cell_class: str
    rule: str = ""
    threshold: float | None = None
    negative_below: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Where a panel holds its counts."""
        return self.visit, self.assay

    @property
    def label(self) -> str:
        """Name for a reader, e.g. ``DTC at diagnosis (a45-b-b3)``."""
        at = "" if self.visit.startswith(("after", "before", "at ", "post", "pre")) else "at "
        cells = "" if self.threshold in (None, 1) else f" >= {self.threshold:g}"
        return f"{self.cell_class}{cells} {at}{self.visit.replace('_', ' ')} ({self.assay})"

    def positive(self, panel: Panel) -> NDArray[np.int8]:
        """Return 1 positive, 0 negative, -1 not assayed or neither, shape (n,)."""
        if self.threshold is None:
            return panel.positive[self.key]
        return panel.status(*self.key, threshold=self.threshold, negative_below=self.negative_below)

    def value(self, panel: Panel) -> NDArray[np.float64]:
        """Return counts, or the verdict of an assay without; NaN where not assayed, shape (n,)."""
        counts, own = panel.counts[self.key], panel.positive[self.key]
        value = np.where(counts >= 0, counts, own).astype(np.float64)
        return np.where((own < 0) & (counts < 0), np.nan, value)


def marker_status(panel: Panel, marker: Marker) -> NDArray[np.int8]:
    """Return 1 positive, 0 negative, -1 neither, shape (n,), by a marker of the protocol."""
    return panel.status(
        marker.visit, marker.assay, threshold=marker.threshold, negative_below=marker.negative_below
    )
