from __future__ import annotations

import pytest

from marrowtrace.citations import cite
from marrowtrace.errors import ParameterError
from marrowtrace.parameters import Parameter, ParameterSet, Source, read_parameters
from marrowtrace.units import Unit

MEASURED = Source(kind="measured", citation=cite("meng2004"), where="abstract")


def half_life(**changes) -> Parameter:
    fields = {
        "symbol": "ctc_half_life", "value": 1.7, "low": 1.0, "high": 2.4, "unit": Unit.HOUR,
        "meaning": "half-life of CTCs", "source": MEASURED,
    }  # fmt: skip
    return Parameter(**(fields | changes))


def test_canonical_value_is_in_days():
    assert half_life().canonical == pytest.approx(1.7 / 24)


@pytest.mark.parametrize("value", [1.0, 2.4])
def test_the_ends_of_the_range_are_inside(value):
    assert half_life(value=value).value == value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": 40}, r"ctc_half_life = 40 h is outside its range \[1, 2.4\] h .*Meng 2004"),
        ({"value": float("nan")}, "ctc_half_life = nan h is outside"),
        ({"low": 3}, r"ctc_half_life has the range \[3, 2.4\], which is empty"),
        ({"source": None}, "ctc_half_life has no source; .*'assumed' if it is a guess"),
        ({"meaning": " "}, "ctc_half_life has no meaning"),
    ],
)
def test_bad_parameter(changes, message):
    with pytest.raises(ParameterError, match=message):
        half_life(**changes)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "mesured", "where": "x"}, "unknown; allowed: .*did you mean 'measured'"),
        ({"kind": "measured", "where": "x"}, "'measured' needs a citation"),
        ({"kind": "assumed", "where": ""}, "must say where: the reason for the assumption"),
        ({"kind": "calibrated", "where": " "}, "the targets it was calibrated to"),
        (
            {"kind": "published model", "where": "", "citation": cite("meng2004")},
            "the place in the paper",
        ),
    ],
)
def test_bad_source(fields, message):
    with pytest.raises(ParameterError, match=message):
        Source(**fields)


def test_another_value_in_another_unit():
    moved = half_life().with_value("90 min")
    assert moved.value == pytest.approx(1.5)
    assert moved.source.kind == "assumed"
    assert "the catalogue has 1.7 h" in moved.source.where


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2 mL", "ctc_half_life = '2 mL': 'mL' measures volume, but 'h' measures time"),
        ("long", "'long' is not a number with a unit, e.g. '1.7 h'"),
        (True, "True is not a number"),
        (0.1, "outside its range"),
    ],
)
def test_bad_value(value, message):
    with pytest.raises(ParameterError, match=message):
        half_life().with_value(value)


def test_a_set_reports_every_bad_value():
    parameters = ParameterSet([half_life()])
    with pytest.raises(ParameterError) as raised:
        parameters.with_values({"ctc_halflife": 2, "ctc_half_life": "40 h"})
    message = str(raised.value)
    assert message.startswith("2 problems in the parameters:")
    assert "ctc_halflife: no parameter of this name; did you mean 'ctc_half_life'?" in message
    assert "ctc_half_life = 40 h is outside" in message


def test_a_set_is_a_mapping():
    parameters = ParameterSet([half_life()])
    assert list(parameters) == ["ctc_half_life"]
    assert len(parameters) == 1
    assert parameters.citations() == ["meng2004"]
    assert parameters.with_values({"ctc_half_life": 2})["ctc_half_life"].value == 2
    with pytest.raises(ParameterError, match="no parameter 'ctc_half'; did you mean"):
        parameters["ctc_half"]
    assert parameters.get("ctc_half", None) is None
    with pytest.raises(ParameterError, match="ctc_half_life is defined twice"):
        ParameterSet([half_life(), half_life()])


TABLE = {
    "value": 1.7, "low": 1, "high": 2.4, "unit": "h", "meaning": "half-life of CTCs",
    "kind": "measured", "citation": "meng2004", "where": "abstract",
}  # fmt: skip


def test_reading_gives_the_same_parameter():
    assert read_parameters({"ctc_half_life": TABLE}, where="x")["ctc_half_life"] == half_life()


def test_reading_reports_every_problem():
    tables = {
        "a": {k: v for k, v in TABLE.items() if k != "kind"},
        "b": TABLE | {"unit": "hrz"},
        "c": TABLE | {"citation": "meng2005"},
        "d": TABLE | {"valu": 1},
        "e": 3,
        "f": TABLE | {"value": "many"},
    }
    with pytest.raises(ParameterError) as raised:
        read_parameters(tables, where="breast.toml")
    message = str(raised.value)
    assert message.startswith("6 problems in breast.toml:")
    assert "a: has no source: no field 'kind'" in message
    assert "b: unit 'hrz' has an unknown part" in message
    assert "c: no reference 'meng2005'" in message
    assert "d: has an unknown field 'valu'; did you mean 'value'?" in message
    assert "e: is 3, but a parameter is a table '[e]'" in message
    assert "f: could not convert string to float: 'many'" in message


def test_a_row_for_tables():
    assert half_life().as_row()["citation"] == "meng2004"
