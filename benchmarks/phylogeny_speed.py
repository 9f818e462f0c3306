"""Trees of single cells: likelihood, genotype accuracy and CPU time, beside ScisTree2 and SCITE.

    python benchmarks/phylogeny_speed.py [--peers PYTHON] [--sizes 100x50,500x200] [--repeats 3]

PYTHON is that of an environment with scistree2 and scphylo-tools. All programs get the same calls
and the true error rates; the log-likelihood is that of the genotypes each returns.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from marrowtrace.phylogeny.cell_likelihood import ErrorRates, log_odds, log_without
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cell_tree import clades_of, infer_cell_tree

FALSE_POSITIVE, FALSE_NEGATIVE, MISSING = 0.01, 0.1, 0.02


def made(cells: int, mutations: int, seed: int):
    """Calls and true genotypes of cells whose genealogy is Kingman's."""
    rng = np.random.default_rng(seed)
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
    length[-1] = 0.1 * length.sum()
    truth = clades_of(parent, cells)[rng.choice(nodes, mutations, p=length / length.sum())].T
    calls = np.where(
        truth, rng.random(truth.shape) >= FALSE_NEGATIVE, rng.random(truth.shape) < FALSE_POSITIVE
    ).astype(np.int8)
    calls[rng.random(truth.shape) < MISSING] = -1
    return calls, truth


def ours(calls, errors):
    """Genotypes and CPU seconds; compiled before."""
    cells = CellMutations(
        tuple(f"c{i}" for i in range(calls.shape[0])), ("x",) * calls.shape[0],
        tuple(f"m{j}" for j in range(calls.shape[1])), calls,
    )  # fmt: skip
    start, wall = time.process_time(), time.perf_counter()
    tree = infer_cell_tree(cells, np.random.default_rng(1), errors=errors)
    return tree.genotype, time.process_time() - start, time.perf_counter() - wall


def score(calls, genotype, errors) -> float:
    """Log-likelihood of calls given genotypes."""
    cells = CellMutations(
        tuple(f"c{i}" for i in range(calls.shape[0])), ("x",) * calls.shape[0],
        tuple(f"m{j}" for j in range(calls.shape[1])), calls,
    )  # fmt: skip
    return log_without(cells, errors) + float(log_odds(cells, errors)[genotype].sum())


def theirs(python: str, name: str, calls):
    """Genotypes and CPU seconds of another program."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "calls.npz"), Path(folder, "result.npz")
        np.savez(source, calls=calls, fp=FALSE_POSITIVE, fn=FALSE_NEGATIVE)
        script = Path(__file__).with_name("phylogeny_peers.py")
        done = subprocess.run(
            [python, str(script), name, str(source), str(target)], capture_output=True, text=True
        )
        if not target.exists():
            sys.stderr.write(done.stderr[-2000:])
            return None
        found = np.load(target)
        return found["genotype"], float(found["seconds"]), float(found["wall"])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default="")
    parser.add_argument("--sizes", default="100x50,500x200")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--programs", default="scistree2,scite")
    options = parser.parse_args()
    errors = ErrorRates(false_positive=FALSE_POSITIVE, false_negative=FALSE_NEGATIVE)
    ours(made(20, 10, 0)[0], errors)
    print("size seed program log_likelihood accuracy cpu_s wall_s")
    for size in options.sizes.split(","):
        cells, mutations = (int(n) for n in size.split("x"))
        for seed in range(options.repeats):
            calls, truth = made(cells, mutations, seed)
            rows = {"marrowtrace": ours(calls, errors), "truth": (truth, np.nan, np.nan)}
            if options.peers:
                for name in options.programs.split(","):
                    found = theirs(options.peers, name, calls)
                    if found is not None:
                        rows[name] = found
            for name, (genotype, seconds, wall) in rows.items():
                accuracy = (genotype == truth).mean()
                print(f"{size} {seed} {name} {score(calls, genotype, errors):.2f} {accuracy:.4f} "
                      f"{seconds:.2f} {wall:.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
