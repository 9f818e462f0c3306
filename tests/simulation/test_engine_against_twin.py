"""The fast engine equals its event-by-event twin in law; the long form is in ``verification/``."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from verification.cases import cases
from verification.comparison import Comparison, against, traits
from verification.systems import Case, moved

from marrowtrace.simulation import Scenario, simulate
from marrowtrace.simulation.exact import simulate_exactly
from tests.goodness_of_fit import assert_family

TWINS = 150  # few: a mean pool of 50 that is 5 % wrong is caught with power 0.7 here, 1.0 there
ENGINE = 20_000
CHOSEN = (
    "no therapy",
    "chemotherapy and endocrine therapy",
    "docetaxel by a rule on blood",
    "Weibull waits",
    "few niche sites",
    "restricted lesions",
    "marrow as the only reservoir",
    "cells left by surgery and radiotherapy",
    "chemotherapy by guideline",
    "HER2-targeted therapy",
    "follow-up from metastases",
)


@cache
def case(name: str) -> Case:
    return cases()[name]


@cache
def twins(name: str):
    return simulate_exactly(case(name).scenario, TWINS, 23 + CHOSEN.index(name))


def compared(name: str, other: Scenario | None = None) -> Comparison:
    chosen = case(name)
    return against(
        twins(name),
        chosen.scenario,
        patients=ENGINE,
        seed=5,
        other=other,
        poisson=chosen.poisson,
    )


def test_laws_of_engine_and_twin_are_equal():
    found = {f"{name}: {what}": p for name in CHOSEN for what, p in compared(name).pvalues.items()}
    assert_family(found)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("no therapy", "perivascular_awakening_rate"),
        ("marrow as the only reservoir", "perivascular_egress_rate"),
        ("few niche sites", "endosteal_niche_sites"),
    ],
)
def test_comparison_has_power(name, symbol):
    """An engine with one number of the system twice as large must be caught."""
    wrong = moved(case(name).scenario, symbol, 2.0).perturbed
    found = compared(name, wrong)
    with pytest.raises(AssertionError, match="comparisons fail"):
        assert_family(found.pvalues)


def test_traits_of_patients_follow_one_law():
    chosen = case("patients who differ").scenario
    history = simulate(chosen, ENGINE, 5)
    assert_family(traits(chosen, history, patients=4000, seed=29))
    wider = moved(chosen, "shedding_log_sd", 1.2).perturbed
    with pytest.raises(AssertionError, match="comparisons fail"):
        assert_family(traits(wider, history, patients=4000, seed=29))


@pytest.mark.parametrize("name", ["no therapy", "restricted lesions", "neoadjuvant chemotherapy"])
def test_days_of_a_lesion_are_in_order(name):
    """Shed, then awakened, then escaped, detected or ended."""
    table = simulate(case(name).scenario, ENGINE, 5).lesions
    assert np.all(table["seeded"] <= table["awakened"])
    for later in ("escaped", "detected", "ended"):
        happened = ~np.isnan(table[later])
        assert np.all(table[later][happened] >= table["awakened"][happened]), later
