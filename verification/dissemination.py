"""Are the verdicts on dissemination right as often as their support says?

Two kinds of made patients are judged from their cells' reads or calls alone:

- *prior*: lineages drawn from the stated priors of `DepartureModel` (modes, share of the trunk at
  departure, losses, nesting), with calls that have false positives, dropout and missing values;
- *genealogy*: genealogies of sampled cells with a sweep in the primary (`draw_genealogy`) and a
  lineage that left before or after it, sequenced in silico with depth, dropout and doublets. Here
  the share of the trunk at departure is not uniform, so it also tests the prior.

    python -m verification.dissemination [--patients 120] [--seed 1] [--json FILE]
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cell_tree import clades_of, infer_cell_tree
from marrowtrace.phylogeny.deme import Deme
from marrowtrace.phylogeny.departure import DepartureModel
from marrowtrace.phylogeny.doublets import keep_tumour_cells
from marrowtrace.phylogeny.genealogy import SampledCells, draw_genealogy
from marrowtrace.phylogeny.sequencing import Sequencing, sequence_cells
from marrowtrace.phylogeny.verdict import PRIOR_MIXED, verdict_of_cells

BANDS = (0.5, 0.7, 0.9, 0.97, 1.0)
MODES = ("linear", "parallel", "mixed")


@dataclass(frozen=True)
class Judged:
    """One made patient and what was said of it."""

    kind: str
    mode: str
    verdict: str
    support: dict[str, float]
    primary_cells: int
    other_cells: int
    trunk: int
    dropout: float
    sorted_by_site: float | None


def kingman(cells: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Parent of each node of a random genealogy, and the length of its branch."""
    nodes = 2 * cells - 1
    parent, born, length = np.full(nodes, -1), np.zeros(nodes), np.zeros(nodes)
    active, now = list(range(cells)), 0.0
    for fresh in range(cells, nodes):
        now += rng.exponential(2 / (len(active) * (len(active) - 1)))
        pair = rng.choice(len(active), 2, replace=False)
        for child in (active[i] for i in pair):
            parent[child], length[child] = fresh, now - born[child]
        born[fresh] = now
        active = [node for i, node in enumerate(active) if i not in pair] + [fresh]
    return parent, length


def clade_mutations(cells: int, mean: float, rng: np.random.Generator) -> np.ndarray:
    """Mutations of a genealogy below its root, shape (n_cells, n_mutations)."""
    if cells < 2:
        return np.zeros((cells, 0), dtype=bool)
    parent, length = kingman(cells, rng)
    above = rng.choice(parent.size, rng.poisson(mean), p=length / length.sum())
    return clades_of(parent, cells)[above].T


def from_priors(rng: np.random.Generator) -> tuple[CellMutations, str, int, float]:
    """A patient drawn from the stated priors."""
    model = DepartureModel()
    primary, other = int(rng.integers(4, 40)), int(rng.integers(2, 30))
    number = 2 if other >= 6 and rng.random() < 0.5 else 1
    shares = (
        (0.5, 0.5, 0.0)
        if number == 1
        else (0.5 * (1 - PRIOR_MIXED), 0.5 * (1 - PRIOR_MIXED), PRIOR_MIXED)
    )
    mode = str(rng.choice(MODES, p=shares))
    early = {"linear": [False] * number, "parallel": [True] * number, "mixed": [False, True]}[mode]
    trunk = int(rng.poisson(rng.choice([4, 10, 30])))
    parts = clade_mutations(primary, 20.0, rng)
    total = primary + other
    own = np.zeros((total, trunk + parts.shape[1]), dtype=bool)
    own[:primary, :trunk], own[:primary, trunk:] = True, parts
    columns = [own]
    for group, left_early in zip(np.array_split(np.arange(primary, total), number), early,
                                 strict=True):  # fmt: skip
        if left_early:
            share = rng.random()
        else:
            share = 1 - rng.beta(model.loss_mean * model.loss_weight,
                                 (1 - model.loss_mean) * model.loss_weight)  # fmt: skip
            if rng.random() < model.nested:
                own[np.ix_(group, trunk + np.arange(parts.shape[1]))] = parts[rng.integers(primary)]
        own[np.ix_(group, np.flatnonzero(rng.random(trunk) < share))] = True
        private = np.zeros((total, int(rng.poisson(10))), dtype=bool)
        private[group] = True
        within = clade_mutations(group.size, 10.0, rng)
        inner = np.zeros((total, within.shape[1]), dtype=bool)
        inner[group] = within
        columns += [private, inner]
    truth = np.hstack(columns)
    dropout = float(rng.choice([0.1, 0.25, 0.4]))
    calls = np.where(truth, rng.random(truth.shape) >= dropout, rng.random(truth.shape) < 0.01)
    calls = np.where(rng.random(truth.shape) < rng.choice([0.0, 0.2]), -1, calls).astype(np.int8)
    cells = CellMutations(
        tuple(f"c{i}" for i in range(total)), ("primary",) * primary + ("bone_marrow",) * other,
        tuple(f"m{j}" for j in range(truth.shape[1])), calls,
    )  # fmt: skip
    return cells, mode, trunk, dropout


