from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from marrowtrace.evidence.plain_values import plain, plain_fields, scalar_fields


@dataclass(frozen=True)
class Inner:
    name: str
    tau2: float


@dataclass(frozen=True)
class Outer:
    name: str
    value: float
    inner: Inner
    parts: tuple[float, ...]


RESULT = Outer("outer", math.nan, Inner("inner", 0.5), (1.0, math.inf))


def test_plain_fields_nest_and_hold_no_nan():
    assert plain_fields(RESULT) == {
        "name": "outer",
        "value": None,
        "inner": {"name": "inner", "tau2": 0.5},
        "parts": [1.0, None],
    }


def test_scalar_fields_are_flat_and_the_outer_name_wins():
    flat = scalar_fields(RESULT)
    assert math.isnan(flat.pop("value"))
    assert flat == {"name": "outer", "tau2": 0.5}


def test_numpy_values():
    assert plain(np.array([[1, 2]])) == [[1, 2]]
    assert plain({"a": np.float64(0.5), "b": np.bool_(True), "c": None}) == {
        "a": 0.5,
        "b": True,
        "c": None,
    }


def test_what_has_no_plain_form():
    with pytest.raises(TypeError, match="no plain form for set"):
        plain({1, 2})
