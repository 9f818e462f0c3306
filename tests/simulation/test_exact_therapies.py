"""The twin's eligibility and its assays against what the definition says of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from verification.cases import BLOOD_ASSAY, MARROW_ASSAY
from verification.closed_forms import ALIKE
from verification.systems import system

from marrowtrace.simulation.exact import simulate_exactly
from marrowtrace.simulation.exact_environment import canonical
from marrowtrace.simulation.exact_primary import draw_traits
from marrowtrace.simulation.exact_therapies import count, largest_by_target, use
from marrowtrace.simulation.therapy import Rule, Therapy
from marrowtrace.streams import generator
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue

DRAWS = 4000
BLOOD = Rule("blood", day=1.0)
MARROW = Rule("bone_marrow", day=1.0)


def numbers(subtype="er_pos_her2_neg", **values):
    return canonical(system("assay", BLOOD_ASSAY | MARROW_ASSAY | values).parameters, subtype)


def patient(subtype="er_pos_her2_neg", **traits):
    found = draw_traits(generator(1, 60_004, 0), subtype, numbers(subtype))
    for name, value in traits.items():
        setattr(found, name, value)
    return found


@pytest.mark.parametrize(
    ("eligibility", "yes", "no"),
    [
        ("er_positive", "er_pos_her2_neg", "triple_negative"),
        ("er_negative", "triple_negative", "er_pos_her2_pos"),
        ("her2_positive", "er_neg_her2_pos", "triple_negative"),
    ],
)
def test_eligibility_by_receptor(eligibility, yes, no):
    therapy = Therapy("other_1", eligibility=eligibility)
    assert use(therapy, patient(yes), numbers()) == 1.0
    assert use(therapy, patient(no), numbers()) == 0.0


def test_guideline_takes_the_largest_share_of_a_patients_groups():
    n = numbers()
    therapy = Therapy("chemotherapy", eligibility="guideline")
    small = {"node_positive": False, "diameter": 10.0}
    assert use(therapy, patient(**small), n) == 0.0
    large = {"node_positive": False, "diameter": 40.0}
    assert use(therapy, patient(**large), n) == n["chemotherapy_use_large"]
    assert use(therapy, patient("triple_negative", **large), n) == max(
        n["chemotherapy_use_large"], n["chemotherapy_use_er_negative"]
    )
    every = {"node_positive": True, "diameter": 40.0}
    assert use(therapy, patient("triple_negative", **every), n) == max(
        n[f"chemotherapy_use_{group}"] for group in ("large", "er_negative", "node_positive")
    )


def test_count_of_an_aspirate_is_negative_binomial():
    n, rng = numbers(dtc_false_positives=0.0), generator(2, 60_004, 0)
    cells = 400_000  # so many that a binomial draw is a Poisson one
    n["marrow_mononuclear_cells"] = 4e9
    drawn = np.array([count(rng, MARROW, n, cells, 0) for _ in range(DRAWS)])
    mean = cells * 4e4 / 4e9 * n["dtc_detection_probability"]
    shape = n["marrow_site_shape"]
    law = stats.nbinom.pmf(np.arange(60), shape, shape / (shape + mean))
    assert_family({"aspirate": chi2_pvalue(drawn, law)})
    assert chi2_pvalue(drawn, stats.poisson.pmf(np.arange(60), mean)) < ALPHA


def test_count_of_a_tube_without_bursts_is_binomial_and_false_counts_are_poisson():
    n, rng = numbers(blood_burst_log_sd=0.0, ctc_false_positives=0.0), generator(3, 60_004, 0)
    seen = 7.5 / n["blood_volume"] * n["ctc_detection_probability"]
    drawn = np.array([count(rng, BLOOD, n, 0, 20) for _ in range(DRAWS)])
    false = numbers(ctc_false_positives=0.1)
    empty = np.array([count(rng, BLOOD, false, 0, 0) for _ in range(DRAWS)])
    assert_family(
        {
            "tube": chi2_pvalue(drawn, stats.binom.pmf(np.arange(21), 20, seen)),
            "false": chi2_pvalue(empty, stats.poisson.pmf(np.arange(8), 0.75)),
        }
    )
    assert chi2_pvalue(drawn, stats.binom.pmf(np.arange(21), 20, 1.1 * seen)) < ALPHA


def test_bursts_keep_the_mean_and_add_variance():
    n, rng = numbers(blood_burst_log_sd=0.5, ctc_false_positives=0.0), generator(4, 60_004, 0)
    n["blood_volume"] = 7.5e4
    drawn = np.array([count(rng, BLOOD, n, 0, 100_000) for _ in range(DRAWS)])
    mean = 100_000 * 1e-4 * n["ctc_detection_probability"]
    variance = mean + mean**2 * np.expm1(0.25)
    z = (drawn.mean() - mean) / (variance / DRAWS) ** 0.5
    assert 2.0 * stats.norm.sf(abs(z)) > ALPHA
    assert drawn.var() > 1.5 * mean


def test_largest_effect_of_each_target():
    drugs = (
        Therapy("endocrine", effects={"resistant_fraction": 0.2}, acts_on="er_positive"),
        Therapy("other_1", effects={"resistant_fraction": 0.4}, acts_on="er_positive"),
        Therapy("other_2", effects={"resistant_fraction": 0.9}),
    )
    found = largest_by_target(drugs, "resistant_fraction")
    assert found == {"er_positive": 0.4, "her2_positive": 0.0}


def test_cells_that_lodge_at_the_primarys_site_before_surgery_go_with_it():
    values = ALIKE | {"local_lodging_probability": 0.3, "establishment_probability": 0.0}
    before = system("before", values, visits=(0.0, 50.0), years=1.0, surgery=100.0)
    for life in simulate_exactly(before, 20, 5):
        assert not np.nansum(life.counts["local"])


def test_surgery_leaves_a_poisson_number_of_cells_at_the_primarys_site():
    values = ALIKE | {"local_residual_cells": 12.0, "establishment_probability": 0.0}
    left = system("left", values, visits=(0.0,), years=1.0)
    counts = np.array([life.counts["local"][0] for life in simulate_exactly(left, 250, 6)])
    assert_family({"left": chi2_pvalue(counts, stats.poisson.pmf(np.arange(50), 12.0))})
    assert chi2_pvalue(counts, stats.poisson.pmf(np.arange(50), 15.0)) < ALPHA


def test_follow_up_from_metastases_counts_days_from_the_first_relapse():
    values = ALIKE | {"establishment_probability": 0.3}
    chosen = system("entry", values, visits=(0.0, 100.0), years=0.5, entry="metastatic")
    lives = simulate_exactly(chosen, 20, 7)
    assert any(life.entered and life.distant_relapse > 100.0 for life in lives)
    for life in lives:
        if life.entered:
            latest = life.distant_relapse + chosen.horizon
            assert life.end <= latest + 1e-9
            assert not np.isnan(life.counts["visceral"][0])
    none = simulate_exactly(
        system("none", {"shedding_rate_reference": 0.0}, entry="metastatic"), 3, 8
    )
    assert not any(life.entered for life in none)
