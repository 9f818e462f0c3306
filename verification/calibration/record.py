"""A fit as a calibration file of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from marrowtrace.catalog import description
from verification.calibration.fit import Array, Problem, Run, loss, wanted, z_scores
from verification.calibration.freedom import Direction, Space
from verification.calibration.identifiability import NOT, WELL, Identifiability
from verification.calibration.spread import spread


@dataclass(frozen=True)
class Fit:
    """What a fit came to.

    Parameters
    ----------
    problem : Problem
        With the patients and the seed of the last descent.
    x : ndarray, shape (n_free,)
    runs : list of Run
        One for each start, and last the refinement of the best.
    known : Identifiability
    around : int
        Patients that it was taken from.
    fresh_seed, fresh_patients : int
    fresh : mapping of str to (float, float)
        Outputs of the fresh cohort with their Monte Carlo errors.
    """

    problem: Problem
    x: Array
    runs: list[Run]
    known: Identifiability
    around: int
    fresh_seed: int
    fresh_patients: int
    fresh: Mapping[str, tuple[float, float]]


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Return values with the six digits that the file holds."""
    return {symbol: float(f"{value:.6g}") for symbol, value in values.items()}


def write(fit: Fit, name: str, out: Path, *, explored: str) -> None:
    """Write the calibration of the parameter set ``name``."""
    out.write_text("\n".join(lines(fit, name, explored)) + "\n", encoding="utf-8")


def lines(fit: Fit, name: str, explored: str) -> Iterable[str]:
    """Yield the lines of the file."""
    problem, space = fit.problem, fit.problem.space
    structure = description(name).structure
    fresh = z_scores({key: value for key, (value, _) in fit.fresh.items()})
    at_fit = problem.residuals(fit.x)
    targets = wanted()
    prior = loss(fit.x / space.prior_sd)
    yield f"# Fitted to the targets in use of targets/early-breast.toml, structure: {structure}."
    yield (
        f'method = "trust-region least squares on {len(space.directions)} directions, finite '
        "differences with common random numbers, expected results of the assays by phenotype; "
        f'{explored}; refined on {problem.patients} patients"'
    )
    yield f'structure = "{structure}"'
    yield f"seed = {problem.seed}"
    yield f"fresh_seed = {fit.fresh_seed}"
    yield f"loss = {loss(at_fit) - prior:.4f}"
    yield f"loss_prior = {prior:.4f}"
    yield f"loss_fresh_seed = {sum(z * z for z in fresh.values()):.4f}"
    yield f"patients = {fit.fresh_patients}"
    yield f"target_count = {len(targets)}"
    yield "# loss with prior before and after the descent from each start; last the refinement"
    yield f"starts = [{', '.join(f'[{r.before:.2f}, {r.after:.2f}]' for r in fit.runs)}]"
    yield (
        "# of the derivatives of the z-scores by directions in units of the prior's sd, on "
        f"{fit.around} patients"
    )
    values = ", ".join(f"{value:.3f}" for value in fit.known.singular_values)
    yield f"singular_values = [{values}]"
    yield (
        f"# The data inform {fit.known.informed} directions beyond the prior; posterior over prior "
        f"sd below {WELL}, and at least {NOT}."
    )
    for label, chosen in (
        ("well_informed", fit.known.posterior < WELL),
        ("not_informed", fit.known.posterior >= NOT),
    ):
        members = [d for d, yes in zip(space.directions, chosen, strict=True) if yes]
        yield f"{label} = [{', '.join(quoted(s) for d in members for s in families(d))}]"
    yield ""
    yield "[values]"
    for symbol, value in rounded(space.values(fit.x)).items():
        yield f"{key(symbol)} = {value:g}" if value == 0 else f"{key(symbol)} = {value!r}"
    for target in targets:
        sd, why = spread(target)
        model, error = fit.fresh[target.name]
        yield ""
        yield f"[targets.{target.name}]"
        yield f"value = {target.value:g}"
        yield f"sd = {sd:.4f}"
        yield f"why = {quoted(why)}"
        yield f"model = {model:.5g}"
        yield f"error = {error:.2g}"
        yield f"z = {fresh[target.name]:.3f}"
    yield from _freedom(space, fit.x, fit.known)


def _freedom(space: Space, x: Array, known: Identifiability) -> Iterable[str]:
    final = space.values(x)
    for place, direction in enumerate(space.directions):
        first = direction.symbols[0]
        yield ""
        yield f"[free.{quoted(direction.name)}]"
        yield f"symbols = [{', '.join(quoted(symbol) for symbol in direction.symbols)}]"
        yield f"scale = {quoted('log-odds' if direction.share else 'log')}"
        yield f"start = {space.centre[first]:.6g}"
        yield f"final = {final[first]:.6g}"
        yield f"prior_sd = {direction.prior_sd:g}"
        yield f"shift = {x[place] / direction.prior_sd:.3f}"
        yield f"posterior = {known.posterior[place]:.3f}"


def families(direction: Direction) -> list[str]:
    """Return the family if a direction moves the whole of it, else its symbols."""
    names = {symbol.split(".")[0] for symbol in direction.symbols}
    return sorted(names) if len(direction.symbols) != 2 else list(direction.symbols)


def key(symbol: str) -> str:
    """Return a symbol as a TOML key."""
    return quoted(symbol) if "." in symbol else symbol


def quoted(text: str) -> str:
    """Return a text as a TOML string."""
    return '"' + text.replace('"', "'") + '"'
