"""Detection rates of a study, by visit, assay and arm, with exact intervals.

Intervals are those of Clopper and Pearson 1934 (Biometrika 26:404-413).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.evidence.plain_values import plain
from marrowtrace.evidence.proportions import exact_interval
from marrowtrace.study.sampled_marker import SampledMarker

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel

THRESHOLDS = (1, 2, 5)
"""Counts at which the share of patients is given beside the assay's own rule."""


def detection_rows(
    panel: Panel, markers: Sequence[SampledMarker], groups: Sequence[tuple[str, NDArray[np.bool_]]]
) -> list[dict[str, Any]]:
    """Count how often cells were found.

    Parameters
    ----------
    panel : Panel
    markers : sequence of SampledMarker
    groups : sequence of (name, mask of shape (n,))
        Patients that are counted together: all, and each arm.

    Returns
    -------
    list of dict
        One row a marker and group; rows where nobody was assayed are kept, with null rates.
    """
    rows = []
    for marker in markers:
        own, counts = marker.positive(panel), panel.counts[marker.key]
        for name, members in groups:
            verdicts, found = own[members & (own >= 0)], counts[members & (counts >= 0)]
            carriers = found[found > 0]
            rows.append(
                {
                    "visit": marker.visit,
                    "day": plain(marker.day),
                    "phase": marker.phase,
                    "assay": marker.assay,
                    "cell_class": marker.cell_class,
                    "rule": marker.rule,
                    "arm": name,
                    **rate(int((verdicts == 1).sum()), verdicts.size),
                    "counted": found.size,
                    "at_least": {
                        str(cells): plain((found >= cells).mean()) if found.size else None
                        for cells in THRESHOLDS
                    },
                    "median_of_carriers": plain(np.median(carriers)) if carriers.size else None,
                    "largest": int(found.max()) if found.size else None,
                }
            )
    return rows


def rate(positive: int, assayed: int) -> dict[str, Any]:
    """Return a share with its exact interval: ``assayed``, ``positive``, ``rate`` and its ends.

    Examples
    --------
    >>> rate(0, 0)["rate"] is None, rate(1, 4)["rate"]
    (True, 0.25)
    """
    if not assayed:
        return {"assayed": 0, "positive": 0, "rate": None, "low": None, "high": None}
    low, high = exact_interval([positive], [assayed])
    return {
        "assayed": int(assayed),
        "positive": int(positive),
        "rate": positive / assayed,
        "low": float(low[0]),
        "high": float(high[0]),
    }
