"""Consistency of one printed row."""

from __future__ import annotations

import pytest

from marrowtrace.evidence.checks import grim, nearest_count
from marrowtrace.evidence.records import DetectionRate, PrognosticEffect, row_problems

RATE = {"row": "r", "study": "fehm2009", "analyte": "CTC", "n": 100, "k": 20}
EFFECT = {"row": "r", "study": "fehm2009", "analyte": "CTC", "endpoint": "OS", "n": 100}


def messages(kind, base, **changes):
    return [str(problem) for problem in row_problems(kind, {**base, **changes})]


@pytest.mark.parametrize("n", [7, 81, 299])
def test_grim_passes_every_count_of_n(n):
    for k in range(n + 1):
        for digits in (0, 1, 2):
            percent = f"{100 * k / n:.{digits}f}"
            assert grim(percent, n)
            assert grim(percent, n, k=k)


def test_grim_passes_both_ways_of_rounding_a_half():
    assert grim("12.5", 8)
    assert grim("12", 8, k=1)
    assert grim("13", 8, k=1)


def test_grim_agrees_with_trying_every_count():
    for n in (9, 41, 81):
        for tenths in range(0, 1001, 7):
            percent = f"{tenths / 10:.1f}"
            possible = any(abs(100 * k / n - tenths / 10) <= 0.05 + 1e-9 for k in range(n + 1))
            assert grim(percent, n) == possible


def test_the_faults_that_the_audit_found_by_grim():
    """Fault 5: 18.6 % of 81 and 37.4 % of 299; all other rows of Table 1 pass."""
    assert not grim("18.6", 81)
    assert grim("18.6", 86)
    assert not grim("37.4", 299)
    assert grim("37.4", 297)
    assert nearest_count("37.4", 299) == 112


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"k": 120}, "r.k+n", "120 of 100 positive is more than all"),
        ({"k": -1}, "r.k", "is -1; counts are 0 or more"),
        ({"n": 0}, "r.n", "n is 1 or more"),
        ({"n": None}, "r.n", "the number examined"),
        ({"k": None}, "r.k+percent", "neither k nor percent is given"),
        ({"percent": "24"}, "r.k+n+percent", "20/100 = 20.00 %, but 24 % is printed"),
        ({"k": None, "percent": "18.6", "n": 81}, "r.k+n+percent", "no count of 81 gives 18.6 %"),
        ({"percent": "20%"}, "r.percent", "'20%' is not a per cent from 0 to 100"),
        ({"percent": "120"}, "r.percent", "'120' is not a per cent"),
        ({"threshold": 5}, "r.threshold+volume_ml+cells", "5 cells or more, but in what?"),
        ({"volume_ml": -1.0}, "r.volume_ml", "-1 is not above 0"),
    ],
)
def test_rate_problems(changes, place, words):
    found = messages(DetectionRate, RATE, **changes)
    assert len(found) == 1
    assert found[0].startswith(f"{place}: ")
    assert words in found[0]


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"p": "0.03", "events": 120}, "r.events+n", "120 is not between 0 and the n of 100"),
        ({"p": "small"}, "r.p", "'small' is not a p-value"),
        ({}, "r.p+hr", "neither p nor hr is given"),
        ({"hr": -0.7}, "r.hr", "not its logarithm"),
        ({"hr": 2.0, "ci_low": 1.1}, "r.ci_low+ci_high", "only one end of the interval"),
        ({"hr": 2.0, "ci_low": 4.0, "ci_high": 1.0}, "r.ci_low+ci_high", "exchanged?"),
        ({"hr": 2.0, "ci_low": 2.2, "ci_high": 4.0}, "r.hr+ci_low+ci_high", "outside its interval"),
        ({"hr": 0.5, "direction": "worse"}, "r.direction+hr", "turn the ratio round"),
        ({"hr": 2.0, "direction": "better"}, "r.direction+hr", "turn the ratio round"),
        ({"p": "0.03", "ci_level": 95.0}, "r.ci_level", "for 95 % give 0.95"),
        (
            {"hr": 2.0, "ci_low": 1.5, "ci_high": 2.67, "p": "0.04"},
            "r.p+hr+ci_low+ci_high",
            "p = 0.04 does not go with 2 (1.5 to 2.67)",
        ),
        (
            {"hr": 1.2, "ci_low": 0.8, "ci_high": 1.8, "p": "<0.001"},
            "r.p+hr+ci_low+ci_high",
            "does not go with",
        ),
    ],
)
def test_effect_problems(changes, place, words):
    found = messages(PrognosticEffect, EFFECT, **changes)
    assert len(found) == 1
    assert found[0].startswith(f"{place}: ")
    assert words in found[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"hr": 2.0, "ci_low": 1.0, "ci_high": 4.0, "p": "0.05"},
        {"hr": 2.0, "ci_low": 1.4, "ci_high": 2.9, "p": "<0.001"},
        {"hr": 1.1, "ci_low": 0.8, "ci_high": 1.5, "p": "ns"},
        {"hr": 7.58, "ci_low": 2.3, "ci_high": 24.7},
        {"hr": 1.0, "ci_low": 0.5, "ci_high": 2.0, "p": "0.97"},
        {"p": "ns"},
    ],
)
def test_consistent_effects_pass(changes):
    assert messages(PrognosticEffect, EFFECT, **changes) == []


def test_all_problems_of_a_row_at_once():
    found = messages(PrognosticEffect, EFFECT, hr=2.0, ci_low=1.0, p="x", endpoint="OSS", events=-3)
    assert len(found) == 4
