from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.enumeration.two_by_two import two_by_two
from marrowtrace.errors import CohortError, ParameterError
from tests.evidence.reference_numbers import FOLDER
from tests.goodness_of_fit import assert_family

with (FOLDER / "enumeration_agreement.csv").open(newline="") as file:
    ROWS = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("row", ROWS)
def test_measures_equal_r(row):
    cells = [int(row[k]) for k in ("both", "first_only", "second_only", "neither")]
    found = two_by_two(*cells)
    assert len(row) == 20
    for name, value in row.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-8, abs=1e-8), name


def test_perfect_agreement():
    found = two_by_two(10, 0, 0, 30)
    assert (found.kappa, found.ac1, found.mcnemar_p_value) == (1.0, pytest.approx(1.0), 1.0)
    assert (found.positive_agreement, found.negative_agreement) == (1.0, 1.0)
    assert (found.patients, found.discordant) == (40, 0)


def test_nobody_positive_leaves_kappa_unknown_and_ac1_at_1():
    found = two_by_two(0, 0, 0, 30)
    assert math.isnan(found.kappa)
    assert found.ac1 == 1.0
    assert math.isnan(found.positive_agreement)
    assert json.loads(json.dumps(found.to_json()))["kappa"] is None


def test_one_patient_has_no_interval():
    assert math.isnan(two_by_two(0, 1, 0, 0).ac1_low)


def test_intervals_cover():
    """2000 tables of 150: coverage of 0.90 in place of 0.95 has power above 0.99.

    The intervals are large-sample ones; at 150 pairs they may fall short by one point.
    """
    rng = np.random.default_rng(14)
    share = np.array([0.25, 0.08, 0.12, 0.55])
    truth = two_by_two(*(share * 10_000).round().astype(int))
    tables = rng.multinomial(150, share, 2000)
    pvalues = {}
    for name in ("kappa", "ac1", "positive", "negative"):
        value = getattr(truth, name if name in {"kappa", "ac1"} else f"{name}_agreement")
        found = [two_by_two(*t) for t in tables]
        held = [getattr(f, f"{name}_low") <= value <= getattr(f, f"{name}_high") for f in found]
        pvalues[name] = stats.binomtest(sum(held), 2000, 0.94, alternative="less").pvalue
    assert_family(pvalues)


def test_impossible_tables_are_refused():
    for cells in [(0, 0, 0, 0), (-1, 2, 3, 4), (1.5, 1, 1, 1)]:
        with pytest.raises(CohortError, match="patients is not possible"):
            two_by_two(*cells)
    with pytest.raises(ParameterError, match="level: is 95"):
        two_by_two(1, 1, 1, 1, level=95)
