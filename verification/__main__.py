"""Run the long statistical suite: ``python -m verification PART [NAME ...]``.

Parts: ``systems`` (the engine against its twin), ``power`` (how many twins notice which error),
``convergence`` (steps, and nearly full niches), ``page`` (write ``README.md`` from what was
found). Status 1 if a comparison fails or a perturbation goes unnoticed.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from typing import Any

import numpy as np
from tests.goodness_of_fit import ALPHA, holm_rejections

from marrowtrace.simulation.exact import simulate_exactly
from verification.cases import cases
from verification.comparison import against
from verification.convergence import niches, quadrature, steps
from verification.page import PAGE, fresh, page
from verification.power import power
from verification.results import keep, kept
from verification.systems import Case

MASTER = 20_261_123
"""Each system has a seed of its own from this one and its name; none is chosen."""


def seed_of(name: str, master: int) -> int:
    """Return the seed of a system."""
    sequence = np.random.SeedSequence([master, zlib.crc32(name.encode())])
    return int(sequence.generate_state(1)[0])


def verify(case: Case, *, twins: int, patients: int, seed: int) -> dict[str, object]:
    """Run one system, and the same comparison with one number of the engine changed."""
    begun = time.perf_counter()
    lives = simulate_exactly(case.scenario, twins, seed)
    lived = time.perf_counter() - begun
    right, wrong = (
        against(
            lives,
            case.scenario,
            patients=patients,
            seed=seed,
            other=other,
            poisson=case.poisson,
        )
        for other in (None, case.perturbed)
    )
    return {
        "seed": seed,
        "twins": twins,
        "patients": patients,
        "seconds_of_twin": lived,
        "change": case.change,
        "pvalues": right.pvalues,
        "means": {
            key: [x.twin, x.engine, x.error] for key, x in right.means.items() if x.engine > 0.0
        },
        "changed": wrong.pvalues,
    }


def systems(names: list[str], *, twins: int, patients: int, master: int) -> int:
    """Run the systems, keep what was found of each, and return the exit status."""
    known = cases()
    before = kept("systems") or {}
    record = before.get("systems", {}) if names and before.get("master") == master else {}
    for name, case in known.items():
        if names and name not in names:
            continue
        row = verify(case, twins=twins, patients=patients, seed=seed_of(name, master))
        record[name] = row
        keep("systems", {"master": master, "systems": record})
        pvalues, changed = row["pvalues"], row["changed"]
        failing = holm_rejections(pvalues)  # type: ignore[arg-type]
        least = min(pvalues.values())  # type: ignore[attr-defined]
        noticed = min(changed.values())  # type: ignore[attr-defined]
        words = ", ".join(failing) or "none"
        sys.stdout.write(
            f"{name}: {len(pvalues)} comparisons, "  # type: ignore[arg-type]
            f"smallest p {least:.2g}, fail: {words}; "
            f"{case.change}: p {noticed:.1g}\n"
        )
        sys.stdout.flush()
    family = {f"{s}: {k}": p for s, row in record.items() for k, p in row["pvalues"].items()}
    level = ALPHA / len(family)
    blind = [s for s, row in record.items() if min(fresh(row, level).values()) > level]
    failing = holm_rejections(family)
    sys.stdout.write(
        f"{len(family)} comparisons in all, smallest p {min(family.values()):.2g}; "
        f"fail: {failing or 'none'}; unnoticed: {blind or 'none'}\n"
    )
    return int(bool(failing or blind))


def main(arguments: list[str] | None = None) -> int:
    """Run a part; return the exit status."""
    known = cases()
    parser = argparse.ArgumentParser(prog="python -m verification", description=__doc__)
    parser.add_argument("part", choices=["systems", "power", "convergence", "page"])
    parser.add_argument("names", nargs="*", help="systems; all if none is named")
    parser.add_argument("--twins", type=int, default=2000)
    parser.add_argument("--patients", type=int, default=60_000)
    parser.add_argument("--master", type=int, default=MASTER)
    chosen = parser.parse_intermixed_args(arguments)
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"no system '{unknown[0]}'; there are: {', '.join(known)}")
    status = 0
    if chosen.part == "systems":
        status = systems(
            chosen.names, twins=chosen.twins, patients=chosen.patients, master=chosen.master
        )
    elif chosen.part == "power":
        run = kept("systems") or {"systems": {}}
        family = sum(len(row["pvalues"]) for row in run["systems"].values()) or 3000
        keep("power", power(comparisons=family, patients=chosen.patients, seed=chosen.master))
    elif chosen.part == "convergence":
        seed = chosen.master
        found: dict[str, Any] = {
            "quadrature": quadrature(seed=seed),
            "steps": steps(patients=400, seed=seed),
        }
        found["niches"] = niches(cells=chosen.twins, patients=chosen.patients, seed=seed)
        keep("convergence", found)
    PAGE.write_text(page(), "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
