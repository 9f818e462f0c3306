from dataclasses import replace

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.cell_tree import infer_cell_tree
from marrowtrace.phylogeny.departure import Departure
from marrowtrace.phylogeny.sample_mutations import SampleMutations
from marrowtrace.phylogeny.verdict import support_of, verdict_of_cells, verdict_of_samples
from tests.phylogeny.made_patients import patient


def judged(cells, seed=0, primary="primary", **options):
    rng = np.random.default_rng(seed)
    return verdict_of_cells(infer_cell_tree(cells, rng, restarts=1), primary, rng, **options)


def evidence(late: float, early: float) -> Departure:
    return Departure(late, early, 10.0, 1.0, 0.5, 0.1, 0.9)


def test_support_of_one_lineage_and_of_several():
    one = support_of((evidence(np.log(3.0), 0.0),))
    assert one == pytest.approx({"linear": 0.75, "parallel": 0.25, "mixed": 0.0})
    two = support_of((evidence(np.log(3.0), 0.0), evidence(0.0, np.log(3.0))))
    weights = np.array([0.45 * 3, 0.45 * 3, 0.1 * (9 + 1) / 2])
    assert list(two.values()) == pytest.approx(list(weights / weights.sum()))


def test_reliability():
    """Of the verdicts given with a support of 0.9 or more, about 0.9 or more are right."""
    rng = np.random.default_rng(17)
    right, given, decided = 0, 0, {"linear": 0, "parallel": 0}
    for number in range(60):
        mode = ("linear", "parallel")[number % 2]
        cells = patient(
            rng, (mode,), primary=int(rng.integers(6, 30)), marrow=int(rng.integers(3, 20)),
            trunk=float(rng.choice([6, 15, 30])), false_negative=float(rng.choice([0.1, 0.3])),
        )  # fmt: skip
        found = judged(cells, number)
        if found.verdict != "undetermined":
            given += 1
            right += found.verdict == mode
            decided[mode] += found.verdict == mode
    assert given >= 35
    assert right / given >= 0.9
    assert min(decided.values()) >= 12


def test_relabelled_sites_give_no_verdict():
    rng = np.random.default_rng(5)
    undetermined = 0
    for number in range(12):
        cells = patient(rng, (("linear", "parallel")[number % 2],), trunk=25)
        shuffled = replace(cells, sites=tuple(rng.permutation(np.array(cells.sites)).tolist()))
        undetermined += judged(shuffled, number).verdict == "undetermined"
    assert undetermined >= 10


def test_primary_that_was_not_sampled():
    cells = patient(np.random.default_rng(1), ("parallel",))
    marrow = cells.select(np.array(cells.sites) == "bone_marrow")
    found = judged(marrow, primary="unknown")
    assert found.verdict == "undetermined"
    assert "without the primary" in found.reasons[0]
    assert sum(found.support.values()) == pytest.approx(1.0)


def test_one_primary_cell_is_no_trunk():
    cells = patient(np.random.default_rng(2), ("parallel",), primary=2)
    few = cells.select(np.arange(1, len(cells)))
    assert "one cell of 'primary'" in judged(few).reasons[0]


def bulk(lacking: int, trunk: int = 30, depth: int = 200, pieces: int = 6) -> SampleMutations:
    """Samples of the primary and one of marrow, which lacks some of the trunk."""
    rng = np.random.default_rng(lacking)
    total = np.full((pieces + 1, trunk), depth)
    share = np.full(total.shape, 0.35)
    share[-1, :lacking] = 0.004
    names = tuple(f"p{i}" for i in range(pieces))
    return SampleMutations(
        (*names, "b"), ("primary",) * pieces + ("bone_marrow",),
        tuple(f"m{j}" for j in range(trunk)), alternative=rng.binomial(total, share), total=total,
        purity=np.full(pieces + 1, 0.7),
    )  # fmt: skip


def test_bulk_samples():
    assert verdict_of_samples(bulk(0), "primary").verdict == "linear"
    early = verdict_of_samples(bulk(15), "primary")
    assert early.verdict == "parallel"
    assert early.lineages[0].departure.lacking == pytest.approx(15, abs=1.0)
    assert verdict_of_samples(bulk(0, trunk=2), "primary").verdict == "undetermined"
    assert early.to_json()["lineages"][0]["sites"] == "bone_marrow"


def test_a_primary_that_only_its_label_tells_apart():
    alike = verdict_of_samples(bulk(0), "primary")
    assert "rests on its label: " not in alike.reasons[-1] or "1 of 1" in alike.reasons[-1]
    marrow_has_more = replace(bulk(0, trunk=45), purity=None)
    reads = np.array(marrow_has_more.alternative)
    reads[:-1, 30:] = 0
    own = replace(marrow_has_more, alternative=reads)
    found = verdict_of_samples(own, "primary")
    assert found.verdict == "linear"
    assert "no other site would pass for the primary" in found.reasons[-1]


def test_one_piece_of_the_primary_cannot_show_an_early_departure():
    found = verdict_of_samples(bulk(15, pieces=1), "primary")
    assert found.verdict == "undetermined"
    assert "given a probability of 0.83" in " ".join(found.reasons)


def test_purity_that_is_not_known():
    """The likeliest purity, or the published fractions, tell the trunk without it."""
    given = bulk(15)
    guessed = verdict_of_samples(replace(given, purity=None), "primary")
    assert guessed.verdict == "parallel"
    fractions = np.ones((len(given), len(given.mutations)))
    fractions[-1, :15] = 0.0
    told = verdict_of_samples(replace(given, purity=None, ccf=fractions), "primary")
    assert told.verdict == "parallel"
    alone = replace(given, purity=None, ccf=fractions, alternative=None, total=None)
    assert verdict_of_samples(alone, "primary").verdict == "parallel"


def test_sites_that_share_what_the_primary_lacks_are_one_lineage():
    rng = np.random.default_rng(1)
    total = np.full((4, 16), 200)
    share = np.full(total.shape, 0.4)
    share[0, 10:] = 0.0
    share[3, 10:] = 0.0
    samples = SampleMutations(
        ("p", "a", "b", "c"), ("primary", "bone_marrow", "liver", "lung"),
        tuple(f"m{j}" for j in range(16)), alternative=rng.binomial(total, share), total=total,
        purity=np.full(4, 0.8),
    )  # fmt: skip
    found = verdict_of_samples(samples, "primary")
    assert [each.sites for each in found.lineages] == [("bone_marrow", "liver"), ("lung",)]


def test_what_cannot_be_judged():
    with pytest.raises(CohortError, match=r"no cell or sample is of site 'primry'.*did you mean"):
        verdict_of_samples(bulk(0), "primry")
    with pytest.raises(CohortError, match="threshold: 1"):
        verdict_of_samples(bulk(0), "primary", threshold=1.0)
    one_site = replace(bulk(0), sites=("primary",) * 7)
    with pytest.raises(CohortError, match="needs cells or samples from elsewhere"):
        verdict_of_samples(one_site, "primary")
