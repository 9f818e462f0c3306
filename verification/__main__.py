"""Run the long statistical suite and write ``verification/README.md``.

``python -m verification [--twins N] [--seed S] [NAME ...]``; status 1 if a system fails or a
perturbation goes unnoticed.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.goodness_of_fit import ALPHA, holm_rejections

from marrowtrace import __version__
from marrowtrace.simulation.exact import simulate_exactly
from verification.comparison import Comparison, against
from verification.systems import Case, cases

PAGE = Path(__file__).parent / "README.md"
HEAD = """# The fast engine against its slow twin

Written by `python -m verification`. Each system is small enough to be run event by event by
`marrowtrace.simulation.exact`, a second program for the model of `docs/model.md`, and by the fast
engine. Compared are the whole laws of the cells in each place and of circulating cells at each
visit (chi-square against the engine's mixture of Poisson laws) and their means, lesions by place
and origin, the days on which lesions were seeded and awakened, the times of relapse and death
(Kolmogorov-Smirnov), causes of death, and decisions of rules. The p-values of a system are judged
together by Holm's procedure at {alpha:g}.

The last two columns are the proof that a comparison can fail: the engine runs with one number
changed, and the twin as it was.

Version {version}, seeds from {seed} on, {twins:,} patients of the twin and {patients:,} of the
engine for each system, {seconds:.0f} s.

| system | comparisons | smallest p | fails | changed in the engine | smallest p | fails |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """One system's verdict."""

    case: Case
    right: Comparison
    wrong: Comparison

    @property
    def failing(self) -> list[str]:
        """Comparisons that fail."""
        return holm_rejections(self.right.pvalues)

    @property
    def noticed(self) -> list[str]:
        """Comparisons that notice the changed number."""
        return holm_rejections(self.wrong.pvalues)

    def line(self) -> str:
        """Return the row of the table."""
        right, wrong = self.right.pvalues, self.wrong.pvalues
        names = ", ".join(self.failing) or "none"
        return (
            f"| {self.right.name} | {len(right)} | {min(right.values()):.2g} | {names} "
            f"| {self.case.change} | {min(wrong.values()):.1g} | {len(self.noticed)} |"
        )


def verify(case: Case, *, twins: int, patients: int, seed: int) -> Row:
    """Run one system and its perturbation."""
    lives = simulate_exactly(case.scenario, twins, seed)
    found = [
        against(
            lives,
            case.scenario,
            patients=patients,
            seed=seed,
            other=other,
            poisson=case.poisson,
        )
        for other in (None, case.perturbed)
    ]
    return Row(case, *found)


def main(arguments: list[str] | None = None) -> int:
    """Run the suite; return the exit status."""
    known = cases()
    parser = argparse.ArgumentParser(prog="python -m verification", description=__doc__)
    parser.add_argument("names", nargs="*", help="systems; all if none is named")
    parser.add_argument("--twins", type=int, default=2000)
    parser.add_argument("--patients", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=20_181)
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"no system '{unknown[0]}'; there are: {', '.join(known)}")
    begun, rows = time.perf_counter(), []
    for position, name in enumerate(known):
        if chosen.names and name not in chosen.names:
            continue
        # a seed of its own: an unlucky draw of patients must not touch every system
        seed = chosen.seed + position
        row = verify(known[name], twins=chosen.twins, patients=chosen.patients, seed=seed)
        rows.append(row)
        sys.stdout.write(row.line() + "\n")
        sys.stdout.flush()
        if not chosen.names:
            head = HEAD.format(
                alpha=ALPHA,
                version=__version__,
                seed=chosen.seed,
                twins=chosen.twins,
                patients=chosen.patients,
                seconds=time.perf_counter() - begun,
            )
            PAGE.write_text(head + "\n".join(row.line() for row in rows) + "\n", "utf-8")
    return int(any(row.failing or not row.noticed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
