"""Other programs' trees of single cells: run one on a file of calls, print likelihood inputs.

Called by `phylogeny_speed.py` with a Python of its own that has ScisTree2 (GPL) and scphylo-tools
(which brings SCITE); neither is needed by, or shipped with, the package.

    python phylogeny_peers.py scistree2|scite calls.npz result.npz
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

import numpy as np


def cpu() -> float:
    """CPU seconds of this process and its children."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF,
                                                         resource.RUSAGE_CHILDREN))  # fmt: skip
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def scistree2(calls, fp, fn):
    """Genotypes by ScisTree2 (Zhang 2025) with one thread and its SPR search."""
    from scistree2.probability import GenotypeProbability
    from scistree2.scistree import ScisTree2

    odds = np.where(calls == 1, np.log((1 - fn) / fp), np.log(fn / (1 - fp)))
    odds[calls < 0] = 0.0
    absent = 1 / (1 + np.exp(odds.T))
    start = cpu(), time.perf_counter()
    cells = [f"c{i}" for i in range(calls.shape[0])]
    sites = [f"s{j}" for j in range(calls.shape[1])]
    solver = ScisTree2(threads=1, verbose=False)
    _, genotype, _ = solver.infer(GenotypeProbability(absent, cells, sites))
    return np.asarray(genotype).T, cpu() - start[0], time.perf_counter() - start[1]


def scite(calls, fp, fn):
    """Genotypes by SCITE (Jahn 2016) at scphylo's 90,000 steps and 3 restarts."""
    import pandas as pd
    from scphylo.tl import scite as solve

    frame = pd.DataFrame(
        np.where(calls < 0, 3, calls),
        index=[f"c{i}" for i in range(calls.shape[0])],
        columns=[f"m{j}" for j in range(calls.shape[1])],
    )
    start = cpu(), time.perf_counter()
    found = solve(frame, alpha=fp, beta=fn, experiment=False)
    taken = cpu() - start[0], time.perf_counter() - start[1]
    return found.loc[frame.index, frame.columns].to_numpy(), *taken


if __name__ == "__main__":
    name, source, target = sys.argv[1:]
    data = np.load(source)
    os.chdir(Path(target).resolve().parent)
    solver = {"scistree2": scistree2, "scite": scite}[name]
    genotype, seconds, wall = solver(data["calls"], float(data["fp"]), float(data["fn"]))
    np.savez(target, genotype=np.asarray(genotype) > 0, seconds=seconds, wall=wall)
