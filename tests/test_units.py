from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marrowtrace.errors import UnitError
from marrowtrace.units import Unit, convert


@pytest.mark.parametrize(
    ("value", "unit", "to", "wanted"),
    [
        (1.7, "h", "d", 1.7 / 24),
        (12, "months", "y", 1.0),
        (1, "y", "d", 365.25),
        (5, "CTC/7.5 mL", "cells/mL", 5 / 7.5),
        (5, "CTC/7.5ml", "CTC/mL", 5 / 7.5),
        (2, "DTC/2e6 MNC", "-", 1e-6),
        (3.2e6, "cells/g/24h", "cells/g/d", 3.2e6),
        (75, "mg/m2", "g/m2", 0.075),
        (1, "cm", "mm", 10),
        (1, "1/y", "1/d", 1 / 365.25),
        (1, "µL", "mL", 1e-3),
        (4, "h^-1", "1/d", 96),
        (1, "cells*d", "cells*h", 24),
        (0.3, "fraction", "-", 0.3),
    ],
)
def test_conversion(value, unit, to, wanted):
    assert convert(value, unit, to) == pytest.approx(wanted)


def test_canonical_is_the_default():
    assert convert(2, "h") == pytest.approx(2 / 24)


UNITS = ["h", "min", "week", "mo", "y"]


@given(st.floats(1e-9, 1e9), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_there_and_back(value, unit, to):
    assert convert(convert(value, unit, to), to, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hrz", "unknown part 'hrz'; did you mean 'hr'"),
        ("cells//mL", "cannot read '' in the unit 'cells//mL'"),
        ("7.5.2 mL", "cannot read '7.5.2 ml'"),
        ("0 mL", "size of 0 ml; it must be above 0"),
        ("CTC/tube", "unknown part 'tube'"),
    ],
)
def test_bad_unit(text, message):
    with pytest.raises(UnitError, match=message):
        Unit.parse(text)


def test_other_dimension():
    with pytest.raises(UnitError, match="'h' measures time, but 'cells/mL' measures cells/volume"):
        convert(1, "h", "cells/mL")


def test_dimension_in_words():
    assert Unit.parse("cells/g/day").dimension_name == "cells/time/mass"
    assert Unit.parse("-").dimension_name == "dimensionless"
