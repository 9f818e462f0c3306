from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.processes import mutation
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, mean_pvalue
from tests.processes.replicates import SEED, replicates

BIRTH, DEATH = 0.3, 0.15


def divisions_of_cells(generator, birth, death, time):
    """Divisions behind each living cell of a clone grown event by event from one cell."""
    cells, now = [0], 0.0
    while cells:
        now += generator.exponential(1.0 / ((birth + death) * len(cells)))
        if now > time:
            break
        k = generator.integers(len(cells))
        if generator.random() * (birth + death) < birth:
            cells[k] += 1
            cells.append(cells[k])
        else:
            cells[k] = cells[-1]
            cells.pop()
    return cells


def test_a_random_line_divides_twice_as_fast_as_a_cell():
    """Summed over clones, cells with k divisions are in the ratio of the Poisson law of 2 b t."""
    generator = np.random.default_rng(SEED)
    time, clones, bins = 6.0, 4_000, 12
    expected = np.exp((BIRTH - DEATH) * time) * stats.poisson.pmf(
        np.arange(bins), mutation.line_divisions(BIRTH, time)
    )
    seen = np.zeros((clones, bins))
    for k in range(clones):
        found = np.bincount(divisions_of_cells(generator, BIRTH, DEATH, time), minlength=bins)
        seen[k] = found[:bins]
    z = (seen.mean(axis=0) - expected) / (seen.std(axis=0) / np.sqrt(clones))
    assert_family({f"{k} divisions": 2 * stats.norm.sf(abs(z[k])) for k in range(bins - 2)})
    halved = np.exp((BIRTH - DEATH) * time) * stats.poisson.pmf(np.arange(bins), BIRTH * time)
    wrong = (seen.mean(axis=0) - halved) / (seen.std(axis=0) / np.sqrt(clones))
    assert 2 * stats.norm.sf(np.abs(wrong).max()) < ALPHA


def trunk_divisions(generator, birth, death, size):
    """Divisions from the founder to the last common ancestor of a clone of ``size``, or None."""
    parents, depth, cells = [-1], [0], [0]
    while 0 < len(cells) < size:
        k = generator.integers(len(cells))
        if generator.random() * (birth + death) < birth:
            mother = cells[k]
            cells[k] = len(parents)
            cells.append(len(parents) + 1)
            parents += [mother, mother]
            depth += [depth[mother] + 1] * 2
        else:
            cells[k] = cells[-1]
            cells.pop()
    if not cells:
        return None
    living = set(cells)
    while len(living) > 1:
        oldest = max(living)
        living.remove(oldest)
        living.add(parents[oldest])
    return depth[living.pop()]


def test_trunk_follows_the_law_of_the_first_lasting_split():
    generator = np.random.default_rng(SEED)
    birth, death = 0.3, 0.12
    found = [trunk_divisions(generator, birth, death, 150) for _ in range(2_500)]
    divisions = np.array([k for k in found if k is not None])
    q = death / birth
    more = 2 * q / (1 + q)
    geometric = (1 - more) * more ** np.arange(25)
    draws = replicates(mutation.draw_trunk, 0.8, birth, death, 1.5)
    law = mutation.trunk_pmf(40, 0.8, birth, death, founder=1.5)
    counts = np.arange(200)
    whole = mutation.trunk_pmf(199, 0.8, birth, death, founder=1.5)
    mean = mutation.trunk_mean(0.8, birth, death, founder=1.5)
    assert (counts * whole).sum() == pytest.approx(mean)
    variance = ((counts - mean) ** 2 * whole).sum()
    assert_family(
        {
            "tree": chi2_pvalue(divisions, geometric),
            "trunk": chi2_pvalue(draws, law),
            "mean": mean_pvalue(draws, mean, variance),
        }
    )
    wrong = q / (1 + q)  # one daughter's doom counted once
    assert chi2_pvalue(divisions, (1 - wrong) * wrong ** np.arange(25)) < ALPHA
    assert chi2_pvalue(draws, mutation.trunk_pmf(40, 1.0, birth, death, founder=1.5)) < ALPHA


def test_mutations_along_a_line_are_poisson():
    draws = replicates(mutation.draw_along_line, 0.02, BIRTH, 400.0)
    law = stats.poisson.pmf(np.arange(30), 0.02 * 2 * BIRTH * 400.0)
    assert_family({"line": chi2_pvalue(draws, law)})


def test_limits():
    assert (replicates(mutation.draw_along_line, 0.02, BIRTH, 0.0, count=20) == 0.0).all()
    assert (replicates(mutation.draw_along_line, 0.02, 0.0, 99.0, count=20) == 0.0).all()  # asleep
    assert mutation.line_divisions(BIRTH, -1.0) == 0.0
    assert replicates(mutation.draw_trunk, 1.0, 0.1, 0.2, 0.0, count=1)[0] == np.inf
    assert (replicates(mutation.draw_trunk, 1.0, 0.1, 0.0, 0.0, count=20) == 0.0).all()
    assert mutation.trunk_pmf(2, 1.0, 0.1, 0.0).tolist() == [1.0, 0.0, 0.0]


def test_early_departure_is_parallel_and_less_similar():
    sweep, end = 1_000.0, 3_000.0
    assert mutation.route(999.0, sweep) == mutation.PARALLEL
    assert mutation.route(1_000.0, sweep) == mutation.LINEAR
    assert mutation.shared_time(400.0, sweep, end) == 400.0
    assert mutation.shared_time(2_500.0, sweep, end) == sweep
    assert mutation.shared_time(-5.0, sweep, end) == 0.0
    early = mutation.similarity(4.0, 26.0, 10.0)
    late = mutation.similarity(10.0, 20.0, 4.0)
    assert early == pytest.approx(0.1)
    assert early < late
    assert mutation.found_share(9.0, 3.0) == 0.75
    assert mutation.similarity(0.0, 0.0, 0.0) == 1.0
    assert mutation.found_share(0.0, 0.0) == 1.0
    assert len(mutation.ROUTES) == 2
