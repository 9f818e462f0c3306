"""Real patients, end to end: the verdicts of their papers, and what is said without a primary."""

import json

import numpy as np
import pytest

from marrowtrace.phylogeny.clones_of_cells import clones_of_cells
from marrowtrace.phylogeny.dissemination import judge_dissemination
from marrowtrace.phylogeny.lineages import lineages, smallest_counted, strays
from marrowtrace.phylogeny.patient import bundled_patient
from marrowtrace.phylogeny.site_comparison import compare_sites


def judged(name, primary=None, **options):
    comparison = compare_sites(bundled_patient(name, primary=primary))
    return judge_dissemination(comparison, np.random.default_rng(1), trees=20, **options)


def plain(found):
    return json.loads(json.dumps(found.to_json(), allow_nan=False))


def test_crc1_left_late():
    """Leung 2017 call it late dissemination."""
    found = judged("CRC1", expansion=5.0)
    assert found.verdict.verdict == "linear"
    result = plain(found)
    assert (result["migrations"], result["pattern"]) == (1, "mPS")
    assert result["support"]["linear"] > 0.95
    assert result["timing"]["sites"][0]["seeded_high"] < 5.0
    assert result["cell_tree"]["newick"].endswith(";")
    assert result["what_would_resolve_it"] == []
    assert {"lineages", "clades", "timing", "overlap", "migrations"} < set(found.tables())


def test_crc2_has_two_metastatic_clones():
    """As in Leung 2017; both carry the primary's trunk."""
    found = judged("CRC2")
    counted = [each for each in found.verdict.lineages if each.counted]
    assert [each.sites for each in counted] == [("liver",), ("liver",)]
    assert found.verdict.verdict == "linear"
    assert any("kept apart by 1 cell" in reason for reason in found.verdict.reasons)
    alone = strays(found.tree, "primary")
    least = smallest_counted(sum(site == "liver" for site in found.tree.cells.sites))
    assert all(
        len(each.cells) < least or not alone & set(each.cells)
        for each in lineages(found.tree, "primary")
    )
    assert set(clones_of_cells(found.tree, "primary").sites) == {"liver", "primary"}


def test_a22_left_late_with_its_one_primary_sample_weighed():
    found = judged("A22")
    assert found.verdict.verdict == "linear"
    assert found.verdict.support["linear"] < 0.99
    assert "one sample of the primary" in " ".join(found.verdict.reasons)
    assert len(found.verdict.lineages) == 1
    result = plain(found)
    assert (result["migrations"], result["comigrations"]) == (26, 12)
    assert result["cell_tree"] is None


@pytest.mark.parametrize("name", ["CRC1", "A22"])
def test_without_the_primary_no_verdict_but_what_would_help(name):
    found = judged(name, primary="unknown")
    result = plain(found)
    assert result["verdict"] == "undetermined"
    assert result["timing"] is None
    assert result["rootings"]["candidates"]
    plans = {row["plan"]: row for row in result["what_would_resolve_it"]}
    unit = "samples" if name == "A22" else "cells"
    helped = plans[f"4 {unit} of the primary and 4 x as many mutations"]
    assert helped["parallel"] > 0.5
    assert plans["as it is"]["parallel"] == 0.0


def test_same_seed_same_result():
    assert plain(judged("CRC1")) == plain(judged("CRC1"))
