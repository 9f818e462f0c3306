from __future__ import annotations

import pytest

from marrowtrace.catalog import description, models_and_aliases, names
from marrowtrace.catalog.descriptions import read_description
from marrowtrace.errors import CatalogError

GOOD = {
    "title": "t", "cancer": "breast", "stage": "s", "entry": "diagnosis", "structure": "parallel",
    "notes": "n", "base": "early-breast",
}  # fmt: skip


def test_aliases_and_names_do_not_collide():
    every = models_and_aliases()
    assert len(every) == len(set(every))
    assert set(names()) <= set(every)


def test_a_base_exists_and_ends_in_a_set_of_its_own():
    for name in names():
        entry, seen = description(name), set()
        while entry.base:
            assert entry.name not in seen
            seen.add(entry.name)
            entry = description(entry.base)


def test_a_header_reports_every_problem_at_once():
    header = {**GOOD, "structure": "resevoir", "entry": "birth", "titel": "x", "topics": ["a"]}
    del header["notes"]
    with pytest.raises(CatalogError) as caught:
        read_description("s", header)
    assert str(caught.value) == (
        "5 problems in the parameter set 's':\n"
        "  notes: is missing; required: title, cancer, stage, entry, structure, notes\n"
        "  titel: is not a field of a set; did you mean 'title'?\n"
        "  structure: is 'resevoir'; allowed: parallel, reservoir; did you mean 'reservoir'?\n"
        "  entry: is 'birth'; allowed: diagnosis, metastatic\n"
        "  base: a set has either a 'base' to inherit from or 'topics' of its own"
    )


def test_a_good_header_is_read():
    assert read_description("s", GOOD).as_row()["base"] == "early-breast"
