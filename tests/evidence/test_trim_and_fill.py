from __future__ import annotations

import numpy as np
import pytest
from tests.evidence.reference_numbers import floats, numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.trim_and_fill import trim_and_fill

REFERENCE = numbers("evidence_bias.csv")
SETS = {
    name: (floats(f"evidence_{name}.csv", "yi"), floats(f"evidence_{name}.csv", "vi"))
    for name in ("bcg", "riley", "lean")
}


@pytest.mark.parametrize("method", ["REML", "DL", "common"])
@pytest.mark.parametrize("estimator", ["L0", "R0"])
@pytest.mark.parametrize("name", SETS)
def test_agrees_with_metafor(name, estimator, method):
    expected = REFERENCE[name, f"fill {estimator} {method}"]
    found = trim_and_fill(*SETS[name], estimator=estimator, method=method)
    assert found.filled == expected["filled"]
    assert (found.side == "right") == bool(expected["right"])
    assert found.adjusted.estimate == pytest.approx(expected["estimate"], rel=1e-6)
    assert found.adjusted.se == pytest.approx(expected["se"], rel=1e-6)
    assert found.adjusted.tau2 == pytest.approx(expected["tau2"], rel=1e-6, abs=1e-9)
    assert found.adjusted.k == found.observed.k + found.filled


def test_mirror_images_fill_the_mirrored_side():
    y, v = SETS["lean"]
    one, other = trim_and_fill(y, v), trim_and_fill(-y, v)
    assert (one.side, other.side) == ("left", "right")
    assert one.filled == other.filled > 0
    assert other.adjusted.estimate == pytest.approx(-one.adjusted.estimate, rel=1e-9)
    assert one.filled_effects == pytest.approx([-x for x in other.filled_effects])


def test_a_symmetric_funnel_lacks_nothing():
    y = np.array([0.0, -0.1, 0.11, -0.31, 0.3, -0.6, 0.61, -0.91, 0.9, -1.2, 1.19])
    v = np.array([0.01, 0.03, 0.03, 0.06, 0.06, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3])
    found = trim_and_fill(y, v, side="left")
    assert found.filled == 0
    assert found.adjusted == found.observed
    assert found.table()["studies"].to_list() == ["observed", "with filled"]
    assert found.to_json()["filled_effects"] == []


def test_few_studies_are_warned_of():
    y, v = SETS["lean"]
    assert "fewer than 10" in trim_and_fill(y[:6], v[:6]).warnings[0]


def test_impossible_options():
    y, v = SETS["lean"]
    with pytest.raises(EvidenceError, match="did you mean 'left'"):
        trim_and_fill(y, v, side="lefft")
    with pytest.raises(EvidenceError, match="estimator 'Q0' is unknown; allowed: L0, R0"):
        trim_and_fill(y, v, estimator="Q0")
    with pytest.raises(EvidenceError, match="no side can be chosen"):
        trim_and_fill([0.1, 0.2, 0.5], [0.1, 0.1, 0.1])
