"""Published figures, counts by hand, the corrected share against its closed form and coverage."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import InputFileError
from marrowtrace.phylogeny.overlap import corrected_share, overlap
from marrowtrace.phylogeny.patient import bundled_patient
from marrowtrace.phylogeny.presence import call
from marrowtrace.phylogeny.sample_mutations import SampleMutations
from marrowtrace.phylogeny.site_comparison import compare_sites
from tests.goodness_of_fit import assert_family

MARROW = "left_humerus_bone_marrow"


def test_marrow_of_a22():
    """51 of 63 primary mutations, 93.5 % of the clonal ones; 26 % of its own are private."""
    found = overlap(call(bundled_patient("A22").samples))
    pair = found.pair("prostate", MARROW)
    assert (pair.mutations, pair.shared, pair.lost, pair.unknown) == (63, 51, 12, 0)
    assert found.pair("prostate", MARROW, "clonal").share == pytest.approx(0.935, abs=5e-4)
    own = found.pair(MARROW, "prostate")
    assert own.lost / own.mutations == pytest.approx(0.26, abs=2e-3)
    assert pair.low < 0.81 < pair.corrected < pair.high


def test_metastatic_cells_of_crc1_carry_10_of_11():
    found = compare_sites(bundled_patient("CRC1"))
    pair = found.overlap.pair("primary", "liver")
    assert (pair.mutations, pair.shared, pair.lost) == (11, 10, 1)
    presence = found.overlap.presence
    primary, liver = (presence.state[presence.sites.index(s)] for s in ("primary", "liver"))
    lost = (primary == 1) & (liver == 0)
    assert [m for m, gone in zip(presence.mutations, lost, strict=True) if gone] == ["TPM4"]


def test_sites_relabelled_at_random_share_nearly_all():
    data = bundled_patient("CRC1").cells
    tumour = data.cells.select(np.array([kind == "tumour" for kind in data.kinds]))
    rng = np.random.default_rng(4)
    sites = tuple(rng.permutation(tumour.sites).tolist())
    mixed = type(tumour)(tumour.names, sites, tumour.mutations, tumour.genotype)
    found = overlap(call(mixed))
    assert all(p.share > 0.9 for p in found.pairs if p.group == "all")
    apart = overlap(call(tumour))
    assert any(p.share < 0.7 for p in apart.pairs if p.group == "all"), "the true labels are caught"


def by_hand() -> SampleMutations:
    ccf = np.array(
        [[0.9, 0.9, 0.3, 0.3, 0.0], [0.9, 0.0, 0.3, 0.0, 0.9], [0.9, 0.0, 0.0, 0.0, 0.0]]
    )
    return SampleMutations(("a", "b", "c"), ("p", "m", "l"), tuple("vwxyz"), ccf=ccf)


def test_counts_by_hand():
    found = overlap(call(by_hand()))
    rows = {
        (p.source, p.target, p.group): (p.mutations, p.shared, p.lost, p.private)
        for p in found.pairs
    }
    assert rows["p", "m", "all"] == (4, 2, 2, 2)
    assert rows["p", "m", "clonal"] == (2, 1, 1, 1)
    assert rows["p", "m", "subclonal"] == (2, 1, 1, 1)
    assert rows["m", "p", "all"] == (3, 2, 1, 1)
    assert rows["l", "m", "subclonal"] == (0, 0, 0, 0)
    assert found.matrix().round(3).tolist() == [[1, 0.5, 0.25], [0.667, 1, 0.333], [1, 1, 1]]
    assert np.isnan(found.matrix("subclonal")[2, 0])
    assert found.table().height == 18
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["sites"] == ["p", "m", "l"]


def test_interval_is_clopper_and_pearsons():
    pair = overlap(call(by_hand())).pair("m", "p")
    exact = stats.binomtest(2, 3).proportion_ci(method="exact")
    assert (pair.low, pair.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_corrected_share_has_the_closed_form_of_equal_power():
    """With power d and false calls f for all, the estimate is (k/n - f) / (d - f)."""
    called = np.arange(200) < 90
    found = corrected_share(called, np.full(200, 0.7), 0.05, 0.95)
    assert found[0] == pytest.approx((0.45 - 0.05) / (0.7 - 0.05), abs=1e-9)
    wilks = stats.chi2.isf(0.05, 1) / 2
    top = stats.binom.logpmf(90, 200, 0.45)
    for end in found[1:]:
        assert top - stats.binom.logpmf(90, 200, 0.7 * end + 0.05 * (1 - end)) == pytest.approx(
            wilks
        )


@pytest.mark.parametrize(("called", "ends"), [(0, (0.0, 0.0)), (30, (1.0, 1.0))])
def test_corrected_share_at_the_ends(called: int, ends: tuple[float, float]):
    found = corrected_share(np.arange(30) < called, np.full(30, 0.9), 0.01, 0.95)
    assert found[0] == ends[0]
    assert found[1] == 0.0 or found[2] == 1.0


def test_no_power_says_nothing():
    found = corrected_share(np.zeros(5, dtype=bool), np.zeros(5), 0.01, 0.95)
    assert np.isnan(found[0])
    assert found[1:] == (0.0, 1.0)


def test_interval_covers():
    """Powers differ by mutation; the interval of 95 % covers in 95 % of 600 draws."""
    rng = np.random.default_rng(12)
    power = rng.uniform(0.2, 0.95, 120)
    hits = plain = 0
    for _ in range(600):
        seen = rng.random(120) < np.where(rng.random(120) < 0.8, power, 0.01)
        _, low, high = corrected_share(seen, power, 0.01, 0.95)
        hits += low <= 0.8 <= high
        naive = stats.binomtest(int(seen.sum()), 120).proportion_ci()
        plain += naive.low <= 0.8 <= naive.high
    assert_family({"coverage": stats.binomtest(hits, 600, 0.95).pvalue})
    assert plain < 100, "the uncorrected share is caught"


def test_words_that_are_not_known():
    found = overlap(call(by_hand()))
    with pytest.raises(InputFileError, match=r"'clona' is not known; did you mean 'clonal'\?"):
        found.pair("p", "m", "clona")
    with pytest.raises(InputFileError, match="with itself is not defined"):
        found.pair("p", "p")


def test_one_site_has_no_overlap():
    data = SampleMutations(("a", "b"), ("p", "p"), ("x",), ccf=np.array([[0.9], [0.8]]))
    with pytest.raises(InputFileError, match=r"are of one site \('p'\); an overlap needs two"):
        overlap(call(data))
