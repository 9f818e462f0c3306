"""Refit the calibrated values of early-breast to its published targets, and write them down.

A plain optimiser (Nelder-Mead on log parameters) with common random numbers: every evaluation
simulates the same patients of the same seed, so the loss is a smooth enough function. The loss is
a sum of squared z-scores over the targets of the catalogue that are marked as used, plus a weak
prior that keeps each parameter near where it started. The result is scored on a fresh seed.

    python benchmarks/recalibrate_early_breast.py OUT.toml --minutes 15
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from marrowtrace.catalog import description, parameter_set, targets
from marrowtrace.simulation import FOLLOW_UP, History, scenario, simulate
from marrowtrace.units import DAYS_PER_YEAR as YEAR

Array = NDArray[np.float64]
MONTH = YEAR / 12
VISIT = {0: 0, 1: 1, 8: 2, 12: 3, 24: 4, 36: 5, 60: 6}  # months to place in FOLLOW_UP
PRIOR_SD = 0.35  # of a log parameter
RELATIVE_SD = {"probability": 0.08, "ratio": 0.08, "hazard ratio": 0.15, "rate": 0.10}
FREE = (
    "establishment_probability",
    "establishment_log_sd",
    "restricted_fraction",
    "escape_rate",
    "shedding_rate_reference",
    "shedding_log_sd",
    "shedding_size_exponent",
    "marrow_lodging_probability",
    "visceral_lodging_probability",
    "lesion_shedding_multiplier",
    "endocrine_awakening_factor",
    "endocrine_escape_factor",
    "endocrine_lesion_kill_rate",
    "endocrine_resistant_fraction",
)


class Laboratory:
    """Counts that a laboratory would report for a history, one fixed seed of its own."""

    def __init__(self, history: History, seed: int) -> None:
        self.history = history
        self.rng = np.random.default_rng(seed)
        self.values = history.scenario.parameters

    def get(self, symbol: str) -> float:
        return self.values[symbol].canonical

    def dtc(self, visit: int) -> Array:
        """DTCs in one aspirate; NaN where the visit did not take place."""
        cells = self.history.burden("perivascular")[:, visit].astype(float)
        cells = cells + self.history.burden("endosteal")[:, visit]
        screened = self.get("marrow_cells_screened")
        share = screened / self.get("marrow_mononuclear_cells")
        shape = self.get("marrow_site_shape")
        site = self.rng.gamma(shape, 1 / shape, cells.size)
        mean = np.nan_to_num(cells) * share * self.get("dtc_detection_probability") * site
        false = self.rng.poisson(self.get("dtc_false_positives") * screened, cells.size)
        return np.where(np.isnan(cells), np.nan, self.rng.poisson(mean) + false)

    def ctc(self, visit: int, volume: float = 7.5) -> Array:
        """CTCs in a volume of blood [mL]; NaN where the visit did not take place."""
        names = ("ctc_primary", "ctc_lesions", "ctc_marrow", "ctc_clusters")
        cells = sum(self.history.burden(name)[:, visit].astype(float) for name in names)
        cells = cells * self.history.burden("burst")[:, visit]
        share = volume / self.get("blood_volume") * self.get("ctc_detection_probability")
        false = self.rng.poisson(self.get("ctc_false_positives") * volume, cells.size)
        seen = self.rng.poisson(np.nan_to_num(cells) * share)
        return np.where(np.isnan(cells), np.nan, seen + false)


def hazard_ratio(time_: Array, event: NDArray[np.bool_], positive: NDArray[np.bool_]) -> float:
    """Univariate Cox hazard ratio of a yes-no marker (Breslow ties), NaN if it cannot be had."""
    order = np.argsort(-time_, kind="stable")
    event, x = event[order], positive[order].astype(float)
    log_ratio = 0.0
    for _ in range(25):
        weight = np.exp(log_ratio * x)
        mean = (np.cumsum(weight * x) / np.cumsum(weight))[event]
        score, information = float((x[event] - mean).sum()), float((mean * (1 - mean)).sum())
        if information <= 0:
            return math.nan
        step = float(np.clip(score / information, -1, 1))
        log_ratio += step
        if abs(step) < 1e-7:
            break
    return math.exp(log_ratio)


def relapse_risk(time_: Array, event: NDArray[np.bool_], horizon: float) -> float:
    """1 - Kaplan-Meier at ``horizon``."""
    order = np.lexsort((~event, time_))
    time_, event = time_[order], event[order]
    survival = np.cumprod(1 - event / (time_.size - np.arange(time_.size)))
    last = int(np.searchsorted(time_, horizon, side="right")) - 1
    return float(1 - survival[last]) if last >= 0 else 0.0


def _rate(history: History, start: float, stop: float, who: NDArray[np.bool_]) -> float:
    """Distant relapses per year between two days among those still at risk."""
    relapse, end = history.column("distant_relapse")[who], history.column("other_cause_death")[who]
    until = np.minimum(np.minimum(relapse, end), stop)
    events = (relapse <= np.minimum(end, stop)) & (relapse > start)
    return float(events.sum() / (np.clip(until - start, 0, None).sum() / YEAR))


def outputs(history: History, untreated: History | None, seed: int) -> dict[str, float]:
    """What the model gives for each target, by the target's name."""
    keep = history.column("metastatic_at_diagnosis") == 0
    lab = Laboratory(history, seed)
    dtc = {month: lab.dtc(VISIT[month]) for month in (0, 24, 36)}
    ctc = {month: lab.ctc(VISIT[month]) for month in (0, 60)}
    large = {month: lab.ctc(VISIT[month], 23.0) for month in (1, 24)}
    at_relapse = lab.ctc(len(FOLLOW_UP))
    relapse = history.column("distant_relapse")
    other = history.column("other_cause_death")
    death = np.minimum(history.column("death"), other)
    follow = np.minimum(np.minimum(relapse, other), history.scenario.horizon)
    event = relapse <= np.minimum(other, history.scenario.horizon)
    er = history.column("subtype") < 2
    diameter, node = history.column("diameter"), history.column("node_positive") > 0

    def share(condition: NDArray[np.bool_], who: NDArray[np.bool_]) -> float:
        return float(condition[who].mean())

    def ratio(positive: NDArray[np.bool_], start: float, length: float, who: Array) -> float:
        at_risk = keep & (follow > start) & who.astype(bool)
        stop = start + length
        seen = event & (follow <= stop)
        return hazard_ratio(np.minimum(follow, stop)[at_risk], seen[at_risk], positive[at_risk])

    every = np.ones(len(history), dtype=bool)
    found = dtc[0] >= 1
    out = {
        "dtc_at_diagnosis": share(found, keep),
        "dtc_at_diagnosis_t1": share(found, keep & (diameter <= 20)),
        "dtc_at_diagnosis_t3": share(found, keep & (diameter > 50)),
        "dtc_er_negative_to_positive": share(found, keep & ~er) / share(found, keep & er),
        "dtc_two_or_more_of_positive": share(dtc[0] >= 2, keep & found),
        "ctc_at_diagnosis": share(ctc[0] >= 1, keep),
        "ctc_five_at_diagnosis": share(ctc[0] >= 5, keep),
        "ctc_after_surgery_23ml": share(large[1] >= 1, keep & (follow > MONTH)),
        "ctc_at_24_months_23ml": share(large[24] >= 1, keep & (follow > 24 * MONTH)),
        "ctc_at_60_months": share(ctc[60] >= 1, keep & (follow > 60 * MONTH)),
        "ctc_five_at_relapse": share(at_relapse >= 5, keep & event),
        "dtc_at_36_months": share(dtc[36] >= 1, keep & (follow > 36 * MONTH)),
        "dtc_persistence_24_months": share(dtc[24] >= 1, keep & found & (follow > 24 * MONTH)),
        "hr_dtc_relapse_10_years": ratio(found, 0.0, 10 * YEAR, every),
        "hr_dtc_death_10_years": hazard_ratio(
            np.minimum(death, 10 * YEAR)[keep], (death <= 10 * YEAR)[keep], found[keep]
        ),
        "hr_ctc_relapse": ratio(ctc[0] >= 1, 0.0, 5.2 * YEAR, every),
        "hr_ctc_five_relapse": ratio(ctc[0] >= 5, 0.0, 5.2 * YEAR, (ctc[0] >= 5) | (ctc[0] < 1)),
        "hr_dtc_36_months": ratio(dtc[36] >= 1, 36 * MONTH, 6 * YEAR, every),
        "hr_ctc_60_months": ratio(ctc[60] >= 1, 60 * MONTH, 3 * YEAR, every),
        "metastatic_at_diagnosis": float(1 - keep.mean()),
        "bone_first": share(history.column("relapse_site") == 0, keep & (relapse <= 10 * YEAR)),
    }
    late = keep & er & (follow > 5 * YEAR)
    for name, chosen in (
        ("t1n0", (diameter <= 20) & ~node),
        ("t2n0", (diameter > 20) & (diameter <= 50) & ~node),
        ("t1n1", (diameter <= 20) & node),
        ("t2n1", (diameter > 20) & (diameter <= 50) & node),
    ):
        who = late & chosen
        since = follow[who] - 5 * YEAR
        out[f"relapse_5_to_20_{name}"] = relapse_risk(since, event[who], 15 * YEAR)
    if untreated is not None:
        treated = keep & (history.column("endocrine") > 0)
        for name, start, stop in (("0_4", 0, 5), ("5_9", 5, 10), ("10_14", 10, 15)):
            rates = [_rate(h, start * YEAR, stop * YEAR, treated) for h in (history, untreated)]
            out[f"hr_tamoxifen_years_{name}"] = rates[0] / rates[1]
    return out


