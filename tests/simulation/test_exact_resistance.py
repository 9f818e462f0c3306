"""The twin's resistant daughters against the law of Luria and Delbrueck, and event by event."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from marrowtrace.processes.kill import expected_resistant_clones
from marrowtrace.simulation.exact_resistance import (
    daughters_of_bulk,
    daughters_of_walk,
    resistant_in_size,
    resistant_in_walk,
)
from marrowtrace.simulation.exact_walk import surviving_walk
from marrowtrace.streams import generator
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue, mean_pvalue

BIRTH, DEATH, CELLS, RATE = 0.2, 0.16, 600.0, 1e-3
REPLICATES = 1500


def none_share(drawn):
    return float((np.asarray(drawn) == 0).mean())


def expected_none(cells=CELLS, rate=RATE):
    return math.exp(-expected_resistant_clones(cells, rate, BIRTH, DEATH))


def binomial(drawn, share):
    count = int((np.asarray(drawn) == 0).sum())
    return float(stats.binomtest(count, len(drawn), share).pvalue)


def test_sizes_without_resistant_cells_are_as_often_as_the_law_says():
    rng = generator(1, 60_005, 0)
    drawn = [resistant_in_size(rng, CELLS, RATE, BIRTH, DEATH) for _ in range(REPLICATES)]
    assert_family({"none": binomial(drawn, expected_none())})
    assert binomial(drawn, expected_none(rate=1.3 * RATE)) < ALPHA


def test_event_by_event_resistance_agrees_for_late_clones():
    """Growth in small numbers differs from its mean early only, when few clones arise."""
    rng = generator(2, 60_005, 0)
    drawn = []
    for _ in range(400):
        steps = surviving_walk(rng, 1, BIRTH, DEATH, duration=math.inf, ceiling=CELLS)
        drawn.append(resistant_in_walk(rng, steps, RATE, math.inf, 0))
    assert_family({"none": binomial(drawn, expected_none())})
    assert binomial(drawn, expected_none(rate=2.0 * RATE)) < ALPHA


def test_no_rate_no_resistance_and_certain_mutation():
    rng = generator(3, 60_005, 0)
    steps = (np.arange(5.0), np.array([1, 2, 3, 4, 5]))
    assert resistant_in_walk(rng, steps, 0.0, 10.0, 0) == 0
    # each division of a sensitive cell makes a resistant one, each of a resistant one too
    assert resistant_in_walk(rng, steps, 1.0, 10.0, 0) == 4
    assert resistant_in_walk(rng, steps, 1.0, 1.5, 0) == 1
    assert daughters_of_walk(rng, steps, 1.0, 2.5).tolist() == [1.0, 2.0]
    assert daughters_of_walk(rng, steps, 0.0, 9.0).size == 0


def test_daughters_of_dying_cells_come_as_the_cells_decline():
    rng = generator(4, 60_005, 0)
    kill, span = 0.05, 40.0
    found = [daughters_of_bulk(rng, 5e4, 1e-3, BIRTH, kill, span) for _ in range(60)]
    gone = -math.expm1(-kill * span)
    mean = 1e-3 * BIRTH * 5e4 / kill * gone
    days = np.concatenate(found)

    def cdf(x, rate=kill):
        return np.expm1(-rate * x) / math.expm1(-rate * span)

    assert_family(
        {
            "number": mean_pvalue([x.size for x in found], mean, mean),
            "days": ks_pvalue(days, cdf),
        }
    )
    assert ks_pvalue(days, lambda x: cdf(x, 1.1 * kill)) < ALPHA


def test_many_clones_are_counted_by_their_mean():
    rng = generator(5, 60_005, 0)
    cells, rate = 1e9, 1e-2
    drawn = np.array([resistant_in_size(rng, cells, rate, BIRTH, DEATH) for _ in range(20)])
    net = BIRTH - DEATH
    assert abs(drawn.mean() / (rate * BIRTH * cells * math.log(cells) / net) - 1.0) < 0.2
