import math

import numpy as np

from marrowtrace.simulation import PATIENTS, simulate
from marrowtrace.study.scenarios import arm_scenario
from marrowtrace.study.treatments import taken_windows
from tests.goodness_of_fit import assert_family, ks_pvalue
from tests.study.small_study import small

N = 4_000


def windows(**arm):
    protocol = small(arms=[{"name": "one", **arm}])
    scenario = arm_scenario(protocol, protocol.arms[0])
    history = simulate(scenario, N, 5)
    columns = {name: history.patients[:, i] for i, name in enumerate(PATIENTS)}
    return columns, *taken_windows(scenario, 5, history.patient, columns)


def test_uptake_is_that_of_the_engine():
    """The flags of the history and the windows drawn here agree patient by patient."""
    columns, start, _ = windows(regimens=["chemotherapy-adjuvant", "endocrine-5y", "her2-targeted"])
    for place, name in enumerate(("chemotherapy", "endocrine", "her2_targeted")):
        np.testing.assert_array_equal(~np.isnan(start[:, place]), columns[name] > 0)


def test_who_stops_early_stops_at_the_rate():
    _, start, stop = windows(
        regimens=[{"regimen": "endocrine-5y", "stopping_rate": "20 %/year", "eligibility": "all"}]
    )
    taken = ~np.isnan(start[:, 0])
    lasting = (stop - start)[taken, 0]
    assert lasting.max() <= 5 * 365.25 + 1e-9
    early = lasting[lasting < 5 * 365.25 - 1e-9]
    rate, length = 0.2 / 365.25, 5 * 365.25
    assert_family(
        {"early": ks_pvalue(early, lambda x: -np.expm1(-rate * x) / -math.expm1(-rate * length))}
    )
    assert abs(early.size / lasting.size + math.expm1(-1.0)) < 4 * math.sqrt(0.24 / lasting.size)


def test_a_therapy_without_end_goes_on():
    _, start, stop = windows(regimens=[{"regimen": "mine", "agent": "other_1", "start": "5 d"}])
    assert (start == 5.0).all()
    assert np.isinf(stop).all()


def test_no_therapy_at_all():
    _, start, stop = windows()
    assert start.shape == stop.shape == (N, 0)


def test_where_follow_up_begins_with_metastases_days_count_from_them():
    protocol = small(
        cancer="metastatic-breast",
        endpoints=["death"],
        visits=[{"name": "start", "day": "0 d", "assays": ["cellsearch"]}],
        published=[],
        arms=[{"name": "one", "regimens": [{"regimen": "c", "agent": "chemotherapy",
                                            "start": "7 d", "cycles": 6}]}],
    )  # fmt: skip
    scenario = arm_scenario(protocol, protocol.arms[0])
    history = simulate(scenario, 50, 5)
    columns = {name: history.patients[:, i] for i, name in enumerate(PATIENTS)}
    start, stop = taken_windows(scenario, 5, history.patient, columns)
    assert (start == 7.0).all()
    assert (stop == 7.0 + 126.0).all()
