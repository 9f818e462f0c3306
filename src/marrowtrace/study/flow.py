"""Who was still there at each visit, who gave a sample, and how observation ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel

GONE = ("relapsed", "died", "left")
"""Why a patient is no longer there: relapse, death without it, end of observation."""


def flow_rows(
    panel: Panel,
    visits: Sequence[tuple[str, float]],
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
    *,
    endpoint: str,
) -> list[dict[str, Any]]:
    """Count patients from entry to the end, for each arm.

    Parameters
    ----------
    panel : Panel
    visits : sequence of (name, day)
    groups : sequence of (name, mask of shape (n,))
    endpoint : str
        Follow-up that says who is there: an event (1) is a relapse, a competing one (2) a death
        without it, 0 the end of observation.

    Returns
    -------
    list of dict
        One row an arm: ``arm``, ``patients``, ``not_followed`` (no follow-up for the endpoint, as
        with metastases when diagnosed), ``visits`` (each with ``relapsed``, ``died``, ``left``
        before the visit, ``there`` and ``sampled``) and ``end`` (all of them at the end).
    """
    time, code = panel.follow_up[endpoint]
    known = np.isfinite(time)
    rows = []
    for name, members in groups:
        chosen = members & known
        steps = []
        for visit, day in visits:
            gone = chosen & (time < day)
            sampled = members & np.isfinite(panel.sampled[visit])
            steps.append(
                {
                    "visit": visit,
                    "day": float(day),
                    **_reasons(code, gone),
                    "there": int((chosen & ~gone).sum()),
                    "sampled": int(sampled.sum()),
                }
            )
        rows.append(
            {
                "arm": name,
                "patients": int(members.sum()),
                "not_followed": int((members & ~known).sum()),
                "visits": steps,
                "end": _reasons(code, chosen),
            }
        )
    return rows


def _reasons(code: NDArray[np.int8], gone: NDArray[np.bool_]) -> dict[str, int]:
    """Count reasons among those ``gone``."""
    return {
        "relapsed": int((gone & (code == 1)).sum()),
        "died": int((gone & (code >= 2)).sum()),
        "left": int((gone & (code == 0)).sum()),
    }
