"""Detection rates over the visits of a study, one line an assay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marrowtrace.plotting.style import COLOURS, DASHES, MARKERS, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def detection_over_time(rows: Sequence[Mapping[str, Any]], *, ax: Axes | None = None) -> Axes:
    """Draw the share of positive samples with exact intervals at each visit.

    Parameters
    ----------
    rows : sequence of mapping
        With ``visit``, ``day`` (null at relapse), ``assay``, ``cell_class``, ``arm``, ``rate``,
        ``low``, ``high``; null rates are left out.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
        Visits at even distances in their order; circles and squares tell blood from marrow.
    """
    visits = list(dict.fromkeys(row["visit"] for row in rows))
    series = list(dict.fromkeys((row["assay"], row["cell_class"], row["arm"]) for row in rows))
    arms = {arm for _, _, arm in series}
    assays = list(dict.fromkeys(assay for assay, _, _ in series))
    with house_style():
        if ax is None:
            ax = new_axes(width=max(5.0, 1.0 + 0.85 * len(visits)), height=4.0)
        top = 0.0
        for index, (assay, cells, arm) in enumerate(series):
            chosen = [
                row for row in rows
                if (row["assay"], row["cell_class"], row["arm"]) == (assay, cells, arm)
                and row["rate"] is not None
            ]  # fmt: skip
            if not chosen:
                continue
            shift = 0.06 * (index - (len(series) - 1) / 2)
            at = [visits.index(row["visit"]) + shift for row in chosen]
            rate = [100 * row["rate"] for row in chosen]
            spread = [
                [100 * (row["rate"] - row["low"]) for row in chosen],
                [100 * (row["high"] - row["rate"]) for row in chosen],
            ]
            label = f"{cells}, {assay}" + (f", {arm}" if len(arms) > 1 else "")
            ax.errorbar(
                at, rate, yerr=spread, color=COLOURS[assays.index(assay) % len(COLOURS)],
                linestyle=DASHES[sorted(arms).index(arm) % len(DASHES)],
                marker=MARKERS[index % len(MARKERS)], markersize=5, linewidth=1.0,
                elinewidth=0.9, label=label,
            )  # fmt: skip
            top = max([top, *(100 * row["high"] for row in chosen)])
        ax.set_xticks(range(len(visits)), [visit.replace(" ", "\n") for visit in visits])
        ax.set_xlim(-0.4, max(0.4, len(visits) - 0.6))
        ax.set_ylim(0, min(100.0, 1.15 * top) if top > 0 else 1.0)
        ax.set_ylabel("positive, % of those assayed")
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax
