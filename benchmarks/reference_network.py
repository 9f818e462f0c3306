"""The reference network by marrowtrace and by whatever other simulators are installed.

Run from anywhere, in an environment with marrowtrace and `requirements.txt`::

    python benchmarks/reference_network.py -o comparison.md

Speed is trajectories per second of processor time (this process and its children) on one core,
the median over rounds in which every simulator takes its turn; compilation is left out. Errors are
against the exact moments, with their standard errors. Simulators that are not installed are
skipped with a line that says so.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import resource
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from network_peers import (
    PEERS,
    CopasiAdaptive,
    CopasiTau,
    DirectMethod,
    GillesPyHybrid,
    GillesPyTau,
    available,
    blood,
    reference_network,
    release,
)

from marrowtrace.simulation.reference_network import (
    R1,
    R2,
    SPECIES,
    NetworkRates,
    network_moments,
    network_pmf,
    simulate_network,
)

SEED = 20_261_101
DAYS = 300.0
LATE_DAYS = 700.0
SOURCE = 10**9


class Ours:
    name, package, exact = "**marrowtrace**", "marrowtrace", False

    def __init__(self, rates: NetworkRates = R1, step: float = 25.0):
        self.rates, self.step = rates, step

    def run(self, n, seed, time):
        return simulate_network(n, seed, time=time, rates=self.rates, step=self.step)


def processor_time() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def timed(simulator, n: int, seed: int, time: float):
    before = processor_time()
    ends = simulator.run(n, seed, time)
    return ends, processor_time() - before


def race(simulators, rounds: int, budget: float, time: float):
    """Let each take its turn in every round; return rates and pooled ends of each."""
    speeds = {one.name: [] for one in simulators}
    ends = {one.name: [] for one in simulators}
    counts = {}
    for one in simulators:
        one.run(1, SEED, time)  # compiles
        _, trial = timed(one, 1, SEED, time)
        counts[one.name] = max(1, min(2_000_000, round(budget / max(trial, 1e-6))))
        if counts[one.name] > 100:  # a second look, past the fixed costs of a call
            n = counts[one.name] // 20
            _, trial = timed(one, n, SEED, time)
            counts[one.name] = max(1, min(2_000_000, round(n * budget / trial)))
    for turn in range(rounds):
        for one in simulators:
            n = counts[one.name]
            if n == 1 and turn > 0:  # far too slow to be worth a second turn
                continue
            drawn, used = timed(one, n, SEED + 1 + 10_000_019 * turn, time)
            speeds[one.name].append(n / used)
            ends[one.name].append(drawn)
            print(f"  round {turn + 1}: {one.name}: {n / used:,.3g} per CPU-second", flush=True)
    return {k: float(np.median(v)) for k, v in speeds.items()}, {
        k: np.concatenate(v) for k, v in ends.items()
    }


def short(value: float, sign: str = "") -> str:
    """Two digits, without exponents."""
    return f"{value:{sign}.0f}" if abs(value) >= 10.0 else f"{value:{sign}.2g}"


def rate(value: float) -> str:
    """Three digits, thousands marked."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100.0 else f"{value:.3g}"


def percent(ends, exact, index: int) -> str:
    """Relative error of a mean with its standard error, from the exact spread."""
    error = 100.0 * (ends[:, index].mean() / exact.mean[index] - 1.0)
    noise = 100.0 * exact.sd[index] / exact.mean[index] / math.sqrt(len(ends))
    return f"{short(error, '+')} ± {short(noise)}"


def ratio(ends, exact, index: int) -> str:
    """Standard deviation over the exact one, with the standard error of a normal sample."""
    if len(ends) < 20:
        return "-"
    noise = 1.0 / math.sqrt(2 * len(ends))
    return f"{ends[:, index].std() / exact.sd[index]:.3f} ± {short(noise)}"


