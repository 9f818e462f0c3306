"""Whether the cost of a cohort is linear in its patients and at most linear in its events.

    python benchmarks/cohort_scaling.py [--chunks 10] [--upto 10000000] [-o scaling.md]

One thread. Chunks of 100,000 patients, spread evenly from the first to the last of ``--upto``, are
simulated one after another in one process: processor time and peak memory of each say whether
either grows with what was done before. Then the founders of a patient are made more numerous, and
processor time is set against the events they bring.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

SEED = 20_261_102
CHUNK = 100_000


def memory() -> float:
    """Peak memory of this process [GiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def chunks(count: int, upto: int) -> list[str]:
    """Processor time and memory of chunks spread over a large cohort."""
    from marrowtrace.simulation import scenario, simulate

    arm = scenario("early-breast")
    simulate(arm, 10, SEED, workers=1)
    lines = [
        "| first patient | CPU-µs a patient | peak memory, GiB | lesions | incomplete |",
        "|---:|---:|---:|---:|---:|",
    ]
    costs = []
    for first in np.linspace(0, upto - CHUNK, count).astype(int).tolist():
        used = time.process_time()
        history = simulate(arm, CHUNK, SEED, workers=1, first=first)
        costs.append((time.process_time() - used) / CHUNK * 1e6)
        lines.append(
            f"| {first:,} | {costs[-1]:.1f} | {memory():.2f} | {history.lesions.size:,} |"
            f" {sum(history.limited().values())} |"
        )
        print(lines[-1], flush=True)
    lines += [
        "",
        f"Mean {np.mean(costs):.1f} µs, sd between chunks {np.std(costs, ddof=1):.1f}:"
        f" {upto:,} patients take {np.mean(costs) * upto / 1e6:,.0f} s of processor time.",
        "",
    ]
    return lines


def events(patients: int) -> list[str]:
    """Processor time against the candidates followed, as establishment is made likelier."""
    from marrowtrace.catalog import parameter_set
    from marrowtrace.simulation import Scenario, simulate

    usual = parameter_set("early-breast")
    chance = usual["establishment_probability"].value
    lines = [
        "| establishment x | candidates a patient | CPU-µs a patient | µs a further candidate |",
        "|---:|---:|---:|---:|",
    ]
    before = None
    for factor in (0.01, 0.1, 0.3, 1.0, 3.0, 10.0):
        arm = Scenario("scaled", usual.with_values({"establishment_probability": chance * factor}))
        simulate(arm, 10, SEED, workers=1)
        used = time.process_time()
        history = simulate(arm, patients, SEED, workers=1)
        cost = (time.process_time() - used) / patients * 1e6
        followed = float(history.column("candidates").mean())
        further = "" if before is None else f"{(cost - before[0]) / (followed - before[1]):.3f}"
        before = cost, followed
        lines.append(f"| {factor:g} | {followed:,.1f} | {cost:.1f} | {further} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunks", type=int, default=10)
    parser.add_argument("--upto", type=int, default=10_000_000)
    parser.add_argument("--patients", type=int, default=20_000, help="for the cost of events")
    parser.add_argument("-o", "--output", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    text = "\n".join(chunks(options.chunks, options.upto) + events(options.patients)) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
