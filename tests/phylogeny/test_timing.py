import numpy as np
import pytest
from scipy.stats import poisson

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.timing import by_clock, closed_form, similarity


def test_closed_form_and_its_bounds():
    time = closed_form(40, 20, 6.0)
    assert time.years == pytest.approx((1 - 0.13 * 0.5) * 6.0)
    assert closed_form(1, 60, 6.0).years == 0.0
    nothing_private = closed_form(0, 3, 6.0)
    assert np.isnan(nothing_private.years)
    assert 0.0 <= nothing_private.low < nothing_private.high <= 6.0


@pytest.mark.parametrize(("lp", "lm"), [(30, 15), (12, 20), (60, 60)])
def test_interval_of_the_closed_form_covers(lp, lm):
    rng = np.random.default_rng(lp)
    truth = (1 - 0.13 * lm / lp) * 10.0
    inside = 0
    for _ in range(400):
        time = closed_form(int(rng.poisson(lp)), int(rng.poisson(lm)), 10.0)
        inside += time.low <= truth <= time.high
    assert inside / 400 > 0.92


def test_clock_interval_is_that_of_a_poisson_mean():
    time = by_clock(12, 3.0)
    assert time.years == pytest.approx(4.0)
    assert poisson.cdf(12, time.high * 3.0) == pytest.approx(0.025, abs=0.015)
    assert poisson.sf(11, time.low * 3.0) == pytest.approx(0.025, abs=0.015)
    assert by_clock(0, 3.0).low == 0.0
    wider = by_clock(12, 3.0, rate_log_sd=0.4)
    assert wider.low < time.low
    assert wider.high > time.high
    narrow = by_clock(12, 3.0, rate_log_sd=1e-6)
    assert (narrow.low, narrow.high) == pytest.approx((time.low, time.high), rel=1e-3)


def test_jaccard_index():
    found = similarity(30, 10, 20)
    assert found.index == pytest.approx(0.5)
    assert found.low < 0.5 < found.high
    assert similarity(0, 5, 5).low == 0.0
    assert similarity(5, 0, 0).high == 1.0
    assert np.isnan(similarity(0, 0, 0).index)


def test_faulty_counts_and_rates():
    with pytest.raises(CohortError, match="Lm: -1 is no number of mutations"):
        closed_form(3, -1, 4.0)
    with pytest.raises(CohortError, match=r"expansion: 0\.0 is no time"):
        closed_form(3, 1, 0.0)
    with pytest.raises(CohortError, match=r"rate: 0\.0 is out of range; give above 0"):
        by_clock(3, 0.0)
    with pytest.raises(CohortError, match="private: -1"):
        by_clock(-1, 1.0)
