"""Search for the most likely tree of cells: sums over clades, regrafting, neighbour joining.

A tree of n cells has 2n - 1 nodes; node ``i < n`` is cell i. With ``weight[c, j]`` the log-odds of
mutation j in cell c (carried against not), a mutation placed on the branch above node v gains the
sum of its log-odds over the cells of v's clade, and a tree gains the sum over mutations of the best
such placement, or 0 for a mutation that no cell carries (Wu 2019, ScisTree: the same likelihood).

Regrafting a clade v changes only the sums of the nodes above it. In one walk down the pruned tree
each edge is scored in O(mutations): with A the best placement within v, D within the clade below
the edge, O outside of both and off the path, and P on the path above (where v's sum is added), the
gain at the edge is the sum over mutations of max(0, A, D, O, P, S + V).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]
_LEAST = 1e-9


@njit(cache=True)
def sums_over_clades(
    parent: Ints, left: Ints, right: Ints, root: int, weight: Reals, sums: Reals, best: Reals
) -> None:
    """Fill the sums of every clade and the best placement within it.

    Parameters
    ----------
    parent, left, right : ndarray of int64, shape (2n - 1,)
        -1 where there is none.
    root : int
    weight : ndarray of float64, shape (n, mutations)
    sums, best : ndarray of float64, shape (2n - 1, mutations)
        Overwritten.
    """
    cells, mutations = weight.shape
    order = downward(left, right, root)
    for k in range(order.size - 1, -1, -1):
        v = order[k]
        if v < cells:
            for j in range(mutations):
                sums[v, j] = weight[v, j]
                best[v, j] = weight[v, j]
        else:
            a, b = left[v], right[v]
            for j in range(mutations):
                total = sums[a, j] + sums[b, j]
                sums[v, j] = total
                best[v, j] = max(total, max(best[a, j], best[b, j]))


@njit(cache=True)
def downward(left: Ints, right: Ints, root: int) -> Ints:
    """Return the nodes under ``root``, parents before children."""
    order = np.empty(left.size, np.int64)
    order[0] = root
    filled, k = 1, 0
    while k < filled:
        v = order[k]
        if left[v] >= 0:
            order[filled], order[filled + 1] = left[v], right[v]
            filled += 2
        k += 1
    return order[:filled]


@njit(cache=True)
def gain(best: Reals, root: int, repeats: Reals) -> float:
    """Return the gain of a tree over one without mutations."""
    total = 0.0
    for j in range(repeats.size):
        total += repeats[j] * max(0.0, best[root, j])
    return total


@njit(cache=True)
def _cut(
    v: int, parent: Ints, left: Ints, right: Ints, sums: Reals, best: Reals,
    kept_sums: Reals, kept_best: Reals, path: Ints,
) -> int:  # fmt: skip
    """Take clade v out of the sums of the nodes above its parent; return how many there are."""
    p = parent[v]
    child = right[p] if left[p] == v else left[p]
    u, length = parent[p], 0
    mutations = sums.shape[1]
    came_from, replaced = p, child
    while u >= 0:
        a = replaced if left[u] == came_from else left[u]
        b = replaced if right[u] == came_from else right[u]
        path[length] = u
        for j in range(mutations):
            kept_sums[length, j] = sums[u, j]
            kept_best[length, j] = best[u, j]
            total = sums[u, j] - sums[v, j]
            sums[u, j] = total
            best[u, j] = max(total, max(best[a, j], best[b, j]))
        length += 1
        came_from, replaced = u, u
        u = parent[u]
    return length


@njit(cache=True)
def _graft_gains(
    v: int, root: int, parent: Ints, left: Ints, right: Ints, sums: Reals, best: Reals,
    repeats: Reals, outside: Reals, above: Reals, edges: Ints, gains: Reals,
) -> int:  # fmt: skip
    """Fill the nodes whose upper edge can take clade v, and the tree's gain there; return how many.

    ``sums`` and ``best`` are those of the tree without v (`_cut`).
    """
    p = parent[v]
    sibling = right[p] if left[p] == v else left[p]
    top = sibling if p == root else root
    mutations = repeats.size
    for j in range(mutations):
        outside[top, j] = -np.inf
        above[top, j] = -np.inf
    edges[0] = top
    filled, k = 1, 0
    while k < filled:
        e = edges[k]
        total = 0.0
        for j in range(mutations):
            here = max(max(best[v, j], best[e, j]), max(outside[e, j], above[e, j]))
            total += repeats[j] * max(0.0, max(here, sums[e, j] + sums[v, j]))
        gains[k] = total
        k += 1
        if left[e] < 0:
            continue
        a, b = left[e], right[e]
        if a == p:
            a = sibling
        if b == p:
            b = sibling
        for j in range(mutations):
            over = max(above[e, j], sums[e, j] + sums[v, j])
            above[a, j] = over
            above[b, j] = over
            outside[a, j] = max(outside[e, j], best[b, j])
            outside[b, j] = max(outside[e, j], best[a, j])
        edges[filled], edges[filled + 1] = a, b
        filled += 2
    return filled


@njit(cache=True)
def _restore(
    length: int, path: Ints, sums: Reals, best: Reals, kept_sums: Reals, kept_best: Reals
) -> None:
    """Undo `_cut`."""
    for i in range(length):
        u = path[i]
        for j in range(sums.shape[1]):
            sums[u, j] = kept_sums[i, j]
            best[u, j] = kept_best[i, j]


@njit(cache=True)
def regraft(v: int, target: int, root: int, parent: Ints, left: Ints, right: Ints) -> int:
    """Move clade v, with its parent, onto the edge above ``target``; return the root."""
    p = parent[v]
    sibling = right[p] if left[p] == v else left[p]
    g = parent[p]
    parent[sibling] = g
    if g < 0:
        root = sibling
    elif left[g] == p:
        left[g] = sibling
    else:
        right[g] = sibling
    h = parent[target]
    parent[p] = h
    left[p], right[p] = target, v
    parent[target] = p
    if h < 0:
        root = p
    elif left[h] == target:
        left[h] = p
    else:
        right[h] = p
    return root


@njit(cache=True)
def climb(
    parent: Ints, left: Ints, right: Ints, root: int, weight: Reals, repeats: Reals, order: Ints,
    sweeps: int,
) -> tuple[int, float, int]:  # fmt: skip
    """Regraft clades for as long as the gain rises.

    Parameters
    ----------
    parent, left, right : ndarray of int64, shape (2n - 1,)
        The tree, changed in place.
    root : int
    weight : ndarray of float64, shape (n, mutations)
    repeats : ndarray of float64, shape (mutations,)
        How often each mutation counts.
    order : ndarray of int64, shape (2n - 1,)
        In which order clades are tried.
    sweeps : int
        At most so many rounds over all clades.

    Returns
    -------
    root : int
    gain : float
    sweeps : int
        Rounds made; less than allowed if no clade can be regrafted to advantage any more.
    """
    nodes = parent.size
    mutations = weight.shape[1]
    sums, best = np.empty((nodes, mutations)), np.empty((nodes, mutations))
    kept_sums, kept_best = np.empty((nodes, mutations)), np.empty((nodes, mutations))
    outside, above = np.empty((nodes, mutations)), np.empty((nodes, mutations))
    path, edges, gains = np.empty(nodes, np.int64), np.empty(nodes, np.int64), np.empty(nodes)
    sums_over_clades(parent, left, right, root, weight, sums, best)
    now = gain(best, root, repeats)
    done = 0
    unchanged = 0
    while done < sweeps:
        done += 1
        for k in range(nodes):
            v = order[k]
            if v == root:
                unchanged += 1
                continue
            length = _cut(v, parent, left, right, sums, best, kept_sums, kept_best, path)
            count = _graft_gains(
                v, root, parent, left, right, sums, best, repeats, outside, above, edges, gains
            )
            highest = int(np.argmax(gains[:count]))
            if gains[highest] > now + _LEAST * max(1.0, abs(now)):
                root = regraft(v, edges[highest], root, parent, left, right)
                sums_over_clades(parent, left, right, root, weight, sums, best)
                now = gain(best, root, repeats)
                unchanged = 0
                continue
            unchanged += 1
            _restore(length, path, sums, best, kept_sums, kept_best)
            if unchanged >= nodes:
                return root, now, done
    return root, now, done


@njit(cache=True)
def wander(
    parent: Ints, left: Ints, right: Ints, root: int, weight: Reals, order: Ints, choices: Reals
) -> tuple[int, float]:
    """Regraft clades at random, each in proportion to the likelihood of the tree that results.

    A step takes a clade off and puts it back on an edge drawn with probability proportional to
    exp(gain): a heat bath, which leaves the distribution exp(gain) over trees unchanged.

    Parameters
    ----------
    parent, left, right, root, weight
        As in `climb`.
    order : ndarray of int64, shape (steps,)
        The clade of each step.
    choices : ndarray of float64, shape (steps,)
        Uniform on [0, 1).

    Returns
    -------
    root : int
    gain : float
    """
    nodes, mutations = parent.size, weight.shape[1]
    sums, best = np.empty((nodes, mutations)), np.empty((nodes, mutations))
    kept_sums, kept_best = np.empty((nodes, mutations)), np.empty((nodes, mutations))
    outside, above = np.empty((nodes, mutations)), np.empty((nodes, mutations))
    path, edges, gains = np.empty(nodes, np.int64), np.empty(nodes, np.int64), np.empty(nodes)
    repeats = np.ones(mutations)
    sums_over_clades(parent, left, right, root, weight, sums, best)
    for step in range(order.size):
        v = order[step]
        if v == root:
            continue
        p = parent[v]
        child = right[p] if left[p] == v else left[p]
        length = _cut(v, parent, left, right, sums, best, kept_sums, kept_best, path)
        count = _graft_gains(
            v, root, parent, left, right, sums, best, repeats, outside, above, edges, gains
        )
        odds = np.exp(gains[:count] - gains[:count].max())
        left_over = choices[step] * odds.sum()
        chosen = count - 1
        for k in range(count):
            left_over -= odds[k]
            if left_over < 0.0:
                chosen = k
                break
        _restore(length, path, sums, best, kept_sums, kept_best)
        if edges[chosen] != child:
            root = regraft(v, edges[chosen], root, parent, left, right)
            sums_over_clades(parent, left, right, root, weight, sums, best)
    return root, gain(best, root, repeats)


@njit(cache=True)
def join_neighbours(distance: Reals) -> tuple[Ints, Ints, Ints, int]:
    """Return the neighbour-joining tree of the cells, rooted where a cell without mutations joins.

    Parameters
    ----------
    distance : ndarray of float64, shape (n + 1, n + 1)
        Between cells; the last row and column are the cell without mutations. Overwritten.

    Returns
    -------
    parent, left, right : ndarray of int64, shape (2n - 1,)
    root : int
        Saitou and Nei 1987; the tree's edge lengths are not kept.
    """
    leaves = distance.shape[0]
    cells = leaves - 1
    nodes = 2 * cells - 1
    left, right = np.full(nodes, -1, np.int64), np.full(nodes, -1, np.int64)
    parent = np.full(nodes, -1, np.int64)
    if cells == 1:
        return parent, left, right, 0
    # unrooted tree over all leaves: neighbours of each node
    total_nodes = 2 * leaves
    neighbours = np.full((total_nodes, 3), -1, np.int64)
    active = np.arange(leaves)
    row = distance.sum(axis=1)
    fresh = leaves
    count = leaves
    label = np.arange(leaves)
    while count > 3:
        low, first, second = np.inf, 0, 1
        for x in range(count):
            i = active[x]
            for y in range(x + 1, count):
                k = active[y]
                q = (count - 2) * distance[i, k] - row[i] - row[k]
                if q < low:
                    low, first, second = q, x, y
        i, k = active[first], active[second]
        _link(neighbours, label[i], fresh)
        _link(neighbours, label[k], fresh)
        between = distance[i, k]
        total = 0.0
        for x in range(count):
            w = active[x]
            if w in (i, k):
                continue
            new = 0.5 * (distance[i, w] + distance[k, w] - between)
            row[w] += new - distance[i, w] - distance[k, w]
            distance[i, w] = new
            distance[w, i] = new
            total += new
        row[i] = total
        label[i] = fresh
        fresh += 1
        active[second] = active[count - 1]
        count -= 1
    centre = fresh
    fresh += 1
    for x in range(count):
        _link(neighbours, label[active[x]], centre)
    root = _rooted(neighbours, cells, parent, left, right)
    return parent, left, right, root


@njit(cache=True)
def _link(neighbours: Ints, a: int, b: int) -> None:
    for u, w in ((a, b), (b, a)):
        for place in range(3):
            if neighbours[u, place] < 0:
                neighbours[u, place] = w
                break


@njit(cache=True)
def _rooted(neighbours: Ints, cells: int, parent: Ints, left: Ints, right: Ints) -> int:
    """Hang the unrooted tree on the leaf ``cells``; fill the arrays and return the root."""
    number = np.full(neighbours.shape[0], -1, np.int64)
    fresh = cells
    stack = np.empty(neighbours.shape[0], np.int64)
    came = np.full(neighbours.shape[0], -1, np.int64)
    start = neighbours[cells, 0]
    came[start] = cells
    stack[0] = start
    depth = 1
    while depth > 0:
        depth -= 1
        u = stack[depth]
        if u < cells:
            number[u] = u
        else:
            number[u] = fresh
            fresh += 1
        before = came[u]
        if before != cells:
            p = number[before]
            parent[number[u]] = p
            if left[p] < 0:
                left[p] = number[u]
            else:
                right[p] = number[u]
        if u < cells:
            continue
        for place in range(3):
            w = neighbours[u, place]
            if w >= 0 and w != before:
                came[w] = u
                stack[depth] = w
                depth += 1
    return int(number[start])


@njit(cache=True)
def placements(left: Ints, right: Ints, root: int, weight: Reals) -> tuple[Ints, Reals]:
    """Return for each mutation the node above which it is placed best (-1: none), and its gain."""
    nodes, mutations = left.size, weight.shape[1]
    sums, best = np.empty((nodes, mutations)), np.empty((nodes, mutations))
    parent = np.full(nodes, -1, np.int64)
    sums_over_clades(parent, left, right, root, weight, sums, best)
    where = np.full(mutations, -1, np.int64)
    gains = np.zeros(mutations)
    for v in downward(left, right, root):
        for j in range(mutations):
            if sums[v, j] > gains[j]:
                gains[j] = sums[v, j]
                where[j] = v
    return where, gains
