"""The reference network: time for each trajectory, by day, rates and step."""

from __future__ import annotations

from marrowtrace.simulation.reference_network import R1, R2, network_moments, simulate_network

SEED = 42


class Sparse:
    """R1: 1.6e6 events of the full network at day 300, 4.5e9 at day 700."""

    params, param_names, timeout = [[300.0, 700.0], [1_000, 10_000]], ["day", "runs"], 120

    def setup(self, day, runs):
        simulate_network(1, SEED, time=1.0)

    def time_runs(self, day, runs):
        simulate_network(runs, SEED, time=day, rates=R1)

    def peakmem_runs(self, day, runs):
        simulate_network(runs, SEED, time=day, rates=R1)


class Dense:
    """R2, where hundreds of cells awaken in each run."""

    params, param_names, timeout = [100, 1_000, 10_000], ["runs"], 120

    def setup(self, runs):
        simulate_network(1, SEED, time=1.0)

    def time_runs(self, runs):
        simulate_network(runs, SEED, time=300.0, rates=R2)


class Step:
    params, param_names, timeout = [1.0, 5.0, 25.0, 300.0], ["step"], 120

    def setup(self, step):
        simulate_network(1, SEED, time=1.0)

    def time_runs(self, step):
        simulate_network(1_000, SEED, time=300.0, step=step)


class Moments:
    def time_moments(self):
        network_moments(R1, 300.0)
