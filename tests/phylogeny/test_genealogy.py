import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.deme import Deme
from marrowtrace.phylogeny.genealogy import SampledCells, draw_genealogy
from tests.goodness_of_fit import assert_family, ks_pvalue

BIRTH, GROWTH, AGE = 0.4, 0.1, 80.0
STEADY = Deme("a", "primary", "", np.array([-1e5, 0.0]), np.array([50.0, 50.0]), np.array([BIRTH]))
GROWING = Deme(
    "a", "primary", "", np.array([0.0, AGE]), np.array([1.0, np.exp(GROWTH * AGE)]),
    np.array([BIRTH]),
)  # fmt: skip


def meetings(deme: Deme, day: float, lines: int = 2, number: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.array([deme.last_meeting(rng, lines, day) for _ in range(number)])


def test_two_lines_meet_at_the_exact_law():
    steady = -meetings(STEADY, 0.0)
    three = -meetings(STEADY, 0.0, lines=3)
    grown = meetings(GROWING, AGE)

    def law(day):
        """P(met at or before day, going back): no meeting on the way to it."""
        passed = (1 - np.exp(-GROWTH * day)) / (1 - np.exp(-GROWTH * AGE))
        return passed ** (2 * BIRTH / GROWTH)

    rate = 2 * BIRTH / 49
    assert_family(
        {
            "steady": ks_pvalue(steady, stats.expon(scale=1 / rate).cdf),
            "three lines": ks_pvalue(three, stats.expon(scale=1 / (3 * rate)).cdf),
            "growing": ks_pvalue(grown, law),
        }
    )
    assert ks_pvalue(steady, stats.expon(scale=1.15 / rate).cdf) < 1e-3


def forward(rng, size: int, birth: float, days: float) -> int:
    """Moran's model, event by event: number of cells of day 0 with descendants among three."""
    ancestor = np.arange(size)
    for _ in range(rng.poisson(birth * size * days)):
        mother, dead = rng.choice(size, 2, replace=False)
        ancestor[dead] = ancestor[mother]
    return np.unique(rng.choice(ancestor, 3, replace=False)).size


def test_lines_left_agree_with_a_population_followed_forwards():
    rng = np.random.default_rng(3)
    size, birth, days, number = 8, 0.5, 4.0, 2000
    ahead = np.bincount([forward(rng, size, birth, days) for _ in range(number)], minlength=4)
    deme = Deme("a", "x", "", np.array([-1e4, 0.0]), np.full(2, float(size)), np.array([birth]))
    back = np.zeros(4, int)
    for _ in range(number):
        lines, day = 3, 0.0
        while lines > 1 and (day := deme.last_meeting(rng, lines, day)) > -days:
            lines -= 1
        back[lines] += 1
    assert_family({"lines": stats.chi2_contingency([ahead[1:], back[1:]]).pvalue})


def two_clones(early: bool):
    first = Deme("old", "primary", "", np.array([0.0, 900.0]), np.array([1.0, 1e8]),
                 np.array([0.1]))  # fmt: skip
    sweep = Deme("new", "primary", "old", np.array([500.0, 900.0]), np.array([1.0, 1e6]),
                 np.array([0.1]))  # fmt: skip
    left = 300.0 if early else 700.0
    marrow = Deme("marrow", "bone_marrow", "old" if early else "new",
                  np.array([left, 800.0, 900.0]), np.array([1.0, 1.0, 500.0]),
                  np.array([0.0, 0.2]))  # fmt: skip
    return [first, sweep, marrow]


TAKEN = [
    SampledCells(deme="new", day=900.0, cells=8),
    SampledCells(deme="marrow", day=900.0, cells=5),
    SampledCells(deme="new", day=880.0, cells=2, site="blood"),
]


@pytest.mark.parametrize("early", [True, False])
def test_a_lineage_lacks_the_trunk_only_if_it_left_early(early):
    rng = np.random.default_rng(2)
    found = draw_genealogy(rng, two_clones(early), TAKEN, mutations_per_division=0.5, origin=10)
    assert found.sites == ("primary",) * 8 + ("bone_marrow",) * 5 + ("blood",) * 2
    assert len(set(found.names)) == 15
    genotype = found.genotype
    primary = np.array(found.sites) != "bone_marrow"
    trunk = genotype[primary].all(axis=0)
    lacking = trunk & ~genotype[~primary].any(axis=0)
    assert (lacking.sum() > 10) == early
    assert genotype.all(axis=0).sum() >= 3
    moves = {(row["source"], row["target"]): row for row in found.migrations().to_dicts()}
    assert moves["old", "new"]["day"] == pytest.approx(500.0)
    assert moves["old" if early else "new", "marrow"]["lines"] == 1
    trees = found.trees
    assert trees.num_trees == 1
    assert trees.num_samples == 15
    assert {p.metadata["site"] for p in trees.populations()} == {"primary", "bone_marrow"}


def test_mutations_of_a_line_are_poisson_with_the_divisions_of_its_demes():
    """One cell: 2 b mu a day while awake, none asleep."""
    rng = np.random.default_rng(9)
    demes = two_clones(early=True)
    one = [SampledCells(deme="marrow", day=900.0, cells=1)]
    counts = [
        draw_genealogy(rng, demes, one, mutations_per_division=0.2).trees.num_mutations
        for _ in range(400)
    ]
    mean = 0.2 * 2 * (0.1 * 300 + 0.2 * 100)
    z = (np.mean(counts) - mean) / np.sqrt(mean / 400)
    assert abs(z) < 3.3
    assert np.var(counts) / mean == pytest.approx(1.0, abs=0.25)
    assert demes[2].divisions(300.0, 900.0) == pytest.approx(40.0)


def test_no_more_lines_than_founders_leave_a_lesion():
    cluster = Deme("marrow", "bone_marrow", "old", np.array([300.0, 900.0]), np.array([3.0, 1e6]),
                   np.array([0.05]))  # fmt: skip
    samples = [SampledCells(deme="marrow", day=900.0, cells=30)]
    lines = [
        draw_genealogy(np.random.default_rng(seed), [two_clones(True)[0], cluster], samples,
                       mutations_per_division=0.0).migrations()["lines"].sum()
        for seed in range(30)
    ]  # fmt: skip
    assert max(lines) <= 3
    assert max(lines) > 1


def test_same_seed_same_genealogy():
    one, other = (
        draw_genealogy(np.random.default_rng(1), two_clones(True), TAKEN,
                       mutations_per_division=0.1)
        for _ in range(2)
    )  # fmt: skip
    np.testing.assert_array_equal(one.genotype, other.genotype)


def test_demes_that_cannot_be():
    with pytest.raises(CohortError, match="3 problems in the deme 'a'") as caught:
        Deme("a", "x", "", np.array([1.0, 0.0]), np.array([0.5, 2.0]), np.array([-1.0]))
    assert "days: must rise" in str(caught.value)
    with pytest.raises(CohortError, match="two or more finite days"):
        Deme("a", "x", "", np.array([1.0]), np.array([1.0]), np.array([]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, s: (d[1:], s), "its source 'old' does not exist"),
        (lambda d, s: ([d[0], *d], s), "a name stands more than once"),
        (lambda d, s: (d, []), "samples: there are none"),
        (lambda d, s: (d, [SampledCells(deme="mrrow", day=900, cells=1)]),
         "'mrrow' does not exist; did you mean 'marrow'"),
        (lambda d, s: (d, [SampledCells(deme="new", day=9000, cells=0)]),
         "day 9000 of 'new' is not after day 500"),
    ],
)  # fmt: skip
def test_histories_that_cannot_be(change, message):
    demes, samples = change(two_clones(True), TAKEN)
    with pytest.raises(CohortError, match=message):
        draw_genealogy(np.random.default_rng(0), demes, samples, mutations_per_division=0.1)


def test_a_deme_older_than_its_source():
    first, _, _ = two_clones(True)
    late = Deme("b", "x", "old", np.array([950.0, 990.0]), np.array([1.0, 2.0]), np.array([0.1]))
    with pytest.raises(CohortError, match="founded on day 950, when its source 'old' did not"):
        draw_genealogy(
            np.random.default_rng(0), [first, late], TAKEN[:0], mutations_per_division=-1
        )
