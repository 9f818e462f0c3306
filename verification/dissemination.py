"""Are the verdicts on dissemination right as often as their support says?

Three kinds of made patients are judged from their reads or calls alone:

- *prior*: lineages drawn from the stated priors of `DepartureModel` (modes, share of the trunk at
  departure, losses, nesting), with calls that have false positives, dropout and missing values;
- *genealogy*: genealogies of sampled cells with a sweep in the primary (`draw_genealogy`) and a
  lineage that left before or after it, sequenced in silico with depth, dropout and doublets. Here
  the share of the trunk at departure is not uniform, so it also tests the prior.
- *bulk*: the same genealogies read as bulk samples: one to eight of the primary, one of marrow.

    python -m verification.dissemination [--patients 120] [--seed 1] [--json FILE] [--figure FILE]
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cell_tree import clades_of, infer_cell_tree
from marrowtrace.phylogeny.deme import Deme
from marrowtrace.phylogeny.departure import DepartureModel
from marrowtrace.phylogeny.doublets import keep_tumour_cells
from marrowtrace.phylogeny.genealogy import Genealogy, SampledCells, draw_genealogy
from marrowtrace.phylogeny.sequencing import Sequencing, sequence_bulk, sequence_cells
from marrowtrace.phylogeny.verdict import PRIOR_MIXED, verdict_of_cells, verdict_of_samples

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


def swept(rng: np.random.Generator, inside: int, outside: int) -> tuple[Genealogy, str, int]:
    """Cells of a patient whose primary swept once, the lineage leaving before or after."""
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
        SampledCells(deme="new", day=end, cells=inside),
        SampledCells(deme="marrow", day=2500.0, cells=outside),
    ]
    trunk = float(rng.choice([8, 20, 40]))
    drawn = draw_genealogy(rng, [old, new, lesion], taken,
                           mutations_per_division=trunk / (2 * birth * sweep))  # fmt: skip
    return drawn, mode, round(trunk)


def from_genealogy(rng: np.random.Generator) -> tuple[CellMutations, str, int, float]:
    """Single cells of such a patient."""
    drawn, mode, trunk = swept(rng, int(rng.integers(4, 40)), int(rng.integers(2, 30)))
    dropout = float(rng.choice([0.1, 0.25]))
    plan = Sequencing(coverage=float(rng.choice([4, 10, 40])), dropout=dropout, doublets=0.03)
    read = sequence_cells(rng, drawn.genotype, drawn.sites, drawn.names, drawn.days, plan)
    return read.cells, mode, trunk, dropout


def judge_bulk(patients: int, seed: int) -> list[Judged]:
    """Make and judge patients of whom bulk samples were read."""
    rng = np.random.default_rng([seed, 2])
    found = []
    for _ in range(patients):
        drawn, mode, trunk = swept(rng, 80, 20)
        pieces = int(rng.choice([1, 2, 4, 8]))
        places = [f"p{i % pieces}" for i in range(80)] + ["bone_marrow"] * 20
        read = sequence_bulk(rng, drawn.genotype, places, coverage=float(rng.choice([40, 150])),
                             purity=float(rng.uniform(0.4, 0.9)))  # fmt: skip
        read = replace(read, sites=("primary",) * pieces + ("bone_marrow",))
        verdict = verdict_of_samples(read, "primary")
        found.append(Judged("bulk", mode, verdict.verdict, dict(verdict.support), pieces, 1, trunk,
                            0.0, 0.0))  # fmt: skip
    return found


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


def reliability_plot(bands: list[dict[str, object]], path: Path) -> None:
    """Draw how often the best explanation is right against its mean support (95 % intervals)."""
    from scipy.stats import beta

    from marrowtrace.plotting.style import COLOURS, MARKERS, house_style, new_axes, write_figure

    with house_style():
        ax = new_axes(width=4.6, height=4.2)
        ax.plot([0.4, 1], [0.4, 1], color="#666666", linestyle="--", linewidth=1)
        for place, kind in enumerate(dict.fromkeys(str(row["kind"]) for row in bands)):
            rows = [row for row in bands if row["kind"] == kind and "given" not in
                    str(row["support"])]  # fmt: skip
            for row in rows:
                number, share = int(str(row["patients"])), float(str(row["right"]))
                right = round(number * share)
                low, high = beta.ppf([0.025, 0.975], right + 0.5, number - right + 0.5)
                x = float(str(row["mean"]))
                ax.plot([x, x], [low, high], color=COLOURS[place], linewidth=1)
                ax.annotate(str(number), (x, share), xytext=(4, -9), textcoords="offset points",
                            fontsize=7)  # fmt: skip
            ax.plot([float(str(row["mean"])) for row in rows],
                    [float(str(row["right"])) for row in rows], MARKERS[place],
                    color=COLOURS[place], label=kind)  # fmt: skip
        ax.set_xlabel("mean support of the best explanation")
        ax.set_ylabel("share that is right")
        ax.set_ylim(0.0, 1.03)
        ax.legend(loc="lower right")
        write_figure(ax, path)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def main() -> int:
    """Judge, print, and fail if verdicts given with 0.9 or more are right less than 0.85."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    found = [each for kind in ("prior", "genealogy")
             for each in judge(kind, options.patients, options.seed)]  # fmt: skip
    found += judge_bulk(options.patients, options.seed)
    result = tables(found)
    for name, rows in result.items():
        print(name)
        for row in rows:
            print("  " + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}"
                                   for k, v in row.items()))  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.figure:
        reliability_plot(result["reliability"], options.figure)
    given = [row for row in result["reliability"] if row["support"] == "verdicts given"]
    return 0 if all(float(str(row["right"])) >= 0.85 for row in given) else 1


if __name__ == "__main__":
    sys.exit(main())
