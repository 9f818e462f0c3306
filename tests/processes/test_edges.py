"""Samplers at the edges of their ranges: every draw is a number, and every call returns."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from marrowtrace.processes import (
    birth_death,
    blood,
    dormancy,
    establishment,
    gompertz,
    immunity,
    kill,
    lesion,
    mortality,
    mutation,
    niches,
    restriction,
    shedding,
    therapy_window,
)
from marrowtrace.streams import stream

RATES = (0.0, 1e-300, 1e-6, 0.3, 1e6)
COUNTS = (0.0, 1.0, 40.0, 1e12)
TIMES = (0.0, 1e-9, 30.0, 40 * 365.25)
SHARES = (0.0, 1e-12, 0.5, 1.0)
SIZES = (0.0, 9.2, 20.0, 28.7)
RNG = "rng"

CALLS = [
    (birth_death.draw_size, (RNG, COUNTS, RATES, RATES, TIMES)),
    (birth_death.draw_surviving_size, (RNG, COUNTS, RATES, RATES, TIMES)),
    (birth_death.draw_with_immigration, (RNG, COUNTS, RATES, RATES, RATES, TIMES)),
    (birth_death.draw_limit, (RNG, COUNTS, RATES, RATES)),
    (birth_death.draw_time_to_size, (RNG, COUNTS, RATES, RATES)),
    (blood.steady_mean, (RATES, RATES, RATES)),
    (blood.mean_at, (COUNTS, RATES, (-0.1, 0.0, 1e-3), (0.0, 11.0, 1e3), TIMES)),
    (establishment.probability, (COUNTS, RATES, RATES, COUNTS, (0.0, 1e4), (0.0, 9.0))),
    (gompertz.time_between, (SIZES, SIZES, RATES, (28.8,), (0.0, 9.2))),
    (gompertz.log_size_at, (SIZES, TIMES, RATES, (28.8,), (0.0, 9.2))),
    (gompertz.invert_power_integral, (COUNTS, (0.0, 0.3, 1.0), SIZES, SIZES, RATES, (28.8,),
                                      (9.2,))),
    (gompertz.draw_log_size, (RNG, (0.0, 1e-9, 0.3, 2.0), SIZES, SIZES, (28.8,), (0.0, 9.2))),
    (shedding.expected, ((0.0, 9.0), SIZES, (1e-3,), (28.8,), (9.2,), COUNTS, SHARES, (22.1,),
                         RATES, SIZES)),
    (immunity.steady_effectors, (COUNTS, RATES, RATES, COUNTS, RATES)),
    (immunity.mutant_survival, (RATES, RATES, RATES, SHARES)),
    (kill.survivors, (RNG, COUNTS, (0.0, 0.5, 400.0))),
    (kill.draw_resistant, (RNG, COUNTS, SHARES, RATES, RATES, (0.3,), RATES)),
    (lesion.draw_delay, (RNG, SIZES, SHARES, RATES, (28.8,), (0.0, 9.2))),
    (lesion.effective_log_size, (RNG, COUNTS, RATES, RATES)),
    (lesion.draw_size, (RNG, COUNTS, RATES, RATES, TIMES, (1e-3,), (28.8,), (9.2,))),
    (mortality.draw_other_cause, (RNG, TIMES, RATES, TIMES, (0.0, 3e3, math.inf))),
    (mutation.draw_trunk, (RNG, RATES, RATES, RATES, RATES)),
    (niches.pool_mean, (COUNTS, COUNTS, RATES, COUNTS, TIMES)),
    (niches.pool_integral, (COUNTS, COUNTS, RATES, COUNTS, TIMES)),
    (niches.lodged, (COUNTS, COUNTS, RATES, COUNTS, TIMES)),
    (restriction.draw_exit, (RNG, RATES, RATES, RATES)),
    (therapy_window.mean_exposure, (TIMES, TIMES, TIMES, TIMES, RATES, RATES)),
    (therapy_window.draw_stop, (RNG, TIMES, TIMES, RATES)),
]  # fmt: skip


@pytest.mark.parametrize(("law", "ranges"), CALLS, ids=lambda v: getattr(v, "__name__", ""))
def test_every_value_is_a_number(law, ranges):
    rng = stream(seed=1, process=0, patient=0)
    choices = [(rng,) if values is RNG else values for values in ranges]
    for parameters in itertools.product(*choices):
        result = np.asarray(law(*parameters), dtype=np.float64)
        assert not np.isnan(result).any(), parameters[ranges[0] is RNG :]


def test_no_waiting_time_is_lost():
    rng = stream(seed=1, process=0, patient=0)
    for wait in (
        dormancy.exponential(1e-300),
        dormancy.exponential(1e300),
        dormancy.weibull(0.05, 1.0),
        dormancy.weibull(100.0, 1.0),
        dormancy.lognormal(10.0, 1.0),
        dormancy.erlang_mixture([0.5, 0.5], [1, 100], [1e-9, 1e9]),
    ):
        draws = np.array([dormancy.draw_wait(rng, wait) for _ in range(200)])
        assert np.isfinite(draws).all()
        assert (draws >= 0.0).all()
