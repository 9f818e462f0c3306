"""The slow twin of the engine: one patient's disease event by event, in plain Python.

It is a second program for the process that the page "The model" defines, written from that page
and not from the engine, so that the two can be held against each other. Every shed cell that
lodges is followed alone, and every division and death of a young clone is drawn. It is meant for
small systems: hundreds of dormant cells and lesions of thousands of cells, not 1e5 and 1e9.

Left out, because closed forms settle them better: mutations and driver sweeps, stem-like,
osteomimetic and UPR-high cells, and resistance that arises to two kinds of therapy at once.
"""

from __future__ import annotations

from marrowtrace.errors import ProblemList, SimulationError
from marrowtrace.simulation.exact_life import Life
from marrowtrace.simulation.exact_record import COUNTS, ExactLife
from marrowtrace.simulation.scenario import Scenario
from marrowtrace.streams import generator

__all__ = ["COUNTS", "STREAM", "ExactLife", "check", "live", "simulate_exactly"]

STREAM = 60_001
"""Process number of the twin's random stream: one stream a patient."""


def simulate_exactly(scenario: Scenario, n: int, seed: int) -> list[ExactLife]:
    """Simulate ``n`` patients event by event.

    Parameters
    ----------
    scenario : Scenario
        A small system, see the module.
    n, seed : int

    Returns
    -------
    list of ExactLife

    Raises
    ------
    SimulationError
        If the scenario has something that the twin leaves out.
    """
    check(scenario)
    return [live(scenario, seed, patient) for patient in range(n)]


def check(scenario: Scenario) -> None:
    """Refuse what the twin does not model.

    Raises
    ------
    SimulationError
        With everything that it leaves out.
    """
    problems = ProblemList()
    drugs = {t.acts_on for t in scenario.therapies if t.effects.get("resistance_rate", 0.0) > 0.0}
    if len(drugs) > 1:
        problems.add(
            "therapies", "resistance arises to one kind of therapy only; leave out the other"
        )
    problems.raise_any(SimulationError, f"the scenario '{scenario.name}' for the twin")


def live(scenario: Scenario, seed: int, patient: int) -> ExactLife:
    """Simulate one patient event by event; as `simulate_exactly`."""
    return Life(scenario, generator(seed, STREAM, patient), patient).run()
