"""Early breast cancer to 20 years: time and peak memory of cohorts of growing size."""

from __future__ import annotations

import subprocess
import sys

from marrowtrace.simulation import scenario, simulate

SEED = 42
FIRST_CALL = """
from marrowtrace.simulation import scenario, simulate
simulate(scenario("early-breast"), 1, seed=42)
"""


class EarlyBreast:
    params, param_names, timeout = [1_000, 10_000, 100_000], ["patients"], 300

    def setup(self, patients):
        self.scenario = scenario("early-breast")
        simulate(self.scenario, 10, SEED)

    def time_two_threads(self, patients):
        simulate(self.scenario, patients, SEED, workers=2)

    def time_one_thread(self, patients):
        simulate(self.scenario, patients, SEED, workers=1)

    def peakmem_two_threads(self, patients):
        simulate(self.scenario, patients, SEED, workers=2)


class FirstCall:
    """A new process that finds the compiled code on disk."""

    timeout = 300

    def setup(self):
        self.time_first_patient()

    def time_first_patient(self):
        subprocess.run([sys.executable, "-c", FIRST_CALL], check=True)
