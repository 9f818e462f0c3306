from __future__ import annotations

import pytest

from marrowtrace.catalog import calibration
from marrowtrace.catalog.calibrations import read_calibration
from marrowtrace.errors import CatalogError

GOOD = {
    "structure": "parallel", "method": "m", "loss": 1.0, "loss_fresh_seed": 2.0, "patients": 10,
    "target_count": 3, "values": {"a": 1.0, "b.x": 2}, "well_informed": ["a"],
    "not_informed": ["b.x"],
}  # fmt: skip


def test_identifiability_is_by_symbol_and_by_family():
    fit = calibration("early-breast")
    assert fit.informed("shedding_multiplier.triple_negative") == "well"
    assert fit.informed("perivascular_awakening_rate.triple_negative") == "not"
    assert fit.informed("perivascular_awakening_rate.er_pos_her2_neg") == "weakly"
    assert fit.informed("blood_volume") == ""


def test_an_unknown_calibration_names_the_nearest():
    with pytest.raises(CatalogError) as caught:
        calibration("early-brest")
    expected = "calibration 'early-brest' is not in the catalogue; did you mean 'early-breast'?"
    assert str(caught.value) == expected


def test_a_file_reports_every_problem_at_once():
    tables = {**GOOD, "los": 3, "values": {"a": "one"}}
    del tables["loss"]
    with pytest.raises(CatalogError) as caught:
        read_calibration("c", tables)
    text = str(caught.value)
    assert text.startswith("3 problems in the calibration 'c':\n  loss: is missing; required: ")
    assert "los: is not a field of a calibration; allowed: " in text
    assert "values.a: is 'one', which is not a number" in text


def test_a_value_that_is_not_finite_is_an_error():
    with pytest.raises(CatalogError, match="a: is nan, which is not a finite number"):
        read_calibration("c", {**GOOD, "values": {"a": float("nan")}})


TARGET = {"value": 0.2, "sd": 0.1, "why": "w", "model": 0.21, "error": 0.01, "z": 0.5}
FREE = {
    "symbols": ["a", "b.x"], "scale": "log", "start": 1.0, "final": 1.1, "prior_sd": 0.35,
    "shift": 0.27, "posterior": 0.5,
}  # fmt: skip


def test_targets_and_directions_are_read():
    more = {
        "targets": {"t": TARGET}, "free": {"a": FREE}, "starts": [[3, 2.0]], "fresh_seed": 4,
        "loss_prior": 0.1, "singular_values": [2, 0.5],
    }  # fmt: skip
    fit = read_calibration("c", GOOD | more)
    assert fit.targets["t"].model == 0.21
    assert fit.free["a"].symbols == ("a", "b.x")
    assert (fit.starts, fit.singular_values, fit.fresh_seed) == (((3.0, 2.0),), (2.0, 0.5), 4)


def test_records_report_every_problem_at_once():
    less = {key: value for key, value in FREE.items() if key != "shift"}
    tables = GOOD | {"targets": {"t": TARGET | {"zz": 1}}, "free": {"a": less}}
    with pytest.raises(CatalogError) as caught:
        read_calibration("c", tables)
    text = str(caught.value)
    assert text.startswith("2 problems in the calibration 'c':")
    assert "targets.t.zz: is not a field; wanted: value, sd, why, model, error, z" in text
    assert "free.a.shift: is missing; wanted: symbols, scale, start, final, " in text


def test_a_good_file_is_read():
    fit = read_calibration("c", GOOD)
    assert (fit.informed("a"), fit.informed("b.x"), fit.date, fit.seed) == ("well", "not", "", None)
