from __future__ import annotations

import re

from marrowtrace.catalog.files import read, stems, unknown


def test_stems_are_sorted_names_without_ending():
    found = stems("calibrations")
    assert found == sorted(found)
    assert {"early-breast", "early-breast-reservoir"} <= set(found)


def test_read_gives_the_tables():
    assert "zoledronate" in read("regimens.toml")


def test_unknown_lists_what_there_is_if_nothing_is_near():
    assert str(unknown("regimen", "zzz", ["b", "a"])) == (
        "regimen 'zzz' is not in the catalogue; it has: a, b"
    )


def test_no_data_file_names_a_place_on_a_machine():
    for name in stems("sets", "early-breast"):
        text = str(read("sets", "early-breast", f"{name}.toml"))
        assert not re.search(r"/(work|tmp|home|root)/|prototype", text), name
