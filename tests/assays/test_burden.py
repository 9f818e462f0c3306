from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.assays import Burden, blood_phenotype
from marrowtrace.errors import ParameterError


def test_one_entry_for_all_is_enough():
    burden = Burden.of([1.0, 2.0], phenotype=(0.5, 0.3, 0.2), clusters=1.5)
    assert burden.phenotype.tolist() == [[0.5, 0.3, 0.2]] * 2
    assert burden.clusters.tolist() == [1.5, 1.5]
    assert burden.level.tolist() == [1.0, 1.0]
    assert len(burden) == 2
    assert burden.at(1).cells.tolist() == [2.0]


def test_every_problem_is_listed():
    with pytest.raises(ParameterError) as caught:
        Burden.of([-1.0, 2.0, np.nan], phenotype=[[1, 0, 0], [0.5, 0.3, 0.1], [9, 9, 9]],
                  clusters=[0, 0, -5], level=[np.inf, 1, -1])  # fmt: skip
    text = str(caught.value)
    assert "cells: 1 row(s) are negative or not finite, e.g. row 0 = -1" in text
    assert "level: 1 row(s) are negative or not finite, e.g. row 0 = inf" in text
    assert "row 1 = 0.5, 0.3, 0.1" in text
    assert "clusters" not in text  # what was not sampled may be anything


def test_shapes_must_fit():
    with pytest.raises(ParameterError, match=r"phenotype: has the shape \(2, 3\); \(1, 3\)"):
        Burden(np.ones(1), np.ones((2, 3)), np.ones(1), np.ones(1))
    with pytest.raises(ParameterError, match=r"give one entry a patient \(2\)"):
        Burden.of([1.0, 2.0], clusters=[1.0, 2.0, 3.0])


def test_known_numbers_are_whole():
    assert Burden.of([10.0], phenotype=(0.5, 0.3, 0.2), known=True).known
    with pytest.raises(ParameterError, match=r"cells: 1 number\(s\) of cells are not whole"):
        Burden.of([10.5], known=True)
    with pytest.raises(ParameterError, match=r"phenotype: 2 number\(s\) .*, e.g. 0.5"):
        Burden.of([1.0], phenotype=(0.5, 0.5, 0.0), known=True)


def test_phenotypes_in_blood_mix_what_is_shed_and_what_left_the_marrow():
    marrow = [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [np.nan] * 3]
    shares = blood_phenotype(
        [0.3, 0.7, 0.4], [0.0, 1.0, np.nan], marrow, epithelial_share=0.4, hybrid_share=0.2
    )
    assert shares[0] == pytest.approx([0.7 * 2 / 3, 0.7 / 3, 0.3])
    assert shares[1] == pytest.approx([0.1, 0.2, 0.7])
    assert shares[2] == pytest.approx([0.4, 0.2, 0.4])
    half = blood_phenotype([0.5], [0.5], [[0.1, 0.2, 0.7]], epithelial_share=0.4, hybrid_share=0.2)
    assert half[0] == pytest.approx([0.05 + 0.35 * 2 / 3, 0.1 + 0.35 / 3, 0.5])
    none = blood_phenotype([1.0], [0.0], [[0, 0, 1]], epithelial_share=0.0, hybrid_share=0.0)
    assert none[0].tolist() == [0.0, 0.0, 1.0]