def speed_table(rounds: int, budget: float) -> list[str]:
    simulators = [Ours(), *available(reference_network(R1), PEERS)]
    speeds, ends = race(simulators, rounds, budget, DAYS)
    exact = network_moments(R1, DAYS)
    ours = speeds[Ours.name]
    lines = [
        "| simulator | version | per CPU-second | marrowtrace is faster by | mean of P, % | C, % |"
        " D, % | sd of P / exact | runs |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for exactly in (True, False):
        group = [one for one in simulators if one.exact == exactly]
        for one in sorted(group, key=lambda one: -speeds[one.name]):
            drawn = ends[one.name]
            cells = [
                one.name + (" (exact)" if exactly else ""),
                release(one),
                rate(speeds[one.name]),
                "" if one.name == Ours.name else f"{ours / speeds[one.name]:,.0f}",
                *(percent(drawn, exact, index) for index in (0, 1, 2)),
                ratio(drawn, exact, 0),
                f"{len(drawn):,}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def accuracy_table(cases) -> list[str]:
    """Errors of marrowtrace alone; those of the spread from the fourth moment of the sample."""
    lines = [
        "| rates | day | cells of P | runs | per CPU-second | kind | mean, % | sd, % |",
        "|---|---:|---:|---:|---:|---|---:|---:|",
    ]
    for name, rates, days, count in cases:
        exact = network_moments(rates, days)
        powers = np.zeros(
            (3, len(SPECIES))
        )  # deviations from the exact mean: first, second, fourth
        used = 0.0
        piece = min(count, 500_000)
        for first in range(0, count, piece):
            n = min(piece, count - first)
            before = processor_time()
            ends = simulate_network(n, SEED, time=days, rates=rates, first=first)
            used += processor_time() - before
            deviations = ends - exact.mean
            powers += [(deviations**power).sum(axis=0) for power in (1, 2, 4)]
        first, second, fourth = powers / count
        means = 100.0 * first / exact.mean
        mean_noise = 100.0 * exact.sd / exact.mean / math.sqrt(count)
        spreads = 100.0 * (np.sqrt(second) / exact.sd - 1.0)
        spread_noise = 50.0 * np.sqrt((fourth - second**2) / count) / exact.sd**2
        speed = rate(count / used)
        print(f"  {name} at {days:g} days: {speed} per CPU-second", flush=True)
        for index, species in enumerate(SPECIES):
            run = [name, f"{days:g}", f"{exact.mean[0]:.2g}", f"{count:,}", speed]
            cells = [
                *(run if index == 0 else [""] * 5),
                species,
                f"{short(means[index], '+')} ± {short(mean_noise[index])}",
                "too rare"  # too few met for a fourth moment
                if mean_noise[index] > 5.0
                else f"{short(spreads[index], '+')} ± {short(spread_noise[index])}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def tail_table(count: int) -> list[str]:
    """R2 at 300 days: the whole law by chi-square, and tail frequencies."""
    lines = [
        "| kind | chi-square p | beyond the exact 99 % | 99.9 % | 99.99 % |",
        "|---|---:|---:|---:|---:|",
    ]
    ends = simulate_network(count, SEED + 1, time=DAYS, rates=R2)
    for index, largest in ((1, 127), (2, 1023), (3, 1023), (4, 2047)):
        law = network_pmf(R2, SPECIES[index], largest, time=DAYS)
        cumulative = np.cumsum(law)
        cells = [SPECIES[index], f"{chi_square(ends[:, index], law):.2g}"]
        for level in (0.99, 0.999, 0.9999):
            edge = int(np.argmax(cumulative >= level))
            expected = count * (1.0 - cumulative[edge])
            seen = int((ends[:, index] > edge).sum())
            cells.append(f"{seen} of {expected:.0f} ± {math.sqrt(expected):.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def chi_square(drawn, law) -> float:
    """Pearson's p-value with neighbouring cells pooled to an expectation of 10."""
    expected = np.append(law, max(0.0, 1.0 - law.sum())) * drawn.size
    observed = np.bincount(
        np.minimum(drawn, law.size).astype(np.int64), minlength=law.size + 1
    ).astype(float)
    group = np.minimum((np.cumsum(expected) / 10.0).astype(np.int64), int(drawn.size / 10.0) - 1)
    _, group = np.unique(group, return_inverse=True)
    expected, observed = np.bincount(group, expected), np.bincount(group, observed)
    keep = expected > 1e-9
    if observed[~keep].sum() > 0:
        return 0.0
    statistic = ((observed - expected)[keep] ** 2 / expected[keep]).sum()
    return float(stats.chi2.sf(statistic, keep.sum() - 1))


def ours_in_blood(mean: float) -> Callable[[int], np.ndarray]:
    rates = NetworkRates(
        primary_birth=0.0, primary_death=0.0, shedding=12.0 * mean / SOURCE, lodging=0.0,
        awakening=0.0, founding=0.0,
    )  # fmt: skip
    return lambda n: simulate_network(n, SEED, time=10.0, rates=rates, start=SOURCE)[:, 1]


def blood_table(count: int) -> list[str]:
    lines = [
        "| exact mean | simulator | mean | variance / mean | chi-square p |",
        "|---:|---|---:|---:|---:|",
    ]
    for mean in (0.4, 3.0, 30.0):
        chosen = (DirectMethod, CopasiTau, CopasiAdaptive, GillesPyTau, GillesPyHybrid)
        runs: list[tuple[str, Callable[[int], np.ndarray]]] = [(Ours.name, ours_in_blood(mean))]
        runs += [
            (peer.name, lambda n, peer=peer: peer.run(n, SEED, 10.0)[:, 0])
            for peer in available(blood(mean), chosen)
        ]
        law = stats.poisson.pmf(np.arange(400), mean)
        for name, run in runs:
            drawn = np.round(run(count))
            p = chi_square(drawn, law)
            lines.append(
                f"| {mean:g} | {name} | {drawn.mean():.3f} | {drawn.var() / drawn.mean():.3f} |"
                f" {'< 1e-12' if p < 1e-12 else f'{p:.2g}'} |"
            )
            print(f"  mean {mean:g}: {name}: {drawn.mean():.3f}", flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, help="Markdown file to write")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=3.0, help="CPU-seconds of each turn")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the runs")
    options = parser.parse_args()
    share = 100 if options.quick else 1
    cases = (
        ("R1", R1, DAYS, 40_000_000 // share),
        ("R2", R2, DAYS, 1_000_000 // share),
        ("R1", R1, LATE_DAYS, 200_000 // share),
        ("R2", R2, LATE_DAYS, 2_000 // share),
    )
    parts = [
        f"Python {platform.python_version()}, numba {version('numba')}, {platform.machine()}; "
        f"median of {options.rounds} rounds in alternation.",
        "",
        f"Speed, R1 to day {DAYS:g}:",
        "",
        *speed_table(options.rounds, options.budget),
        "",
        "Accuracy of marrowtrace:",
        "",
        *accuracy_table(cases),
        "",
        f"Whole laws, R2 at day {DAYS:g}, {1_000_000 // share:,} runs:",
        "",
        *tail_table(1_000_000 // share),
        "",
        f"Cells in the blood for two hours on average, {20_000 // share:,} runs:",
        "",
        *blood_table(20_000 // share),
    ]
    text = "\n".join(parts) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
