"""The disease engine: from the first cell of the primary tumour to the last relapse.

`scenario` gives a bundled scenario, `simulate` a `History` of many patients, `replay` one of them
in detail. The model is defined in ``docs/model.md``.
"""

from __future__ import annotations

from marrowtrace.simulation.driver import simulate, simulate_to
from marrowtrace.simulation.effects import AGENTS, ALL_EFFECTS
from marrowtrace.simulation.history import History
from marrowtrace.simulation.layout import BURDENS, CODES, EVENTS, ORIGINS, PATIENTS, PLACES, SITES
from marrowtrace.simulation.regimens import therapy
from marrowtrace.simulation.replay import PatientHistory, life, replay
from marrowtrace.simulation.scenario import FOLLOW_UP, Scenario, scenario
from marrowtrace.simulation.therapy import Rule, Therapy

__all__ = [
    "AGENTS",
    "ALL_EFFECTS",
    "BURDENS",
    "CODES",
    "EVENTS",
    "FOLLOW_UP",
    "ORIGINS",
    "PATIENTS",
    "PLACES",
    "SITES",
    "History",
    "PatientHistory",
    "Rule",
    "Scenario",
    "Therapy",
    "life",
    "replay",
    "scenario",
    "simulate",
    "simulate_to",
    "therapy",
]
