"""Genes of dormant against dividing cells of one bundled line: RM1 mouse prostate cancer cells.

Three cultures of each; most genes move, and dormant libraries are smaller, so a change of one gene
may be part of a shift of all. It can go against a statement about dormant cells, not prove one.
"""

from __future__ import annotations

import csv
import gzip
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

_OFFSET = 0.5
_MILLION = 1e6
_QUOTE = '"'


@cache
def _table() -> tuple[dict[str, int], NDArray[np.float64], tuple[str, ...]]:
    """Rows by gene symbol, counts of shape (genes, samples), and the type of each sample."""
    folder = files("marrowtrace.datasets").joinpath("rm1")
    sheet = folder.joinpath("samples.csv").read_text(encoding="utf-8").splitlines()
    lines = gzip.decompress(folder.joinpath("counts.tsv.gz").read_bytes()).decode().splitlines()
    head = lines[0].replace(_QUOTE, "").split("\t")
    rows = [line.replace(_QUOTE, "").split("\t") for line in lines[1:]]
    samples = list(csv.DictReader(sheet))
    places = [head.index(each["sample"]) for each in samples]
    symbols = head.index("geneName")
    counts = np.array([[float(row[place]) for place in places] for row in rows])
    found: dict[str, int] = {}
    for number, row in enumerate(rows):
        kept = found.get(row[symbols])
        if kept is None or counts[number].sum() > counts[kept].sum():
            found[row[symbols]] = number
    return found, counts, tuple(each["type"] for each in samples)


def change_in_dormant_cells(genes: tuple[str, ...]) -> dict[str, float]:
    """Return the log2 change of each gene, dormant over control, by counts per million.

    Parameters
    ----------
    genes : tuple of str
        Mouse symbols.

    Returns
    -------
    dict of str to float
        Genes that the table lacks are left out.

    Examples
    --------
    >>> change_in_dormant_cells(("Mki67",))["Mki67"] < 0
    True
    """
    rows, counts, types = _table()
    level = np.log2((counts + _OFFSET) / counts.sum(axis=0) * _MILLION)
    dormant = np.array([each == "dormant" for each in types])
    control = np.array([each == "control" for each in types])
    return {
        gene: float(level[rows[gene]][dormant].mean() - level[rows[gene]][control].mean())
        for gene in genes
        if gene in rows
    }
