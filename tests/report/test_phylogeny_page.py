import numpy as np

from marrowtrace.phylogeny.dissemination import judge_dissemination
from marrowtrace.phylogeny.patient import bundled_patient
from marrowtrace.phylogeny.site_comparison import compare_sites
from marrowtrace.report.phylogeny_page import phylogeny_page


def html(primary=None, **options):
    comparison = compare_sites(bundled_patient("CRC1", primary=primary))
    found = judge_dissemination(comparison, np.random.default_rng(1), trees=10, **options)
    return phylogeny_page(found, provenance={"seed": "1"}).html()


def test_page_of_cells():
    text = html(expansion=5.0, clock=3.0)
    assert "Dissemination: linear (support 0.9" in text
    for title in ("Where each lineage left", "Tree of the cells", "Who seeded whom",
                  "What the sites share", "When", "How this was judged"):  # fmt: skip
        assert f"{title}</h2>" in text
    assert text.count("<img ") == 7
    assert "by a clock of 3 mutations a year" in text
    assert "seeded [year]" in text
    assert "Research use only" in text


def test_page_without_the_primary():
    text = html(primary="unknown")
    assert "Dissemination: undetermined" in text
    assert "What would resolve it</h2>" in text
    assert "4 cells of the primary" in text
    assert "Each site as the primary" in text
    assert "When</h2>" not in text


def test_page_says_what_years_need():
    assert "--expansion" in html()
