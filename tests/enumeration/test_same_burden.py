from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import special, stats

from marrowtrace.enumeration.gamma_poisson import probability_below
from marrowtrace.enumeration.same_burden import (
    both_negative,
    burden,
    draw_pairs,
    sampling_noise,
)
from marrowtrace.errors import CohortError, ParameterError
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue

MEANS = (np.array([0.1, 3.0, 20.0]), np.array([0.5, 1.0, 80.0]))


@pytest.mark.parametrize("theta", [0.1, 0.25, 1.0, 5.0])
def test_two_aliquots_of_one_pool_by_closed_form(theta):
    wanted = (1 + (MEANS[0] + MEANS[1]) / theta) ** -theta
    assert both_negative(MEANS, (theta, theta), (1, 1)) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("thresholds", [(2, 1), (3, 5), (14, 2)])
def test_thresholds_by_the_bivariate_law(thresholds):
    theta, (m1, m2) = 0.6, (3.0, 5.0)
    total = np.arange(60)
    both = stats.nbinom(theta, theta / (theta + m1 + m2)).pmf(total)
    split = stats.binom(total[:, np.newaxis], m1 / (m1 + m2)).pmf(np.arange(60))
    wanted = sum(
        both[x + y] * split[x + y, x] for x in range(thresholds[0]) for y in range(thresholds[1])
    )
    found = both_negative((np.array([m1]), np.array([m2])), (theta, theta), thresholds)
    assert found[0] == pytest.approx(wanted, rel=1e-8)


def test_patients_alike_are_unrelated():
    found = both_negative(MEANS, (math.inf, math.inf), (1, 2))
    wanted = np.exp(-MEANS[0]) * special.gammaincc(2, MEANS[1])
    assert found == pytest.approx(wanted)


def test_one_poisson_margin_makes_the_other_the_law():
    found = both_negative((np.array([3.0]), np.array([1e-12])), (0.4, math.inf), (2, 1))
    assert found[0] == pytest.approx(float(probability_below(2, 3.0, 0.4)), rel=1e-8)


def test_burdens_follow_their_gamma_law():
    """20,000 burdens; a shape of 0.25 for 0.3 is refused with power above 0.99."""
    rng = np.random.default_rng(15)
    drawn = {t: burden(rng.standard_normal(20_000), t) for t in (0.25, 4.0)}
    law = {t: stats.gamma(t, scale=1 / t).cdf for t in drawn}
    assert_family({f"theta {t}": ks_pvalue(drawn[t], law[t]) for t in drawn})
    assert ks_pvalue(drawn[0.25], stats.gamma(0.3, scale=1 / 0.3).cdf) < ALPHA


def discordant(pairs):
    return int(((pairs[0] >= 1) != (pairs[1] >= 2)).sum())


def test_discordance_of_drawn_pairs():
    """20,000 pairs: 5 % of patients unrelated is caught with power above 0.99."""
    rng = np.random.default_rng(16)
    means, thetas = (np.full(100, 3.0), np.full(100, 2.0)), (0.25, 0.7)
    n1 = float(probability_below(1, 3.0, 0.25))
    n2 = float(probability_below(2, 2.0, 0.7))
    together = float(both_negative(means, thetas, (1, 2))[0])
    same, unrelated = n1 + n2 - 2 * together, n1 + n2 - 2 * n1 * n2
    pvalues = {}
    for shared in (0.0, 0.4, 1.0):
        pairs = draw_pairs(rng, means, thetas, shared=shared, sets=200)
        wanted = shared * same + (1 - shared) * unrelated
        pvalues[f"{shared}"] = stats.binomtest(discordant(pairs), 20_000, wanted).pvalue
    assert_family(pvalues)
    wrong = draw_pairs(rng, means, thetas, shared=0.9, sets=200)
    assert stats.binomtest(discordant(wrong), 20_000, same).pvalue < ALPHA


def one_cohort(rng, shared, n):
    means = (np.full(n, 3.0), np.full(n, 2.0))
    pairs = draw_pairs(rng, means, (0.3, 0.6), shared=shared, sets=1)
    return (pairs[0][0], 7.5), (pairs[1][0], 2e6)


def test_noise_alone_is_not_refused_and_unrelated_burdens_are():
    rng = np.random.default_rng(17)
    alike = sampling_noise(rng, *one_cohort(rng, 1.0, 120), replicates=199)
    assert alike.p_value > ALPHA
    assert alike.same_low <= alike.discordant <= alike.same_high
    apart = sampling_noise(rng, *one_cohort(rng, 0.0, 120), replicates=199)
    assert apart.p_value == 1 / 200
    assert apart.shared_high < 0.6
    assert apart.explained_high < 0.9
    assert "more disagree than noise explains" in apart.statement


def test_part_explained_is_recovered_in_a_large_cohort():
    rng = np.random.default_rng(18)
    found = sampling_noise(rng, *one_cohort(rng, 0.5, 1000), replicates=99)
    n1, n2 = float(probability_below(1, 3.0, 0.3)), float(probability_below(1, 2.0, 0.6))
    both = float(both_negative((np.array([3.0]), np.array([2.0])), (0.3, 0.6), (1, 1))[0])
    same, unrelated = n1 + n2 - 2 * both, n1 + n2 - 2 * n1 * n2
    assert found.explained_low <= same / ((same + unrelated) / 2) <= found.explained_high
    assert found.shared_low <= 0.5 <= found.shared_high
    assert found.shared_high - found.shared_low < 0.5


def test_no_discordance_leaves_nothing_to_explain():
    found = sampling_noise(np.random.default_rng(1), ([90, 80, 0, 0], 1), ([70, 99, 0, 0], 1))
    assert found.discordant == 0
    assert math.isnan(found.explained)
    assert "nothing to explain" in found.statement
    assert json.loads(json.dumps(found.to_json()))["explained"] is None


def test_same_seed_same_numbers():
    data = one_cohort(np.random.default_rng(2), 0.5, 40)
    one, two = (sampling_noise(np.random.default_rng(3), *data, replicates=99) for _ in "ab")
    assert one == two


def test_what_cannot_be_told_is_refused():
    rng = np.random.default_rng(1)
    with pytest.raises(CohortError, match="the second samples show no cell in any patient"):
        sampling_noise(rng, ([1, 2], 1), ([0, 0], 1))
    with pytest.raises(CohortError, match="1 first and 1 second samples make no pairs"):
        sampling_noise(rng, ([1], 1), ([1], 1))
    with pytest.raises(ParameterError, match="replicates: is 5"):
        sampling_noise(rng, ([1, 2], 1), ([0, 1], 1), replicates=5)
