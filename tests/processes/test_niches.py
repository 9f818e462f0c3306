from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from marrowtrace.processes import markov, niches
from marrowtrace.streams import stream
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue
from tests.processes.replicates import SEED

SITES = 20
ARRIVALS, DISPLACEMENT, STEM_ENTRY, STEM_EXIT, LOSS = 6.0, 0.3, 0.2, 0.1, 0.25


def transition(time, displacement=DISPLACEMENT):
    generator, out = np.empty((3, 3)), np.empty((3, 3))
    niches.site_generator(generator, ARRIVALS, SITES, displacement, STEM_ENTRY, STEM_EXIT, LOSS)
    markov.transition_matrix(generator, time, out, np.empty((2, 3, 3)))
    return out


def event_by_event(generator, stem, time):
    """Arrivals that pick one of all sites at random, followed one event at a time."""
    tumour, now = 0, 0.0
    while True:
        empty = SITES - stem - tumour
        rates = np.array([ARRIVALS, STEM_ENTRY * empty, STEM_EXIT * stem, LOSS * tumour])
        now += generator.exponential() / rates.sum()
        if now > time:
            return tumour
        event = generator.choice(4, p=rates / rates.sum())
        if event == 0:
            site = generator.random() * SITES
            if site < empty:
                tumour += 1
            elif site < empty + stem and generator.random() < DISPLACEMENT:
                tumour, stem = tumour + 1, stem - 1
        elif event == 1:
            stem += 1
        elif event == 2:
            stem -= 1
        else:
            tumour -= 1


def test_sites_shared_with_stem_cells_are_exactly_multinomial():
    stem, time = 12, 3.0
    matrix = transition(time)
    counts = np.array([SITES - stem, stem, 0.0])
    sizes = np.arange(SITES + 1)
    law = np.convolve(
        stats.binom.pmf(sizes, SITES - stem, matrix[niches.EMPTY, niches.TUMOUR]),
        stats.binom.pmf(sizes, stem, matrix[niches.STEM, niches.TUMOUR]),
    )[: SITES + 1]
    generator = np.random.default_rng(SEED)
    events = [event_by_event(generator, stem, time) for _ in range(2_000)]
    rng = stream(seed=SEED, process=2, patient=0)
    out = np.empty(3)
    drawn = []
    for _ in range(10_000):
        markov.draw_counts(rng, counts, matrix, out)
        drawn.append(out[niches.TUMOUR])
    assert_family({"events": chi2_pvalue(events, law), "draws": chi2_pvalue(drawn, law)})
    wrong = transition(time, displacement=0.2)[niches.STEM, niches.TUMOUR]
    other = np.convolve(
        stats.binom.pmf(sizes, SITES - stem, matrix[niches.EMPTY, niches.TUMOUR]),
        stats.binom.pmf(sizes, stem, wrong),
    )[: SITES + 1]
    assert chi2_pvalue(drawn, other) < ALPHA


def test_pool_mean_is_that_of_the_sites():
    """Without stem cells the pool is the expected number of sites held by tumour cells."""
    generator, matrix = np.empty((3, 3)), np.empty((3, 3))
    niches.site_generator(generator, ARRIVALS, SITES, 0.0, 0.0, 0.0, LOSS)
    for time in (1e-7, 0.1, 3.0, 100.0):
        markov.transition_matrix(generator, time, matrix, np.empty((2, 3, 3)))
        expected = 15.0 * matrix[0, 2] + 5.0 * matrix[2, 2]
        assert niches.pool_mean(5.0, ARRIVALS, LOSS, SITES, time) == pytest.approx(expected)


@pytest.mark.parametrize("loss", [0.0, 1e-9, 1e-3, 0.25])
@pytest.mark.parametrize("time", [1e-4, 1.0, 400.0])
def test_integrals_solve_their_equations(loss, time):
    capacity = 1e4
    solution = solve_ivp(
        lambda _, y: [ARRIVALS * (1 - y[0] / capacity) - loss * y[0], y[0]],
        (0.0, time), [5.0, 0.0], rtol=1e-11, atol=1e-11,
    )  # fmt: skip
    parameters = (5.0, ARRIVALS, loss, capacity, time)
    assert niches.pool_mean(*parameters) == pytest.approx(solution.y[0, -1], rel=1e-7)
    assert niches.pool_integral(*parameters) == pytest.approx(solution.y[1, -1], rel=1e-7)
    # what lodged is either still there or lost
    kept = niches.pool_mean(*parameters) - 5.0 + loss * niches.pool_integral(*parameters)
    assert niches.lodged(*parameters) == pytest.approx(kept, rel=1e-7, abs=1e-9)


def test_limits():
    assert niches.pool_mean(0.0, 1e6, 0.1, 0.0, 50.0) == 0.0  # no sites, no cells
    assert niches.pool_integral(0.0, 1e6, 0.1, 0.0, 50.0) == 0.0
    assert niches.lodged(0.0, 1e6, 0.1, 0.0, 50.0) == 0.0
    assert niches.pool_mean(0.0, 1e12, 0.1, 1e5, 1e4) <= 1e5
    assert niches.pool_mean(7.0, 3.0, 0.1, 1e5, 0.0) == 7.0
    assert niches.pool_mean(0.0, 3.0, 0.1, math.inf, 1e4) == pytest.approx(30.0)
    assert niches.free_share(25.0, 100.0) == 0.75
    assert niches.free_share(0.0, 0.0) == 0.0
    assert niches.free_share(200.0, 100.0) == 0.0


def test_mean_field_error_falls_as_one_over_capacity():
    """Cells that leave and come back: the bias times the capacity settles to a constant."""
    for arrivals, least, most in ((0.01, 4.7, 5.1), (0.05, 1.3, 1.4), (0.2, 0.31, 0.33)):
        for capacity in (100, 500, 2_500):
            bias = niches.feedback_bias(arrivals * capacity, 0.05, 0.3, 0.9, capacity)
            assert least < bias * capacity < most


def test_exact_feedback_mean_is_that_of_the_events():
    """The stationary law against one long path of the chain, by the means of its batches."""
    arrivals, loss, egress, returning, capacity = 2.0, 0.05, 0.3, 0.9, 20
    generator = np.random.default_rng(SEED)
    cells, batches = 7, np.empty(60)
    for batch in range(60):
        total, area = 0.0, 0.0
        for _ in range(1_500):
            up = (arrivals + egress * returning * cells) * (1 - cells / capacity)
            down = (loss + egress) * cells
            stay = generator.exponential() / (up + down)
            total, area = total + stay, area + stay * cells
            cells += 1 if generator.random() * (up + down) < up else -1
        batches[batch] = area / total
    exact = niches.feedback_mean(arrivals, loss, egress, returning, capacity)
    assert_family({"batches": stats.ttest_1samp(batches, exact).pvalue})
    assert stats.ttest_1samp(batches, 1.06 * exact).pvalue < ALPHA
