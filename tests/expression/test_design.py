import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.expression.design import design


def spread(**cells: int) -> tuple[list[str], list[str]]:
    """Types and studies of ``type_study=number``."""
    types, study = [], []
    for name, number in cells.items():
        kind, place = name.split("_")
        types += [kind] * number
        study += [place] * number
    return types, study


def test_type_and_study_coincide():
    types, study = spread(CTC_A=71, DTC_B=48)
    found = design(types, study)
    assert not found.identifiable
    assert (found.rank_batches, found.rank_types, found.rank_both) == (2, 2, 2)
    contrast = found.contrast("DTC", "CTC")
    assert contrast.efficiency == 0.0
    assert contrast.within == ()
    assert "CTC: A; DTC: B" in contrast.reason
    assert "samples of both types from one study are needed" in contrast.reason
    assert found.counts.to_dicts() == [
        {"study": "A", "CTC": 71, "DTC": 0},
        {"study": "B", "CTC": 0, "DTC": 48},
    ]


def test_two_studies_with_both_types():
    types, study = spread(CTC_A=5, DTC_A=5, CTC_B=3, DTC_B=3)
    found = design(types, study)
    assert found.identifiable
    contrast = found.contrasts[0]
    assert contrast.within == ("A", "B")
    assert contrast.efficiency == pytest.approx(1.0)
    assert "random-effects meta-analysis" in contrast.reason


def test_efficiency_is_that_of_least_squares():
    types, study = spread(CTC_A=9, DTC_A=2, CTC_B=1, DTC_B=7)
    found = design(types, study)
    x = np.array([[1, s == "B", t == "DTC"] for t, s in zip(types, study, strict=True)], float)
    variance = np.linalg.inv(x.T @ x)[2, 2]
    assert found.contrasts[0].efficiency == pytest.approx((1 / 10 + 1 / 9) / variance)
    assert 0.0 < found.contrasts[0].efficiency < 1.0


def test_bridge_through_a_third_type():
    """CTC and DTC meet only through the primaries that each study has too."""
    types, study = spread(CTC_A=4, primary_A=4, DTC_B=4, primary_B=4)
    found = design(types, study)
    contrast = found.contrast("CTC", "DTC")
    assert contrast.identifiable
    assert contrast.within == ()
    assert "only through studies that hold other types" in contrast.reason
    assert found.contrast("CTC", "primary").within == ("A",)


def test_platform_coincides_though_the_study_does_not():
    types, study = spread(CTC_A=4, DTC_A=4)
    platform = ["array"] * 4 + ["sequencing"] * 4
    found = design(types, study, batches={"platform": platform})
    assert not found.identifiable
    assert "type and platform coincide" in found.reason


def test_factors_that_coincide_only_together():
    types = ["CTC", "DTC", "CTC", "DTC"]
    study = ["A", "B", "B", "A"]
    plate = ["1", "1", "2", "2"]
    found = design(types, study, batches={"plate": plate})
    assert found.identifiable is False
    assert found.contrasts[0].across is True
    assert "no degree of freedom" in found.reason
    fully = design(types * 2, study * 2, batches={"plate": ["x", "y", "y", "x"] * 2})
    assert fully.identifiable is True


def test_cells_of_one_patient_count_once():
    types, study = spread(CTC_A=20, DTC_A=20)
    found = design(types, study, patient=["p1"] * 20 + ["p2"] * 10 + ["p3"] * 10)
    assert found.contrasts[0].within == ()
    assert found.contrasts[0].single == ("A",)
    assert "too few patients" in found.reason


def test_form_that_others_rely_on():
    types, study = spread(CTC_A=4, DTC_B=4)
    plain = design(types, study).to_json()
    assert {"identifiable", "reason", "contrasts"} <= plain.keys()
    assert plain["identifiable"] is False
    assert plain["rank_needed"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["CTC"], ["A"]), "there is only 'CTC'; a contrast needs two types"),
        (([], []), "there is no sample"),
        ((["CTC", "DTC"], ["A"]), "study: has 1 values for 2 samples"),
        ((["CTC", "DTC"], ["A", " "]), "study: 1 sample.s. have none, e.g. sample 1"),
    ],
)
def test_faulty_designs(arguments, message):
    with pytest.raises(CohortError, match=message):
        design(*arguments)


def test_unknown_types():
    found = design(["CTC", "DTC"], ["A", "A"])
    with pytest.raises(CohortError, match="did you mean 'CTC'"):
        found.contrast("CTX", "DTC")
    with pytest.raises(CohortError, match="name two types"):
        found.contrast("CTC", "CTC")
