from __future__ import annotations

from dataclasses import replace

import pytest

from marrowtrace.assays import SYMBOLS, assay, names
from marrowtrace.assays.assay import MARKERS
from marrowtrace.catalog import parameter_set
from marrowtrace.errors import ParameterError
from marrowtrace.parameters import ParameterSet
from tests.assays.made_assay import made, number

EPCAM = ("cellsearch", "ber-ep4", "flow-cytometry")
CYTOKERATIN = ("a45-b-b3", "ae1-ae3", "ck19-rt-pcr")


def kept(name):
    """Marker of mesenchymal relative to epithelial cells."""
    markers = assay(name).markers
    return markers[2] / markers[0]


def test_emt_hides_cells_from_epcam_more_than_from_cytokeratin():
    assert max(kept(name) for name in EPCAM) < min(kept(name) for name in CYTOKERATIN)
    assert all(kept(name) < 0.55 for name in CYTOKERATIN)  # cells without cytokeratin are missed
    assert kept("iset") > 0.9  # a filter does not ask for a marker


def test_detection_falls_with_every_step_of_the_transition():
    for name in names():
        markers = assay(name).markers
        assert markers[0] >= markers[1] >= markers[2] > 0


def test_changed_values_keep_the_rest():
    base = assay("a45-b-b3")
    changed = base.with_values({"amount": 4e6, "threshold": 2})
    assert changed["amount"] == 4e6
    assert changed["threshold"] == 2
    assert changed.markers == base.markers
    assert changed.numbers["amount"].source.where.startswith("set by the user")
    assert base["amount"] == 2e6


def test_a_wanted_average_moves_the_odds_of_all_markers_alike():
    base = assay("cellsearch")
    for wanted in (0.05, 0.4, 0.7):
        moved = base.with_values({"detection": wanted})
        assert moved.average_detection == pytest.approx(wanted, abs=1e-12)
        assert moved["recovery"] == base["recovery"]
        ratio = [
            (n / (1 - n)) / (m / (1 - m)) for n, m in zip(moved.markers, base.markers, strict=True)
        ]
        assert ratio == pytest.approx([ratio[0]] * 3)


def test_the_recovery_is_raised_only_where_the_markers_cannot_do_it():
    most = assay("cellsearch").with_values({"ctc_detection_probability": 0.85})
    assert most.markers == (1.0, 1.0, 1.0)
    assert most["recovery"] == 0.85
    beyond = assay("cellsearch").with_values({"ctc_detection_probability": 0.97})
    assert beyond.average_detection == pytest.approx(0.97)
    assert beyond["recovery"] == pytest.approx(0.97)


def test_the_catalogue_is_taken_with_its_sources():
    found = parameter_set("early-breast")
    of = assay("cellsearch").with_catalogue(found)
    assert of.average_detection == pytest.approx(found["ctc_detection_probability"].canonical)
    assert of["false_positives"] == found["ctc_false_positives"].canonical
    assert of.numbers["false_positives"].source == found["ctc_false_positives"].source
    assert of.numbers["compartment"].source == found["blood_volume"].source
    marrow = assay("a45-b-b3").with_catalogue(found)
    assert marrow.average_detection == pytest.approx(found["dtc_detection_probability"].canonical)
    assert marrow["amount"] == found["marrow_cells_screened"].canonical
    assert marrow["site_shape"] == found["marrow_site_shape"].canonical


def test_only_calibrated_assays_take_the_calibrated_detection():
    moved = parameter_set("early-breast").with_values(
        {"dtc_detection_probability": 0.7, "ctc_detection_probability": 0.2, "marrow_site_shape": 9}
    )
    assert assay("ema").with_catalogue(moved).markers == assay("ema").markers
    assert assay("ema").with_catalogue(moved)["site_shape"] == 9
    assert assay("iset").with_catalogue(moved).markers == assay("iset").markers
    assert assay("cellsearch-23ml").with_catalogue(moved).average_detection == pytest.approx(0.2)
    assert assay("cellsearch-23ml").with_catalogue(moved)["amount"] == 23
    assert assay("a45-b-b3").with_catalogue(moved).average_detection == pytest.approx(0.7)


