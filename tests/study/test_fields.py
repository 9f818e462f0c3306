import math

import pytest

from marrowtrace.errors import ProblemList
from marrowtrace.study.fields import Fields, read_quantity
from marrowtrace.units import Unit


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        ("8 months", "d", 8 * 365.25 / 12),
        ("1_000 d", "d", 1000.0),
        ("2 cm", "mm", 20.0),
        ("7.5 mL", "mL", 7.5),
        ("0.5 %/year", "1/d", 0.005 / 365.25),
        ("5 %", "-", 0.05),
        (3, "-", 3.0),
        (0, "d", 0.0),
        ("0", "d", 0.0),
        ("1.5e3 cells", "cells", 1500.0),
    ],
)
def test_quantities_are_read_in_canonical_units(value, unit, wanted):
    assert read_quantity(value, Unit.parse(unit)) == pytest.approx(wanted, rel=1e-12)


def test_never_is_infinity_where_it_is_allowed():
    assert math.isinf(read_quantity("never", Unit.DAY, never=True))
    with pytest.raises(ValueError, match="does not begin with a number"):
        read_quantity("never", Unit.DAY)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (8, "is 8 without a unit; give a number with its unit in quotes, e.g. '1 d'"),
        ("8", "is '8' without a unit"),
        ("soon", "does not begin with a number"),
        ("8 mL", "measures volume, but this is time"),
        ("8 lightyears", "unknown part 'lightyears'"),
        (True, "is True; give a number with its unit"),
    ],
)
def test_what_is_no_quantity(value, message):
    with pytest.raises(ValueError, match=r".") as caught:
        read_quantity(value, Unit.DAY)
    assert message in str(caught.value)


def noted(table, read):
    problems = ProblemList()
    value = read(Fields(table, "arms[0]", ("name", "share", "kind", "list"), problems))
    return value, [str(problem) for problem in problems]


def test_every_bad_value_is_noted_with_its_place_and_replaced():
    cases = [
        (5, lambda f: None, "arms[0]: is 5, but a table of fields is wanted"),
        ({"shere": 1}, lambda f: None, "arms[0].shere: is not a field here; did you mean 'share'?"),
        ({}, lambda f: f.text("name"), "arms[0].name: is missing"),
        ({"name": 5}, lambda f: f.text("name"), "arms[0].name: is 5; give a text in quotes"),
        (
            {"kind": "pared"},
            lambda f: f.text("kind", allowed=("paired", "randomised")),
            "arms[0].kind: is 'pared'; allowed: paired, randomised; did you mean 'paired'?",
        ),
        ({"kind": 1}, lambda f: f.flag("kind"), "arms[0].kind: is 1; allowed: true, false"),
        (
            {"share": 0},
            lambda f: f.whole("share", None, low=1, high=9),
            "arms[0].share: is 0; give a whole number from 1 to 9",
        ),
        (
            {},
            lambda f: f.whole("share", None, low=1, high=9),
            "arms[0].share: is missing; give a whole number from 1 to 9",
        ),
        (
            {"share": "2 d"},
            lambda f: f.amount("share", 1.0, "d", high=1.0),
            "arms[0].share: is '2 d', outside its range; give 0 to 1 d",
        ),
        ({"list": 5}, lambda f: f.items("list"), "arms[0].list: is 5; give a list in [ ]"),
        ({"list": [5]}, lambda f: f.items("list"), "arms[0].list[0]: is 5; give a text or a table"),
        (
            {"list": [{}]},
            lambda f: f.words("list"),
            "arms[0].list[0]: is {}; give a text in quotes",
        ),
        (
            {"list": 5},
            lambda f: f.tables("list"),
            "arms[0].list: is 5; give tables [arms[0].list.NAME]",
        ),
    ]
    for table, read, message in cases:
        _, found = noted(table, read)
        assert any(line.startswith(message) for line in found), (message, found)


def test_one_entry_may_stand_without_brackets():
    assert noted({"list": "a"}, lambda f: f.words("list")) == (("a",), [])
