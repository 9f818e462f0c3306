"""Least squares on the z-scores of the targets and the prior, with common random numbers.

Every evaluation simulates the same patients of the same seed, and what a laboratory would see is
integrated and not drawn, so the residuals are nearly smooth: finite differences over a part of the
prior's width give a usable Jacobian. SciPy's trust-region method does the rest. Several starts
are drawn from the prior, or an earlier fit is the start; the best is refined with more patients and
scored on a fresh seed.
"""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from marrowtrace.catalog import Target, targets
from marrowtrace.simulation import scenario, simulate
from verification.calibration.freedom import Space
from verification.calibration.outputs import Cohort, fitted_outputs
from verification.calibration.spread import spread

Array = NDArray[np.float64]
STEP = 0.4  # of a prior sd, in finite differences
Say = Callable[[str], None]


@cache
def wanted() -> tuple[Target, ...]:
    """Return the figures of early-breast that are marked as used."""
    return tuple(target for target in targets("early-breast") if target.used)


def cohort(
    name: str, values: dict[str, float] | None, n: int, seed: int, workers: int = 2
) -> Cohort:
    """Simulate patients, and those who took endocrine therapy again without it."""
    arm = scenario(name, values=values)
    history = simulate(arm, n, seed, workers=workers)
    took = history.patient[history.column("endocrine") > 0]
    without = replace(arm, therapies=tuple(t for t in arm.therapies if t.agent != "endocrine"))
    return Cohort(history, simulate(without, took.size, seed, workers=workers, patients=took))


def z_scores(found: dict[str, float]) -> dict[str, float]:
    """Return the differences from the targets in use, in sd of their logarithm."""
    out = {}
    for target in wanted():
        value = found[target.name]
        out[target.name] = math.log(max(value, 1e-9) / target.value) / spread(target)[0]
    return out


@dataclass
class Problem:
    """The residuals of a parameter set as a function of its free directions."""

    name: str
    patients: int
    seed: int
    workers: int = 2
    evaluations: int = 0
    _known: dict[bytes, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.space = Space(self.name)

    def scores(self, x: Array) -> Array:
        """Return the z-scores of the targets at a point, shape (n_targets,)."""
        key = np.asarray(x, dtype=float).tobytes()
        if key not in self._known:
            made = cohort(self.name, self.space.values(x), self.patients, self.seed, self.workers)
            self._known[key] = np.array(list(z_scores(fitted_outputs(made)).values()))
            self.evaluations += 1
        return self._known[key]

    def residuals(self, x: Array) -> Array:
        """Return the z-scores of the targets and of the prior, shape (n_targets + n_free,)."""
        return np.concatenate([self.scores(x), x / self.space.prior_sd])

    def jacobian(self, x: Array, *, central: bool = False) -> Array:
        """Return the finite differences of the residuals, away from the limits."""
        space = self.space
        columns: list[Array] = []
        here = self.scores(x)
        for place, sd in enumerate(space.prior_sd):
            step = STEP * sd
            up, down = x.copy(), x.copy()
            up[place] = min(x[place] + step, space.high[place])
            down[place] = max(x[place] - step, space.low[place])
            if central:
                rise = self.scores(up) - self.scores(down)
                columns.append(rise / (up[place] - down[place]))
            elif up[place] - x[place] >= x[place] - down[place]:
                columns.append((self.scores(up) - here) / (up[place] - x[place]))
            else:
                columns.append((here - self.scores(down)) / (x[place] - down[place]))
        return np.vstack([np.array(columns).T, np.diag(1 / space.prior_sd)])


@dataclass(frozen=True)
class Run:
    """One descent."""

    x: Array
    before: float
    after: float
    evaluations: int


def loss(residuals: Array) -> float:
    """Return the sum of squares."""
    return float((residuals**2).sum())


def descend(problem: Problem, x: Array, *, steps: int, say: Say = print) -> Run:
    """Minimise from a start by trust-region least squares, at most ``steps`` Jacobians."""
    space, began = problem.space, time.monotonic()
    x = np.clip(x, space.low + 1e-3, space.high - 1e-3)
    before = loss(problem.residuals(x))

    def jacobian(point: Array) -> Array:
        value = loss(problem.residuals(point))
        say(f"{problem.name} {time.monotonic() - began:6.0f} s  loss {value:8.2f}")
        return problem.jacobian(point)

    found = least_squares(
        problem.residuals, x, jac=jacobian, bounds=(space.low, space.high),
        x_scale=space.prior_sd, method="trf", ftol=2e-3, xtol=1e-4, gtol=1e-6, max_nfev=steps,
    )  # fmt: skip
    return Run(found.x, before, 2 * float(found.cost), problem.evaluations)


def starts(name: str, count: int, seed: int, known: Path | None = None) -> list[Array]:
    """Return the centre of the prior and points drawn from it, half as wide.

    With ``known``, a calibration file, its values are the only start.
    """
    space = Space(name)
    if known is not None:
        values = tomllib.loads(known.read_text(encoding="utf-8"))["values"]
        return [space.point(values)]
    rng = np.random.default_rng(seed)
    drawn = [rng.normal(0, 0.5 * space.prior_sd) for _ in range(count - 1)]
    return [np.zeros(space.prior_sd.size), *drawn]
