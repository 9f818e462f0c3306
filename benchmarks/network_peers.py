"""One adapter for each simulator of the comparison: build a network once, then run trajectories.

An adapter that cannot be imported raises ImportError when it is made.
"""

from __future__ import annotations

import os
import sysconfig
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np


@dataclass(frozen=True)
class Network:
    """First-order reactions: ``(source or None, products, rate [1/day])``."""

    reactions: tuple[tuple[str | None, tuple[str, ...], float], ...]
    start: tuple[tuple[str, int], ...]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.start]


def reference_network(rates, start: int = 1000) -> Network:
    """The reference network with the rates of `marrowtrace.simulation.reference_network`."""
    r = rates
    return Network(
        reactions=(
            ("P", ("P", "P"), r.primary_birth),
            ("P", (), r.primary_death),
            ("P", ("C",), r.shedding),
            ("C", (), r.clearance),
            ("C", ("D",), r.lodging),
            ("D", (), r.dormant_death),
            ("D", ("A",), r.awakening),
            ("A", ("A", "A"), r.active_birth),
            ("A", (), r.active_death),
            ("A", ("D",), r.falling_asleep),
            ("A", ("M",), r.founding),
            ("M", ("M", "M"), r.metastasis_birth),
            ("M", (), r.metastasis_death),
        ),
        start=(("P", start), ("C", 0), ("D", 0), ("A", 0), ("M", 0)),
    )


def blood(mean: float) -> Network:
    """Cells that arrive in the blood at a constant rate and stay two hours."""
    return Network(reactions=((None, ("C",), 12.0 * mean), ("C", (), 12.0)), start=(("C", 0),))


class DirectMethod:
    """The direct method in a page of Numba (`direct_method`)."""

    name, package, exact = "plain Numba, direct method", "numba", True

    def __init__(self, network: Network):
        kinds = network.kinds
        self.start = np.array([count for _, count in network.start], dtype=np.int64)
        self.sources = np.array(
            [-1 if source is None else kinds.index(source) for source, _, _ in network.reactions]
        )
        self.rates = np.array([rate for _, _, rate in network.reactions])
        self.changes = np.array(
            [
                [products.count(kind) - (kind == source) for kind in kinds]
                for source, products, _ in network.reactions
            ]
        )

    def run(self, n, seed, time):
        from direct_method import simulate

        return simulate(seed, n, time, self.start, self.sources, self.rates, self.changes)


class Rebop:
    name, package, exact = "rebop", "rebop", True

    def __init__(self, network: Network):
        import rebop

        self.network = network
        self.model = rebop.Gillespie()
        for source, products, rate in network.reactions:
            self.model.add_reaction(rate, [] if source is None else [source], list(products))

    def run(self, n, seed, time):
        start, kinds = dict(self.network.start), self.network.kinds
        ends = np.empty((n, len(kinds)))
        for i in range(n):
            result = self.model.run(start, tmax=time, nb_steps=1, rng=seed + i)
            ends[i] = [result[kind].to_numpy()[-1] for kind in kinds]
        return ends


class Copasi:
    """COPASI's engine called without the tables that basico would make of each trajectory."""

    package = "python-copasi"
    method, exact = "directMethod", True

    def __init__(self, network: Network):
        import basico

        self.model = basico.new_model(
            name="network", volume_unit="1", quantity_unit="#", time_unit="d"
        )
        for j, (source, products, rate) in enumerate(network.reactions):
            made = " + ".join(f"{products.count(k)} {k}" for k in dict.fromkeys(products))
            basico.add_reaction(f"r{j}", f"{source or ''} -> {made}", model=self.model)
            key = "v" if source is None else "k1"
            basico.set_reaction_parameters(f"(r{j}).{key}", value=rate, model=self.model)
        for kind, count in network.start:
            basico.set_species(kind, initial_concentration=count, model=self.model)
        self.kinds = network.kinds

    def run(self, n, seed, time):
        import basico

        # the first run sets up the task; one that reaches its largest number of steps would end
        # early without an exception
        frame = basico.run_time_course(
            0, time, 1, method=self.method, use_seed=True, seed=seed, use_numbers=True,
            max_steps=2_000_000_000, model=self.model,
        )  # fmt: skip
        if frame.index[-1] != time:
            raise RuntimeError(f"COPASI stopped at {frame.index[-1]} of {time} days")
        ends = np.empty((n, len(self.kinds)))
        ends[0] = [frame[kind].iloc[-1] for kind in self.kinds]
        task = self.model.getTask("Time-Course")
        species = [self.model.getModel().getMetabolite(kind) for kind in self.kinds]
        for i in range(1, n):
            task.getMethod().getParameter("Random Seed").setUIntValue(seed + i)
            if not task.process(True):
                raise RuntimeError("COPASI did not finish a run")
            ends[i] = [one.getValue() for one in species]
        return ends


class CopasiDirect(Copasi):
    name = "COPASI, direct method"


class CopasiTau(Copasi):
    name, method, exact = "COPASI, tau-leaping", "tauleap", False


class CopasiAdaptive(Copasi):
    name, method, exact = "COPASI, adaptive SSA / tau-leaping", "adaptivesa", False


class GillesPy:
    package, solver, exact = "gillespy2", "SSACSolver", True

    def __init__(self, network: Network):
        # the C++ solvers call a Python that must find the same packages
        import gillespy2

        os.environ.setdefault("PYTHONPATH", sysconfig.get_path("purelib"))

        model = gillespy2.Model(name="network")
        for kind, count in network.start:
            model.add_species(gillespy2.Species(name=kind, initial_value=count))
        for j, (source, products, rate) in enumerate(network.reactions):
            model.add_parameter(gillespy2.Parameter(name=f"k{j}", expression=rate))
            model.add_reaction(
                gillespy2.Reaction(
                    name=f"r{j}",
                    reactants={} if source is None else {source: 1},
                    products={kind: products.count(kind) for kind in set(products)},
                    rate=f"k{j}",
                )
            )
        self.model, self.kinds = model, network.kinds
        self.compiled = {}

    def run(self, n, seed, time):
        import gillespy2

        if time not in self.compiled:
            self.model.timespan(
                np.linspace(0.0, time, round(time) + 1)
            )  # no leap crosses an output
            self.compiled[time] = getattr(gillespy2, self.solver)(model=self.model)
        results = self.compiled[time].run(number_of_trajectories=n, seed=seed)
        return np.array([[result[kind][-1] for kind in self.kinds] for result in results])


class GillesPyExact(GillesPy):
    name = "GillesPy2, C++ direct method"


class GillesPyTau(GillesPy):
    name, solver, exact = "GillesPy2, C++ tau-leaping", "TauLeapingCSolver", False


class GillesPyHybrid(GillesPy):
    name, solver, exact = "GillesPy2, C++ hybrid", "TauHybridCSolver", False


PEERS = (
    DirectMethod, Rebop, CopasiDirect, GillesPyExact, CopasiTau, CopasiAdaptive, GillesPyTau,
    GillesPyHybrid,
)  # fmt: skip


def available(network: Network, chosen=PEERS):
    """Adapters that can be made here; a line is printed for each that cannot."""
    made = []
    for peer in chosen:
        try:
            made.append(peer(network))
        except ImportError as error:
            print(f"skipped {peer.name}: {error}")
    return made


def release(peer) -> str:
    return version(peer.package)
