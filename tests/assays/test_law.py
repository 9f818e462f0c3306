from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from marrowtrace.assays import Burden, assay, names
from marrowtrace.assays.law import compound, detection_probability, nodes, pmf
from marrowtrace.assays.signal_law import bounds
from marrowtrace.errors import ParameterError
from tests.assays.made_assay import made


def test_probabilities_sum_to_one_and_give_the_mean():
    for name in names():
        of = assay(name)
        if of.readout != "count":
            continue
        cells = 4e3 if of.specimen == "blood" else 4e5
        law = pmf(of, Burden.of([cells]))[0]
        value, weight = nodes(of["reader_log_sd"])
        recovery = weight @ np.minimum(1.0, of["recovery"] * value)
        seen = of.average_detection * recovery / of["recovery"]
        wanted = cells * of.sampled_share * seen * of["sides"]
        wanted += of["false_positives"] * of.examined
        assert law.sum() == pytest.approx(1.0, abs=1e-10)
        assert law @ np.arange(law.size) == pytest.approx(wanted, rel=1e-8)


def test_detection_is_one_minus_the_counts_below_the_threshold():
    for threshold in (1, 3):
        of = made("bone_marrow", site_shape=2.0, sides=2, threshold=threshold)
        burden = Burden.of([0.0, 1e5, np.nan, 3e6])
        found = detection_probability(of, burden)
        law = pmf(of, burden, most=threshold - 1)
        assert np.isnan(found[2])
        kept = [0, 1, 3]
        assert found[kept] == pytest.approx(1 - law[kept].sum(axis=1), abs=1e-12)


def test_any_side_reaches_its_threshold():
    of = replace(made("bone_marrow", site_shape=2.0, threshold=2, sides=3), rule="any")
    one = pmf(made("bone_marrow", site_shape=2.0), Burden.of([8e5]), most=1)[0].sum()
    assert detection_probability(of, Burden.of([8e5]))[0] == pytest.approx(1 - one**3, abs=1e-12)


def test_a_level_that_is_not_known_is_integrated():
    """Against adaptive quadrature, at the spread of the calibrated model."""
    of = made("blood")
    sd, rate = 1.74, 2000 * 0.002 * 0.8 * 0.54

    def missed(z):
        return stats.norm.pdf(z) * math.exp(-rate * math.exp(sd * z - sd * sd / 2))

    exact = 1 - math.exp(-0.4) * integrate.quad(missed, -12, 12, epsabs=1e-12)[0]
    found = detection_probability(of, Burden.of([2000.0]), burst_log_sd=sd)[0]
    assert found == pytest.approx(exact, abs=2e-5)


def test_a_reader_is_integrated_with_the_recovery_at_most_one():
    of = made("blood", reader_log_sd=0.4, recovery=0.9)

    def missed(z):
        factor = math.exp(0.4 * z - 0.08)
        seen = 3000 * 0.002 * 0.54 * min(1.0, 0.9 * factor) + 0.4 * factor
        return stats.norm.pdf(z) * math.exp(-seen)

    kink = (math.log(1 / 0.9) + 0.08) / 0.4
    parts = [integrate.quad(missed, *ends)[0] for ends in ((-10, kink), (kink, 10))]
    found = detection_probability(of, Burden.of([3000.0]))[0]
    assert found == pytest.approx(1 - sum(parts), abs=5e-4)


def test_reader_nodes_have_mean_one():
    for sd in (0.0, 0.3, 1.2):
        value, weight = nodes(sd)
        assert weight.sum() == pytest.approx(1.0)
        assert value @ weight == pytest.approx(1.0, rel=1e-9)


