"""Whole lives in small worlds whose laws are known: pools, founders, waits, lesions, limits."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from marrowtrace.processes import dormancy
from marrowtrace.simulation import Therapy, simulate
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue
from tests.simulation.worlds import IMMORTAL, NO_SPREAD, ONE_SUBTYPE, YEAR, world

N = 12_000
PLAIN = {
    **NO_SPREAD,
    **ONE_SUBTYPE,
    **IMMORTAL,
    "lesion_shedding_multiplier": 0.0,
    "local_lodging_probability": 0.0,
    "mhc_low_fraction": 0.0,
    "cluster_fraction": 0.0,
    "surgery_stress_level": 0.0,
    "receptor_discordance": 0.0,
    "er_loss_rate": 0.0,
    "er_gain_rate": 0.0,
    "perivascular_niche_sites": 1e15,
    "endosteal_niche_sites": 1e15,
    "restricted_fraction": 0.0,
    "establishment_probability": 4e-6,
}
"""Patients alike, linear pools, founders from the primary alone."""


class Primary:
    """The shedding of the one patient of a plain world, by formulas of its own."""

    def __init__(self, arm):
        get = arm.parameters
        self.get = lambda name: get[name].canonical
        diameter = self.get("diameter_at_diagnosis_median") / 10
        self.size = self.get("tumour_cell_density") * math.pi / 6 * diameter**3
        self.plateau = self.get("tumour_carrying_capacity")
        self.rate = self.get("primary_growth_rate.er_pos_her2_neg")
        onset = self.get("shedding_onset_size")
        ratio = math.log(self.plateau / onset) / math.log(self.plateau / self.size)
        self.begin = -math.log(ratio) / self.rate

    def flux(self, day):
        room = math.log(self.plateau / self.size) * math.exp(-self.rate * day)
        size = self.plateau * math.exp(-room)
        power = (size / self.get("reference_tumour_size")) ** self.get("shedding_size_exponent")
        by_size = self.get("shedding_rate_reference") * power
        return min(by_size, self.get("shedding_cap_per_cell") * size)

    def integral(self, weight):
        value, _ = integrate.quad(lambda u: self.flux(u) * weight(u), self.begin, 0, limit=200)
        return value


def test_pools_follow_their_integral():
    """Means of the dormant cells at diagnosis and three years on, to the error of the step."""
    visits = (0.0, 3 * YEAR)
    arm = world(PLAIN, visits=visits, horizon=4 * YEAR, step=0.1)
    primary, get = Primary(arm), arm.parameters
    history = simulate(arm, 3, seed=1)
    subtype = "er_pos_her2_neg"
    leave = get["perivascular_egress_rate"].canonical * (1 - get["rehoming_probability"].canonical)
    names = ("perivascular_loss_rate", "perivascular_awakening_rate")
    loss = leave + sum(get[f"{name}.{subtype}"].canonical for name in names)
    lodge = get["marrow_lodging_probability"].canonical * (1 - get["endosteal_share"].canonical)
    for place, day in enumerate(visits):
        wanted = lodge * primary.integral(lambda u, day=day: math.exp(-loss * (day - u)))
        assert history.burden("perivascular")[0, place] == pytest.approx(wanted, rel=1e-3)
    assert np.ptp(history.burden("perivascular")[:, 0]) == 0.0


def test_the_error_of_the_step_is_second_order():
    def at_diagnosis(step):
        arm = world(PLAIN, visits=(0.0,), horizon=1.0, step=step)
        return float(simulate(arm, 1, seed=1).burden("perivascular")[0, 0])

    exact = at_diagnosis(0.01)
    errors = [abs(at_diagnosis(step) / exact - 1) for step in (0.1, 0.2, 0.4, 0.8)]
    slope = np.polyfit(np.log([0.1, 0.2, 0.4, 0.8]), np.log(errors), 1)[0]
    assert errors[2] < 5e-3
    assert slope == pytest.approx(2.0, abs=0.35)


WAITS = {
    "exponential": (dormancy.exponential(1.0), {}),
    "weibull": (dormancy.weibull(0.6, 1.0), {"dormancy_shape": 0.6}),
    "lognormal": (dormancy.lognormal(1.0, 1.0), {"dormancy_log_sd": 1.0}),
    "erlang": (dormancy.erlang_mixture([1.0], [3], [1.0]), {"dormancy_phases": 3}),
}


def founders(arm, place):
    """Lesions per patient founded in a place, and their days of awakening."""
    history = simulate(arm, N, seed=3)
    chosen = history.lesions[history.lesions["place"] == place]
    counts = np.bincount(chosen["patient"], minlength=N)
    return counts, chosen["awakened"], chosen["seeded"], history


def expected_founders(arm, wait, stop):
    """Mean number of visceral founders awake by ``stop``, by quadrature."""
    get = arm.parameters
    wake = get["visceral_awakening_rate.er_pos_her2_neg"].canonical
    loss = get["visceral_loss_rate.er_pos_her2_neg"].canonical

    def awake(age):
        grid = np.linspace(0, age, 400)
        values = [math.exp(-loss * a) * dormancy.survival(wait, wake * a) for a in grid]
        # P(awake before loss, by age) = 1 - P(still there) - P(lost first)
        lost = integrate.simpson([loss * v for v in values], x=grid)
        return 1 - values[-1] - lost

    q = get["establishment_probability"].canonical
    lodge = get["visceral_lodging_probability"].canonical
    return q * lodge * Primary(arm).integral(lambda u: awake(stop - u))


DIRECT_ONLY = PLAIN | {"visceral_lodging_of_egressed": 0.0, "establishment_probability": 8e-5}


@pytest.mark.parametrize("law", sorted(WAITS))
def test_founders_are_poisson_whatever_the_waiting_law(law):
    wait, values = WAITS[law]
    stop = 5 * YEAR
    closed = {"detection_size": 2e12}  # nothing is ever seen, so founding goes on
    arm = world(DIRECT_ONLY | values | closed, dormancy=law, visits=(), horizon=stop)
    counts, awakened, seeded, _ = founders(arm, place=2)
    mean = expected_founders(arm, wait, stop)
    pmf = stats.poisson.pmf(np.arange(60), mean)
    wrong = stats.poisson.pmf(np.arange(60), 1.06 * mean)
    assert_family({law: chi2_pvalue(counts, pmf)})
    assert chi2_pvalue(counts, wrong) < ALPHA
    assert np.all(awakened >= seeded)


def test_seeding_days_follow_the_flux():
    """Without loss, and with all awake at once, founders are seeded as the primary sheds."""
    values = DIRECT_ONLY | {
        "visceral_loss_rate.er_pos_her2_neg": 0.0,
        "visceral_awakening_rate.er_pos_her2_neg": 1e6,
        "detection_size": 2e12,
    }
    arm = world(values, visits=(), horizon=1.0)
    _, _, seeded, _ = founders(arm, place=2)
    primary = Primary(arm)
    grid = np.linspace(primary.begin, 0, 2000)
    cumulated = integrate.cumulative_simpson([primary.flux(u) for u in grid], x=grid, initial=0)

    def cdf(day):
        return np.interp(day, grid, cumulated / cumulated[-1])

    def uniform(day):
        return np.interp(day, [primary.begin, 0], [0, 1])

    some = seeded[:8000]
    assert_family({"seeding": ks_pvalue(some, cdf)})
    assert ks_pvalue(some, uniform) < ALPHA


def test_marrow_pool_under_another_law_equals_its_sum():
    """The mean of a Weibull pool against quadrature over arrivals."""
    arm = world(
        PLAIN | {"dormancy_shape": 0.6}, dormancy="weibull", visits=(0.0,), horizon=1.0, step=0.05
    )
    get, wait = arm.parameters, WAITS["weibull"][0]
    subtype = "er_pos_her2_neg"
    wake = get[f"endosteal_awakening_rate.{subtype}"].canonical
    leave = get["endosteal_egress_rate"].canonical * (1 - get["rehoming_probability"].canonical)
    loss = get[f"endosteal_loss_rate.{subtype}"].canonical + leave
    lodge = get["marrow_lodging_probability"].canonical * get["endosteal_share"].canonical
    wanted = lodge * Primary(arm).integral(
        lambda u: math.exp(loss * u) * dormancy.survival(wait, -wake * u)
    )
    found = simulate(arm, 1, seed=1).burden("endosteal")[0, 0]
    assert found == pytest.approx(wanted, rel=2e-3)


# ---- limits ------------------------------------------------------------------------------------


def test_no_shedding_no_cells():
    history = simulate(world({"shedding_rate_reference": 0.0}, surgery=math.inf), 300, seed=1)
    for name in ("perivascular", "endosteal", "free", "visceral", "ctc_primary", "ctc_marrow"):
        assert np.nanmax(history.burden(name)) == 0.0
    assert history.lesions.size == 0
    assert np.isinf(history.column("distant_relapse")).all()


def test_no_niche_sites_no_niche_cells():
    none = {"perivascular_niche_sites": 0.0, "endosteal_niche_sites": 0.0}
    history = simulate(world(none), 500, seed=1)
    assert np.nanmax(history.burden("perivascular")) == 0.0
    assert np.nanmax(history.burden("endosteal")) == 0.0
    assert np.nanmax(history.burden("free")) > 0.0
    assert not np.isin(history.lesions["place"], (0, 1)).any()


def test_niche_cells_never_exceed_the_sites():
    history = simulate(world({"perivascular_niche_sites": 500.0}), 500, seed=1)
    # the mean within a step is that of a straight line of arrivals: 500.0007 was seen
    assert np.nanmax(history.burden("perivascular")) <= 500.0 * (1 + 1e-5)


def test_without_escape_equilibrium_lasts():
    values = PLAIN | {
        "restricted_fraction": 1.0,
        "escape_rate": 0.0,
        "mhc_low_mutation_rate": 0.0,
        "restricted_elimination_rate": 0.0,
        "establishment_probability": 1e-4,
    }
    history = simulate(world(values), 500, seed=1)
    assert history.lesions.size > 500
    assert np.isnan(history.lesions["escaped"]).all()
    assert np.isnan(history.lesions["ended"]).all()
    assert np.isinf(history.column("distant_relapse")).all()


def test_without_establishment_no_lesions():
    history = simulate(world({"establishment_probability": 0.0}), 300, seed=1)
    assert history.lesions.size == 0


def test_reservoir_sends_nothing_straight_to_the_viscera():
    values = {"visceral_lodging_probability": 1e-12, "visceral_lodging_of_egressed": 1.0}
    history = simulate(world(values), 1500, seed=1)
    visceral = history.lesions[history.lesions["place"] == 2]
    assert visceral.size > 50
    assert (visceral["origin"] == 1).all()


# ---- lesions -----------------------------------------------------------------------------------


def test_time_to_detection_follows_the_surviving_clone():
    """From awakening to detection: log(1/W) / r, then Gompertz, W ~ Exp."""
    values = DIRECT_ONLY | {
        "visceral_awakening_rate.er_pos_her2_neg": 40.0,
        "relapse_growth_factor": 1.0,
        "survival_after_relapse_median.er_pos_her2_neg": 1e6,
        "establishment_probability": 2e-5,
    }
    arm = world(values, visits=(), horizon=12 * YEAR, founders_after_relapse=True)
    history = simulate(arm, 1500, seed=4)
    get = arm.parameters
    beta = get["lesion_growth_rate.er_pos_her2_neg"].canonical
    plateau = get["tumour_carrying_capacity"].canonical
    corner = get["growth_hand_over_size"].canonical
    net = beta * math.log(plateau / corner)
    late = get["detection_size"].canonical
    gompertz = math.log(math.log(plateau / corner) / math.log(plateau / late)) / beta
    visceral = history.lesions[history.lesions["place"] == 2]
    # what is large enough before diagnosis is seen at diagnosis, so look at the later ones
    first = visceral[(visceral["awakened"] > -500.0) & (visceral["awakened"] < 0.0)]
    delay = first["detected"] - first["awakened"]
    assert not np.isnan(delay).any()
    ratio = get["clone_death_ratio"].canonical
    growth = math.log(corner * (1 - ratio)) / net

    def cdf(days):
        return np.exp(-np.exp(np.clip(-net * (np.asarray(days) - gompertz - growth), -700, 700)))

    assert first.size > 1000
    assert delay.min() > 500.0
    assert_family({"detection": ks_pvalue(delay, cdf)})
    assert ks_pvalue(delay + 12.0, cdf) < ALPHA


def test_cycles_thin_the_surviving_lines():
    """A lesion awake s days before one cycle survives it with 1 - E[(1 - kept)^lines]."""
    values = DIRECT_ONLY | {
        "visceral_loss_rate.er_pos_her2_neg": 0.0,
        "visceral_awakening_rate.er_pos_her2_neg": 1e5,
        "chemotherapy_log_kill_mean": 1.5,
        "chemotherapy_log_kill_sd": 0.0,
        "detection_size": 2e12,
    }
    cycle = Therapy("chemotherapy", start=1.0, duration=1.0, cycles=1, effects={"log_kill": 1.0})
    arm = world(values, visits=(), horizon=2.0, therapies=(cycle,))
    history = simulate(arm, 4000, seed=2)
    lesions = history.lesions[history.lesions["place"] == 2]
    get = arm.parameters
    plateau, corner = get["tumour_carrying_capacity"].canonical, 1e4
    net = get["lesion_growth_rate.er_pos_her2_neg"].canonical * math.log(plateau / corner)
    kept = 10**-1.5
    p = np.exp(-net * (1.0 - lesions["awakened"]))  # lines are geometric with this parameter
    gone = (1 - kept) * p / (1 - (1 - kept) * (1 - p))
    observed = (lesions["end_cause"] == 16).sum()
    z = (observed - gone.sum()) / math.sqrt((gone * (1 - gone)).sum())
    assert_family({"killed": 2 * stats.norm.sf(abs(z))})
    wrong = (observed - 1.05 * gone.sum()) / math.sqrt((gone * (1 - gone)).sum())
    assert 2 * stats.norm.sf(abs(wrong)) < ALPHA
    assert lesions.size > 3000


def test_cytocidal_exposure_follows_birth_and_death():
    """A single cell exposed from its awakening dies out as a birth-death clone does."""
    from marrowtrace.processes import birth_death

    values = DIRECT_ONLY | {
        "visceral_loss_rate.er_pos_her2_neg": 0.0,
        "visceral_awakening_rate.er_pos_her2_neg": 2.0,
        "detection_size": 2e12,
        "endocrine_tolerance_rate": 0.0,
    }
    kill, stop = 0.004, 200.0
    drug = Therapy("endocrine", start=0.0, duration=stop, effects={"lesion_kill": kill})
    arm = world(values, visits=(), horizon=stop + 1, therapies=(drug,))
    history = simulate(arm, N, seed=2)
    lesions = history.lesions
    exposed = lesions[(lesions["place"] == 2) & (lesions["awakened"] > 0)]
    exposed = exposed[exposed["awakened"] < stop]
    get = arm.parameters
    plateau, corner = get["tumour_carrying_capacity"].canonical, 1e4
    net = get["lesion_growth_rate.er_pos_her2_neg"].canonical * math.log(plateau / corner)
    ratio = get["clone_death_ratio"].canonical
    birth = net / (1 - ratio)
    chance = []
    for awakened in exposed["awakened"]:
        # alive at the end of exposure, and with a line that lasts when growth resumes
        sizes = birth_death.pmf(400, birth, birth + kill, stop - awakened)
        chance.append(1 - (sizes * ratio ** np.arange(401)).sum())
    chance = np.array(chance)
    alive = np.isnan(exposed["ended"]).sum()
    z = (alive - chance.sum()) / math.sqrt((chance * (1 - chance)).sum())
    assert exposed.size > 500
    assert_family({"alive": 2 * stats.norm.sf(abs(z))})