def from_genealogy(rng: np.random.Generator) -> tuple[CellMutations, str, int, float]:
    """A patient whose primary swept once, the lineage leaving before or after."""
    mode = str(rng.choice(["linear", "parallel"]))
    sweep, end, birth = 1000.0, 2000.0, 0.1
    left = rng.uniform(50.0, sweep - 5.0) if mode == "parallel" else rng.uniform(1100.0, 1900.0)
    old = Deme("old", "primary", "", np.array([0.0, end]), np.array([1.0, 1e9]), np.array([birth]))
    new = Deme("new", "primary", "old", np.array([sweep, end]), np.array([1.0, 1e8]),
               np.array([birth]))  # fmt: skip
    awake = rng.uniform(left + 1.0, 2400.0)
    lesion = Deme("marrow", "bone_marrow", "old" if mode == "parallel" else "new",
                  np.array([left, awake, 2500.0]), np.array([1.0, 1.0, 1e4]),
                  np.array([0.0, 0.2]))  # fmt: skip
    taken = [
        SampledCells(deme="new", day=end, cells=int(rng.integers(4, 40))),
        SampledCells(deme="marrow", day=2500.0, cells=int(rng.integers(2, 30))),
    ]
    trunk = float(rng.choice([8, 20, 40]))
    drawn = draw_genealogy(rng, [old, new, lesion], taken,
                           mutations_per_division=trunk / (2 * birth * sweep))  # fmt: skip
    dropout = float(rng.choice([0.1, 0.25]))
    plan = Sequencing(coverage=float(rng.choice([4, 10, 40])), dropout=dropout, doublets=0.03)
    read = sequence_cells(rng, drawn.genotype, drawn.sites, drawn.names, drawn.days, plan)
    return read.cells, mode, round(trunk), dropout


def judge(kind: str, patients: int, seed: int) -> list[Judged]:
    """Make and judge patients of one kind."""
    rng = np.random.default_rng([seed, ("prior", "genealogy").index(kind)])
    found = []
    for _ in range(patients):
        cells, mode, trunk, dropout = (from_priors if kind == "prior" else from_genealogy)(rng)
        try:
            if kind == "genealogy":
                cells = keep_tumour_cells(cells).cells
            tree = infer_cell_tree(cells, rng, restarts=1)
            verdict = verdict_of_cells(tree, "primary", rng)
        except CohortError:
            continue
        inside = sum(site == "primary" for site in cells.sites)
        found.append(
            Judged(
                kind, mode, verdict.verdict, dict(verdict.support), inside, len(cells) - inside,
                trunk, dropout, verdict.sorted_by_site,
            )
        )  # fmt: skip
    return found


def tables(found: list[Judged]) -> dict[str, list[dict[str, object]]]:
    """Verdicts by mode, and how often the best explanation is right by its support."""
    verdicts, bands = [], []
    for kind in dict.fromkeys(each.kind for each in found):
        own = [each for each in found if each.kind == kind]
        for mode in MODES:
            same = [each for each in own if each.mode == mode]
            if same:
                row: dict[str, object] = {"kind": kind, "mode": mode, "patients": len(same)}
                for word in (*MODES, "undetermined"):
                    row[word] = sum(each.verdict == word for each in same)
                verdicts.append(row)
        given = [each for each in own if each.verdict != "undetermined"]
        right = sum(each.verdict == each.mode for each in given)
        bands.append({"kind": kind, "support": "verdicts given", "patients": len(given),
                      "mean": _mean([max(e.support.values()) for e in given]),
                      "right": right / max(1, len(given))})  # fmt: skip
        for low, high in itertools.pairwise(BANDS):
            inside = [e for e in own if e.sorted_by_site is not None
                      and low <= max(e.support.values()) < high + (high == 1.0)]  # fmt: skip
            if inside:
                hits = [e.support[e.mode] == max(e.support.values()) for e in inside]
                bands.append({"kind": kind, "support": f"{low:g} to {high:g}",
                              "patients": len(inside),
                              "mean": _mean([max(e.support.values()) for e in inside]),
                              "right": sum(hits) / len(hits)})  # fmt: skip
    return {"verdicts": verdicts, "reliability": bands}


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def main() -> int:
    """Judge, print, and fail if verdicts given with 0.9 or more are right less than 0.85."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = [each for kind in ("prior", "genealogy")
             for each in judge(kind, options.patients, options.seed)]  # fmt: skip
    result = tables(found)
    for name, rows in result.items():
        print(name)
        for row in rows:
            print("  " + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}"
                                   for k, v in row.items()))  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    given = [row for row in result["reliability"] if row["support"] == "verdicts given"]
    return 0 if all(float(str(row["right"])) >= 0.85 for row in given) else 1


if __name__ == "__main__":
    sys.exit(main())