def run(
    values: dict[str, float], n: int, seed: int, workers: int, name: str = "early-breast"
) -> dict[str, float]:
    """Simulate with and without endocrine therapy and return the outputs."""
    arm = scenario(name, values=values)
    without = replace(arm, therapies=tuple(t for t in arm.therapies if t.agent != "endocrine"))
    with_it = simulate(arm, n, seed, workers=workers)
    return outputs(with_it, simulate(without, n, seed, workers=workers), seed)


def z_scores(found: dict[str, float]) -> dict[str, float]:
    """Differences from the targets in use, in standard deviations on the log scale."""
    scores = {}
    for target in targets("early-breast"):
        if not target.used or target.name not in found:
            continue
        sd = RELATIVE_SD[target.quantity]
        if target.ci_low and target.ci_high:
            sd = max(sd / 2, math.log(target.ci_high / target.ci_low) / 3.92)
        scores[target.name] = math.log(max(found[target.name], 1e-9) / target.value) / sd
    return scores


def main() -> None:
    """Fit, score on a fresh seed, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--fresh-seed", type=int, default=21)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--name", default="early-breast", help="parameter set")
    parser.add_argument("--free", default=",".join(FREE), help="symbols, with commas")
    given = parser.parse_args()
    free = given.free.split(",")
    base = parameter_set(given.name)
    start = {name: base[name].value for name in free}
    low = np.array([math.log(max(base[name].low, 1e-12)) for name in free])
    high = np.array([math.log(base[name].high) for name in free])
    origin = np.log(list(start.values()))
    began = time.monotonic()

    def values(x: Array) -> dict[str, float]:
        shifted = np.clip(origin + x, low + 1e-9, high - 1e-9)
        return dict(zip(free, np.exp(shifted).tolist(), strict=True))

    def loss(x: Array) -> float:
        if time.monotonic() - began > 60 * given.minutes:
            raise StopIteration
        scores = z_scores(run(values(x), given.patients, given.seed, given.workers, given.name))
        total = sum(z * z for z in scores.values()) + float(((x / PRIOR_SD) ** 2).sum())
        if total < best[0]:
            best[0], best[1] = total, x.copy()
            print(f"{time.monotonic() - began:6.0f} s  {total:8.2f}", flush=True)
        return total

    best: list[object] = [math.inf, np.zeros(len(free))]
    simplex = np.vstack([np.zeros(len(free)), 0.12 * np.eye(len(free))])
    try:
        minimize(
            loss,
            np.zeros(len(free)),
            method="Nelder-Mead",
            options={"initial_simplex": simplex, "adaptive": True, "fatol": 0.05, "xatol": 1e-3},
        )
    except StopIteration:
        print("out of time")
    fitted = values(np.asarray(best[1]))
    report(given, start, fitted, float(best[0]))  # type: ignore[arg-type]


def report(
    given: argparse.Namespace, start: dict[str, float], fitted: dict[str, float], loss: float
) -> None:
    """Print every target before and after on the fresh seed, and write the values."""
    known = {target.name: target for target in targets("early-breast")}
    before = run(start, 2 * given.patients, given.fresh_seed, given.workers, given.name)
    after = run(fitted, 2 * given.patients, given.fresh_seed, given.workers, given.name)
    z_before, z_after = z_scores(before), z_scores(after)
    for name in after:
        used = f"{z_before[name]:6.2f} {z_after[name]:6.2f}" if name in z_after else "  held out"
        wanted = known[name].value if name in known else math.nan
        print(f"{name:32s} {wanted:8.3f} {before[name]:8.3f} {after[name]:8.3f} {used}")
    fresh = sum(z * z for z in z_after.values())
    print(f"squared z before {sum(z * z for z in z_before.values()):.2f}, after {fresh:.2f}")
    structure = description(given.name).structure
    lines = [
        f"# Fitted to the targets in use of targets/early-breast.toml, structure: {structure}.",
        f'method = "Nelder-Mead on {len(fitted)} log parameters, common random numbers, '
        f'prior sd {PRIOR_SD} of a log parameter"',
        f'structure = "{structure}"',
        f"seed = {given.seed}",
        f"fresh_seed = {given.fresh_seed}",
        f"loss = {loss:.4f}",
        f"loss_fresh_seed = {fresh:.4f}",
        f"patients = {given.patients}",
        f"target_count = {len(z_after)}",
        "",
        "[values]",
        *(f"{name} = {value:.6g}" for name, value in fitted.items()),
    ]
    given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
