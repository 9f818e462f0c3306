"""Fit a structure, or write the page: see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verification.calibration.fit import Problem, Run, cohort, descend, starts
from verification.calibration.freedom import FIRST_FIT
from verification.calibration.identifiability import identifiability
from verification.calibration.outputs import fitted_outputs
from verification.calibration.page import PAGE, page
from verification.calibration.record import Fit, rounded, write
from verification.calibration.replication import with_errors


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


def fit(given: argparse.Namespace) -> None:
    """Explore from several starts, refine the best, score it on a fresh seed, write it."""
    problem = Problem(given.name, given.patients, given.seed, given.workers)
    runs: list[Run] = []
    found = starts(given.name, given.starts, given.seed, given.start)
    for number, x in enumerate(found):
        say(f"start {number}")
        runs.append(descend(problem, x, steps=given.steps, say=say))
        say(f"start {number}: {runs[-1].before:.2f} -> {runs[-1].after:.2f}")
    best = min(runs, key=lambda run: run.after)
    fine = Problem(given.name, given.refined, given.seed + 1, given.workers)
    runs.append(descend(fine, best.x, steps=given.refining_steps, say=say))
    x = runs[-1].x
    around = Problem(given.name, given.jacobian, given.seed + 1, given.workers)
    known = identifiability(around.jacobian(x, central=True)[: -x.size], fine.space.prior_sd)
    values = rounded(fine.space.values(x))
    made = cohort(given.name, values, given.fresh, given.fresh_seed, given.workers)
    fresh = with_errors(made, fitted_outputs)
    made_of = Fit(fine, x, runs, known, given.jacobian, given.fresh_seed, given.fresh, fresh)
    begun = "an earlier fit" if given.start else f"{given.starts} starts"
    explored = f"{begun} on {given.patients} patients of seed {given.seed}"
    write(made_of, given.name, given.out, explored=explored)
    for name, (value, error) in fresh.items():
        say(f"{name:32s} {value:8.4f} +- {error:.4f}")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m verification.calibration")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("fit", help="fit a structure and write its calibration")
    one.add_argument("name", choices=sorted(FIRST_FIT))
    one.add_argument("out", type=Path)
    one.add_argument("--patients", type=int, default=12_000)
    one.add_argument("--refined", type=int, default=40_000)
    one.add_argument("--jacobian", type=int, default=40_000, help="patients for identifiability")
    one.add_argument("--fresh", type=int, default=60_000)
    one.add_argument("--seed", type=int, default=101)
    one.add_argument("--fresh-seed", type=int, default=211)
    one.add_argument("--starts", type=int, default=3)
    one.add_argument("--start", type=Path, help="calibration file to start from, instead of these")
    one.add_argument("--steps", type=int, default=6)
    one.add_argument("--refining-steps", type=int, default=3)
    one.add_argument("--workers", type=int, default=2)
    one.set_defaults(run=fit)
    two = commands.add_parser("page", help="simulate fresh patients and write the page")
    two.add_argument("--out", type=Path, default=PAGE)
    two.add_argument("--patients", type=int, default=60_000)
    two.add_argument("--seed", type=int, default=307)
    two.add_argument("--workers", type=int, default=2)
    two.set_defaults(
        run=lambda given: given.out.write_text(
            page(given.patients, given.seed, given.workers), encoding="utf-8"
        )
    )
    given = parser.parse_args()
    given.run(given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
