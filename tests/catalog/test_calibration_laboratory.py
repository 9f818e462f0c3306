"""The laboratory of the calibration, against the assays of the studies and laws that are known."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import integrate, stats
from verification.calibration.laboratory import BLOOD, LARGE_BLOOD, MARROW, Laboratory

from marrowtrace.assays import Assay, Burden, assay
from marrowtrace.assays.draw import draw
from marrowtrace.assays.law import detection_probability
from marrowtrace.catalog import parameter_set
from marrowtrace.simulation import BURDENS
from marrowtrace.study.bundled import study
from marrowtrace.study.observation import study_assay
from tests.goodness_of_fit import ALPHA, assert_family, holm_rejections

VALUES = parameter_set("early-breast")
CELLS = {
    "perivascular": [0.0, 2e4, 5e4, 3e6, 9e4], "endosteal": [0.0, 4e4, 0.0, 1e6, 3e5],
    "ctc_primary": [0.0, 20.0, 300.0, 4e4, 0.0], "ctc_lesions": [0.0, 3.0, 0.0, 0.0, 0.0],
    "ctc_marrow": [0.0, 5.0, 40.0, 100.0, 400.0], "ctc_clusters": [0.0, 0.1, 30.0, 80.0, 0.0],
    "epithelial": [0.0, 6e3, 3e4, 1e5, 9e3], "hybrid": [0.0, 1e4, 1e4, 5e5, 1e4],
    "mesenchymal": [0.0, 4.4e4, 1e4, 3.4e6, 3.7e5], "ctc_mesenchymal": [0.0, 0.6, 0.1, 0.4, 0.95],
}  # fmt: skip
"""Patients with few and many cells, epithelial and mesenchymal, with and without clusters."""
NAMES = (BLOOD, LARGE_BLOOD, MARROW)
COPIES = 8_000


def laboratory(
    assays: dict[str, Assay] | None = None, *, clusters: bool = True, visit: int = 0
) -> Laboratory:
    """The laboratory of a history of these patients at one visit."""
    found = {name: np.zeros(5) for name in BURDENS} | {k: np.array(v) for k, v in CELLS.items()}
    if not clusters:
        found["ctc_clusters"] = np.zeros(5)
    columns = {
        name: np.column_stack([np.full(5, np.nan)] * visit + [v]) for name, v in found.items()
    }
    history = SimpleNamespace(
        burden=lambda name: columns[name], scenario=SimpleNamespace(parameters=VALUES)
    )
    return Laboratory(history, assays)


def without_reader(found: Assay) -> Assay:
    return found.with_values({"reader_log_sd": 0.0})


def averaged() -> dict[str, Assay]:
    return {name: assay(name).with_catalogue(VALUES).averaged() for name in NAMES}


def probability(lab: Laboratory, name: str, at_least: int) -> np.ndarray:
    if name == MARROW:
        return 1 - lab.marrow(0, at_least - 1).sum(axis=0)
    return lab.blood(0, at_least, name)


def drawn_pvalues(lab: Laboratory, seed: int) -> dict[str, float]:
    """P-values of the laws of a laboratory against draws of the studies' assays, by patient."""
    rng, out = np.random.default_rng(seed), {}
    sd = VALUES["blood_burst_log_sd"].value
    patients = np.arange(5 * COPIES, dtype=np.int64)
    for name in NAMES:
        one = lab.burden(0, assay(name).specimen)
        level = np.ones(patients.size)
        if name != MARROW:
            level = np.exp(rng.normal(-(sd**2) / 2, sd, patients.size))
        many = Burden(*(np.repeat(part, COPIES, axis=0) for part in
                        (one.cells, one.phenotype, one.clusters)), level)  # fmt: skip
        method = without_reader(assay(name).with_catalogue(VALUES))
        found = draw(method, many, seed=seed, patients=patients, visit=0).count.reshape(5, COPIES)
        for at_least in (1, 2, 5):
            expected = probability(lab, name, at_least)
            seen = (found >= at_least).sum(axis=1)
            for who in range(5):
                p = stats.binomtest(int(seen[who]), COPIES, float(expected[who])).pvalue
                out[f"{name}, {at_least} or more, patient {who}"] = p
    return out


