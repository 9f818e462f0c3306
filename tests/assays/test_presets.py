from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from marrowtrace.assays import Burden, assay, names, read
from marrowtrace.assays.law import detection_probability, pmf
from marrowtrace.catalog import names as sets
from marrowtrace.catalog import parameter_set
from marrowtrace.errors import CatalogError

WANTED = {
    "a45-b-b3", "adnatest", "ae1-ae3", "ber-ep4", "cellsearch", "cellsearch-23ml", "ck19-rt-pcr",
    "ck20-rt-pcr", "ctc-chip", "ema", "epispot", "flow-cytometry", "iset", "single-cell-sequencing",
}  # fmt: skip


def test_every_method_is_there_under_its_name():
    assert set(names()) >= WANTED
    for name in names():
        found = assay(name)
        assert found.name == name
        assert found.title
        assert found.notes
        assert (found.cell_class == "CTC") == (found.specimen == "blood")


def test_every_number_has_a_source():
    for name in names():
        for number in assay(name).numbers.values():
            assert number.source.where
            if number.source.kind == "measured":
                assert number.source.citation is not None


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(CatalogError, match="did you mean 'cellsearch'"):
        assay("celsearch")
    with pytest.raises(CatalogError, match="there are: a45-b-b3"):
        assay("xyzzy")


@pytest.mark.parametrize("name", sets())
def test_counts_agree_with_the_law_that_the_catalogue_was_calibrated_with(name):
    """One detection probability, gamma between aspirates, Poisson false positives, no reader."""
    p = {symbol: parameter.canonical for symbol, parameter in parameter_set(name).items()}
    cells = [3e3, 3e4, 1e5, 1e6]
    marrow = assay("a45-b-b3").with_catalogue(parameter_set(name))
    shape = p["marrow_site_shape"]
    share = p["marrow_cells_screened"] / p["marrow_mononuclear_cells"]
    false = p["dtc_false_positives"] * p["marrow_cells_screened"]
    for number, found in zip(cells, detection_probability(marrow, Burden.of(cells)), strict=True):
        mean = number * share * p["dtc_detection_probability"]
        none = stats.nbinom.pmf(0, shape, shape / (shape + mean)) * stats.poisson.pmf(0, false)
        assert found == pytest.approx(1 - none, abs=4e-3)  # the rest is the reader
    for preset, volume in (("cellsearch", 7.5), ("cellsearch-23ml", 23.0)):
        blood = assay(preset).with_catalogue(parameter_set(name))
        ctcs = [10.0, 400.0, 3000.0]
        for number, found in zip(ctcs, detection_probability(blood, Burden.of(ctcs)), strict=True):
            mean = number * volume / p["blood_volume"] * p["ctc_detection_probability"]
            none = stats.poisson.pmf(0, mean + p["ctc_false_positives"] * volume)
            assert found == pytest.approx(1 - none, abs=4e-3)


def test_without_a_reader_the_agreement_is_exact():
    p = parameter_set("early-breast")
    blood = assay("cellsearch").with_catalogue(p).with_values({"reader_log_sd": 0})
    mean = 400 * 7.5 / 5000 * 0.4 + p["ctc_false_positives"].canonical * 7.5
    law = pmf(blood, Burden.of([400.0]), most=12)[0]
    assert law == pytest.approx(stats.poisson.pmf(range(13), mean), abs=1e-12)
    marrow = assay("a45-b-b3").with_catalogue(p).with_values({"reader_log_sd": 0})
    mean = 1e5 * 2e6 / 3e11 * 0.5
    counts = stats.nbinom.pmf(range(13), 3, 3 / (3 + mean))
    exact = np.convolve(counts, stats.poisson.pmf(range(13), 0.01))[:13]
    assert pmf(marrow, Burden.of([1e5]), most=12)[0] == pytest.approx(exact, abs=1e-12)


def test_the_calibrated_presets_are_near_the_catalogue_as_they_stand():
    p = parameter_set("early-breast")
    assert assay("cellsearch").average_detection == pytest.approx(
        p["ctc_detection_probability"].canonical, rel=2e-3
    )
    assert assay("a45-b-b3").average_detection == pytest.approx(
        p["dtc_detection_probability"].canonical, rel=2e-3
    )


def test_false_positives_are_as_often_as_in_their_papers():
    def blank(name):
        return detection_probability(assay(name), Burden.of([0.0]))[0]

    assert 1 - (1 - blank("cellsearch")) * 1.04 < 0.01  # at most 1 in 344 tubes had two or more
    assert blank("ck20-rt-pcr") == pytest.approx(2 / 30, abs=0.003)  # xu2006
    assert blank("ae1-ae3") == pytest.approx(0.054, abs=0.001)  # borgen1998
    assert stats.binom.cdf(0, 20, blank("ctc-chip")) > 0.025  # jackson2017: none of 20
    assert stats.binom.cdf(0, 30, blank("ck19-rt-pcr")) > 0.025  # park2017: none of 30


def test_more_blood_finds_more():
    burden = Burden.of([200.0])
    small, large = (detection_probability(assay(n), burden)[0]
                    for n in ("cellsearch", "cellsearch-23ml"))  # fmt: skip
    assert large > 2 * small


PAGE = (Path(__file__).parents[2] / "docs" / "assays.md").read_text(encoding="utf-8")


def test_the_page_has_the_numbers_of_the_presets():
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| `")]
    shown = {}
    for row in rows:
        words = [cell.strip() for cell in row]
        blanks = words[5].removesuffix(" %").split(" %; ")
        for name, blank in zip(re.findall(r"`([^`]+)`", words[0]), blanks, strict=True):
            shown[name] = (float(words[3]), float(words[4]), float(blank))
    assert set(shown) == set(names())
    for name, (epithelial, mesenchymal, blank) in shown.items():
        of = assay(name)
        assert of["recovery"] * of.markers[0] == pytest.approx(epithelial, abs=0.0051)
        assert of["recovery"] * of.markers[2] == pytest.approx(mesenchymal, abs=0.0051)
        chance = 100 * detection_probability(of, Burden.of([0.0]))[0]
        assert chance == pytest.approx(blank, abs=0.11)


def test_the_example_of_the_page_can_be_read(tmp_path):
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    path = tmp_path / "mine.toml"
    path.write_text(example[1], encoding="utf-8")
    found = read(path)
    assert found.name == "our-cellsearch"
    assert found["amount"] == 30
    assert not found.calibrated