def test_compound_law_of_large_rates():
    """Halving and convolving is exact: mean and variance of a compound at a rate of 1500."""
    severity = np.zeros(6_001)
    severity[[0, 1, 4]] = 0.2, 0.5, 0.3
    k = np.arange(severity.size)
    for shape in (math.inf, 40.0):
        law = compound(np.array([1500.0]), severity, shape, severity.size - 1)[0]
        mean = 1500 * (0.5 + 1.2)
        variance = 1500 * (0.5 + 4.8) + (0 if math.isinf(shape) else mean**2 / shape)
        assert law.sum() == pytest.approx(1.0, abs=1e-9)
        assert law @ k == pytest.approx(mean, rel=1e-9)
        assert law @ (k - mean) ** 2 == pytest.approx(variance, rel=1e-6)


def test_known_numbers_tend_to_means_in_a_large_compartment():
    of = made("bone_marrow", site_shape=3.0)
    means = Burden.of([1e6], phenotype=(0.4, 0.3, 0.3))
    known = replace(means, known=True)
    assert pmf(of, known, most=20)[0] == pytest.approx(pmf(of, means, most=20)[0], abs=1e-6)


def test_known_clusters_are_seen_or_missed_whole():
    of = made("blood", compartment=10.0, markers=(1.0, 1.0, 1.0), recovery=1.0)
    of = of.with_values({"false_positives": 0})
    law = pmf(of, Burden.of([0.0], clusters=3.0, known=True), most=3)[0]
    assert law == pytest.approx(stats.binom.pmf(np.arange(4), 3, 0.5))


def test_sequencing_reads_some_of_the_cells_it_may_pick():
    of = made("blood", readout="sequencing")
    rate = 3000 * 0.002 * 0.8 * 0.54 + 0.4
    expected = np.zeros(7)
    for found in range(200):
        picked = min(found, 6)
        expected[: picked + 1] += stats.poisson.pmf(found, rate) * stats.binom.pmf(
            np.arange(picked + 1), picked, 0.5
        )
    assert pmf(of, Burden.of([3000.0]))[0] == pytest.approx(expected, abs=1e-12)


def test_signal_bounds_hold_what_is_known():
    of = made("blood", readout="signal")
    burden = Burden.of([0.0, np.nan, 1e3, 1e5])
    low, high = bounds(of, burden)
    blank = stats.lognorm.sf(1.5, 0.85, scale=0.3)
    assert low[0] - 1e-12 <= blank <= high[0] + 1e-12
    assert np.isnan(low[1])
    assert np.isnan(high[1])
    assert (low[[0, 2, 3]] <= high[[0, 2, 3]]).all()
    assert (np.diff(low[[0, 2, 3]]) > 0).all()
    assert low[3] == pytest.approx(1.0, abs=1e-6)
    middle = detection_probability(of, burden)
    assert middle[2] == pytest.approx(0.5 * (low[2] + high[2]))


def test_signal_with_a_measuring_error():
    """A measured background alone is log-normal with both variances."""
    of = made("blood", readout="signal", reader_log_sd=0.4)
    sd = math.hypot(0.85, 0.4)
    blank = stats.norm.sf(math.log(1.5 / 0.3) + 0.08, scale=sd)
    low, high = bounds(of, Burden.of([0.0]))
    assert low[0] - 1e-6 <= blank <= high[0] + 1e-6


def test_what_has_no_law_says_so():
    with pytest.raises(ParameterError, match="measures a signal and counts no cells"):
        pmf(assay("ck19-rt-pcr"), Burden.of([1.0]))
    with pytest.raises(ParameterError, match="iset counts cells; ask for its pmf"):
        bounds(assay("iset"), Burden.of([1.0]))
    blind = made("blood", readout="signal").with_values({"signal_median": 1e-9, "cut_off": 1e3})
    with pytest.raises(ParameterError, match="signals of 200 cells stay below the cut-off 1000"):
        bounds(blind, Burden.of([1.0]))
    full = made("blood", compartment=10.0, markers=(1.0, 1.0, 1.0))
    with pytest.raises(ParameterError, match="go beyond 50000"):
        pmf(full, Burden.of([1e9]))
