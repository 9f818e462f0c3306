from __future__ import annotations

import math

import pytest

from marrowtrace.errors import ParameterError
from marrowtrace.processes import (
    birth_death,
    blood,
    dormancy,
    establishment,
    homing,
    immunity,
    lesion,
    mortality,
    mutation,
    niches,
    phenotype,
    restriction,
    shedding,
    therapy_window,
)
from marrowtrace.processes.domain import check_domain

BALANCE = {
    "net_growth": 0.1,
    "killing": 1.0,
    "source": 5.0,
    "stimulation": 0.5,
    "half_saturation": 1e3,
    "loss": 0.2,
}


def test_all_problems_are_listed():
    with pytest.raises(ParameterError) as caught:
        check_domain("the law", ("p", 1.5, 0.0, 1.0), ("t", math.nan, 0.0, math.inf))
    assert str(caught.value) == (
        "2 problems in the law:\n  p: is 1.5; allowed: 0 to 1\n  t: is nan; allowed: 0 and above"
    )


def test_inside_is_accepted():
    check_domain("the law", ("p", 0.0, 0.0, 1.0), ("t", math.inf, 0.0, math.inf))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: birth_death.pmf(5, -1.0, 0.0, 1.0), "birth: is -1.0; allowed: 0 and above"),
        (lambda: birth_death.mean(1.0, 0.0, -2.0), "time: is -2.0"),
        (lambda: birth_death.extinction(1.0, -3.0), "death: is -3.0"),
        (lambda: birth_death.pmf(5, 1.0, 0.0, 1.0, immigration=-1.0), "immigration: is -1.0"),
        (lambda: shedding.cluster_size_pmf(5, 1.5), "mean_size: is 1.5; allowed: 2 and above"),
        (lambda: blood.fate_probabilities([0.0, 0.0]), "sum of rates: is 0.0"),
        (lambda: blood.half_life(0.0), "removal: is 0.0"),
        (lambda: homing.blocked("cxcr4", 1.2), "efficacy: is 1.2; allowed: 0 to 1"),
        (
            lambda: homing.blocked("cxcr5", 0.5),
            "homing factor 'cxcr5' is unknown; allowed: cxcr4, .*did you mean 'cxcr4'",
        ),
        (lambda: niches.feedback_mean(1.0, 0.1, 0.1, 1.5, 10), "returning: is 1.5"),
        (lambda: dormancy.exponential(0.0), "mean: is 0.0"),
        (lambda: dormancy.weibull(0.0, 1.0), "shape: is 0.0; allowed: 0.05 to 100"),
        (lambda: dormancy.lognormal(0.0, 1.0), "log_sd: is 0.0"),
        (
            lambda: dormancy.erlang_mixture([0.5], [1, 2], [1.0]),
            "have 1, 2 and 1 values; give one of each for every part",
        ),
        (lambda: dormancy.erlang_mixture([0.5], [1], [1.0]), "sum to 0.5; they must sum to 1"),
        (lambda: dormancy.erlang_mixture([1.0], [1.5], [1.0]), "they must be whole numbers"),
        (lambda: dormancy.erlang_mixture([1.0], [200], [1.0]), r"stages\[0\]: is 200"),
        (lambda: dormancy.awakens_probability(dormancy.exponential(1.0), -1.0), "loss: is -1.0"),
        (lambda: establishment.rates(1, 1.0, 0.5), "target: is 1; allowed: 2 and above"),
        (lambda: immunity.balance(**{**BALANCE, "killing": -1.0}), "killing: is -1.0"),
        (
            lambda: immunity.balance(**BALANCE, recall=1.0, memory_gain=1.0),
            "memory recalls effectors at 1 per day, at least as fast as they are lost",
        ),
        (lambda: restriction.ending_probabilities(-1.0, 0.0, 0.0, 1.0), "elimination: is -1.0"),
        (lambda: phenotype.balance(-1.0, 1.0, 1.0, 1.0), "e_to_h: is -1.0"),
        (lambda: phenotype.balance(0.0, 1.0, 1.0, 0.0), "depend on the start"),
        (lambda: mutation.trunk_mean(1.0, 0.1, 0.1), "death: is 0.1"),
        (
            lambda: lesion.delay_cdf(
                [1.0], 40.0, death_share=0.5, rate=1e-3, log_plateau=28.0, log_corner=9.0
            ),
            "log_detectable: is 40.0",
        ),
        (
            lambda: lesion.relapse_free(
                [1.0],
                seeding=1e-9,
                primary_growth=0.0,
                primary_size=1e9,
                birth=0.2,
                death=0.3,
                detectable=1e7,
            ),
            "2 problems in the law of relapse times",
        ),
        (lambda: therapy_window.dropout_hazard(1.0, 10.0), "share: is 1.0"),
        (lambda: therapy_window.mean_stay(10.0, -1.0), "dropout: is -1.0"),
        (
            lambda: mortality.other_cause_cdf(
                [1.0], 1.0, at_reference=-1.0, reference_age=1.0, doubling=1.0
            ),
            "at_reference: is -1.0",
        ),
        (lambda: mortality.after_relapse_cdf([1.0], 0.0, 1.0), "median: is 0.0"),
    ],
)
def test_each_law_names_what_is_wrong(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
