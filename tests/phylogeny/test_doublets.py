"""Normal cells and doublets put in are found; none are found where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.errors import CohortError, ParameterError
from marrowtrace.phylogeny.bundled import bundled_file
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.doublets import CellErrors, doublet_probability, keep_tumour_cells
from marrowtrace.phylogeny.single_cell_file import CellFile, read_cells


def made(doublets: int, normals: int, seed: int = 5) -> CellMutations:
    """Two clones with 15 shared and 20 private mutations each, 40 cells each, and extra wells."""
    rng = np.random.default_rng(seed)
    first = np.arange(55) < 35
    second = (np.arange(55) < 15) | (np.arange(55) >= 35)
    truth = [first] * 40 + [second] * 40 + [first | second] * doublets + [first & False] * normals
    truth_ = np.array(truth)
    seen = np.where(rng.random(truth_.shape) < np.where(truth_, 0.85, 0.01), 1, 0)
    seen[rng.random(truth_.shape) < 0.1] = -1
    names = [f"s{i}" for i in range(80)] + [f"d{i}" for i in range(doublets)]
    names += [f"n{i}" for i in range(normals)]
    sites = ["primary" if i % 2 else "marrow" for i in range(len(names))]
    mutations = tuple(f"m{i}" for i in range(55))
    return CellMutations(tuple(names), tuple(sites), mutations, seen)


def test_what_was_put_in_is_found():
    clean = keep_tumour_cells(made(6, 30))
    reasons = {name: reason for name, _, reason in clean.dropped}
    assert {n for n, r in reasons.items() if r == "looks normal"} == {f"n{i}" for i in range(30)}
    assert {n for n, r in reasons.items() if r == "looks like a doublet"} == {
        f"d{i}" for i in range(6)
    }
    assert clean.table()["cells"].sum() == 36


def test_nothing_is_found_where_nothing_was_put_in():
    assert keep_tumour_cells(made(0, 0)).dropped == ()


def test_one_clone_has_no_doublets_to_find():
    cells = made(0, 0)
    assert doublet_probability(cells.select(np.arange(40))).max() < 0.5


def test_declared_cells_go_first():
    cells = made(0, 0)
    kinds = ["normal"] * 2 + ["doublet"] + ["tumour"] * 77
    clusters = [""] * 3 + ["c1"] * 2 + [""] * 75
    clean = keep_tumour_cells(cells, kinds=kinds, clusters=clusters, detect=False)
    assert [reason for _, _, reason in clean.dropped] == [
        "declared normal", "declared normal", "declared doublet", "in a cluster", "in a cluster",
    ]  # fmt: skip


def test_cells_of_which_nothing_is_known():
    codes = np.array([[1, 1], [1, 0], [-1, -1]])
    cells = CellMutations(("a", "b", "c"), ("p", "p", "m"), ("x", "y"), codes)
    clean = keep_tumour_cells(cells, detect=False)
    assert clean.dropped == (("c", "m", "nothing known"),)


def crc1() -> CellFile:
    return read_cells(
        bundled_file("CRC1.SPhyR.input"), bundled_file("CRC1.cells.tsv"), form="sphyr",
        cell_names=bundled_file("CRC1_cell.labels"), mutation_names=bundled_file("CRC1_SNV.labels"),
    )  # fmt: skip


def test_diploid_cells_of_crc1_look_normal():
    """Undeclared: of 125 cells sorted as diploid nearly all go, of 53 aneuploid nearly none."""
    found = crc1()
    dropped = {name for name, _, _ in keep_tumour_cells(found.cells).dropped}
    aneuploid = {n for n in found.cells.names if n.startswith(("PA", "MA"))}
    assert len(aneuploid) == 53
    assert len(dropped & aneuploid) <= 3
    assert len(dropped - aneuploid) >= 112


def test_too_few_are_left():
    cells = made(0, 0)
    with pytest.raises(CohortError, match=r"1 of 80 cells are left once .* by mistake"):
        keep_tumour_cells(cells, kinds=["normal"] * 79 + ["tumour"])
    with pytest.raises(CohortError, match="2 kinds are given for 80 cells"):
        keep_tumour_cells(cells, kinds=["normal"] * 2)


def test_errors_out_of_range():
    with pytest.raises(ParameterError, match=r"dropout is 0\.6; allowed: above 0 and below 0\.5"):
        CellErrors(dropout=0.6)
