"""Virtual patients per second, peak memory, and the time to the first patient of a new process.

    python benchmarks/cohort_speed.py [--largest 1000000] [--workers 2] [-o cohorts.md]

Each size runs in a process of its own, since a process remembers its largest memory. Wall time is
what a user waits; processor time says what it would be with the processors to oneself. Ten million
patients are extrapolated from chunks taken at their beginning, middle and end.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

SEED = 20_261_101
CHUNK = 100_000
EXTRAPOLATED = 10_000_000


def processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def one_run(scenario: str, patients: int, workers: int, first: int) -> dict[str, float]:
    """Simulate in this process: wall and processor seconds, and the peak of memory [GiB]."""
    import marrowtrace.simulation as engine

    protocol = engine.scenario(scenario)
    engine.simulate(protocol, 10, SEED, workers=workers)
    start, used = time.perf_counter(), processor_time()
    history = engine.simulate(protocol, patients, SEED, workers=workers, first=first)
    wall, used = time.perf_counter() - start, processor_time() - used
    return {
        "wall": wall,
        "used": used,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "lesions": len(history.lesions),
        "visits": len(protocol.visits),
    }


def in_new_process(*arguments: str) -> dict[str, float]:
    found = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return result


def first_patient(scenario: str) -> list[float]:
    """Seconds from the start of a new process to its first patient, five times."""
    code = (
        "from marrowtrace.simulation import scenario, simulate; "
        f"simulate(scenario({scenario!r}), 1, {SEED})"
    )
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]  # the first may have compiled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", default="early-breast")
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, help="Markdown file to write")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one_run(options.scenario, options.one, options.workers, options.first)))
        return
    common = ("--scenario", options.scenario, "--workers", str(options.workers), "--one")
    lines = [
        "| patients | wall, s | patients / s | per CPU-second | peak memory, GiB | lesions |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    sizes = [10_000 * 10**k for k in range(10) if 10_000 * 10**k < options.largest]
    for patients in [*sizes, options.largest]:
        runs = [in_new_process(*common, str(patients)) for _ in range(3 if patients < 5e5 else 1)]
        one = sorted(runs, key=lambda run: run["wall"])[len(runs) // 2]
        lines.append(
            f"| {patients:,} | {one['wall']:.2f} | {patients / one['wall']:,.0f} |"
            f" {patients / one['used']:,.0f} | {one['memory']:.2f} | {one['lesions']:,} |"
        )
        print(lines[-1], flush=True)
    starts = [0, EXTRAPOLATED // 2, EXTRAPOLATED - CHUNK]
    chunks = [in_new_process(*common, str(CHUNK), "--first", str(first)) for first in starts]
    rates = [CHUNK / one["wall"] for one in chunks]
    seconds = EXTRAPOLATED / statistics.harmonic_mean(rates)
    waits = first_patient(options.scenario)
    lines += [
        "",
        f"{options.scenario}, {chunks[0]['visits']} visits, {options.workers} threads on"
        f" {os.cpu_count()} processors.",
        f"Chunks of {CHUNK:,} at patients "
        + ", ".join(f"{first:,}" for first in starts)
        + ": "
        + ", ".join(f"{rate:,.0f}" for rate in rates)
        + f" patients / s, so {EXTRAPOLATED:,} take {math.ceil(seconds):,} s.",
        f"A new process has its first patient after {statistics.median(waits):.2f} s"
        f" (median of {len(waits)}; {min(waits):.2f} to {max(waits):.2f}).",
    ]
    text = "\n".join(lines) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
