"""What the step of the engine costs in accuracy, and what the mean-field niche costs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from marrowtrace.simulation import Scenario, scenario, simulate
from marrowtrace.simulation.exact import simulate_exactly
from verification.cases import WAITS
from verification.closed_forms import ALIKE, Linear
from verification.systems import system

STEPS = (2.0, 1.0, 0.5, 0.25, 0.125, 0.05)
FINEST = 0.02
SITES = (20.0, 100.0, 500.0)
BURDENS = ("perivascular", "endosteal", "visceral", "visceral_via_marrow")


def steps(*, patients: int, seed: int) -> dict[str, Any]:
    """Compare burdens of `early-breast` with those of a step of 0.02, patient by patient.

    Returns
    -------
    dict
        Relative error that nine of ten burdens do not exceed, by step and place, and the
        difference of the share with a relapse.
    """
    usual = scenario("early-breast")
    rows = []
    finest = simulate(replace(usual, step=FINEST), patients, seed)
    simulate(replace(usual, step=2.0), 10, seed)
    for step in STEPS:
        begun = time.process_time()
        found = simulate(replace(usual, step=step), patients, seed)
        spent = time.process_time() - begun
        errors = {}
        for name in BURDENS:
            alive = ~np.isnan(found.burden(name)) & ~np.isnan(finest.burden(name))
            own, true = found.burden(name)[alive], finest.burden(name)[alive]
            apart = np.abs(own / np.maximum(true, 1e-30) - 1.0)
            errors[name] = float(np.quantile(apart, 0.9))
        relapse = [np.isfinite(h.column("distant_relapse")).mean() for h in (found, finest)]
        rows.append(
            {
                "dormancy": usual.dormancy,
                "step": step,
                "errors": errors,
                "relapse": float(relapse[0] - relapse[1]),
                "microseconds": 1e6 * spent / patients,
            }
        )
    return {"patients": patients, "seed": seed, "finest": FINEST, "rows": rows}


def quadrature(*, seed: int) -> list[dict[str, Any]]:
    """Compare mean pools of patients who are alike with quadrature, at three steps."""
    plain = ALIKE | {"visceral_lodging_of_egressed": 0.0, "establishment_probability": 0.0}
    rows = []
    for law, shape in {"exponential": {}, **WAITS}.items():
        base = system(law, plain | shape, dormancy=law.lower(), visits=(0.0, 300.0), years=1.0)
        truth = Linear(base)
        for step in (1.0, 0.5, 0.1):
            found = simulate(replace(base, step=step), 10, seed)
            errors = {
                place: max(
                    abs(float(np.nanmean(found.burden(place)[:, k])) / truth.pool(place, day) - 1.0)
                    for k, day in enumerate(base.visits)
                )
                for place in ("perivascular", "endosteal", "visceral")
            }
            rows.append({"dormancy": law, "step": step, "errors": errors})
    return rows


def crowded(sites: float) -> Scenario:
    """Return a system whose perivascular niches of ``sites`` sites are about half full."""
    values = {
        "perivascular_niche_sites": sites,
        "endosteal_niche_sites": sites,
        "shedding_rate_reference": 2.5 * sites / 60.0,
        "establishment_probability": 0.02 * 60.0 / sites,
    }
    return system(f"{sites:g} sites", values, years=3.0)


def niches(*, cells: int, patients: int, seed: int) -> dict[str, Any]:
    """Compare mean and variance of nearly full niches with the twin.

    ``cells`` twins are run at 20 sites, fewer where there are more sites.
    """
    rows = []
    for place_in_seeds, sites in enumerate(SITES):
        chosen = crowded(sites)
        twins = round(cells * (SITES[0] / sites) ** 0.5)
        lives = simulate_exactly(chosen, twins, seed + place_in_seeds)
        history = simulate(chosen, patients, seed)
        for place in ("perivascular", "endosteal"):
            for visit, day in enumerate(chosen.visits):
                counts = np.array([life.counts[place][visit] for life in lives])
                counts = counts[~np.isnan(counts)]
                means = history.burden(place)[:, visit].astype(np.float64)
                means = means[~np.isnan(means)]
                error = counts.std() * (1.0 / counts.size + 1.0 / means.size) ** 0.5
                rows.append(
                    {
                        "sites": sites,
                        "place": place,
                        "day": day,
                        "twins": twins,
                        "filled": float(counts.mean() / sites),
                        "bias": float(means.mean() / counts.mean() - 1.0),
                        "error": float(error / counts.mean()),
                        "variance_twin": float(counts.var() / counts.mean()),
                        "variance_engine": float((means.var() + means.mean()) / means.mean()),
                    }
                )
    return {"patients": patients, "seed": seed, "rows": rows}
