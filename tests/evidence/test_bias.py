from __future__ import annotations

import json

import numpy as np
import pytest
from tests.evidence.reference_numbers import floats, numbers
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.bias import begg, egger, egger_random_effects, peters

REFERENCE = numbers("evidence_bias.csv")
SETS = {
    name: (floats(f"evidence_{name}.csv", "yi"), floats(f"evidence_{name}.csv", "vi"))
    for name in ("bcg", "riley", "lean")
}
FORMS = {
    "egger": egger,
    "egger random z": egger_random_effects,
    "egger random knha": lambda y, v: egger_random_effects(y, v, test="knapp-hartung"),
    "begg": begg,
}


@pytest.mark.parametrize("model", FORMS)
@pytest.mark.parametrize("name", SETS)
def test_agrees_with_metafor(name, model):
    found = FORMS[model](*SETS[name]).table().row(0, named=True)
    for quantity, value in REFERENCE[name, model].items():
        assert found[quantity] == pytest.approx(value, rel=1e-6), quantity


def test_peters_agrees_with_lm():
    y, _ = SETS["bcg"]
    found = peters(
        y, events=floats("evidence_bcg.csv", "events"), totals=floats("evidence_bcg.csv", "total")
    )
    row = found.table().row(0, named=True)
    for quantity, value in REFERENCE["bcg", "peters"].items():
        assert row[quantity] == pytest.approx(value, rel=1e-6), quantity


def _symmetric(rng, k=12, slope=0.0):
    v = rng.uniform(0.01, 0.4, k)
    return rng.normal(0.3 + slope * np.sqrt(v), np.sqrt(v)), v


def test_egger_has_its_level_on_symmetric_funnels_and_power_on_leaning_ones():
    rng = np.random.default_rng(31)
    null = [egger(*_symmetric(rng)).p_value for _ in range(2000)]
    assert_family({"egger": ks_pvalue(null, lambda p: p)})
    leaning = [egger(*_symmetric(rng, slope=1.5)).p_value for _ in range(2000)]
    assert ks_pvalue(leaning, lambda p: p) < ALPHA


def test_few_studies_are_warned_of():
    y, v = SETS["lean"]
    for form in FORMS.values():
        assert "9 studies, fewer than 10" in form(y[:9], v[:9]).warnings[0]
        assert form(y[:10], v[:10]).warnings == ()
    found = peters(y[:5], events=[5, 6, 7, 8, 9], totals=[20, 30, 40, 50, 60])
    assert "little power" in found.warnings[0]


def test_json_is_plain():
    assert json.loads(json.dumps(begg(*SETS["lean"]).to_json(), allow_nan=False))["slope"] is None


def test_equal_sizes_cannot_be_tested():
    for form in (egger, egger_random_effects, begg):
        with pytest.raises(EvidenceError, match="no small studies to compare"):
            form([0.1, 0.2, 0.3], [0.1, 0.1, 0.1])
    with pytest.raises(EvidenceError, match="all study sizes are equal"):
        peters([0.1, 0.2, 0.3], events=[1, 2, 3], totals=[9, 9, 9])


def test_impossible_inputs():
    with pytest.raises(EvidenceError, match="at least 3 are needed"):
        egger([0.1, 0.2], [0.1, 0.2])
    with pytest.raises(EvidenceError, match=r"events\[1\]: 8 of 8 leaves no events or no patients"):
        peters([0.1, 0.2, 0.3], events=[1, 8, 3], totals=[9, 8, 10])
    with pytest.raises(EvidenceError, match="2 event counts but 3 totals"):
        peters([0.1, 0.2, 0.3], events=[1, 2], totals=[9, 8, 10])
