"""Fish (Muller) plot by site: the share of each site's cells that carry each clone's mutations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from marrowtrace.plotting.site_colours import words
from marrowtrace.plotting.style import COLOURS, GREY, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.phylogeny.cell_tree import CellTree

_STEPS = 60
_MOST = 14
Reals = NDArray[np.float64]


def fish_plot(
    shares: Reals, parents: list[int], names: list[str], sites: list[str], *, ax: Axes | None = None
) -> Axes:
    """Draw nested clones over sites.

    Parameters
    ----------
    shares : ndarray of float64, shape (n_clones, n_sites)
        Share of each site's cells with the clone's mutations, 0 to 1; a clone's share is not below
        the sum of its children's.
    parents : list of int
        Position of each clone's parent, before it; -1 for those that descend from none.
    names, sites : list of str
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    low = np.zeros(shares.shape)
    for parent in (-1, *range(len(parents))):
        children = [i for i, p in enumerate(parents) if p == parent]
        above = np.ones(len(sites)) if parent < 0 else shares[parent]
        start = np.zeros(len(sites)) if parent < 0 else low[parent]
        free = np.maximum(above - shares[children].sum(axis=0), 0.0)
        cursor = start + 0.5 * free
        for child in children:
            low[child] = cursor
            cursor = cursor + shares[child]
    with house_style():
        if ax is None:
            ax = new_axes(width=max(5.0, 2.6 + 1.5 * len(sites)), height=3.8)
        grid = np.linspace(-0.5, len(sites) - 0.5, _STEPS * len(sites))
        for clone, name in enumerate(names):
            bottom, top = _smooth(grid, low[clone]), _smooth(grid, low[clone] + shares[clone])
            ax.fill_between(
                grid, bottom, top, color=COLOURS[clone % len(COLOURS)],
                linewidth=0.5, edgecolor="white", label=name,
            )  # fmt: skip
        for place in range(len(sites)):
            ax.axvline(place, color=GREY, linewidth=0.5, linestyle=":")
        ax.set_xticks(range(len(sites)), [words(site) for site in sites])
        ax.set_ylabel("share of the site's cells")
        ax.set_ylim(0, 1)
        ax.set_xlim(grid[0], grid[-1])
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="clone", alignment="left")
    return ax


def clones_of(tree: CellTree, primary: str = "") -> tuple[Reals, list[int], list[str], list[str]]:
    """Return the clones of a cell tree as `fish_plot` takes them, the primary first.

    A clone is a clade with mutations of its own and two cells or more; of more than fourteen the
    largest are shown.
    """
    clades = tree.clades
    nodes = np.unique(tree.placed[tree.placed >= 0])
    nodes = np.array([n for n in nodes if clades[n].sum() > 1], dtype=int)
    nodes = nodes[np.argsort(-clades[nodes].sum(axis=1), kind="stable")][:_MOST]
    sites = sorted(dict.fromkeys(tree.cells.sites), key=lambda site: site != primary)
    where = np.array(tree.cells.sites)
    shares = np.array(
        [[clades[node][where == site].mean() for site in sites] for node in nodes]
    ).reshape(nodes.size, len(sites))
    parents, names = [], []
    for row, node in enumerate(nodes):
        above = [k for k in range(row) if (clades[nodes[k]] >= clades[node]).all()]
        parents.append(above[-1] if above else -1)
        own = [tree.cells.mutations[j].split("-")[0] for j in np.flatnonzero(tree.placed == node)]
        names.append(", ".join(own[:2]) + (f" + {len(own) - 2}" if len(own) > 2 else ""))
    return shares, parents, names, sites


def _smooth(grid: Reals, values: Reals) -> Reals:
    """Values at the sites, eased from one to the next."""
    left = np.clip(np.floor(grid).astype(int), 0, values.size - 1)
    right = np.clip(left + 1, 0, values.size - 1)
    t = np.clip(grid - left, 0.0, 1.0)
    t = np.clip((t - 0.25) / 0.5, 0.0, 1.0)
    eased = t * t * (3 - 2 * t)
    return np.asarray(values[left] + (values[right] - values[left]) * eased)