def test_the_laws_are_those_of_the_assays_as_drawn():
    assert_family(drawn_pvalues(laboratory(), 41))


def test_one_detection_for_all_phenotypes_is_noticed():
    wrong = holm_rejections(drawn_pvalues(laboratory(averaged()), 42), ALPHA)
    assert {f"{name}, 1 or more, patient 4" for name in NAMES} <= set(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_detection_is_the_assays_own_and_readers_matter_little(name):
    lab, sd = laboratory(), VALUES["blood_burst_log_sd"].value
    method = assay(name).with_catalogue(VALUES)
    burden = lab.burden(0, method.specimen)
    bursts = 0.0 if name == MARROW else sd
    exact = detection_probability(without_reader(method), burden, burst_log_sd=bursts)
    # quadrature over levels is what differs: 48 points here, 64 there
    assert probability(lab, name, 1) == pytest.approx(exact, abs=1e-3)
    read = detection_probability(method, burden, burst_log_sd=bursts)
    assert read == pytest.approx(exact, abs=4e-3)


def test_the_assays_are_those_of_the_study():
    uses = {use.name: study_assay(use, VALUES) for use in study("early-breast").assays}
    assert laboratory().assays == {name: uses[name] for name in NAMES}


def test_a_visit_that_did_not_take_place_has_no_probability():
    lab = laboratory(visit=1)
    assert np.isnan(lab.marrow(0)).all()
    assert np.isnan(lab.blood(0)).all()
    assert not np.isnan(lab.blood(1)).any()


def test_an_assay_of_another_law_is_refused():
    cells = {name: replace(found, clusters="cells") for name, found in averaged().items()}
    with pytest.raises(ValueError, match="cellsearch: only one sample with clusters counted once"):
        laboratory(cells).blood(0)


def test_averaged_marrow_counts_are_gamma_poisson_with_false_positives():
    shape = VALUES["marrow_site_shape"].value
    cells = np.array(CELLS["perivascular"]) + np.array(CELLS["endosteal"])
    mean = cells * 2e6 / 3e11 * VALUES["dtc_detection_probability"].value
    false = stats.poisson.pmf(np.arange(6), VALUES["dtc_false_positives"].value)
    own = stats.nbinom.pmf(np.arange(6)[:, None], shape, shape / (shape + mean))
    expected = [np.convolve(own[:, who], false)[:6] for who in range(cells.size)]
    assert laboratory(averaged()).marrow(0, 5) == pytest.approx(np.array(expected).T, abs=1e-9)


@pytest.mark.parametrize(("below", "name", "volume"), [
    (1, BLOOD, 7.5), (5, BLOOD, 7.5), (1, LARGE_BLOOD, 23.0),
])  # fmt: skip
def test_averaged_blood_counts_are_poisson_over_a_lognormal_level(below, name, volume):
    cells = sum(np.array(CELLS[part]) for part in ("ctc_primary", "ctc_lesions", "ctc_marrow"))
    share = volume / 5000 * VALUES["ctc_detection_probability"].value
    false = VALUES["ctc_false_positives"].canonical * volume
    sd = VALUES["blood_burst_log_sd"].value

    def fewer(z: float, mean: float) -> float:
        level = mean * share * math.exp(sd * z - sd**2 / 2)
        return float(stats.poisson.cdf(below - 1, level + false) * stats.norm.pdf(z))

    expected = [1 - integrate.quad(fewer, -9, 9, args=(c,), limit=200)[0] for c in cells]
    lab = laboratory(averaged(), clusters=False)
    assert lab.blood(0, below, name) == pytest.approx(expected, abs=1e-3)
