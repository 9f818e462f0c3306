"""Trials to draw, read off and reconstruct: Kaplan-Meier, Cox for two arms, and a reader's hand."""

from __future__ import annotations

import csv

import numpy as np

from marrowtrace import datasets

FILES = {"AZURE": "azure", "ExteNET": "extenet", "MA17R": "ma17r", "SOFT": "soft"}


def load(name):
    """Times and events of each arm, by arm in sorted order."""
    with datasets.path(FILES[name]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        arm: (
            np.array([float(r["time"]) for r in rows if r["arm"] == arm]),
            np.array([int(r["event"]) for r in rows if r["arm"] == arm]),
        )
        for arm in sorted({r["arm"] for r in rows})
    }


def survival_at(times, events, at):
    """Kaplan-Meier survival at the times ``at``."""
    distinct = np.unique(times[events == 1])
    at_risk = np.array([(times >= t).sum() for t in distinct])
    died = np.array([((times == t) & (events == 1)).sum() for t in distinct])
    curve = np.concatenate([[1.0], np.cumprod(1 - died / at_risk)])
    return curve[np.searchsorted(distinct, at, side="right")]


def at_risk(times, at):
    """Numbers at risk just before the times ``at``."""
    return [int((times >= t).sum()) for t in at]


def log_hazard_ratio(one, other):
    """Cox log hazard ratio of ``other`` over ``one`` (Efron ties), by Newton's method."""
    times = np.concatenate([one[0], other[0]])
    events = np.concatenate([one[1], other[1]])
    group = np.concatenate([np.zeros(one[0].size), np.ones(other[0].size)])
    pieces = []
    for t in np.unique(times[events == 1]):
        risk, dying = times >= t, (times == t) & (events == 1)
        pieces.append((risk.sum(), group[risk].sum(), dying.sum(), group[dying].sum()))
    n, n1, d, d1 = np.array(pieces, dtype=float).T
    most = int(d.max())
    share = np.arange(most)[None, :] / d[:, None]
    live = np.arange(most)[None, :] < d[:, None]
    beta = 0.0
    for _ in range(30):
        hazard = np.exp(beta)
        first = hazard * (n1[:, None] - share * d1[:, None])
        total = first + (n - n1)[:, None] - share * (d - d1)[:, None]
        mean = np.where(live, first / total, 0)
        information = float(np.sum(mean * (1 - mean)))
        step = float(d1.sum() - mean.sum()) / information
        beta += step
        if abs(step) < 1e-12:
            break
    return beta, information**-0.5


def read_off(rng, times, events, *, points=150, hand=0.001, decimals=3):
    """Points of the drawn curve as a reader clicks them: a grid, a shaky hand, a rounded scale."""
    at = np.linspace(0, times.max(), points)
    read = survival_at(times, events, at) + rng.normal(0, hand, points)
    return at, np.round(np.clip(read, 0, 1), decimals)
