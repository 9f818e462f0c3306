"""MEDICC2's examples, published patients, alignment by hand, similarity, messages."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError, InputFileError, ParameterError
from marrowtrace.phylogeny.breakpoints import compare_breakpoints
from marrowtrace.phylogeny.copy_number_events import event_distance, event_distances
from marrowtrace.phylogeny.copy_number_similarity import compare_copy_numbers
from marrowtrace.phylogeny.copy_numbers import CopyNumbers, align
from marrowtrace.phylogeny.copy_numbers_file import read_copy_numbers

DATA = Path(__file__).parents[1] / "data" / "medicc2"


def pair(
    first: list[tuple[int, int]], second: list[tuple[int, int]], **more: object
) -> CopyNumbers:
    alleles = np.array([first, second]).transpose(2, 0, 1)
    size = len(first)
    return CopyNumbers(
        ("x", "y"), ("primary", "marrow"), ("1",) * size, np.arange(size) * 10,
        np.arange(1, size + 1) * 10, alleles.sum(axis=0), alleles, phased=True, **more,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["simple", "WGD"])
def test_distances_of_medicc2(name: str, tmp_path: Path):
    text = (DATA / f"{name}_example.tsv").read_text()
    if name == "simple":  # its table has a diploid that the input lacks
        rows = [line.split("\t") for line in text.splitlines() if line.startswith("taxon_1")]
        text += "".join("\t".join(["diploid", *row[1:4], "1", "1"]) + "\n" for row in rows)
    (tmp_path / "cn.tsv").write_text(text.replace("diploid", "normal"))
    found = event_distances(read_copy_numbers(tmp_path / "cn.tsv"))
    wanted = pl.read_csv(DATA / f"{name}_example_pairwise_distances.tsv", separator="\t")
    wanted = wanted.rename({"": "sample", "diploid": "normal"})
    for row in found.iter_rows(named=True):
        theirs = wanted.filter(pl.col("sample") == row["sample"].replace("normal", "diploid"))
        for other in found["sample"]:
            assert row[other] == theirs[other][0], (row["sample"], other)


def test_events_by_hand():
    same = [(1, 1)] * 4
    assert event_distance(pair(same, same), "x", "y") == 0
    gain = [(1, 1), (2, 1), (2, 1), (1, 1)]
    assert event_distance(pair(same, gain), "x", "y") == 1
    assert event_distance(pair(same, [(2, 2)] * 4), "x", "y") == 1
    assert event_distance(pair(same, [(2, 2)] * 4), "x", "y", doubling=False) == 2
    lost = [(1, 1), (0, 1), (1, 1), (0, 1)]
    assert event_distance(pair(same, lost), "x", "y") == 2
    assert event_distance(pair(lost, same), "x", "y") == 2


def steps_from(start: tuple[int, ...], highest: int) -> dict[tuple[int, ...], int]:
    """Fewest events from a state, by trying all: last copies first, then other losses and gains."""
    size = len(start)
    runs = [range(i, j) for i in range(size) for j in range(i + 1, size + 1)]
    first = {start: 0}
    queue = [start]
    for state in queue:
        for run in runs:
            if all(state[i] <= 1 for i in run):
                new = tuple(0 if i in run else v for i, v in enumerate(state))
                if new not in first:
                    first[new] = first[state] + 1
                    queue.append(new)
    best = dict(first)
    queue = sorted(best, key=lambda s: best[s])
    while queue:
        state = min(queue, key=lambda s: best[s])
        queue.remove(state)
        for run, step in itertools.product(runs, (1, -1)):
            new = tuple(v + step if i in run and v else v for i, v in enumerate(state))
            kept = all((a == 0) == (b == 0) for a, b in zip(state, new, strict=True))
            if kept and max(new) <= highest and best.get(new, 99) > best[state] + 1:
                best[new] = best[state] + 1
                queue.append(new)
    return best


def test_events_equal_trying_all_of_them():
    """Three segments, copies up to 2: every pair of states, ancestors up to 3 copies."""
    states = list(itertools.product(range(3), repeat=3))
    from_all = [steps_from(z, 3) for z in itertools.product(range(4), repeat=3)]
    rng = np.random.default_rng(9)
    for i, j in rng.integers(0, len(states), (60, 2)):
        x, y = states[i], states[j]
        wanted = min(d[x] + d[y] for d in from_all if x in d and y in d)
        copies = pair([(v, 1) for v in x], [(v, 1) for v in y])
        assert event_distance(copies, "x", "y", doubling=False) == wanted, (x, y)


def samples(copies: CopyNumbers) -> dict[str, str]:
    return {name.split("_")[1][:4]: name for name in copies.samples}


def test_a22_marrow_against_other_sites():
    copies = read_copy_numbers(DATA / "PTX008.tsv.gz")
    found, name = compare_copy_numbers(copies), samples(copies)
    shares = [found.pair(name["A22A"], name[other]).identical for other in ("A22C", "A22E", "A22J")]
    assert shares == pytest.approx([0.69, 0.90, 0.85], abs=0.006)


def test_a31_needs_its_ploidy_heeded():
    """Primary fitted at 1.58 and metastases at 3.4-3.6: the states agree only after doubling."""
    copies = read_copy_numbers(DATA / "PTX011.tsv.gz")
    found, name = compare_copy_numbers(copies), samples(copies)
    primary = name.pop("A31C")
    pairs = [found.pair(primary, other) for other in name.values()]
    assert all(p.identical < 0.01 and p.doubled == primary for p in pairs)
    scaled = sorted(p.identical_scaled for p in pairs)
    assert (scaled[0], scaled[-1]) == pytest.approx((0.38, 0.56), abs=0.005)
    assert [p.loh_agreement for p in pairs] == pytest.approx([0.62] * 4, abs=0.001)
    assert all("lost alleles are not regained" in " ".join(p.remarks) for p in pairs)
    assert all("or a wrong fit of the ploidy" in p.remarks[0] for p in pairs)
    assert copies.ploidy[copies.position(primary)] == pytest.approx(1.58, abs=0.005)


def test_similarity_by_hand():
    first = [(1, 1), (2, 1), (1, 0), (1, 1)]
    second = [(1, 1), (1, 2), (1, 1), (1, 1)]
    found = compare_copy_numbers(pair(first, second)).pair("x", "y")
    assert (found.identical, found.identical_unphased, found.identical_scaled) == (0.5, 0.75, 0.5)
    assert found.identical_altered == 0.0
    assert (found.loh_agreement, found.loh_first_only, found.loh_second_only) == (0.75, 0.25, 0.0)
    doubled = [(2 * a, 2 * b) for a, b in first]
    found = compare_copy_numbers(pair(first, doubled)).pair("y", "x")
    assert (found.identical, found.identical_scaled, found.doubled) == (0.0, 1.0, "x")
    assert found.breakpoints.jaccard == 1.0
    table = compare_copy_numbers(pair(first, second)).table()
    assert table["breakpoint_jaccard"].len() == 1
    text = json.dumps(compare_copy_numbers(pair(first, second)).to_json(), allow_nan=False)
    assert "identical_unphased" in text


def test_breakpoints_within_a_tolerance():
    copies = align(
        {
            "x": [("1", 0, 100, 1, 1), ("1", 100, 200, 2, 1), ("2", 0, 50, 3, 1)],
            "y": [("1", 0, 104, 1, 1), ("1", 104, 200, 3, 1), ("2", 0, 50, 1, 1)],
        },
        {"x": "p", "y": "m"},
        alleles=True,
    )
    assert compare_breakpoints(copies, 0, 1).shared == 0
    near = compare_breakpoints(copies, 0, 1, tolerance=5)
    assert (near.first, near.second, near.shared, near.jaccard) == (1, 1, 1, 1.0)
    with pytest.raises(ParameterError, match="-1 bp is not possible"):
        compare_breakpoints(copies, 0, 1, tolerance=-1)


def test_alignment_keeps_gaps_missing():
    copies = align(
        {"x": [("1", 0, 10, 2, 0)], "y": [("1", 5, 20, 3, 0)]}, {"x": "p", "y": "m"}, alleles=False
    )
    assert copies.total.tolist() == [[2, 2, -1], [-1, 3, 3]]
    with pytest.raises(CohortError, match=r"sample 'x', 1:5-20: overlaps .* ends 10"):
        align({"x": [("1", 0, 10, 2, 0), ("1", 5, 20, 2, 0)], "y": []}, {"x": "p", "y": "m"},
              alleles=False)  # fmt: skip


def test_seg_files(tmp_path: Path):
    head = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\n"
    rows = "a\tchr1\t0\t100\t5\t0.0\na\tchr1\t100\t200\t5\t0.58\nb\t1\t0\t200\t9\t-1.0\n"
    (tmp_path / "s.seg").write_text(head + rows)
    found = read_copy_numbers(tmp_path / "s.seg", sites={"a": "primary", "b": "marrow"})
    assert found.total.tolist() == [[2, 3], [1, 1]]
    assert (found.alleles, found.sites) == (None, ("primary", "marrow"))
    assert np.isnan(compare_copy_numbers(found).pairs[0].loh_agreement)
    with pytest.raises(CohortError, match="these copy numbers are totals only"):
        event_distance(found, "a", "b")


def test_major_and_minor(tmp_path: Path):
    (tmp_path / "s.tsv").write_text(
        "sample,chr,startpos,endpos,nMajor,nMinor\na,1,0,9,1,2\nb,1,0,9,2,1\n"
    )
    found = read_copy_numbers(tmp_path / "s.tsv")
    assert found.alleles is not None
    assert found.alleles[:, :, 0].tolist() == [[2, 2], [1, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample\tstart\tend\tcn\na\t0\t9\t1\n", "no column 'chrom'"),
        ("sample\tchrom\tstart\tend\tcn_a\tcn_b\na\t1\t9\t0\t1\t1\nb\t1\t0\t9\t-1\t1\n",
         "(?s)line 2: the segment 9-0 ends before it starts.*line 3: has -1 copies; allowed"),
        ("sample\tchrom\tstart\tend\tcn\na\t1\t0\tx\t1\n", "line 2, end: 'x' is not a number"),
        ("sample\tchrom\tstart\tend\tcn_a\tcn_b\na\t1\t0\t9\t1.5\t1\n", "cn_a is 1.5; wanted"),
        ("sample\tchrom\tstart\tend\tseg.mean\na\t1\t0\t9\t99\n", "99 is neither copies"),
        ("sample\tchrom\tstart\tend\tcn\na\t1\t0\t9\t1\n", "there is 1; a comparison needs"),
        ("sample\tchrom\tstart\tend\tcn\n", "rows: there is none under the header"),
    ],
)  # fmt: skip
def test_files_that_are_refused(tmp_path: Path, text: str, message: str):
    (tmp_path / "s.tsv").write_text(text)
    with pytest.raises(InputFileError, match=message):
        read_copy_numbers(tmp_path / "s.tsv")


def test_sites_that_are_missing(tmp_path: Path):
    (tmp_path / "s.tsv").write_text("sample\tchrom\tstart\tend\tcn\na\t1\t0\t9\t1\nb\t1\t0\t9\t1\n")
    with pytest.raises(InputFileError, match="'b': has no site"):
        read_copy_numbers(tmp_path / "s.tsv", sites={"a": "primary"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"total": np.array([[2000], [1]])}, "total: holds 2000; allowed: 0 to 1000"),
        ({"total": np.array([[-1], [-1]])}, "every value is missing"),
        ({"end": np.array([0])}, "ends before it starts"),
        ({"samples": ("a", "a")}, r"1 name\(s\) stand more than once: 'a'"),
        ({"sites": ("p",)}, "there are 1 for 2 samples"),
        ({"total": np.array([[1]])}, r"has shape \(1, 1\); wanted \(2, 1\)"),
        ({"alleles": np.array([[[1], [1]], [[1], [1]]])}, "do not add up to the total"),
    ],
)
def test_impossible_copy_numbers(change: dict[str, object], message: str):
    good = {
        "samples": ("a", "b"), "sites": ("p", "m"), "chromosomes": ("1",), "start": np.array([0]),
        "end": np.array([9]), "total": np.array([[2], [3]]),
    }  # fmt: skip
    with pytest.raises(CohortError, match=message):
        CopyNumbers(**{**good, **change})


def test_too_many_copies_for_events():
    with pytest.raises(CohortError, match="has 9 copies of an allele; events are counted up to 8"):
        event_distance(pair([(9, 1)], [(1, 1)]), "x", "y")
    with pytest.raises(CohortError, match="there is no sample 'z'"):
        event_distance(pair([(1, 1)], [(1, 1)]), "x", "z")
