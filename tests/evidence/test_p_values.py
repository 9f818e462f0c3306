from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import integrate
from tests.evidence.reference_numbers import numbers
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.p_values import (
    COMBINATION_METHODS,
    PValue,
    combine_p_values,
    harmonic,
    parse_p,
)

REFERENCE = numbers("evidence_p_values.csv")
SETS = {
    "printed": [0.003, 0.02, 0.0035, 0.003, 0.03],
    "corrected": [0.003, 0.02, 0.48, 0.03],
    "plain": [0.1, 0.7, 0.45, 0.03, 0.9, 0.5, 0.22],
    "high": [0.6, 0.8, 0.95, 0.7],
}
WEIGHTS = {
    "printed": np.sqrt([211, 60, 193, 60, 103]),
    "corrected": np.sqrt([211, 60, 211, 103]),
    "plain": np.arange(1, 8),
    "high": np.array([1, 1, 2, 2]),
}


@pytest.mark.parametrize("name", SETS)
def test_agrees_with_metap(name):
    p = SETS[name]
    alternating = [1 if i % 2 == 0 else -1 for i in range(len(p))]
    found = {
        "fisher": combine_p_values(p),
        "stouffer": combine_p_values(p, method="stouffer"),
        "stouffer weighted": combine_p_values(p, method="stouffer", weights=list(WEIGHTS[name])),
        "edgington": combine_p_values(p, method="edgington"),
        "one-sided fisher": combine_p_values(p, directions=alternating),
    }
    found |= {f"wilkinson {r}": combine_p_values(p, method="wilkinson", rank=r) for r in (1, 2, 3)}
    for model, result in found.items():
        expected = REFERENCE[name, model]["p"]
        assert result.p_low == pytest.approx(expected, rel=1e-6), model
        assert result.p_high == result.p_low


def test_fisher_on_the_review_as_printed_and_corrected():
    """The audit of Table 2: 3.5e-7 from the five printed cells, 4.9e-4 from the four that stand."""
    assert combine_p_values(SETS["printed"]).p_high == pytest.approx(3.5e-7, rel=0.02)
    assert combine_p_values(SETS["corrected"]).p_high == pytest.approx(4.9e-4, rel=0.01)


@pytest.mark.parametrize("method", ["fisher", "stouffer", "edgington", "wilkinson"])
def test_null_distribution_is_uniform(method):
    rng = np.random.default_rng(19)
    draws = [
        combine_p_values(list(rng.uniform(size=4)), method=method, rank=2).p_low
        for _ in range(4000)
    ]
    assert_family({method: ks_pvalue(draws, lambda x: x)})


def test_dependence_is_caught_by_the_uniformity_check():
    """The same four p-values twice are not eight independent ones."""
    rng = np.random.default_rng(20)
    draws = [combine_p_values(list(rng.uniform(size=4)) * 2).p_low for _ in range(4000)]
    assert ks_pvalue(draws, lambda x: x) < ALPHA


def test_harmonic_mean_follows_the_landau_density():
    """Against the density as Wilson prints it, integrated here from the harmonic mean up."""
    size, mean = 6, 0.02
    location, scale = math.log(size) + 1 - 0.5772156649015329 + math.log(math.pi / 2), math.pi / 2

    def survival(x):
        def inside(t):
            return (
                math.exp(-t * (x - location) / scale - 2 / math.pi * t * math.log(t))
                * math.sin(2 * t)
                / t
            )

        return integrate.quad(inside, 0, 30, limit=400)[0] / math.pi

    assert harmonic(np.full(size, mean)) == pytest.approx(survival(1 / mean), rel=1e-6)


def test_harmonic_mean_has_its_level_in_the_tail():
    """Over 20,000 null sets of 50, a result under 0.01 comes about one time in a hundred."""
    rng = np.random.default_rng(8)
    inverse = np.mean(1 / rng.uniform(size=(20_000, 50)), axis=1)
    edge = [float(i) for i in inverse]
    small = np.mean([harmonic(np.array([1 / i] * 50)) < 0.01 for i in edge if i > 60])
    share = small * np.mean(np.array(edge) > 60)
    # 5 standard errors are 0.0035
    assert abs(share - 0.01) < 0.0035


