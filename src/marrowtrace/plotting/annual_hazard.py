"""Annual hazard of relapse over the years, with published rates as bars of their years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marrowtrace.plotting.style import COLOURS, MARKERS, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_ENOUGH = 10.0


def annual_hazards(
    groups: Sequence[Mapping[str, Any]],
    *,
    published: Sequence[Mapping[str, Any]] = (),
    ylabel: str = "relapses per 100 patients and year",
    ax: Axes | None = None,
) -> Axes:
    """Draw the hazard of each year for each group.

    Parameters
    ----------
    groups : sequence of mapping
        Each with ``group`` and ``years``: rows with ``from_year``, ``to_year``, ``person_years``,
        ``rate``, ``low``, ``high`` [1/year]. A year of fewer than 10 patient-years is not drawn.
    published : sequence of mapping
        Rows with ``published`` [1/year], ``ci_low``, ``ci_high`` and ``band`` (``group``,
        ``from_year``, ``to_year``).
    ylabel : str
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
        Thin lines with points are simulated; thick pale bars of the same colour are published.
    """
    from matplotlib.ticker import MaxNLocator

    with house_style():
        if ax is None:
            ax = new_axes(width=6.8, height=4.0)
        colour_of = {row["group"]: COLOURS[i % len(COLOURS)] for i, row in enumerate(groups)}
        top = 0.0
        for index, row in enumerate(groups):
            known = [
                year for year in row["years"]
                if year["rate"] is not None and year["person_years"] >= _ENOUGH
            ]  # fmt: skip
            middle = [(year["from_year"] + year["to_year"]) / 2 for year in known]
            rate = [100 * year["rate"] for year in known]
            below = [100 * (year["rate"] - year["low"]) for year in known]
            above = [100 * (year["high"] - year["rate"]) for year in known]
            ax.errorbar(
                middle, rate, yerr=[below, above], color=colour_of[row["group"]],
                marker=MARKERS[index % len(MARKERS)], markersize=4, linewidth=1.0,
                elinewidth=0.8, label=f"{row['group']}, simulated",
            )  # fmt: skip
            top = max([top, *rate])
        named: set[str] = set()
        for row in published:
            band = row["band"]
            group = band["group"]
            if group not in colour_of or band["to_year"] is None:
                continue
            label = f"{group}, published" if group not in named else None
            named.add(group)
            value = 100 * row["published"]
            ax.plot(
                [band["from_year"] + 0.1, band["to_year"] - 0.1], [value, value],
                color=colour_of[group], linewidth=5, alpha=0.4, solid_capstyle="butt", label=label,
            )  # fmt: skip
            if row.get("ci_low") is not None and row.get("ci_high") is not None:
                ax.fill_between(
                    [band["from_year"], band["to_year"]], 100 * row["ci_low"],
                    100 * row["ci_high"], color=colour_of[group], alpha=0.12, linewidth=0,
                )  # fmt: skip
            top = max(top, value)
        ax.set_ylim(0, 1.1 * top if top > 0 else 1.0)
        ax.set_xlim(left=0)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        ax.set_xlabel("years from the start of follow-up")
        ax.set_ylabel(ylabel)
        ax.legend()
    return ax
