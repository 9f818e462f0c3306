from __future__ import annotations

import math

import numpy as np
from scipy import stats

from marrowtrace.processes import restriction
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue
from tests.processes.replicates import replicates

HAZARDS = (0.04 / 365.25, 0.03 / 365.25, 0.06 / 365.25)


def test_endings_compete():
    draws = replicates(restriction.draw_exit, *HAZARDS)
    horizon = 3_650.0
    endings = np.where(draws[:, 0] <= horizon, draws[:, 1], restriction.STAYS)
    law = restriction.ending_probabilities(*HAZARDS, horizon)
    assert_family(
        {
            "endings": chi2_pvalue(endings, law),
            "time": ks_pvalue(draws[:, 0], stats.expon(scale=1.0 / sum(HAZARDS)).cdf),
            "cause and time": stats.spearmanr(draws[:, 0], draws[:, 1]).pvalue,
        }
    )
    wrong = restriction.ending_probabilities(HAZARDS[0], HAZARDS[1], 1.15 * HAZARDS[2], horizon)
    assert chi2_pvalue(endings, wrong) < ALPHA


def test_windows_follow_the_cumulated_hazard():
    edges = np.array([0.0, 500.0, 2_000.0])
    hazards = np.array([[1e-4, 4e-4, 0.0], [3e-4, 0.0, 1e-3], [0.0, 2e-4, 1e-3]])
    start = 200.0
    draws = replicates(restriction.draw_exit_through, start, edges, *hazards)

    def cumulated(t):
        total = hazards.sum(axis=0)
        bounds = np.append(edges, np.inf)
        spans = np.clip(
            np.minimum(t[:, None], bounds[1:]) - np.maximum(start, bounds[:-1]), 0.0, None
        )
        return 1.0 - np.exp(-(spans * total).sum(axis=1))

    windows = np.searchsorted(edges, draws[:, 0], side="right") - 1
    pvalues = {"time": ks_pvalue(draws[:, 0], cumulated)}
    for k in range(3):
        law = np.concatenate([[0.0], hazards[:, k] / hazards[:, k].sum()])
        pvalues[f"window {k}"] = chi2_pvalue(draws[windows == k, 1], law)
    assert_family(pvalues)


def test_before_the_first_edge_its_hazards_hold():
    edges, none = np.array([100.0]), np.array([0.0])
    draws = replicates(
        restriction.draw_exit_through, 0.0, edges, np.array([0.01]), none, none, count=4_000
    )
    assert_family({"time": ks_pvalue(draws[:, 0], stats.expon(scale=100.0).cdf)})


def test_limits():
    """No escape and no elimination: equilibrium for ever."""
    assert (
        replicates(restriction.draw_exit, 0.0, 0.0, 0.0, count=3).tolist()
        == [[math.inf, restriction.STAYS]] * 3
    )
    none = np.zeros(2)
    draws = replicates(
        restriction.draw_exit_through, 0.0, np.array([0.0, 9.0]), none, none, none, count=3
    )
    assert (draws[:, 0] == math.inf).all()
    only = {
        restriction.ELIMINATED: (1.0, 0.0, 0.0),
        restriction.ESCAPED_BY_MUTATION: (0.0, 1.0, 0.0),
        restriction.ESCAPED_BY_ENVIRONMENT: (0.0, 0.0, 1.0),
    }
    for ending, hazards in only.items():
        assert (replicates(restriction.draw_exit, *hazards, count=200)[:, 1] == ending).all()
    assert restriction.ending_probabilities(0.0, 0.0, 0.0, 9.0).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert restriction.ending_probabilities(1.0, 1.0, 1.0, 0.0).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert len(restriction.ENDINGS) == 4
