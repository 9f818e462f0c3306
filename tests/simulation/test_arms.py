"""Arms of one seed share each life until it parts; therapies do what they say; odd worlds end."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from marrowtrace.simulation import (
    CODES,
    FOLLOW_UP,
    Rule,
    Therapy,
    scenario,
    simulate,
    therapy,
)
from marrowtrace.simulation.effects import neutral
from tests.goodness_of_fit import ALPHA, assert_family
from tests.simulation.worlds import NO_SPREAD, ONE_SUBTYPE, YEAR, world

N = 1500


@pytest.fixture(scope="module")
def untreated():
    return simulate(world(), N, seed=9)


def test_therapy_changes_nothing_before_it_starts(untreated):
    late = world(therapies=(Therapy("endocrine", start=2 * YEAR, effects={"marrow_loss": 0.01}),))
    treated = simulate(late, N, seed=9)
    before = [i for i, day in enumerate(FOLLOW_UP) if day <= 2 * YEAR]
    whole = (treated.column("code") == 0) & (untreated.column("code") == 0)
    np.testing.assert_array_equal(
        treated.burdens[whole][:, before], untreated.burdens[whole][:, before]
    )
    early = treated.column("distant_relapse") <= 2 * YEAR
    np.testing.assert_array_equal(
        treated.column("distant_relapse")[early], untreated.column("distant_relapse")[early]
    )
    later = treated.burden("perivascular")[:, -2], untreated.burden("perivascular")[:, -2]
    assert np.nanmean(later[0] < later[1]) > 0.3


def test_neutral_therapy_changes_nothing(untreated):
    """A window of neutral effects adds edges, but no life may notice, up to rounding."""
    effects = {name: neutral(name) for name in ("marrow_awakening", "marrow_loss", "escape")}
    arm = world(therapies=(Therapy("other_1", start=100.0, duration=900.0, effects=effects),))
    treated = simulate(arm, N, seed=9)
    same = np.isclose(
        treated.column("distant_relapse"), untreated.column("distant_relapse"), rtol=1e-6
    )
    assert same.mean() > 0.995  # lesions that shed step otherwise, and may place an arrival anew
    np.testing.assert_allclose(treated.burdens[:, 0], untreated.burdens[:, 0], rtol=1e-6)


def test_another_visit_changes_nobody(untreated):
    more = simulate(world(visits=(*FOLLOW_UP, 7 * YEAR)), N, seed=9)
    same = np.isclose(
        more.column("distant_relapse"), untreated.column("distant_relapse"), rtol=1e-6
    )
    assert same.mean() > 0.995
    np.testing.assert_array_equal(more.burdens[:, 0], untreated.burdens[:, 0])


def test_traits_are_shared_by_all_arms(untreated):
    usual = simulate(scenario("early-breast"), N, seed=9)
    for name in ("age", "diameter", "establishment", "other_cause_death", "tumour_age"):
        np.testing.assert_array_equal(usual.column(name), untreated.column(name))


def test_common_random_numbers_sharpen_a_comparison():
    """Relapse at 10 years, with and without therapy: paired differences vary less."""
    arms = [scenario("early-breast"), scenario("early-breast", regimens=())]
    relapsed = [simulate(arm, 4000, seed=2).column("distant_relapse") < 10 * YEAR for arm in arms]
    other = simulate(arms[1], 4000, seed=3).column("distant_relapse") < 10 * YEAR
    paired = np.var(relapsed[0].astype(float) - relapsed[1])
    unpaired = np.var(relapsed[0].astype(float) - other)
    assert paired < 0.7 * unpaired


def relapses(arm, n=6000, seed=4):
    return simulate(arm, n, seed=seed).column("distant_relapse") < 10 * YEAR


@pytest.mark.parametrize("regimen", ["endocrine-5y", "chemotherapy-adjuvant", "zoledronate"])
def test_regimens_prevent_relapses(regimen):
    """Paired sign test over the patients whose outcome differs."""
    without = relapses(scenario("early-breast", regimens=()))
    with_it = relapses(scenario("early-breast", regimens=(regimen,)))
    gained, lost = int((without & ~with_it).sum()), int((with_it & ~without).sum())
    assert stats.binomtest(gained, gained + lost, 0.5, alternative="greater").pvalue < ALPHA


def test_awakening_factors_scale_lesions():
    """Twice the pace of awakening in viscera, and no loss: the founding rate doubles."""
    values = {
        **NO_SPREAD,
        **ONE_SUBTYPE,
        "lesion_shedding_multiplier": 0.0,
        "detection_size": 2e12,
        "visceral_loss_rate.er_pos_her2_neg": 0.0,
        "visceral_awakening_rate.er_pos_her2_neg": 0.002,
        "visceral_lodging_of_egressed": 0.0,
        "establishment_probability": 4e-3,
        "perivascular_niche_sites": 0.0,
        "endosteal_niche_sites": 0.0,
        "receptor_discordance": 0.0,
        "other_death_rate": 0.0,
    }
    fast = Therapy("other_1", start=0.0, effects={"visceral_awakening": 2.0})
    counts = []
    for therapies in ((), (fast,)):
        arm = world(values, therapies=therapies, visits=(), horizon=2 * YEAR)
        lesions = simulate(arm, 2000, seed=8).lesions
        counts.append(int((lesions["awakened"] > 0).sum()))
    total = sum(counts)
    assert total > 2000

    def p_value(ratio):
        return stats.binomtest(counts[1], total, ratio / (1 + ratio)).pvalue

    assert_family({"twice": p_value(2.0)})
    assert p_value(1.7) < ALPHA


def test_rule_starts_only_for_positive_assays():
    """The rule sees counts; a therapy by rule never reaches those below the threshold."""
    rule = Rule("bone_marrow", 240.0, threshold=1.0, delay=15.0)
    kill = Therapy("docetaxel", duration=126.0, cycles=6, effects={"dormant_kill": 0.9}, rule=rule)
    arm = world(therapies=(kill,))
    history = simulate(arm, N, seed=9)
    plain = simulate(world(), N, seed=9)
    guided = history.column("guided") == 1
    share = guided.mean()
    assert 0.1 < share < 0.5
    month_12 = FOLLOW_UP.index(YEAR)
    burden, usual = history.burden("endosteal")[:, month_12], plain.burden("endosteal")[:, month_12]
    seen = ~np.isnan(burden) & ~np.isnan(usual)
    # the edges of the rule split steps, which moves what lesions shed in the last digits
    np.testing.assert_allclose(burden[seen & ~guided], usual[seen & ~guided], rtol=1e-3)
    small = plain.burden("log_largest_lesion")[:, month_12] < 11
    ratio = burden[seen & guided & small] / usual[seen & guided & small]
    assert np.median(ratio) < 0.01
    nobody = replace(kill, rule=replace(rule, threshold=1e9))
    assert simulate(world(therapies=(nobody,)), 200, seed=9).column("guided").max() == 0


def test_neoadjuvant_cycles_shrink_the_primary():
    cycles = Therapy("chemotherapy", start=10.0, duration=126.0, cycles=6, effects={"log_kill": 1})
    values = NO_SPREAD | {"chemotherapy_log_kill_sd": 0.0}
    arm = world(values, therapies=(cycles,), surgery=150.0, visits=(0.0, 140.0, 160.0))
    size = simulate(arm, 50, seed=1).burden("log_primary_size")
    assert (size[:, 1] < size[:, 0] - 3).all()
    assert np.isneginf(size[:, 2]).all()


def test_surgery_ends_shedding_at_once():
    history = simulate(world(visits=(0.0, 1.0)), 300, seed=1)
    assert (history.burden("ctc_primary")[:, 0] > 0).mean() > 0.99
    assert (history.burden("ctc_primary")[:, 1] == 0).all()


@pytest.mark.parametrize("name", ["bisphosphonate", "all at once"])
def test_every_regimen_runs(name):
    from marrowtrace.catalog import parameter_set, regimen_names

    parameters = parameter_set("early-breast")
    chosen = regimen_names() if name == "all at once" else ["zoledronate", "clodronate"]
    arm = world(therapies=tuple(therapy(each, parameters, surgery=0.0) for each in chosen))
    history = simulate(arm, 200, seed=1)
    assert np.isfinite(history.column("end")).all()
    assert (history.burdens[:, 0, :10] >= 0).all()


EXTREMES = {
    "a cell in 1e12": {"tumour_size_at_diagnosis_max": 1e12, "diameter_at_diagnosis_median": 30.0},
    "huge shedding": {"shedding_rate_reference": 1e9},
    "huge seeding": {"establishment_probability": 0.5},
    "nothing awakes": {"perivascular_awakening_rate.er_pos_her2_neg": 0.0},
    "all awake": {"visceral_awakening_rate.er_pos_her2_neg": 1e6},
    "nobody lodges": {"marrow_lodging_probability": 0.0, "visceral_lodging_probability": 0.0},
    "everybody lodges": {"marrow_lodging_probability": 1.0},
    "no growth": {f"lesion_growth_rate.{s}": 0.0 for s in ("er_pos_her2_neg", "triple_negative")},
    "no clearance": {"ctc_half_life": 1e6},
    "no death": {"clone_death_ratio": 0.0},
    "one cell at diagnosis": {"diameter_at_diagnosis_median": 1e-3},
    "no immunity": {"effector_level": 0.0},
}


@pytest.mark.parametrize("extreme", sorted(EXTREMES))
def test_no_extreme_hangs_or_gives_nonsense(extreme):
    arm = world(EXTREMES[extreme], horizon=40 * YEAR)
    history = simulate(arm, 60, seed=1)
    assert np.isin(history.column("code"), range(len(CODES))).all()
    assert np.isfinite(history.column("end")).all()
    seen = history.burdens[:, 0, :9]
    assert np.isfinite(seen).all()
    assert (seen >= 0).all()


def test_too_many_founders_are_said_not_hidden():
    arm = world({"establishment_probability": 1.0, "restricted_fraction": 1.0, "escape_rate": 0.0})
    history = simulate(arm, 12, seed=1)
    limited = history.column("code") == CODES.index("lesion limit reached")
    assert limited.mean() > 0.9
    assert history.limited() == {"lesion limit reached": int(limited.sum())}
    assert np.isfinite(history.column("limited")[limited]).all()


def test_empty_scenario_and_no_visits():
    history = simulate(world(visits=(), horizon=0.0), 20, seed=1)
    assert history.burdens.shape[1] == 1
    assert (history.column("end") == 0).all()


def test_surgery_may_never_come():
    history = simulate(world(surgery=math.inf, visits=(0.0, 5 * YEAR)), 200, seed=1)
    size = history.burden("log_primary_size")
    alive = ~np.isnan(size[:, 1])
    assert (size[alive, 1] > size[alive, 0]).all()
