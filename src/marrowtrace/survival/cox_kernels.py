r"""Kernels of the Cox model on plain arrays: likelihood, its maximum, and sums by event time.

At an event time with :math:`d` events of total weight :math:`W`, risk set :math:`R` and event set
:math:`D`, Efron's approximation (Efron 1977, J. Am. Stat. Assoc. 72:557-565) takes :math:`d` terms
:math:`k=0,\dots,d-1` with the sums :math:`\sum_R - (k/d)\sum_D` of :math:`w e^{\eta}` and weight
:math:`W/d` each; Breslow's takes :math:`k=0` in all.

Rows come sorted by stratum and within it by decreasing time; ``starts`` says where strata begin;
``entry`` is empty if nobody enters late, otherwise ``by_entry`` lists each stratum's rows by
decreasing entry. Rows are at risk on (entry, time].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from marrowtrace.survival.compilation import Flags, Floats, Whole, compiled, compiled_parallel

CONVERGED, NOT_CONVERGED, SINGULAR, MONOTONE = 0, 1, 2, 3
_TOLERANCE = 1e-12  # of the Newton decrement: the step after it is exact to rounding
_FLAT = 1e-6  # decrement below which a long step means a likelihood that rises for ever
_LONG_STEP = 0.1  # in units of a covariate's standard deviation


@compiled
def relative_risk(
    x: Floats, weights: Floats, offset: Floats, beta: Floats, eta: Floats, risk: Floats
) -> float:
    """Fill the linear predictor (less its maximum) and the weighted relative risk of each row."""
    n, p = x.shape
    highest = -np.inf
    for i in range(n):
        value = offset[i]
        for a in range(p):
            value += x[i, a] * beta[a]
        eta[i] = value
        highest = max(highest, value)
    for i in range(n):
        eta[i] -= highest
        risk[i] = weights[i] * np.exp(eta[i])
    return highest


@compiled
def likelihood(
    x: Floats,
    time: Floats,
    event: Flags,
    entry: Floats,
    by_entry: Whole,
    starts: Whole,
    weights: Floats,
    offset: Floats,
    beta: Floats,
    efron: bool,
    score: Floats,
    information: Floats,
) -> float:
    """Return the log partial likelihood; fill its gradient (p,) and information (p, p)."""
    n, p = x.shape
    eta, risk = np.empty(n), np.empty(n)
    relative_risk(x, weights, offset, beta, eta, risk)
    value = 0.0
    score[:] = 0.0
    information[:] = 0.0
    s1, s2, e1, e2 = np.zeros(p), np.zeros((p, p)), np.zeros(p), np.zeros((p, p))
    mean = np.empty(p)
    late = entry.size > 0
    for g in range(starts.size - 1):
        i, leaving, last = starts[g], starts[g], starts[g + 1]
        s0, present = 0.0, 0
        s1[:] = 0.0
        s2[:] = 0.0
        while i < last:
            now = time[i]
            if late:
                while leaving < last and entry[by_entry[leaving]] >= now:
                    j = by_entry[leaving]
                    leaving += 1
                    present -= 1
                    s0 -= risk[j]
                    for a in range(p):
                        part = risk[j] * x[j, a]
                        s1[a] -= part
                        for b in range(a + 1):
                            s2[a, b] -= part * x[j, b]
                if present == 0:
                    s0 = 0.0
                    s1[:] = 0.0
                    s2[:] = 0.0
            d, total, e0 = 0, 0.0, 0.0
            while i < last and time[i] == now:
                r = risk[i]
                present += 1
                s0 += r
                for a in range(p):
                    part = r * x[i, a]
                    s1[a] += part
                    for b in range(a + 1):
                        s2[a, b] += part * x[i, b]
                if event[i]:
                    if d == 0:
                        e1[:] = 0.0
                        e2[:] = 0.0
                    d += 1
                    total += weights[i]
                    e0 += r
                    value += weights[i] * eta[i]
                    for a in range(p):
                        score[a] += weights[i] * x[i, a]
                        part = r * x[i, a]
                        e1[a] += part
                        for b in range(a + 1):
                            e2[a, b] += part * x[i, b]
                i += 1
            if d == 0:
                continue
            terms = d if efron else 1
            share = total / terms
            for k in range(terms):
                down = k / d if efron else 0.0
                inverse = 1.0 / (s0 - down * e0)
                value += share * np.log(inverse)
                for a in range(p):
                    mean[a] = (s1[a] - down * e1[a]) * inverse
                    score[a] -= share * mean[a]
                    for b in range(a + 1):
                        second = (s2[a, b] - down * e2[a, b]) * inverse
                        information[a, b] += share * (second - mean[a] * mean[b])
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]
    return value


@compiled
def solve(matrix: Floats, right: Floats, out: Floats) -> bool:
    """Solve a positive definite system by Cholesky; return False if it is singular."""
    p = right.size
    lower = np.zeros((p, p))
    for a in range(p):
        for b in range(a + 1):
            value = matrix[a, b]
            for c in range(b):
                value -= lower[a, c] * lower[b, c]
            if a == b:
                if not value > 1e-11 * matrix[a, a] or not value > 1e-300:
                    return False
                lower[a, a] = np.sqrt(value)
            else:
                lower[a, b] = value / lower[b, b]
    for a in range(p):
        value = right[a]
        for c in range(a):
            value -= lower[a, c] * out[c]
        out[a] = value / lower[a, a]
    for a in range(p - 1, -1, -1):
        value = out[a]
        for c in range(a + 1, p):
            value -= lower[c, a] * out[c]
        out[a] = value / lower[a, a]
    return True


@compiled
def maximise(
    x: Floats,
    time: Floats,
    event: Flags,
    entry: Floats,
    by_entry: Whole,
    starts: Whole,
    weights: Floats,
    offset: Floats,
    efron: bool,
    limit: int,
    beta: Floats,
    score: Floats,
    information: Floats,
) -> tuple[int, float, float, float, int]:
    """Maximise the likelihood from ``beta`` by Newton's method with halved steps.

    Columns of ``x`` should have mean 0 and standard deviation about 1. Fills ``beta``, and
    ``score`` and ``information`` at it. Returns status, log likelihood at the start and at the
    end, score statistic at the start, and the number of steps.
    """
    p = beta.size
    step, new = np.zeros(p), np.empty(p)
    new_score, new_information = np.empty(p), np.empty((p, p))
    value = likelihood(
        x, time, event, entry, by_entry, starts, weights, offset, beta, efron, score, information
    )
    first, score_statistic = value, 0.0
    for iteration in range(limit):
        if not solve(information, score, step):
            return (
                (SINGULAR if iteration == 0 else MONOTONE),
                first,
                value,
                score_statistic,
                iteration,
            )
        decrement, longest = 0.0, 0.0
        for a in range(p):
            decrement += score[a] * step[a]
            longest = max(longest, abs(step[a]))
        if iteration == 0:
            score_statistic = decrement
        if decrement < _FLAT and longest > _LONG_STEP:
            return MONOTONE, first, value, score_statistic, iteration
        size = 1.0
        for _halving in range(30):
            for a in range(p):
                new[a] = beta[a] + size * step[a]
            new_value = likelihood(
                x, time, event, entry, by_entry, starts, weights, offset, new, efron,
                new_score, new_information,
            )  # fmt: skip
            usable = np.isfinite(new_value) and np.isfinite(new_information.sum())
            if usable and new_value >= value - 1e-9 * (1.0 + abs(value)):
                break
            size *= 0.5
        else:
            return NOT_CONVERGED, first, value, score_statistic, iteration
        beta[:] = new
        score[:] = new_score
        information[:] = new_information
        value = new_value
        if decrement < _TOLERANCE:
            return CONVERGED, first, value, score_statistic, iteration + 1
    return NOT_CONVERGED, first, value, score_statistic, limit


@compiled
def event_sums(
    x: Floats,
    time: Floats,
    event: Flags,
    entry: Floats,
    by_entry: Whole,
    starts: Whole,
    weights: Floats,
    offset: Floats,
    beta: Floats,
    efron: bool,
    wanted_information: bool,
) -> tuple[Any, ...]:
    """Sums at each distinct event time, strata in order, times decreasing within each.

    Returns
    -------
    stratum, day, deaths, total, at_risk : (m,)
        ``total`` is the weight of the events.
    hazard, own, spread : (m,)
        Increment of the baseline cumulative hazard, that which those with the event there are
        charged (Efron), and the increment of its variance.
    mean, mean_hazard, mean_own : (m, p)
        Mean covariate over the terms of the tie, and its products with ``hazard`` and ``own``.
    information : (m, p, p), or (0, p, p) unless wanted
    """
    n, p = x.shape
    eta, risk = np.empty(n), np.empty(n)
    highest = relative_risk(x, weights, offset, beta, eta, risk)
    scale = np.exp(-highest)
    m = 0
    for g in range(starts.size - 1):
        previous = np.nan
        for i in range(starts[g], starts[g + 1]):
            if event[i] and time[i] != previous:
                m += 1
                previous = time[i]
    stratum, deaths, at_risk = np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m, np.int64)
    day, total, hazard, own, spread = (
        np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m),
    )  # fmt: skip
    mean, mean_hazard, mean_own = np.zeros((m, p)), np.zeros((m, p)), np.zeros((m, p))
    information = np.zeros((m if wanted_information else 0, p, p))
    s1, s2, e1, e2 = np.zeros(p), np.zeros((p, p)), np.zeros(p), np.zeros((p, p))
    late = entry.size > 0
    at = 0
    for g in range(starts.size - 1):
        i, leaving, last = starts[g], starts[g], starts[g + 1]
        s0, present = 0.0, 0
        s1[:] = 0.0
        s2[:] = 0.0
        while i < last:
            now = time[i]
            while late and leaving < last and entry[by_entry[leaving]] >= now:
                j = by_entry[leaving]
                leaving += 1
                present -= 1
                s0 -= risk[j]
                for a in range(p):
                    s1[a] -= risk[j] * x[j, a]
                    for b in range(a + 1):
                        s2[a, b] -= risk[j] * x[j, a] * x[j, b]
            if present == 0:
                s0 = 0.0
                s1[:] = 0.0
                s2[:] = 0.0
            d, weight, e0 = 0, 0.0, 0.0
            e1[:] = 0.0
            e2[:] = 0.0
            while i < last and time[i] == now:
                present += 1
                s0 += risk[i]
                if event[i]:
                    d += 1
                    weight += weights[i]
                    e0 += risk[i]
                for a in range(p):
                    part = risk[i] * x[i, a]
                    s1[a] += part
                    if event[i]:
                        e1[a] += part
                    for b in range(a + 1):
                        s2[a, b] += part * x[i, b]
                        if event[i]:
                            e2[a, b] += part * x[i, b]
                i += 1
            if d == 0:
                continue
            stratum[at], day[at], deaths[at], total[at], at_risk[at] = g, now, d, weight, present
            share = weight / d
            for k in range(d):
                down = k / d if efron else 0.0
                inverse = 1.0 / (s0 - down * e0)
                increment = share * inverse * scale
                hazard[at] += increment
                own[at] += (1.0 - down) * increment
                spread[at] += increment * inverse * scale
                for a in range(p):
                    value = (s1[a] - down * e1[a]) * inverse
                    mean[at, a] += value / d
                    mean_hazard[at, a] += value * increment
                    mean_own[at, a] += (1.0 - down) * value * increment
                    if wanted_information:
                        for b in range(a + 1):
                            other = (s1[b] - down * e1[b]) * inverse
                            cell = (s2[a, b] - down * e2[a, b]) * inverse - value * other
                            information[at, a, b] += share * cell
                            if b < a:
                                information[at, b, a] += share * cell
            at += 1
    return (
        stratum, day, deaths, total, at_risk, hazard, own, spread, mean, mean_hazard, mean_own,
        information,
    )  # fmt: skip


@compiled
def penalty_score(
    x: Floats,
    time: Floats,
    event: Flags,
    entry: Floats,
    by_entry: Whole,
    starts: Whole,
    weights: Floats,
    offset: Floats,
    beta: Floats,
    efron: bool,
    inverse_information: Floats,
    out: Floats,
) -> None:
    """Fill ``out`` (p,) with the gradient of half the log determinant of the information."""
    n, p = x.shape
    eta, risk = np.empty(n), np.empty(n)
    relative_risk(x, weights, offset, beta, eta, risk)
    out[:] = 0.0
    # sums of r, r q, and for each covariate of r x, r q x; q = x' inverse_information x
    s, e = np.zeros((2, p + 1)), np.zeros((2, p + 1))
    s2, e2 = np.zeros((p, p)), np.zeros((p, p))
    row, mean, image = np.empty((2, p + 1)), np.empty(p), np.empty(p)
    late = entry.size > 0
    for g in range(starts.size - 1):
        i, leaving, last = starts[g], starts[g], starts[g + 1]
        s[:] = 0.0
        s2[:] = 0.0
        while i < last:
            now = time[i]
            while late and leaving < last and entry[by_entry[leaving]] >= now:
                j = by_entry[leaving]
                leaving += 1
                _moments(x[j], risk[j], inverse_information, row)
                s -= row
                for a in range(p):
                    for b in range(p):
                        s2[a, b] -= risk[j] * x[j, a] * x[j, b]
            d, weight = 0, 0.0
            e[:] = 0.0
            e2[:] = 0.0
            while i < last and time[i] == now:
                _moments(x[i], risk[i], inverse_information, row)
                s += row
                if event[i]:
                    d += 1
                    weight += weights[i]
                    e += row
                for a in range(p):
                    for b in range(p):
                        s2[a, b] += risk[i] * x[i, a] * x[i, b]
                        if event[i]:
                            e2[a, b] += risk[i] * x[i, a] * x[i, b]
                i += 1
            for k in range(d):
                down = k / d if efron else 0.0
                inverse = 1.0 / (s[0, p] - down * e[0, p])
                square = (s[1, p] - down * e[1, p]) * inverse
                length = 0.0
                for a in range(p):
                    mean[a] = (s[0, a] - down * e[0, a]) * inverse
                for a in range(p):
                    image[a] = 0.0
                    for b in range(p):
                        image[a] += inverse_information[a, b] * mean[b]
                    length += image[a] * mean[a]
                for c in range(p):
                    cell = (s[1, c] - down * e[1, c]) * inverse - mean[c] * square
                    for b in range(p):
                        cell -= 2.0 * (s2[c, b] - down * e2[c, b]) * inverse * image[b]
                    cell += 2.0 * mean[c] * length
                    out[c] += 0.5 * weight / d * cell


@compiled
def _moments(x: Floats, risk: float, inverse_information: Floats, out: Floats) -> None:
    p = x.size
    q = 0.0
    for a in range(p):
        for b in range(p):
            q += x[a] * inverse_information[a, b] * x[b]
    for a in range(p):
        out[0, a] = risk * x[a]
        out[1, a] = risk * q * x[a]
    out[0, p] = risk
    out[1, p] = risk * q


@compiled_parallel
def many_fits(
    time: Floats,
    event: Flags,
    x: Floats,
    efron: bool,
    limit: int,
    beta: Floats,
    variance: Floats,
    likelihoods: Floats,
    score_test: Floats,
    status: Whole,
) -> None:
    """Fit each replicate: ``time`` (r, n), ``event`` (r, n), ``x`` (r, n, p); fills the rest."""
    replicates, n = time.shape
    p = x.shape[2]
    for r in prange(replicates):
        order = np.argsort(-time[r])
        z, mean, deviation = np.empty((n, p)), np.zeros(p), np.zeros(p)
        days, happened = np.empty(n), np.empty(n, np.bool_)
        for k in range(n):
            days[k], happened[k] = time[r, order[k]], event[r, order[k]]
            for a in range(p):
                z[k, a] = x[r, order[k], a]
                mean[a] += z[k, a] / n
        for k in range(n):
            for a in range(p):
                z[k, a] -= mean[a]
                deviation[a] += z[k, a] ** 2 / n
        for a in range(p):
            deviation[a] = np.sqrt(deviation[a])
            if deviation[a] > 0.0:
                for k in range(n):
                    z[k, a] /= deviation[a]
        none, nothing = np.empty(0), np.empty(0, np.int64)
        starts = np.array([0, n])
        score, information, unit = np.empty(p), np.empty((p, p)), np.zeros(p)
        scaled = np.zeros(p)
        code, first, last, statistic, _steps = maximise(
            z, days, happened, none, nothing, starts, np.ones(n), np.zeros(n), efron, limit,
            scaled, score, information,
        )  # fmt: skip
        status[r] = code
        likelihoods[r, 0], likelihoods[r, 1], score_test[r] = first, last, statistic
        if code == SINGULAR:
            continue
        column = np.empty(p)
        for a in range(p):
            beta[r, a] = scaled[a] / deviation[a]
            unit[:] = 0.0
            unit[a] = 1.0
            if not solve(information, unit, column):
                break
            for b in range(p):
                variance[r, a, b] = column[b] / (deviation[a] * deviation[b])
