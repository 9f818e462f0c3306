"""Trees with sites as colours: of single cells, and of clones split over sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.site_colours import site_colours, site_markers, words
from marrowtrace.plotting.style import GREY, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.phylogeny.cell_tree import CellTree
    from marrowtrace.phylogeny.migration import MigrationHistory

_SURE = 0.9


def cell_tree(tree: CellTree, *, primary: str = "", ax: Axes | None = None) -> Axes:
    """Draw a tree of cells: mutations along the branches, cells as markers of their sites.

    Parameters
    ----------
    tree : CellTree
    primary : str
        Site of the primary; empty if there is none.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
        Branches are as long as they have mutations; each is labelled with up to three of them, and
        with the share of sampled trees that hold its clade where there is one.
    """
    cells = tree.cells
    number = len(cells)
    gained = np.bincount(tree.placed[tree.placed >= 0], minlength=tree.parent.size)
    depth, height = _layout(tree.parent, gained, number)
    colours, markers = site_colours(cells.sites, primary), site_markers(cells.sites)
    with house_style():
        if ax is None:
            ax = new_axes(width=7.5, height=min(14.0, max(2.5, 0.6 + 0.105 * number)))
        for node, above in enumerate(tree.parent):
            start = depth[above] if above >= 0 else 0.0
            ax.plot([start, depth[node]], [height[node]] * 2, color=GREY, linewidth=1)
            if above >= 0:
                ax.plot([start, start], [height[node], height[above]], color=GREY, linewidth=1)
            if gained[node]:
                _name_branch(ax, tree, node, start, depth[node], height[node])
        for site in dict.fromkeys(cells.sites):
            rows = [i for i in range(number) if cells.sites[i] == site]
            ax.plot(
                depth[rows], height[rows], markers[site], color=colours[site], markersize=4,
                linestyle="none", label=f"{words(site)} ({len(rows)})",
            )  # fmt: skip
        ax.set_xlabel("mutations from the first common ancestor's parent")
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.set_ylim(number - 0.2, -1.4)
        ax.set_xlim(-0.2, max(1.0, float(depth.max()) * 1.06))
        ax.legend(loc="lower left", title="cells of", alignment="left")
    return ax


def _name_branch(
    ax: Axes, tree: CellTree, node: int, start: float, stop: float, height: float
) -> None:
    """Up to three mutations above a branch, and its clade's support."""
    inside = int(tree.clades[node].sum())
    if inside < 2:
        return
    names = [tree.cells.mutations[j].split("-")[0] for j in np.flatnonzero(tree.placed == node)]
    text = ", ".join(names[:3]) + (f" + {len(names) - 3}" if len(names) > 3 else "")
    support = float(tree.support[node])
    if not np.isnan(support) and inside < len(tree.cells):
        text += f"  ({support:.2f})"
    strong = np.isnan(support) or support >= _SURE
    ax.annotate(
        text, (0.5 * (start + stop), height), xytext=(0, 2), textcoords="offset points",
        ha="center", fontsize=6, color="black" if strong else GREY,
    )  # fmt: skip


def _layout(parent: np.ndarray, gained: np.ndarray, leaves: int) -> tuple[np.ndarray, np.ndarray]:
    """Mutations down to each node, and a height for it: leaves in order, larger clades first."""
    children: dict[int, list[int]] = {}
    for node, above in enumerate(parent.tolist()):
        children.setdefault(above, []).append(node)
    size = np.ones(parent.size, int)
    order: list[int] = []
    stack = list(children[-1])
    while stack:
        node = stack.pop()
        order.append(node)
        stack += children.get(node, [])
    for node in reversed(order):
        if node >= leaves:
            size[node] = sum(size[c] for c in children[node])
    depth, height = np.zeros(parent.size), np.zeros(parent.size)
    stack, place = list(children[-1]), 0
    while stack:
        node = stack.pop()
        above = parent[node]
        depth[node] = (depth[above] if above >= 0 else 0.0) + gained[node]
        if node < leaves:
            height[node] = place
            place += 1
        else:
            stack += sorted(children[node], key=lambda c: (-size[c], c))
    for node in reversed(order):
        if node >= leaves:
            height[node] = np.mean([height[c] for c in children[node]])
    return depth, height


def clone_tree(history: MigrationHistory, *, ax: Axes | None = None) -> Axes:
    """Draw a tree of clones split over sites; migrations are the dashed edges.

    Parameters
    ----------
    history : MigrationHistory
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    parents = np.array(history.parents)
    inner = set(history.parents)
    place, height = 0.0, np.zeros(parents.size)
    children: dict[int, list[int]] = {}
    for node, above in enumerate(history.parents):
        children.setdefault(above, []).append(node)
    level = np.zeros(parents.size)
    for node, above in enumerate(history.parents):
        level[node] = level[above] + 1 if above >= 0 else 0
    stack = [0]
    while stack:
        node = stack.pop()
        if node not in inner:
            height[node] = place
            place += 1.0
        stack += children.get(node, [])[::-1]
    for node in range(parents.size - 1, -1, -1):
        if node in inner:
            height[node] = np.mean([height[c] for c in children[node]])
    colours = site_colours(history.sites, history.sites[0])
    markers = site_markers(history.sites)
    with house_style():
        if ax is None:
            ax = new_axes(width=7.5, height=min(14.0, max(2.5, 0.8 + 0.22 * place)))
        for node, above in enumerate(history.parents):
            if above < 0:
                continue
            moved = history.sites[node] != history.sites[above]
            ax.plot(
                [level[above], level[node]], [height[above], height[node]],
                "--" if moved else "-", color=colours[history.sites[node]] if moved else GREY,
                linewidth=1.6 if moved else 1.0, zorder=1,
            )  # fmt: skip
        for site in dict.fromkeys(history.sites):
            rows = [i for i, other in enumerate(history.sites) if other == site]
            ax.plot(
                level[rows], height[rows], markers[site], color=colours[site], markersize=6,
                linestyle="none", label=words(site), zorder=2,
            )  # fmt: skip
        for node, clone in enumerate(history.clones):
            ax.annotate(
                clone, (level[node], height[node]), xytext=(5, 3), textcoords="offset points",
                fontsize=6,
            )  # fmt: skip
        ax.set_axis_off()
        ax.set_xlim(-0.3, float(level.max()) + 0.6)
        ax.set_ylim(place - 0.3, -0.9)
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="site", alignment="left")
    return ax
