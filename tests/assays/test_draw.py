"""What is drawn follows the laws, written here by other means than `marrowtrace.assays.law`."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import integrate, stats

from marrowtrace.assays import Burden, assay, names
from marrowtrace.assays.draw import ASSAYS, MOST_VISITS, draw, place, same_draws
from marrowtrace.assays.laboratory import Laboratories
from marrowtrace.assays.law import detection_probability, pmf
from marrowtrace.assays.signal_law import bounds
from marrowtrace.errors import ParameterError
from marrowtrace.streams import stream, uniform
from tests.assays.made_assay import made
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue

N = 200_000
PATIENTS = np.arange(N)


def counts(of, burden, seed=11, visit=0, laboratory=None):
    many = Burden.of(
        np.full(N, burden.cells[0]),
        phenotype=burden.phenotype[0],
        clusters=burden.clusters[0],
        level=burden.level[0],
        known=burden.known,
    )
    return draw(of, many, seed=seed, patients=PATIENTS, visit=visit, laboratory=laboratory)


def convolve(*laws):
    out = np.array([1.0])
    for law in laws:
        out = np.convolve(out, law)
    return out[: min(law.size for law in laws)]


K = np.arange(60)
MIX = (0.2, 0.3, 0.5)
MARKERS = (0.9, 0.5, 0.1)
MARKED = 0.2 * 0.9 + 0.3 * 0.5 + 0.5 * 0.1
SEEN = 0.8 * MARKED * 10 / 5000  # recovery x marker x share of the blood


def cluster_pmf(size, marked):
    """Marked cells of a cluster of 2 + Poisson(size - 2) cells, by summing over its size."""
    law = np.zeros(K.size)
    for extra in range(80):
        weight = stats.poisson.pmf(extra, size - 2)
        law += weight * stats.binom.pmf(K, 2 + extra, marked)
    return law


def compound_poisson(rate, law):
    out = np.zeros(K.size)
    power = np.zeros(K.size)
    power[0] = 1.0
    for events in range(120):
        out += stats.poisson.pmf(events, rate) * power
        power = np.convolve(power, law)[: K.size]
    return out


BLOOD = made("blood", markers=MARKERS)
FALSE = stats.poisson.pmf(K, 0.4)


def test_counts_follow_their_closed_forms():
    mean = 3000 * SEEN
    marrow = made("bone_marrow", markers=MARKERS, site_shape=1.5)
    two = made("bone_marrow", markers=MARKERS, site_shape=1.5, sides=2)
    site = 4e5 * 0.8 * MARKED * 1e6 / 3e11
    by_gamma = stats.nbinom.pmf(K, 1.5, 1.5 / (1.5 + site))
    both = stats.nbinom.pmf(K, 3.0, 1.5 / (1.5 + site))
    rate = 600 * 0.8 * 0.5 * 10 / 5000
    shown = cluster_pmf(5, MARKED)
    one = convolve(stats.poisson.pmf(K, mean), stats.poisson.pmf(K, rate * (1 - shown[0])), FALSE)
    cells = convolve(stats.poisson.pmf(K, mean), compound_poisson(rate, shown), FALSE)
    grouped = Burden.of([3000.0], phenotype=MIX, clusters=600.0)
    plain = Burden.of([3000.0], phenotype=MIX)
    bright = Burden.of([3000.0], phenotype=MIX, level=2.5)
    deep = Burden.of([4e5], phenotype=MIX)
    exact = Burden.of([1000.0], phenotype=MIX, known=True)
    rich = made("blood", markers=MARKERS, compartment=20.0)
    binomials = [stats.binom.pmf(np.arange(600), 1000 * s, 0.5 * 0.8 * m)
                 for s, m in zip(MIX, MARKERS, strict=True)]  # fmt: skip
    expected = {
        "Poisson": (BLOOD, plain, convolve(stats.poisson.pmf(K, mean), FALSE)),
        "level": (BLOOD, bright, convolve(stats.poisson.pmf(K, 2.5 * mean), FALSE)),
        "gamma": (marrow, deep, convolve(by_gamma, FALSE)),
        "two aspirates": (two, deep, convolve(both, FALSE, FALSE)),
        "clusters as one": (BLOOD, grouped, one),
        "clusters lost": (replace(BLOOD, clusters="lost"), grouped,
                          convolve(stats.poisson.pmf(K, mean), FALSE)),
        "clusters by cells": (replace(BLOOD, clusters="cells"), grouped, cells),
        "Poisson-binomial": (rich, exact, np.convolve(
            np.convolve(np.convolve(*binomials[:2]), binomials[2]), FALSE)),
    }  # fmt: skip
    assert_family({
        name: chi2_pvalue(counts(of, burden).count, law)
        for name, (of, burden, law) in expected.items()
    })  # fmt: skip


def test_the_check_has_power():
    """3 % more recovery, or gamma 2 for 1.5, must be caught."""
    mean = 3000 * SEEN
    law = convolve(stats.poisson.pmf(K, mean), FALSE)
    other = made("blood", markers=MARKERS, recovery=0.824)
    burden = Burden.of([3000.0], phenotype=MIX)
    assert chi2_pvalue(counts(other, burden).count, law) < ALPHA
    site = 4e5 * 0.8 * MARKED * 1e6 / 3e11
    law = convolve(stats.nbinom.pmf(K, 1.5, 1.5 / (1.5 + site)), FALSE)
    flat = made("bone_marrow", markers=MARKERS, site_shape=2.0)
    assert chi2_pvalue(counts(flat, Burden.of([4e5], phenotype=MIX)).count, law) < ALPHA


def test_draws_follow_the_law_of_every_preset_that_counts():
    found = {}
    for name in names():
        of = assay(name)
        if of.readout == "signal":
            continue
        cells = 2e3 if of.specimen == "blood" else 5e5
        burden = Burden.of([cells], clusters=30.0 if of.specimen == "blood" else 0.0)
        law = pmf(of, burden)[0]
        found[name] = chi2_pvalue(counts(of, burden).count, law / max(1.0, law.sum()))
    assert_family(found)


def test_reader_any_rule_and_laboratory_follow_the_law():
    read = made("blood", markers=MARKERS, reader_log_sd=0.8)
    burden = Burden.of([3000.0], phenotype=MIX, clusters=600.0)
    either = replace(made("bone_marrow", sides=2, threshold=2, site_shape=1.5), rule="any")
    strict = np.full((N, 2), (0.5, 3.0))
    drawn = counts(either, Burden.of([1e6])).positive
    chance = detection_probability(either, Burden.of([1e6]))[0]
    binomial = stats.binomtest(int(drawn.sum()), N, chance).pvalue
    factored = counts(BLOOD, burden, laboratory=strict).count
    assert_family(
        {
            "reader": chi2_pvalue(counts(read, burden).count, pmf(read, burden)[0]),
            "any side": binomial,
            "laboratory": chi2_pvalue(factored, pmf(BLOOD, burden, laboratory=(0.5, 3.0))[0]),
        }
    )


def test_clusters_reported_are_among_the_counts():
    burden = Burden.of([0.0], phenotype=MIX, clusters=600.0)
    rate = 600 * 0.8 * 0.5 * 10 / 5000
    shown = 1 - cluster_pmf(5, MARKED)[0]
    law = stats.poisson.pmf(K, rate * shown)
    for handling in ("one", "cells"):
        found = counts(replace(BLOOD, clusters=handling), burden)
        assert (found.clusters <= found.count).all()
        assert chi2_pvalue(found.clusters, law) > ALPHA / 2


def test_a_signal_is_positive_as_often_as_its_law_says():
    of = made("blood", readout="signal", markers=(1.0, 1.0, 1.0), recovery=1.0, compartment=10.0)
    blank = counts(of, Burden.of([0.0])).positive
    background = stats.lognorm.sf(1.5, 0.85, scale=0.3)

    def above(b):
        return stats.lognorm.pdf(b, 0.85, scale=0.3) * stats.lognorm.sf(1.5 - b, 1.0)

    one = background + integrate.quad(above, 0, 1.5)[0]
    single = counts(of, Burden.of([1.0], phenotype=(1, 0, 0), known=True)).positive
    found = {
        "blank": stats.binomtest(int(blank.sum()), N, background).pvalue,
        "one cell": stats.binomtest(int(single.sum()), N, one).pvalue,
    }
    for name in ("adnatest", "ck19-rt-pcr", "ck20-rt-pcr", "ck20-rt-pcr-marrow"):
        preset = assay(name)
        burden = Burden.of([600.0 if preset.specimen == "blood" else 4e4], clusters=5.0)
        low, high = bounds(preset, burden)
        assert 0 <= high[0] - low[0] < 3e-4
        hits = int(counts(preset, burden).positive.sum())
        found[name] = stats.binomtest(hits, N, 0.5 * (low[0] + high[0])).pvalue
    assert_family(found)


def test_a_signal_has_a_result_and_no_count():
    found = counts(assay("ck19-rt-pcr"), Burden.of([1e3]))
    assert (found.count == -1).all()
    assert (found.clusters == -1).all()
    assert set(np.unique(found.positive)) == {0, 1}


def test_what_was_not_sampled_has_no_result():
    of = assay("a45-b-b3").with_values({"sides": 2})
    found = draw(of, Burden.of([np.nan, 1e9]), seed=1, patients=np.arange(2), visit=0)
    assert found.count[0] == found.clusters[0] == found.positive[0] == -1
    assert (found.by_side[0] == -1).all()
    assert found.by_side[1].sum() == found.count[1] > 1000
    assert found.examined == 4e6
    assert found.unit == "nucleated_cells"


def test_results_do_not_depend_on_chunks_order_or_other_assays():
    of = assay("cellsearch")
    rng = np.random.default_rng(1)
    cells = rng.lognormal(6, 1, 500)
    whole = draw(of, Burden.of(cells), seed=5, patients=np.arange(500), visit=2)
    draw(assay("iset"), Burden.of(cells), seed=5, patients=np.arange(500), visit=2)
    order = rng.permutation(500)
    parts = [draw(of, Burden.of(cells[o]), seed=5, patients=o, visit=2)
             for o in np.array_split(order, 7)]  # fmt: skip
    again = np.concatenate([part.count for part in parts])
    assert (again == whole.count[order]).all()


def test_draws_differ_between_patients_visits_assays_and_seeds():
    burden = Burden.of([800.0])
    base = counts(assay("cellsearch"), burden).count
    others = [
        counts(assay("cellsearch"), burden, visit=1).count,
        counts(assay("cellsearch"), burden, seed=12).count,
        counts(replace(assay("cellsearch"), name="mine"), burden).count,
        np.roll(base, 1),
    ]
    for other in others:
        assert abs(stats.spearmanr(base, other).statistic) < 5 / math.sqrt(N)


def test_a_visits_stretch_of_the_stream_is_its_own():
    """A name and visit start where no other does, and a stretch is longer than what is drawn."""
    starts = {place(name, visit) for name in names() for visit in (0, 1, MOST_VISITS - 1)}
    assert len(starts) == 3 * len(names())
    assert min(np.diff(sorted(starts))) >= 2**14
    assert max(starts) + 2**14 <= 2**48
    assert same_draws(names()) == []
    assert same_draws(["plumless", "buckeroo"]) == [("buckeroo", "plumless")]  # a CRC-32 collision
    first = stream(3, ASSAYS, 5)
    state = stream(3, ASSAYS, 5)
    state[0] += np.uint64(place("cellsearch", 4))
    assert uniform(first) != uniform(state)


def test_a_count_of_all_cells_is_capped_not_wrapped():
    full = made("blood", compartment=10.0, markers=(1.0, 1.0, 1.0), recovery=1.0)
    found = draw(full, Burden.of([1e12]), seed=1, patients=np.arange(1), visit=0)
    assert found.count[0] == 2**31 - 1


def test_arguments_that_cannot_be_are_listed_together():
    bad = SimpleNamespace(patients=np.array([-1, 2]), visit=MOST_VISITS)
    with pytest.raises(ParameterError) as caught:
        draw(assay("iset"), Burden.of([1.0, 2.0]), seed=1, patients=bad.patients, visit=bad.visit,
             laboratory=np.ones((3, 2)))  # fmt: skip
    text = str(caught.value)
    assert "3 problems in drawing iset" in text
    for part in ("patients: has the number -1", "visit: is 1024; allowed: 0 to 1023",
                 "laboratory: has the shape (3, 2); (2, 2) is wanted"):  # fmt: skip
        assert part in text
    with pytest.raises(ParameterError, match=r"patients: has the shape \(3,\)"):
        draw(assay("iset"), Burden.of([1.0]), seed=1, patients=np.arange(3), visit=0)
    with pytest.raises(ParameterError, match="negative or not finite"):
        draw(assay("iset"), Burden.of([1.0]), seed=1, patients=np.arange(1), visit=0,
             laboratory=np.array([[1.0, -1.0]]))  # fmt: skip


def test_laboratories_lower_or_raise_a_patients_chance_as_a_whole():
    labs = Laboratories(count=9, recovery_log_sd=0.5, false_positive_log_sd=0.5)
    factors = labs.for_patients(4, PATIENTS, "cellsearch")
    burden = Burden.of([1500.0])
    found = counts(assay("cellsearch"), burden, laboratory=factors)
    which = labs.of_patients(4, PATIENTS)
    pairs = labs.factors(4, "cellsearch")
    tests = {}
    for number in range(9):
        chance = detection_probability(
            assay("cellsearch"), burden, laboratory=(pairs[number, 0], pairs[number, 1])
        )[0]
        hits = found.positive[which == number]
        tests[f"laboratory {number}"] = stats.binomtest(int(hits.sum()), hits.size, chance).pvalue
    assert_family(tests)
