"""The fast engine held against its event-by-event twin: p-values, quantity by quantity."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from marrowtrace.simulation import History, Scenario, simulate
from marrowtrace.simulation.exact import STREAM, ExactLife
from marrowtrace.simulation.exact_environment import SUBTYPES, canonical
from marrowtrace.simulation.exact_primary import draw_subtype, draw_traits
from marrowtrace.simulation.layout import ORIGINS, PLACES
from marrowtrace.streams import generator

POOLS = ("perivascular", "endosteal", "free", "visceral", "visceral_via_marrow")
BLOOD = ("ctc_primary", "ctc_lesions", "ctc_marrow", "ctc_clusters")
_CAUSES = ("", "cancer", "other")
_TWIN_ORIGIN = {"primary": 0, "marrow": 1, "lesion": 2}


@dataclass(frozen=True)
class Comparison:
    """One system: p-values by quantity, and means of twin and engine with the twin's error."""

    name: str
    patients: int
    pvalues: dict[str, float] = field(default_factory=dict)
    means: dict[str, tuple[float, float, float]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Rows of a table: quantity, twin, engine, error, p."""
        return [
            f"{key:42s} {a:10.4g} {b:10.4g} {(a - b) / s if s else 0.0:8.2f} "
            f"{self.pvalues.get(key, float('nan')):9.2g}"
            for key, (a, b, s) in self.means.items()
        ]


def against(
    lives: list[ExactLife],
    scenario: Scenario,
    *,
    patients: int = 60_000,
    seed: int = 1,
    other: Scenario | None = None,
    poisson: bool = True,
) -> Comparison:
    """Compare the twin's patients ``lives`` with the engine's, law by law.

    Parameters
    ----------
    lives : list of ExactLife
        Of ``scenario``.
    scenario : Scenario
    patients : int
        Patients of the engine, so many that their error is small.
    seed : int
    other : Scenario, optional
        What the engine runs instead, to see that the comparison can fail.
    poisson : bool
        Whether pools are compared by their whole law, not only by their mean.
    """
    history = simulate(other or scenario, patients, seed)
    if history.limited():
        raise AssertionError(f"histories cut short: {history.limited()}")
    found = Comparison(scenario.name, len(lives))
    _pools(found, lives, history, scenario, poisson=poisson)
    _lesions(found, lives, history)
    _ends(found, lives, history, scenario)
    return found


def traits(scenario: Scenario, history: History, *, patients: int, seed: int) -> dict[str, float]:
    """Compare the traits of ``patients`` of the twin, who are not lived, with the engine's."""
    numbers = {name: canonical(scenario.parameters, name) for name in SUBTYPES}
    prevalence = {name: n["subtype_prevalence"] for name, n in numbers.items()}
    drawn = []
    for patient in range(patients):
        rng = generator(seed, STREAM, patient)
        subtype = draw_subtype(rng, prevalence)
        drawn.append(draw_traits(rng, subtype, numbers[subtype]))
    found = {
        "subtype": two_samples(
            np.array([SUBTYPES.index(t.subtype) for t in drawn], dtype=np.float64),
            history.column("subtype"),
            range(4),
        ),
        "node positive": two_samples(
            np.array([t.node_positive for t in drawn], dtype=np.float64),
            history.column("node_positive"),
            range(2),
        ),
    }
    for name, column in (
        ("age", "age"),
        ("diameter", "diameter"),
        ("shedding", "shedding_scale"),
        ("marrow", "marrow_lodging"),
        ("visceral", "visceral_lodging"),
        ("establishment", "establishment"),
    ):
        own = np.array([getattr(t, name) for t in drawn])
        p = stats.ks_2samp(own, history.column(column), method="asymp").pvalue
        found[name] = float(p)
    return found


def _pools(
    found: Comparison,
    lives: list[ExactLife],
    history: History,
    scenario: Scenario,
    *,
    poisson: bool,
) -> None:
    """Whole laws of counts at visits: the engine's is a mixture of Poisson laws."""
    for place in (*POOLS, *BLOOD):
        means = history.burden(place)
        for visit in range(len(scenario.visits)):
            counts = np.array([_count(life, place, visit) for life in lives])
            counts = counts[~np.isnan(counts)]
            expected = means[:, visit].astype(np.float64)
            expected = expected[~np.isnan(expected)]
            key = f"{place} at visit {visit + 1}"
            if expected.max() == 0.0 and counts.max() == 0.0:
                continue
            variance = expected.var() + expected.mean()
            found.means[key], found.pvalues[f"{key} (mean)"] = _means(counts, expected, variance)
            if not poisson:
                continue
            law = mixture(expected, int(counts.max()) + 1)
            p = pooled_chi2(counts, law)
            if p is not None:
                found.pvalues[key] = p


def _count(life: ExactLife, place: str, visit: int) -> float:
    """Cells at a visit as the engine counts them: all of the viscera together."""
    count = float(life.counts[place][visit])
    if place == "visceral":
        count += float(life.counts["visceral_via_marrow"][visit])
    return count


def _means(
    twin: NDArray[np.float64], engine: NDArray[np.float64], variance: float
) -> tuple[tuple[float, float, float], float]:
    """Both means and the error of their difference, and a p-value; rare counts by Poisson's law."""
    mean = float(engine.mean())
    error = float(np.sqrt(variance * (1.0 / twin.size + 1.0 / engine.size)))
    means = (float(twin.mean()), mean, error)
    if mean * twin.size < 20.0:
        seen, law = twin.sum(), stats.poisson(max(mean, 1.0 / engine.size) * twin.size)
        return means, float(min(1.0, 2.0 * min(law.cdf(seen), law.sf(seen - 1))))
    return means, float(2.0 * stats.norm.sf(abs(means[0] - mean) / error))


def mixture(means: NDArray[np.float64], top: int) -> NDArray[np.float64]:
    """Return the pmf on 0, ..., ``top`` of Poisson counts with a mean drawn from ``means``."""
    sample = means[:: max(1, means.size // 20_000)]
    return np.array([stats.poisson.pmf(k, sample).mean() for k in range(top + 1)])


def pooled_chi2(counts: NDArray[np.float64], law: NDArray[np.float64]) -> float | None:
    """Chi-square p-value in about ten cells of equal probability; None if there are not two."""
    cells = np.append(law, max(0.0, 1.0 - law.sum()))
    observed = np.bincount(counts.astype(np.int64), minlength=cells.size).astype(np.float64)
    least = max(5.0 / counts.size, 0.08)
    groups, running = [0], 0.0
    for cell, probability in enumerate(cells):
        running += probability
        if running >= least and cells[cell + 1 :].sum() >= least:
            groups.append(cell + 1)
            running = 0.0
    if len(groups) < 2:
        return None
    expected = np.add.reduceat(cells, groups) * counts.size
    seen = np.add.reduceat(observed, groups)
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return float(stats.chi2.sf(statistic, len(groups) - 1))


def _lesions(found: Comparison, lives: list[ExactLife], history: History) -> None:
    """Lesions that established, by place and origin, and what became of them."""
    table = history.lesions[history.lesions["subclone_of"] < 0]
    n = len(history)

    def note(key: str, twin: NDArray[np.float64], engine: NDArray[np.float64]) -> None:
        if twin.sum() + engine.sum() == 0:
            return
        found.means[key], found.pvalues[key] = _means(twin, engine, engine.var())

    def engine_count(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        rows = np.searchsorted(history.patient, table["patient"][chosen])
        return np.bincount(rows, minlength=n).astype(np.float64)

    def twin_count(test: object) -> NDArray[np.float64]:
        return np.array([sum(map(test, life.lesions)) for life in lives], dtype=np.float64)  # type: ignore[call-overload]

    for code, place in enumerate(PLACES):
        for origin in range(3):
            note(
                f"lesions {place}, {ORIGINS[origin]}",
                twin_count(lambda x: x.place == place and _TWIN_ORIGIN[x.origin] == origin),  # noqa: B023
                engine_count((table["place"] == code) & (table["origin"] == origin)),
            )
    note(
        "lesions detected",
        twin_count(lambda x: not np.isnan(x.detected)),
        engine_count(~np.isnan(table["detected"])),
    )
    note(
        "lesions escaped",
        twin_count(lambda x: not np.isnan(x.escaped)),
        engine_count(~np.isnan(table["escaped"])),
    )
    note(
        "lesions ended",
        twin_count(lambda x: not np.isnan(x.ended)),
        engine_count(~np.isnan(table["ended"])),
    )
    for key in ("seeded", "awakened"):
        twin = np.array([getattr(x, key) for life in lives for x in life.lesions])
        if twin.size >= 20:
            p = stats.ks_2samp(twin, table[key], method="asymp").pvalue
            found.pvalues[f"day lesions were {key}"] = float(p)
    totals = np.array([len(life.lesions) for life in lives])
    engine = engine_count(np.ones(table.size, dtype=np.bool_))
    found.pvalues["lesions a patient"] = two_samples(totals, engine, range(6))


def _ends(found: Comparison, lives: list[ExactLife], history: History, scenario: Scenario) -> None:
    """Relapse and death: times with what did not happen as one last value, and causes."""
    never = scenario.horizon + 1.0
    for key, name in (
        ("distant_relapse", "distant_relapse"),
        ("local_relapse", "local_relapse"),
        ("death", "death"),
    ):
        twin = np.minimum([getattr(life, name) for life in lives], never)
        engine = np.minimum(history.column(key), never)
        if twin.min() == never and engine.min() == never:
            continue
        p = stats.ks_2samp(twin, engine, method="asymp").pvalue
        found.pvalues[f"time of {key}"] = float(p)
        happened, expected = twin < never, engine < never
        error = np.sqrt(expected.var() / twin.size)
        found.means[f"time of {key}"] = (happened.mean(), expected.mean(), float(error))
    causes = np.array([_CAUSES.index(life.cause) for life in lives])
    found.pvalues["cause of death"] = two_samples(causes, history.column("death_cause"), range(3))
    early = np.array([life.metastatic_at_diagnosis for life in lives])
    found.pvalues["metastatic at diagnosis"] = two_samples(
        early, history.column("metastatic_at_diagnosis"), range(2)
    )
    if any(therapy.rule for therapy in scenario.therapies):
        guided = np.array([life.guided for life in lives])
        found.pvalues["therapy started by rule"] = two_samples(
            guided, history.column("guided"), range(2)
        )


def two_samples(one: NDArray[np.float64], two: NDArray[np.float64], values: range) -> float:
    """Chi-square p-value that whole numbers of two samples follow one law; the last is open."""
    last = values[-1]
    table = np.array(
        [
            np.bincount(np.minimum(np.asarray(x).astype(int), last), minlength=last + 1)
            for x in (one, two)
        ]
    )
    table = table[:, table.sum(axis=0) * (len(one) / (len(one) + len(two))) >= 5.0]
    if table.shape[1] < 2:
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)
