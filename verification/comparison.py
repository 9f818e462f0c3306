"""The fast engine held against its event-by-event twin: p-values, quantity by quantity."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from marrowtrace.simulation import CODES, History, Scenario, simulate
from marrowtrace.simulation.exact import STREAM, ExactLife
from marrowtrace.simulation.exact_environment import SUBTYPES, canonical
from marrowtrace.simulation.exact_primary import draw_subtype, draw_traits
from marrowtrace.streams import generator
from verification.quantities import (
    NICHES,
    POOLS,
    engine_features,
    of_engine,
    of_twin,
    twin_features,
)
from verification.statistics import Adjusted, Sample, laws, means, times

_FEW = 100
"""Values below which times or classes are not compared: their number is."""


@dataclass(frozen=True)
class Comparison:
    """One system: p-values by quantity, and the means of counts on both sides."""

    name: str
    patients: int
    pvalues: dict[str, float] = field(default_factory=dict)
    means: dict[str, Adjusted] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Rows of a table: quantity, twin, engine, standard errors apart, p."""
        return [
            f"{key:42s} {x.twin:10.4g} {x.engine:10.4g} "
            f"{(x.twin - x.engine) / x.error if x.error else 0.0:8.2f} {x.pvalue:9.2g}"
            for key, x in self.means.items()
        ]


def run(scenario: Scenario, patients: int, seed: int) -> History:
    """Run the engine, and see that it lived every patient to the end.

    Raises
    ------
    AssertionError
        If a history is cut short.
    """
    history = simulate(scenario, patients, seed)
    short = {why: k for why, k in history.limited().items() if why != CODES[-1]}
    if short:
        raise AssertionError(f"histories cut short: {short}")
    return history


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
        Whether cells in niches are compared by their whole law, not only by their mean.
    """
    history = run(other or scenario, patients, seed)
    found = Comparison(scenario.name, len(lives))
    own, engine = of_twin(lives, scenario), of_engine(history, scenario)
    wide, centre = engine_features(history)
    narrow = twin_features(lives, centre)
    for key, sample in engine.items():
        twin = own[key]
        if sample.kind == "count":
            saturated = not poisson and key.split(" ")[0] in (*POOLS, *NICHES)
            if sample.values.size and twin.values.size and sample.values.max() + twin.values.max():
                result = means(twin, sample, narrow, wide, own_variance=saturated)
                found.means[key], found.pvalues[f"{key} (mean)"] = result, result.pvalue
                _note(found, key, None if saturated else laws(twin, sample))
        elif twin.values.size >= _FEW and sample.values.size >= _FEW:
            p = times(twin, sample) if sample.kind == "times" else laws(twin, sample)
            if sample.kind == "classes" or np.ptp(sample.values) > 0.0:
                _note(found, key, p)
    return found


def _note(found: Comparison, key: str, p: float | None) -> None:
    if p is not None:
        found.pvalues[key] = p


def traits(scenario: Scenario, history: History, *, patients: int, seed: int) -> dict[str, float]:
    """Compare the traits of ``patients`` of the twin, who are not lived, with the engine's."""
    numbers = {name: canonical(scenario.parameters, name) for name in SUBTYPES}
    prevalence = {name: n["subtype_prevalence"] for name, n in numbers.items()}
    drawn = []
    for patient in range(patients):
        rng = generator(seed, STREAM, patient)
        subtype = draw_subtype(rng, prevalence)
        drawn.append(draw_traits(rng, subtype, numbers[subtype]))
    found = {}
    for name, own in (
        ("subtype", [SUBTYPES.index(t.subtype) for t in drawn]),
        ("node_positive", [t.node_positive for t in drawn]),
    ):
        twin = Sample("classes", np.array(own, dtype=np.float64))
        p = laws(twin, Sample("classes", history.column(name)))
        found[name] = 1.0 if p is None else p
    for name, column in (
        ("age", "age"),
        ("diameter", "diameter"),
        ("shedding", "shedding_scale"),
        ("marrow", "marrow_lodging"),
        ("visceral", "visceral_lodging"),
        ("establishment", "establishment"),
    ):
        values = np.array([getattr(t, name) for t in drawn])
        p = stats.ks_2samp(values, history.column(column), method="asymp").pvalue
        found[name] = float(p)
    return found