@pytest.mark.parametrize("method", COMBINATION_METHODS)
def test_every_method_rises_with_each_input(method):
    base = [0.02, 0.3, 0.6, 0.9]
    before = combine_p_values(base, method=method).p_low
    for i in range(4):
        raised = list(base)
        raised[i] += 0.05
        assert combine_p_values(raised, method=method).p_low >= before


def test_censored_inputs_give_an_interval_that_holds_every_value():
    inputs = ["<.0001", "ns", ".031", ".69"]
    found = combine_p_values(inputs)
    rng = np.random.default_rng(2)
    for _ in range(200):
        p = [rng.uniform(0, 1e-4), rng.uniform(0.05, 1), 0.031, 0.69]
        assert found.p_low <= combine_p_values(p).p_low <= found.p_high
    assert found.p_low == 0
    assert found.p_high == pytest.approx(combine_p_values([1e-4, 1.0, 0.031, 0.69]).p_low)
    assert found.censored == 2
    assert "2 of 4 p-values are bounds" in found.warnings[0]
    assert found.direction.startswith("unknown")


def test_a_zero_and_a_one_leave_stouffer_undecided():
    found = combine_p_values([PValue(0, 0), PValue(1, 1)], method="stouffer")
    assert (found.p_low, found.p_high) == (0, 1)


def test_unknown_direction_is_an_interval():
    found = combine_p_values([0.04, 0.2], directions=[1, 0])
    assert found.p_low == pytest.approx(combine_p_values([0.02, 0.1]).p_low)
    assert found.p_high == pytest.approx(combine_p_values([0.02, 0.9]).p_low)
    assert found.sides == "one"
    assert "unknown for 1 of 2" in found.direction


def test_opposite_directions_cancel():
    found = combine_p_values([0.01, 0.01], method="stouffer", directions=[1, -1])
    assert found.p_low == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (".031", 0.031, 0.031),
        ("0,03", 0.03, 0.03),
        ("< 0.0001", 0, 1e-4),
        ("p<=.01", 0, 0.01),
        (">0.05", 0.05, 1),
        ("P = 0.4", 0.4, 0.4),
        ("1e-4", 1e-4, 1e-4),
        ("ns", 0.05, 1),
        ("N.S.", 0.05, 1),
    ],
)
def test_p_values_as_printed(text, low, high):
    found = parse_p(text)
    assert (found.low, found.high) == (low, high)
    assert found.printed == text
    assert found.censored == (low < high)


def test_rounding_as_an_interval():
    found = parse_p(".03", rounded=True)
    assert (found.low, found.high) == (pytest.approx(0.025), pytest.approx(0.035))
    assert parse_p("1.0", rounded=True).high == 1


@pytest.mark.parametrize("text", ["", "significant", "1.2", "<", "-0.1"])
def test_what_is_no_p_value(text):
    with pytest.raises(EvidenceError, match="is not a p-value"):
        parse_p(text)


def test_bounds_in_order():
    with pytest.raises(EvidenceError, match="not within 0 to 1, low first"):
        PValue(0.5, 0.1)


def test_every_misfit_option_is_listed():
    with pytest.raises(EvidenceError) as caught:
        combine_p_values([0.1, 0.2], method="fischer", weights=[1, -1, 2], directions=[2], rank=3)
    text = str(caught.value)
    for part in [
        "did you mean 'fisher'",
        "takes none; only stouffer does",
        "3 weights for 2 p-values",
        "finite number above 0",
        "1 directions for 2 p-values",
        "allowed are 1, -1 and 0",
        "3 is outside 1 to 2",
    ]:
        assert part in text
    with pytest.raises(EvidenceError, match="no p-values given"):
        combine_p_values([])


def test_table_and_json():
    found = combine_p_values([0.1], method="harmonic")
    assert found.p_low == 0.1
    assert found.table()["method"].item() == "harmonic"
    assert "asymptotically exact" in json.loads(json.dumps(found.to_json()))["exactness"]
    assert found.warnings == ("one p-value: nothing is combined",)


def test_edgington_of_many_is_normal():
    exact, normal = (combine_p_values([0.4] * k, method="edgington").p_low for k in (20, 21))
    assert exact == pytest.approx(0.0605, abs=2e-3)
    assert normal == pytest.approx(0.056, abs=2e-3)
