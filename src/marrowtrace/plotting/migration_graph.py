"""Who seeded whom: sites as nodes, migrations as arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.site_colours import site_colours, words
from marrowtrace.plotting.style import house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.phylogeny.migration_graph import MigrationGraph

_SHRINK = 16


def migration_graph(graph: MigrationGraph, *, ax: Axes | None = None) -> Axes:
    """Draw migrations between sites; the number on an arrow is that of migrations.

    Parameters
    ----------
    graph : MigrationGraph
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
        The primary stands left; each further column is one migration further from it.
    """
    sites = list(dict.fromkeys([graph.primary, *(s for pair in graph.migrations for s in pair)]))
    column = _columns(graph, sites)
    place: dict[str, tuple[float, float]] = {}
    for level in sorted(set(column.values())):
        here = [site for site in sites if column[site] == level]
        for row, site in enumerate(here):
            place[site] = (3.0 * level, -1.0 * (row - 0.5 * (len(here) - 1)))
    tallest = max(list(column.values()).count(level) for level in column.values())
    colours = site_colours(sites, graph.primary)
    with house_style():
        if ax is None:
            ax = new_axes(width=7.5, height=min(9.0, max(2.4, 0.8 + 0.62 * tallest)))
        for number, ((source, target), count) in enumerate(sorted(graph.migrations.items())):
            bend = 0.12 + 0.05 * (number % 3)
            ax.annotate(
                "", xy=place[target], xytext=place[source],
                arrowprops={
                    "arrowstyle": "-|>", "color": colours[source], "linewidth": 1.0 + 0.8 * count,
                    "shrinkA": _SHRINK, "shrinkB": _SHRINK,
                    "connectionstyle": f"arc3,rad={bend}",
                },
            )  # fmt: skip
            if count > 1:
                middle = 0.5 * (np.array(place[source]) + np.array(place[target]))
                ax.annotate(str(count), (float(middle[0]), float(middle[1])), fontsize=8)
        for site, (x, y) in place.items():
            ax.plot(x, y, "o", markersize=20, color=colours[site], alpha=0.9)
            ax.annotate(
                words(site), (x, y), xytext=(0, -18), textcoords="offset points", ha="center",
                fontsize=7.5,
            )  # fmt: skip
        xs, ys = [p[0] for p in place.values()], [p[1] for p in place.values()]
        ax.set_xlim(min(xs) - 0.9, max(xs) + 0.9)
        ax.set_ylim(min(ys) - 0.9, max(ys) + 0.7)
        ax.set_axis_off()
    return ax


def _columns(graph: MigrationGraph, sites: list[str]) -> dict[str, int]:
    """Fewest migrations from the primary to each site."""
    column = {graph.primary: 0}
    level = 0
    while len(column) < len(sites):
        fresh = [
            target
            for (source, target) in graph.migrations
            if column.get(source) == level and target not in column
        ]
        if not fresh:
            column.update({site: level + 1 for site in sites if site not in column})
        column.update(dict.fromkeys(fresh, level + 1))
        level += 1
    return column