def test_every_symbol_is_in_the_catalogue():
    assert set(SYMBOLS) <= set(parameter_set("early-breast"))


def test_averaged_sees_all_phenotypes_alike():
    flat = assay("cellsearch").averaged()
    assert len(set(flat.markers)) == 1
    assert flat.average_detection == pytest.approx(assay("cellsearch").average_detection)


def test_an_amount_may_come_with_a_name_of_its_own():
    large = assay("cellsearch").with_amount("23 mL", name="cellsearch-large")
    assert large.name == "cellsearch-large"
    assert large.examined == 23
    both = assay("a45-b-b3").with_amount(1e6, sides=2)
    assert both.name == "a45-b-b3"
    assert both.examined == 2e6


def test_all_values_that_cannot_be_are_listed():
    with pytest.raises(ParameterError) as caught:
        assay("cellsearch").with_values(
            {
                "recovry": 1,
                "amount": "3 furlong",
                "marrow_site_shape": 2,
                "sides": 2,
                "detection": 0,
            }
        )
    text = str(caught.value)
    assert "5 problems in the values for cellsearch" in text
    assert "recovry: is no number of an assay; did you mean 'recovery'?" in text
    assert "unknown part 'furlong'" in text
    assert "marrow_site_shape: is of bone_marrow, but cellsearch examines blood" in text
    assert "sides: is not a number of this assay; give it in an assay file" in text
    assert "detection: is 0; a probability above 0 to 1 is wanted" in text


def test_a_marker_of_zero_cannot_be_moved():
    blind = made("blood", markers=(1.0, 0.0, 0.0))
    with pytest.raises(ParameterError, match="more than the reference mixture allows"):
        blind.with_values({"detection": 0.9})


def test_an_assay_lists_every_problem_with_its_numbers():
    base = made("blood")
    wrong = {
        "recovery": number("recovery", 1.5),
        "sides": number("sides", 1.5),
        "amount": number("amount", 10, "cells"),
        "reader_log_sd": number("reader_log_sd", -1),
        "cut_off": number("cut_off", 1),
        "nonsense": number("nonsense", 1),
    }
    numbers = {k: v for k, v in base.numbers.items() if k != "threshold"} | wrong
    with pytest.raises(ParameterError) as caught:
        replace(base, numbers=ParameterSet(list(numbers.values())))
    text = str(caught.value)
    for part in (
        "recovery: is 1.5; allowed: above 0 to 1",
        "sides: is 1.5; allowed: whole numbers from 1 to 20",
        "amount: has the unit 'cells', which measures cells; give it in 'mL'",
        "reader_log_sd: is -1; allowed: from 0 to 3",
        "cut_off: is of no use to a readout 'count'; only to signal",
        "nonsense: is no number of an assay",
        "threshold: is missing: cells that make a patient positive",
    ):
        assert part in text


def test_numbers_must_fit_each_other():
    base = made("blood")
    others = dict(base.numbers) | {
        "amount": number("amount", 9000, "mL"),
        "reference_hybrid": number("reference_hybrid", 0.7),
        "site_shape": number("site_shape", 2),
    }
    with pytest.raises(ParameterError) as caught:
        replace(base, numbers=ParameterSet(list(others.values())))
    text = str(caught.value)
    assert "amount: is more than the whole compartment holds" in text
    assert "reference_hybrid: makes the reference mixture exceed 1" in text
    assert "site_shape: is of aspirates; blood is mixed" in text


def test_words_outside_their_choice_are_listed():
    with pytest.raises(ParameterError) as caught:
        replace(made("blood"), name=" ", specimen="marow", readout="counts", rule="all",
                clusters="two", cell_class="DTCs")  # fmt: skip
    text = str(caught.value)
    assert "6 problems" in text
    assert "specimen: is 'marow'; allowed: blood, bone_marrow" in text
    assert "readout: is 'counts'; allowed: count, signal, sequencing; did you mean 'count'?" in text


def test_markers_are_named_by_phenotype():
    of = made("blood")
    assert of.markers == tuple(of[name] for name in MARKERS)
    assert of.reference == pytest.approx((0.4, 0.3, 0.3))
    assert of.average_detection == pytest.approx(0.8 * (0.36 + 0.15 + 0.03))
