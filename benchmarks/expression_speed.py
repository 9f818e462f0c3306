"""Scores of all programs with matched nulls: dense cells by genes, and sparse cells in memory."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from marrowtrace.expression.matrix import Expression
from marrowtrace.expression.programs import programs
from marrowtrace.expression.scores import score_programs


def _genes(count: int) -> tuple[str, ...]:
    named = list(dict.fromkeys(g for p in programs() for g in p.genes))
    return tuple(named + [f"G{i}" for i in range(count - len(named))])


def _expression(values: object, count: int) -> Expression:
    cells = values.shape[0]  # type: ignore[attr-defined]
    return Expression(
        values=values, samples=tuple(f"c{i}" for i in range(cells)), genes=_genes(count),
        scale="counts", name="made",
    )  # fmt: skip


class DenseScores:
    """44 programs in cells by 2,000 genes, dense."""

    params, param_names, timeout = [1000, 5000], ["cells"], 120

    def setup(self, cells: int) -> None:
        rng = np.random.default_rng(1)
        self.data = _expression(rng.poisson(0.8, (cells, 2000)).astype(np.float64), 2000)

    def time_scores(self, cells: int) -> None:
        score_programs(self.data)

    def peakmem_scores(self, cells: int) -> None:
        score_programs(self.data)


class SparseScores:
    """44 programs in cells by 20,000 genes, of which 5 % are above 0."""

    params, param_names, timeout = [10_000, 100_000], ["cells"], 300

    def setup(self, cells: int) -> None:
        rng = np.random.default_rng(1)
        per_cell = 1000
        columns = rng.integers(0, 20_000, cells * per_cell, dtype=np.int32)
        pointer = np.arange(0, cells * per_cell + 1, per_cell, dtype=np.int32)
        data = rng.integers(1, 9, cells * per_cell).astype(np.float32)
        values = sp.csr_array((data, columns, pointer), shape=(cells, 20_000))
        values.sum_duplicates()
        self.data = _expression(values, 20_000)

    def time_scores(self, cells: int) -> None:
        score_programs(self.data)

    def peakmem_scores(self, cells: int) -> None:
        score_programs(self.data)
