"""Who was studied: the baseline table, by arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel

_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "age": "age [years]",
        "sex": "sex",
        "subtype": "subtype",
        "er": "oestrogen receptor",
        "her2": "HER2",
        "stage": "stage",
        "nodes": "lymph nodes with tumour",
        "node_positive": "lymph nodes positive",
        "tumour_diameter": "tumour diameter [mm]",
        "metastatic_at_diagnosis": "metastases at diagnosis",
    }
)
_LEVELS = 12


def baseline_rows(
    panel: Panel, groups: Sequence[tuple[str, NDArray[np.bool_]]]
) -> list[dict[str, Any]]:
    """Describe the patients: medians with quartiles of numbers, counts of levels.

    Parameters
    ----------
    panel : Panel
    groups : sequence of (name, mask of shape (n,))

    Returns
    -------
    list of dict
        ``characteristic``, ``level`` (empty for a number), ``kind`` (number, level or missing) and
        ``groups``: name to ``median``, ``low``, ``high`` (quartiles), or ``count`` and ``share``.
        What is not known before treatment, columns without any value and texts of more than 12
        different values are left out.
    """
    rows: list[dict[str, Any]] = []
    for name, label in _LABELS.items():
        if name not in panel.patients.columns:
            continue
        column = panel.patients[name]
        if column.null_count() == len(column):
            continue
        if column.dtype.is_numeric() and not _is_flag(column):
            rows.extend(_number(label, column, groups))
        else:
            rows.extend(_levels(label, column, groups))
    return rows


def _is_flag(column: pl.Series) -> bool:
    """Whether numbers are only 0 and 1."""
    return column.dtype.is_integer() and set(column.drop_nulls().unique().to_list()) <= {0, 1}


def _number(
    label: str, column: pl.Series, groups: Sequence[tuple[str, NDArray[np.bool_]]]
) -> list[dict[str, Any]]:
    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    known = np.isfinite(values)
    quartiles: dict[str, Any] = {}
    for group, members in groups:
        chosen = values[known & members]
        low, median, high = np.quantile(chosen, (0.25, 0.5, 0.75)) if chosen.size else (None,) * 3
        quartiles[group] = {
            word: None if number is None else float(number)
            for word, number in (("median", median), ("low", low), ("high", high))
        }
    rows = [{"characteristic": label, "level": "", "kind": "number", "groups": quartiles}]
    return rows + _missing(label, ~known, groups)


def _levels(
    label: str, column: pl.Series, groups: Sequence[tuple[str, NDArray[np.bool_]]]
) -> list[dict[str, Any]]:
    flag = column.dtype == pl.Boolean or column.dtype.is_numeric()
    words = column.cast(pl.Boolean) if flag else column.cast(pl.String)
    levels = words.drop_nulls().unique().sort().to_list()
    if len(levels) > _LEVELS:
        return []
    rows = []
    for level in reversed(levels) if flag else levels:
        hit = (words == level).fill_null(value=False).to_numpy()
        word = ("yes" if level else "no") if flag else str(level).replace("_", " ")
        rows.append(_row(label, word, "level", hit, groups))
    return rows + _missing(label, words.is_null().to_numpy(), groups)


def _missing(
    label: str,
    missing: NDArray[np.bool_],
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
) -> list[dict[str, Any]]:
    return [_row(label, "not known", "missing", missing, groups)] if missing.any() else []


def _row(
    label: str,
    level: str,
    kind: str,
    hit: NDArray[np.bool_],
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
) -> dict[str, Any]:
    counts = {group: (int((hit & members).sum()), int(members.sum())) for group, members in groups}
    return {
        "characteristic": label,
        "level": level,
        "kind": kind,
        "groups": {
            group: {"count": count, "share": count / total if total else None}
            for group, (count, total) in counts.items()
        },
    }
