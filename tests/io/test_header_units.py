from __future__ import annotations

import pytest

from marrowtrace.io.header_units import amount_in_header, unit_in_header
from marrowtrace.units import Unit


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("CTC/7.5ml", (7.5, "mL")),
        ("CTC / 7,5 mL", (7.5, "mL")),
        ("CTC (per 10 ml blood)", (10.0, "mL")),
        ("CTC pro 7.5 ml", (7.5, "mL")),
        ("CTCs in 500 µl", (0.5, "mL")),
        ("DTC/10^6 MNC", (1e6, "nucleated_cells")),
        ("DTC per 2x10^6 MNC", (2e6, "nucleated_cells")),
        ("DTC per 2 \u00d7 10⁶ mononuclear cells", (2e6, "nucleated_cells")),
        ("DTC/2e6 cells", (2e6, "nucleated_cells")),
        ("DTC pro 3 Mio. Zellen", (3e6, "nucleated_cells")),
        ("CTC/mL", None),
        ("CTC baseline", None),
        ("CTC cycle 2", None),
        ("CTC/2 visits", None),
    ],
)
def test_amounts(header, wanted):
    found = amount_in_header(header)
    assert (found and (pytest.approx(found[0]), found[1])) == wanted


@pytest.mark.parametrize(
    ("header", "unit", "size"),
    [
        ("Tumour (cm)", Unit.MM, 10.0),
        ("Tumour [mm]", Unit.MM, 1.0),
        ("Tumour (largest) (in cm)", Unit.MM, 10.0),
        ("Follow-up (months)", Unit.DAY, 30.4375),
        ("Nachsorge (Jahre)", Unit.DAY, 365.25),
    ],
)
def test_units(header, unit, size):
    found = unit_in_header(header, unit.dimension)
    assert found is not None
    assert found.size == size


@pytest.mark.parametrize("header", ["Tumour", "Tumour (left)", "Tumour (months)", "Tumour cm"])
def test_no_unit(header):
    assert unit_in_header(header, Unit.MM.dimension) is None
